"""What a data set must have for a config to be trained and tested on it; every fault, before training."""

from collections.abc import Iterator

import numpy as np

from ablate.data.dataset import GALLERY, QUERY, SPLITS, Dataset
from ablate.errors import AblateError
from ablate.train.batches import sampler
from ablate.train.config.retrieval import RetrievalConfig

TESTED = ("validation", "test")


def check_data(dataset: Dataset, config: RetrievalConfig) -> None:
    """Raises one AblateError with every fault of the data under this config, one a line; reads labels only."""
    faults = list(_image_faults(dataset)) or [
        *(fault for split in TESTED for fault in _split_faults(dataset, split, config)),
        *(_training_faults(dataset, config) if config.schedule.steps > 0 else ()),
    ]
    if faults:
        raise AblateError("\n".join(faults))


def _image_faults(dataset: Dataset) -> Iterator[str]:
    """Faults after which nothing else is worth a look."""
    count, height, width = dataset.images.shape[:3]
    if count == 0:
        yield f"data.name: {dataset.name} has no images; use a data set that has, or look into its files"
    if height == 0 or width == 0:
        size = f"{height} pixels high and {width} wide"
        yield f"data.size: the images of {dataset.name} are {size}; both sides need at least one pixel"


def _split_faults(dataset: Dataset, split: str, config: RetrievalConfig) -> Iterator[str]:
    """What a split lacks to be searched."""
    here = dataset.split == SPLITS.index(split)
    queries, gallery = (dataset.category[here & (dataset.role & role > 0)] for role in (QUERY, GALLERY))
    for found, what in ((queries, "queries"), (gallery, "gallery")):
        if not len(found):
            yield (
                f"data.name: the {split} split of {dataset.name} has no {what}, so nothing can be found in it; "
                "use a data set whose splits have both"
            )
    alone = np.setdiff1d(queries, gallery)
    if config.evaluate.scope == "category" and len(gallery) and len(alone):
        counted = [f"{dataset.categories[category]!r} ({(queries == category).sum()} queries)" for category in alone]
        yield (
            f"evaluate.scope: the {split} split of {dataset.name} has no gallery image in the category of some "
            f"queries, so none of these can be found: {', '.join(counted)}; set evaluate.scope: all, or use a data "
            "set that has"
        )


def _training_faults(dataset: Dataset, config: RetrievalConfig) -> Iterator[str]:
    """What the training images lack for the config's batches and classes."""
    try:
        sampler(dataset, config.batch)
    except AblateError as error:
        yield str(error)
    trained = dataset.category[dataset.split == SPLITS.index("train")]
    if config.loss.omega == 1 or config.loss.target != "category" or not len(trained):
        return
    for split in TESTED:
        unseen = np.setdiff1d(dataset.category[dataset.split == SPLITS.index(split)], trained)
        names = ", ".join(repr(dataset.categories[category]) for category in unseen)
        subject, them = (f"category {names} is", "it") if len(unseen) == 1 else (f"categories {names} are", "them")
        if len(unseen):
            yield (
                f"data.name: {subject} in the {split} split of {dataset.name} and not in training, so the "
                f"classification term never sees {them}; set loss.target: item, set loss.omega: 1.0, or use a data "
                f"set that trains on {them}"
            )
