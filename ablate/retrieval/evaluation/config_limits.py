"""The limits of the tests of plain configs, from the labels of their data. No image is decoded."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from ablate.errors import AblateError, DataError
from ablate.retrieval.config.data import Data
from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.data import catalog, detected, load
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.evaluation.answerability import NO_CATEGORY, REASONS, annotated_limits, detected_limits
from ablate.trainers.entry import Config
from ablate.trainers.limits import SplitLimits


def config_limits(configs: Sequence[Config]) -> list[tuple[SplitLimits, ...]]:
    """Return for each plain config the limits of its tests; nothing if its data cannot be read, which others report."""
    labels = lru_cache(_labels)
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
        yield detected_limits(dataset, detected(data.name, data.root, data.size, setting.detections), setting)


def _labels(name: str, root: str | None, size: tuple[int, int]) -> Dataset:
    """Return the labels of a data set: those of its pack, or of its annotations if it is not packed yet."""
    try:
        return load(name, root, size, pixels=False)
    except DataError:
        if name == catalog.EMBEDDED:
            raise
        listing = catalog.reader(name).read(catalog.root_of(name, root))
    from ablate.retrieval.data.label_arrays import labels_of

    columns = labels_of(listing, range(len(listing.entries)))
    images = np.broadcast_to(np.uint8(0), (len(listing.entries), *size, 3))
    return Dataset(name, "", images, **columns, categories=listing.categories)
