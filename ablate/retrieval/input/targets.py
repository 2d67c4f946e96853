"""What the images of a data set are called in training: items and classes, numbered from 0."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.retrieval.config.loss import Loss
from ablate.retrieval.data.dataset import SPLITS, Dataset


@dataclass(frozen=True)
class TrainingTargets:
    """Per image of the data set, shape (images,): its item among the training items, and its class.

    Both are −1 where training has no such item. `items` and `classes` are how many there are, unused ones included.
    """

    item: NDArray[np.int64]
    target: NDArray[np.int64]
    items: int
    classes: int


def labels(dataset: Dataset, config: Loss) -> TrainingTargets:
    """Items numbered in the order of their values, and what `loss.target` classifies."""
    known = np.unique(dataset.item[dataset.split == SPLITS.index("train")])
    place = np.searchsorted(known, dataset.item)
    found = known[np.minimum(place, len(known) - 1)] == dataset.item if len(known) else np.zeros(len(place), bool)
    item = np.where(found, place, -1).astype(np.int64)
    if config.target == "item":
        return TrainingTargets(item, item, len(known), max(1, len(known)) + config.unused_classes)
    category = np.where(found, dataset.category, -1).astype(np.int64)
    return TrainingTargets(item, category, len(known), len(dataset.categories) + config.unused_classes)
