"""The training targets of images: items and classes, numbered from 0."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.retrieval.config.loss import Loss
from ablate.retrieval.data.dataset import SPLITS, Dataset


@dataclass(frozen=True)
class TrainingTargets:
    """The item and the class of each image of a data set."""

    item: NDArray[np.int64]
    """(images,) the number of its item among the training items; −1 if training has no such item."""
    target: NDArray[np.int64]
    """(images,) the number of its class; −1 if training has no such item."""
    items: int
    """The number of training items."""
    classes: int
    """The number of classes, unused ones included."""


def labels(dataset: Dataset, config: Loss) -> TrainingTargets:
    """Return the items, numbered in the order of their values, and the classes that `loss.target` names."""
    trained = np.unique(dataset.item[dataset.split == SPLITS.index("train")])
    place = np.searchsorted(trained, dataset.item)
    is_trained = (
        trained[np.minimum(place, len(trained) - 1)] == dataset.item if len(trained) else np.zeros(len(place), bool)
    )
    item = np.where(is_trained, place, -1).astype(np.int64)
    if config.target == "item":
        return TrainingTargets(item, item, len(trained), max(1, len(trained)) + config.unused_classes)
    category = np.where(is_trained, dataset.category, -1).astype(np.int64)
    return TrainingTargets(item, category, len(trained), len(dataset.categories) + config.unused_classes)
