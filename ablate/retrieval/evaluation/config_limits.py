"""The limits of the tests of plain configs, from the labels of their data. No image is decoded."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ablate.errors import AblateError
from ablate.retrieval.config.data import Data
from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.data import detected_labels, load_labels
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.evaluation.answerability import NO_CATEGORY, REASONS, annotated_limits, detected_limits
from ablate.trainers.entry import Config
from ablate.trainers.limits import SplitLimits


def config_limits(configs: Sequence[Config]) -> list[tuple[SplitLimits, ...]]:
    """Return for each plain config the limits of its tests; nothing if its data cannot be read, which others report."""
    labels = lru_cache(load_labels)
    limits: dict[str, tuple[SplitLimits, ...]] = {}
    texts = [json.dumps([config["data"], config["evaluate"]], sort_keys=True) for config in configs]
    for config, text in zip(configs, texts, strict=True):
        if text not in limits:
            data = Data.model_validate(config["data"], strict=False)
            setting = Evaluate.model_validate(config["evaluate"], strict=False)
            try:
                limits[text] = tuple(_limits(labels(data.name, data.root, data.size), data, setting))
            except AblateError:
                limits[text] = ()
    return [limits[text] for text in texts]


def _limits(dataset: Dataset, data: Data, setting: Evaluate) -> Iterator[SplitLimits]:
    """Yield the limits of the validation split, and of the test split unless `preflight` refuses it by itself."""
    yield annotated_limits(dataset, "validation", setting)
    if setting.detections is None:
        test = annotated_limits(dataset, "test", setting)
        if test.queries and not any(group.reason == REASONS[NO_CATEGORY].text for group in test.unanswerable):
            yield test
    else:
        yield detected_limits(dataset, detected_labels(data.name, data.root, data.size, setting.detections), setting)
