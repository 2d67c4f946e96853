"""Stanford Online Products (Oh Song et al., CVPR 2016) in its official layout: products of an auction site.

`Ebay_train.txt` and `Ebay_test.txt` share no product. Each test image is searched for among all other test images.
"""

from __future__ import annotations

from collections.abc import Iterator
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

HOME = "data/sop"
FORM = "sop/1"  # part of the fingerprint, and the salt of the validation split
TRAIN, TEST = "Ebay_train.txt", "Ebay_test.txt"
COLUMNS = ("image_id", "class_id", "super_class_id", "path")

WHAT_TO_GET = """\
Get the archive from https://cvgl.stanford.edu/projects/lifted_struct/, unpack it whole so that there are
  {root}/Ebay_train.txt, Ebay_test.txt
  {root}/bicycle_final/111085122871_0.JPG, … and eleven more such folders
(or the folder Stanford_Online_Products with these in {root}), or set data.root to its folder."""


def read(root: Path) -> ImageList:
    """Return every image, in the order of the lists. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    place = folder_with(root, ("", "Stanford_Online_Products"), TRAIN, remedy)
    problems = AnnotationProblems(place, remedy)
    lists = AnnotationLists(place, problems, FORM)
    entries = [entry for name in (TRAIN, TEST) for entry in _entries(lists, name, problems)]
    return image_list(place, entries, lists.hash.hexdigest(), lists.names, problems, lists.former.hexdigest())


def _entries(lists: AnnotationLists, name: str, problems: AnnotationProblems) -> Iterator[ImageEntry]:
    """Yield the images of one list; faults for a wrong header and for wrong numbers."""
    rows = lists.rows(name, COLUMNS)
    if rows and tuple(rows[0][1]) != COLUMNS:
        problems.add(rows[0][0], f"expected the header {' '.join(COLUMNS)}, found {' '.join(rows[0][1])}")
    for source, (image, item, _, path) in rows[1:]:
        if whole_number(image) is None or whole_number(item) is None:
            problems.add(source, f"image_id {image!r} and class_id {item!r}, expected two whole numbers")
            continue
        category = path.partition("/")[0].removesuffix("_final")
        entry = ImageEntry(path, item, "test", source, category)
        yield train_or_validation(FORM, entry) if name == TRAIN else entry
