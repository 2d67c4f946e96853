"""Values of the built-in trainer's config that are valid but hardly meant."""

from typing import Any

import pytest

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.config_warnings import config_warnings


def warnings(**sections: Any) -> list[str]:
    config = RetrievalConfig.model_validate({"schedule": {"steps": 10, "milestones": [5]}, **sections})
    return list(config_warnings(config.model_dump()))


def schedule(**values: Any) -> dict[str, Any]:
    return {"schedule": {"steps": 10, "milestones": [5], **values}}


@pytest.mark.parametrize(
    ("sections", "warning"),
    [
        (schedule(milestones=[8, 3]), "milestones [8, 3] do not increase"),
        (schedule(milestones=[5, 5]), "milestones [5, 5] do not increase"),
        (schedule(milestones=[0]), "a milestone of 0"),
        (schedule(milestones=[5, 10, 12]), "milestones [10, 12] are never reached"),
        (schedule(gamma=10.0), "schedule.gamma is 10: the learning rate rises"),
        (schedule(lr=100.0), "schedule.lr is 100, so large"),
        (schedule(weight_decay=5.0), "schedule.weight_decay is 5, so large"),
        (schedule(warmup_steps=11), "a warm-up of 11 steps outlasts the 10 steps"),
        ({"loss": {"label_smoothing": 0.9}}, "more than half of the target"),
        ({"augment": {"random_erasing": {"p": 0.0}}}, "augment.random_erasing erases nothing"),
        ({"augment": {"random_erasing": {"area": [0.0, 0.0]}}}, "augment.random_erasing erases nothing"),
        ({"evaluate": {"rerank": {"k1": 6, "k2": 20}}}, "evaluate.rerank.k2, 20, is larger than k1, 6"),
        ({"evaluate": {"rerank": {"weight": 1.0}}}, "re-ranking changes nothing"),
    ],
)
def test_values_that_are_hardly_meant_have_a_warning(sections: dict[str, Any], warning: str) -> None:
    (found,) = warnings(**sections)
    assert warning in found


@pytest.mark.parametrize(
    "sections",
    [
        {},
        schedule(decay="cosine", milestones=[8, 3, 99], gamma=10.0),
        schedule(steps=0, milestones=[], lr=100.0),
        {"augment": {"random_erasing": {"p": 0.5}}, "evaluate": {"rerank": {}}},
    ],
)
def test_usual_values_have_none(sections: dict[str, Any]) -> None:
    assert warnings(**sections) == []
