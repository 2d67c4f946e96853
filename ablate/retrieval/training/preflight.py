"""Checks of a data set against a config, before training. Every fault is reported at once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablate.errors import AblateError
from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import GALLERY, QUERY, SPLITS, Dataset
from ablate.retrieval.input.samplers import sampler
from ablate.text import plural

if TYPE_CHECKING:
    from ablate.retrieval.data import DetectedBoxes

TESTED = ("validation", "test")

FITTED = 4096
"""Most training images on which whitening is fitted; they are evenly spaced."""


def check_data(dataset: Dataset, config: RetrievalConfig) -> None:
    """Raise one AblateError with every fault of the data under this config, one a line. Only labels are read."""
    faults = list(_image_faults(dataset)) or [
        *(fault for split in TESTED for fault in _split_faults(dataset, split, config)),
        *_whitening_faults(dataset, config.evaluate),
        *(_training_faults(dataset, config) if config.schedule.steps > 0 else ()),
    ]
    if faults:
        raise AblateError("\n".join(faults))


def check_boxes(detected: "DetectedBoxes", config: Evaluate) -> None:
    """Raise one AblateError with every fault of the detected boxes under this setting, one a line."""
    boxes, subject = detected.dataset, f"the detections {config.detections} have"
    in_gallery = boxes.role & GALLERY > 0
    is_query = np.zeros(len(in_gallery), bool)
    is_query[detected.stands_for[detected.stands_for >= 0]] = True
    faults = list(_k_faults(boxes, is_query, in_gallery, config, subject))
    if not in_gallery.any():
        faults.insert(0, f"evaluate.detections: {subject} no box in the gallery; give those of a whole test split")
    if faults:
        raise AblateError("\n".join(faults))


def check_width(width: int, config: RetrievalConfig) -> None:
    """Raise AblateError if whitening needs more dimensions than features of this width have."""
    dimensions = config.evaluate.whitening.dimensions if config.evaluate.whitening else 0
    if dimensions > width:
        raise AblateError(
            f"evaluate.whitening.dimensions: {dimensions} is more than the {width} that the features of "
            f"{config.model.backbone} have; the largest value that fits is {width}"
        )


def _image_faults(dataset: Dataset) -> Iterator[str]:
    """Yield faults of the images. If there are any, no other fault can be found."""
    count, height, width = dataset.images.shape[:3]
    if count == 0:
        yield f"data.name: {dataset.name} has no images; use a data set that has images, or check its files"
    if height == 0 or width == 0:
        size = f"{height} pixels high and {width} wide"
        yield f"data.size: the images of {dataset.name} are {size}; both sides need at least one pixel"


def _split_faults(dataset: Dataset, split: str, config: RetrievalConfig) -> Iterator[str]:
    """Yield what a split lacks: queries, a gallery, or enough neighbours.

    Verdicts do not use the validation split, so it may lack the first two; `answerability.py` has what follows.
    """
    is_query, in_gallery = (
        (dataset.split == SPLITS.index(split)) & (dataset.role & role > 0) for role in (QUERY, GALLERY)
    )
    queries, gallery = dataset.category[is_query], dataset.category[in_gallery]
    for categories, noun in ((queries, "queries"), (gallery, "gallery")):
        if not len(categories) and split == "test":
            yield (
                f"data.name: the {split} split of {dataset.name} has no {noun}, so nothing can be found in it; "
                "use a data set whose splits have both, or give a CSV lines of this one"
            )
    if split == "test" and config.evaluate.detections is not None:
        return  # detected boxes replace the split's gallery
    alone = np.setdiff1d(queries, gallery)
    if config.evaluate.scope == "category" and split == "test" and len(gallery) and len(alone):
        counted = [f"{dataset.categories[category]!r} ({(queries == category).sum()} queries)" for category in alone]
        first = dataset.source[is_query][np.isin(queries, alone)][0].decode("utf-8", "replace")
        yield (
            f"evaluate.scope: the {split} split of {dataset.name} has no gallery image in the category of some "
            f"queries, so none of these can be found: {', '.join(counted)}; the first such query is {first}; set "
            "evaluate.scope: all, or use a data set whose gallery has them"
        )
    yield from _k_faults(dataset, is_query, in_gallery, config.evaluate, f"the {split} split of {dataset.name} has")


def _k_faults(
    dataset: Dataset, is_query: NDArray[np.bool_], in_gallery: NDArray[np.bool_], config: Evaluate, subject: str
) -> Iterator[str]:
    """Yield a fault for each setting that needs more neighbours than the smallest searched gallery has images.

    `is_query` and `in_gallery`, shape (images,), mark the images that are queries, and those in the gallery. `subject`
    begins the sentence that goes on with the size of the gallery.
    """
    by_category = config.scope == "category"
    group = dataset.category if by_category else np.zeros(len(in_gallery), np.int16)
    queries, gallery, both = (
        np.bincount(group[chosen], minlength=group.max(initial=0) + 1)
        for chosen in (is_query, in_gallery, is_query & in_gallery)
    )
    searched = np.flatnonzero((queries > 0) & (gallery > 0))
    if not len(searched):
        return
    others = gallery - (both > 0)  # a query is not its own neighbour
    smallest = searched[others[searched].argmin()]
    fits = others[smallest]
    size = plural(fits, "gallery image")
    size += f" of category {dataset.categories[smallest]!r}" if by_category else ""
    size += " besides a query" if both[smallest] else ""
    for key, value in _neighbours(config).items():
        if value > fits:
            advice = f"the largest value that fits is {fits}" if fits else f"set evaluate.{key.split('.')[0]}: null"
            advice += ", or set evaluate.scope: all" if by_category else ""
            yield f"evaluate.{key}: {value} neighbours are needed, and {subject} {size}; {advice}"


def _neighbours(config: Evaluate) -> dict[str, int]:
    """Return {key: number of neighbours that it needs}."""
    expansion, rerank = config.query_expansion, config.rerank
    counts = {"query_expansion.k": expansion.k} if expansion else {}
    return counts | ({"rerank.k1": rerank.k1, "rerank.k2": rerank.k2} if rerank else {})


def _whitening_faults(dataset: Dataset, config: Evaluate) -> Iterator[str]:
    """Yield a fault if whitening cannot be fitted on the training images."""
    images = min(int((dataset.split == SPLITS.index("train")).sum()), FITTED)
    if config.whitening and config.whitening.dimensions >= images:
        advice = f"the largest value that fits is {images - 1}" if images > 1 else "set evaluate.whitening: null"
        yield (
            f"evaluate.whitening.dimensions: {config.whitening.dimensions} needs more training images than the "
            f"{images} of {dataset.name} that it is fitted on; {advice}"
        )


def _training_faults(dataset: Dataset, config: RetrievalConfig) -> Iterator[str]:
    """Yield what the training images lack for the config's batches and classes."""
    try:
        sampler(dataset, config.batch)
    except AblateError as error:
        yield str(error)
    trained = dataset.category[dataset.split == SPLITS.index("train")]
    if config.loss.omega == 1 or config.loss.target != "category" or not len(trained):
        return
    by_column = ", or give the CSV the column category" if dataset.name == "csv" else ""
    if len(dataset.categories) == 1:
        yield (
            f"loss.target: {dataset.name} has one category, {dataset.categories[0]!r}, so the classification term "
            f"over categories has nothing to separate; set loss.target: item, or loss.omega: 1.0{by_column}"
        )
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
