"""CUB-200-2011 (Wah et al., 2011) in its official layout: 200 species of birds, whole images.

Metric learning's split is by class (Oh Song et al., CVPR 2016): 1–100 train, 101–200 test. Results on the official
classification split, in which both sides have all classes, cannot be compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ablate.retrieval.data.annotation_lists import (
    AnnotationLists,
    AnnotationProblems,
    for_training,
    found_in,
    listing,
    whole,
)
from ablate.retrieval.data.entries import ImageEntry, ImageList

HOME = "data/cub200"
FORM = "cub200/1"  # part of the fingerprint, and the salt of the validation split
CLASSES, TRAINED = 200, 100
IMAGES, LABELS, NAMES = "images.txt", "image_class_labels.txt", "classes.txt"

WHAT_TO_GET = """\
Get CUB_200_2011.tgz from https://www.vision.caltech.edu/datasets/cub_200_2011/, and unpack it whole so that there are
  {root}/images.txt, image_class_labels.txt, classes.txt
  {root}/images/001.Black_footed_Albatross/Black_Footed_Albatross_0001_796111.jpg, …
(or the folder CUB_200_2011 with these in {root}), or say with data.root where it is."""


def read(root: Path) -> ImageList:
    """Every image, in the order of images.txt. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    place = found_in(root, ("", "CUB_200_2011"), IMAGES, remedy)
    faults = AnnotationProblems(place, remedy)
    lists = AnnotationLists(place, faults, FORM)
    known = {number for _, (number, _) in lists.rows(NAMES, ("class_id", "class_name"))}
    labels = _labels(lists, known, faults)
    entries, listed = [], lists.rows(IMAGES, ("image_id", "image_name"))
    for source, (image, path) in listed:
        if image not in labels:
            faults.add(source, f"image {image} has no class in {LABELS}")
        else:
            entries.append(_entry(source, f"images/{path}", labels[image]))
    if unlisted := labels.keys() - {number for _, (number, _) in listed}:
        few = f"{len(unlisted):,} images that {LABELS} has, {min(unlisted)} one of them"
        faults.add(IMAGES, f"lacks {few}; the file is not whole")
    return listing(place, entries, lists.hash.hexdigest(), lists.names, faults)


def _labels(lists: AnnotationLists, known: set[str], faults: AnnotationProblems) -> Mapping[str, int]:
    """{image's number: its class}."""
    found: dict[str, int] = {}
    for source, (image, label) in lists.rows(LABELS, ("image_id", "class_id")):
        number = whole(label)
        if number is None or not 1 <= number <= CLASSES or label not in known:
            faults.add(source, f"class {label!r}, expected a number from 1 to {CLASSES} that {NAMES} has")
            number = 1  # told once: the image is not told to have no class as well
        found[image] = number
    return found


def _entry(source: str, path: str, label: int) -> ImageEntry:
    entry = ImageEntry(path, f"{label:03d}", "test", source, "bird")
    return for_training(FORM, entry) if label <= TRAINED else entry
