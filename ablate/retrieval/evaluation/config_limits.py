"""The limits of the tests of plain configs, from the labels of their data. No image is decoded."""

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

Limits = tuple[SplitLimits, ...]


def config_limits(configs: Sequence[Config]) -> list[Limits]:
    """Return for each plain config the limits of its tests; nothing if its data cannot be read, which others report."""
    labels = lru_cache(load_labels)
    of_parts: dict[tuple[int, int], Limits] = {}
    of_values: dict[str, Limits] = {}
    for config in configs:
        parts = id(config["data"]), id(config["evaluate"])  # rows share parts, and all configs stay alive
        if parts not in of_parts:
            data = Data.model_validate(config["data"], strict=False)
            setting = Evaluate.model_validate(config["evaluate"], strict=False)
            values = data.model_dump_json() + setting.model_dump_json()
            if values not in of_values:
                try:
                    of_values[values] = tuple(_limits(labels(data.name, data.root, data.size), data, setting))
                except AblateError:
                    of_values[values] = ()
            of_parts[parts] = of_values[values]
    return [of_parts[id(config["data"]), id(config["evaluate"])] for config in configs]


def _limits(dataset: Dataset, data: Data, setting: Evaluate) -> Iterator[SplitLimits]:
    """Yield the limits of the validation split, and of the test split unless `preflight` refuses it by itself."""
    yield annotated_limits(dataset, "validation", setting)
    if setting.detections is None:
        test = annotated_limits(dataset, "test", setting)
        if test.examples and not any(group.reason == REASONS[NO_CATEGORY].text for group in test.unanswerable):
            yield test
    else:
        boxes = detected_labels(data.name, data.root, data.size, setting.detections)
        yield detected_limits(dataset, boxes, setting)
