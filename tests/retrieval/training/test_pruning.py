"""A training that is looked at on its way: its bits are those of one that is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.measurement import Interim, Result
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import SPLITS, USER, Dataset
from ablate.retrieval.training.pruning import part_ends
from ablate.retrieval.training.trainer import train_on
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import Progress, Pruned
from ablate.trainers.rank_results import ranks_of
from tests.support.retrieval.small_training import DEVICES, Configure, ranks, silent, weights, with_small


def watched(
    dataset: Dataset,
    config: RetrievalConfig,
    folder: Path,
    ends: int = 0,
    progress: Callable[[Progress], None] = silent,
) -> tuple[list[Interim], list[Result] | None]:
    """What a judge is shown who ends it after a part, or never; and the outcome, None where it was ended."""
    shown: list[Interim] = []

    def judge(now: Interim) -> bool:
        shown.append(now)
        return round(10 * now.fraction) != ends

    try:
        return shown, train_on(dataset, [config], 0, progress, Checkpoints(folder, "key"), judge)
    except Pruned:
        return shown, None


CHANGES: list[dict[str, Any]] = [
    {},
    {"amp": "none", "schedule": {"optimizer": "adamw", "decay": "cosine", "warmup_steps": 3}},
    {"model": {"bn_grouping": "fused"}, "evaluate": {"neck": "after"}},
    {"evaluate": {"flip": True, "whitening": {"dimensions": 8}, "rerank": {"k1": 2, "k2": 1}}},
    {"model": {"backbone": "timm/test_efficientnet", "last_stride": 2}, "runtime": {"checkpoint_seconds": 1e9}},
    {"model": {"backbone": "timm/test_vit", "last_stride": 2}, "augment": {"random_erasing": {"p": 0.5}}},
]


@pytest.mark.network
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("change", CHANGES, ids=["log", "adamw", "neck", "settings", "rarely saved", "vit"])
def test_looking_changes_no_bit(
    dataset: Dataset, configure: Configure, tmp_path: Path, change: dict[str, Any], device: str
) -> None:
    runtime = {**change.get("runtime", {}), "device": device}
    config = with_small(configure, change | {"runtime": runtime}, steps=12)
    alone = train_on(dataset, [config], 0, silent, Checkpoints(tmp_path / "alone", "key"))
    state = torch.get_rng_state()
    shown, outcome = watched(dataset, config, tmp_path / "watched")
    assert outcome is not None
    assert [round(10 * now.fraction) for now in shown] == list(range(1, 10))
    assert torch.equal(torch.get_rng_state(), state)
    assert ranks(outcome) == ranks(alone)
    assert outcome[0].curve == alone[0].curve
    assert weights(Checkpoints(tmp_path / "watched", "key")) == weights(Checkpoints(tmp_path / "alone", "key"))


@pytest.mark.network
def test_what_is_shown_is_what_a_training_of_so_many_steps_would_find(
    dataset: Dataset, configure: Configure, tmp_path: Path
) -> None:
    """With a rate that does not decay, a training of 6 steps is the first half of one of 12."""
    constant = {"schedule": {"milestones": [], "warmup_steps": 0}, "evaluate": {"scope": "all"}}
    shown, _ = watched(dataset, with_small(configure, constant, steps=12), tmp_path)
    half = train_on(dataset, [with_small(configure, constant, steps=6)], 0, silent)
    found = ranks_of(half[0], "validation")
    (now,) = (each for each in shown if each.fraction == 0.5)
    asked = ((dataset.split == SPLITS.index("validation")) & (dataset.domain == USER)).sum()
    assert {one.n for one in now.measurements} == {asked}
    for k in (1, 5, 10):
        assert now.value(f"top{k}") == sum(1 <= rank <= k for rank in found.tolist()) / asked
    for metric in ("map", "map_at_r"):
        assert now.value(metric) == half[0].value(metric, "validation")


@pytest.mark.network
@pytest.mark.parametrize("change", CHANGES[:2], ids=["log", "adamw"])
def test_pruned_and_taken_up_it_gives_the_same_bits(
    dataset: Dataset, configure: Configure, tmp_path: Path, change: dict[str, Any]
) -> None:
    """Though no checkpoint was due; and what was shown already is not shown again."""
    config = with_small(configure, change | {"runtime": {"checkpoint_seconds": 1e9}}, steps=12)
    whole, alone = watched(dataset, config, tmp_path / "alone")
    first, nothing = watched(dataset, config, tmp_path / "pruned", ends=3)
    assert Checkpoints(tmp_path / "pruned", "key").reached() == 4, "three tenths of 12 steps are over with the fourth"
    second, nothing_again = watched(dataset, config, tmp_path / "pruned", ends=7)
    rest, outcome = watched(dataset, config, tmp_path / "pruned")
    assert nothing is None
    assert nothing_again is None
    assert alone is not None
    assert outcome is not None
    assert (first, second, rest) == (whole[:3], whole[3:7], whole[7:])
    assert (ranks(outcome), outcome[0].curve) == (ranks(alone), alone[0].curve)
    assert weights(Checkpoints(tmp_path / "pruned", "key")) == weights(Checkpoints(tmp_path / "alone", "key"))


def test_pruned_without_a_place_for_checkpoints_it_ends_all_the_same(dataset: Dataset, configure: Configure) -> None:
    with pytest.raises(Pruned, match=r"^at step 2$"):
        train_on(dataset, [with_small(configure, {}, steps=12)], 0, silent, None, lambda _: False)


class Killed(Exception):  # noqa: N818
    """As a crash, while the judge looks."""


@pytest.mark.network
def test_a_part_is_shown_before_its_step_is_saved(dataset: Dataset, configure: Configure, tmp_path: Path) -> None:
    """Otherwise a crash in between would lose it, as a training that is taken up shows only what comes later."""
    config = with_small(configure, {}, steps=12)
    checkpoints = Checkpoints(tmp_path, "key")

    def judge(now: Interim) -> bool:
        if now.fraction == 0.5:
            raise Killed
        return True

    with pytest.raises(Killed):
        train_on(dataset, [config], 0, silent, checkpoints, judge)
    shown, _ = watched(dataset, config, tmp_path)
    assert [round(10 * now.fraction) for now in shown] == [5, 6, 7, 8, 9]


@pytest.mark.network
def test_looking_gives_signs_of_life(
    dataset: Dataset, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One before each batch of the validation split, and only of that, and some in each category's ranking."""
    monkeypatch.setattr("ablate.retrieval.evaluation.pipeline.BATCH", 1)
    told: list[int] = []
    watched(dataset, with_small(configure, {}, steps=20), tmp_path, 1, lambda made: told.append(made.step))
    images = int((dataset.split == SPLITS.index("validation")).sum())
    assert 1 + images + len(dataset.categories) <= told.count(2) < 1 + images + 4 * len(dataset.categories)


@pytest.mark.parametrize(
    ("steps", "parts"),
    [
        (0, {}),
        (1, {}),
        (2, {1: 5}),
        (3, {1: 3, 2: 6}),
        (10, {step: step for step in range(1, 10)}),
        (12, {2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 8: 6, 9: 7, 10: 8, 11: 9}),
        (45_000, {4500 * part: part for part in range(1, 10)}),
    ],
)
def test_a_part_is_over_with_the_step_that_completes_it(steps: int, parts: dict[int, int]) -> None:
    assert part_ends(steps) == parts


@pytest.mark.network
def test_features_that_are_no_numbers_find_nothing_and_fail_no_training(dataset: Dataset, configure: Configure) -> None:
    """What becomes of such a training is up to its losses: it fails with the same words as one nobody looks at."""
    diverges = {"schedule": {"lr": 1e12, "optimizer": "adam", "warmup_steps": 0}, "amp": "none"}
    config = with_small(configure, diverges, steps=3)
    shown: list[Interim] = []
    with pytest.raises(RuntimeError, match="the loss of step 2 is nan") as alone:
        train_on(dataset, [config], 0, silent)
    with pytest.raises(RuntimeError) as watched:
        train_on(dataset, [config], 0, silent, None, lambda now: shown.append(now) is None)
    assert str(watched.value) == str(alone.value)
    asked = int(((dataset.split == SPLITS.index("validation")) & (dataset.domain == USER)).sum())
    (now,) = shown
    assert now.fraction == 0.3
    assert [(one.metric, one.value, one.n) for one in now.measurements] == [
        (metric, 0.0, asked) for metric in ("top1", "top5", "top10", "map", "map_at_r")
    ]
