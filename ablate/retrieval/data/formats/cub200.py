"""CUB-200-2011 (Wah et al., 2011) in its official layout: 200 species of birds, whole images.

Metric learning's split is by class (Oh Song et al., CVPR 2016): classes 1–100 for training, 101–200 for
the test. Results on the official classification split cannot be compared with it: both of its sides have all classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ablate.retrieval.data.annotation_lists import (
    AnnotationLists,
    AnnotationProblems,
    folder_with,
    image_list,
    train_or_validation,
    whole_number,
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
(or the folder CUB_200_2011 with these in {root}), or set data.root to its folder."""


def read(root: Path) -> ImageList:
    """Return every image, in the order of images.txt. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    place = folder_with(root, ("", "CUB_200_2011"), IMAGES, remedy)
    problems = AnnotationProblems(place, remedy)
    lists = AnnotationLists(place, problems, FORM)
    classes = {number for _, (number, _) in lists.rows(NAMES, ("class_id", "class_name"))}
    labels = _labels(lists, classes, problems)
    entries, rows = [], lists.rows(IMAGES, ("image_id", "image_name"))
    for source, (image, path) in rows:
        if image not in labels:
            problems.add(source, f"image {image} has no class in {LABELS}")
        else:
            entries.append(_entry(source, f"images/{path}", labels[image]))
    if unlisted := labels.keys() - {number for _, (number, _) in rows}:
        few = f"{len(unlisted):,} images that {LABELS} has, {min(unlisted)} one of them"
        problems.add(IMAGES, f"lacks {few}; the file is not whole")
    return image_list(place, entries, lists.hash.hexdigest(), lists.names, problems, lists.former.hexdigest())


def _labels(lists: AnnotationLists, classes: set[str], problems: AnnotationProblems) -> Mapping[str, int]:
    """Return {number of an image: its class}. `classes` are the numbers in classes.txt."""
    labels: dict[str, int] = {}
    for source, (image, label) in lists.rows(LABELS, ("image_id", "class_id")):
        number = whole_number(label)
        if number is None or not 1 <= number <= CLASSES or label not in classes:
            problems.add(source, f"class {label!r}, expected a number from 1 to {CLASSES} that {NAMES} has")
            number = 1  # so that `read` does not also report that the image has no class
        labels[image] = number
    return labels


def _entry(source: str, path: str, label: int) -> ImageEntry:
    """Return the image of a line of images.txt."""
    entry = ImageEntry(path, f"{label:03d}", "test", source, "bird")
    return train_or_validation(FORM, entry) if label <= TRAINED else entry
