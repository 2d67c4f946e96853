"""DeepFashion's Consumer-to-shop Clothes Retrieval (Liu et al., CVPR 2016) in its official layout.

`list_eval_partition.txt` lists pairs of a consumer's and a shop's photograph of one item, with their split. Each
photograph is one image of the set, cut by its box in `list_bbox_consumer2shop.txt`, which also has its domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ablate.errors import DataError
from ablate.filesystem import is_folder
from ablate.retrieval.data.annotation_lists import (
    AnnotationLists,
    AnnotationProblems,
    Box,
    deepfashion_category,
    first_existing,
    image_list,
    missing_reason,
    parse_box,
)
from ablate.retrieval.data.dataset import GALLERY, QUERY, SHOP, USER
from ablate.retrieval.data.entries import ImageEntry, ImageList

HOME = "data/consumer2shop"
FORM = "consumer2shop/1"  # part of the fingerprint
PARTITION, BOXES = "list_eval_partition.txt", "list_bbox_consumer2shop.txt"
FOLDERS = ("", "Eval", "Anno")
STATUS = {"train": "train", "val": "validation", "test": "test"}
SOURCES = {"1": SHOP, "2": USER}
WHOSE = {SHOP: "a shop's", USER: "a consumer's"}
PAIR = ("image_pair_name_1", "image_pair_name_2", "item_id", "evaluation_status")
BOXED = ("image_name", "clothes_type", "source", "x_1", "y_1", "x_2", "y_2")

WHAT_TO_GET = """\
Get the Consumer-to-shop Clothes Retrieval benchmark of DeepFashion from
https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html, and unpack it whole so that there are
  {root}/list_eval_partition.txt (or in Eval/)    {root}/list_bbox_consumer2shop.txt (or in Anno/)
  {root}/img/CLOTHING/Blouse/id_00000001/comsumer_01.jpg, … (or in Img/)
or set data.root to its folder."""


class BoxedPhotograph(NamedTuple):
    """The domain and the box of a photograph, from the list of boxes."""

    domain: int
    box: Box


def read(root: Path) -> ImageList:
    """Return every photograph of a pair once, in the order of the pairs. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    partition, boxed = (first_existing(root, FOLDERS, name) for name in (PARTITION, BOXES))
    if partition is None or boxed is None:
        absent = [name for name, path in ((PARTITION, partition), (BOXES, boxed)) if path is None]
        raise DataError(f"data.root: {root}: {missing_reason(root, ' and no '.join(absent))}.\n{remedy}")
    problems = AnnotationProblems(root, remedy)
    lists = AnnotationLists(root, problems, FORM)
    photographs = _photographs(lists, boxed, problems)
    prefix = "" if is_folder(root / "img") else "Img/"
    entries: dict[str, ImageEntry] = {}
    for source, (user, shop, item, status) in lists.counted_rows(partition, PAIR):
        if status not in STATUS:
            problems.add(source, f"status {status!r}, expected {', '.join(STATUS)}")
            continue
        for name, domain in ((user, USER), (shop, SHOP)):
            entry = _entry(source, name, item, STATUS[status], domain, photographs, prefix, problems)
            if entry is not None:
                _check_same(entries.setdefault(name, entry), entry, problems)
    return image_list(
        root, list(entries.values()), lists.hash.hexdigest(), lists.names, problems, lists.former.hexdigest()
    )


def _photographs(lists: AnnotationLists, name: str, problems: AnnotationProblems) -> Mapping[str, BoxedPhotograph]:
    """Return {name of a photograph: its domain and box}."""
    photographs = {}
    for source, (image, _, whose, *corners) in lists.counted_rows(name, BOXED):
        if whose not in SOURCES:
            problems.add(source, f"source {whose!r}, expected 1 (shop) or 2 (consumer)")
        photographs[image] = BoxedPhotograph(SOURCES.get(whose, SHOP), parse_box(source, corners, problems))
    return photographs


def _entry(
    source: str,
    name: str,
    item: str,
    split: str,
    domain: int,
    photographs: Mapping[str, BoxedPhotograph],
    prefix: str,
    problems: AnnotationProblems,
) -> ImageEntry | None:
    """Return the image of a photograph in a pair, or None after a fault if it has no box or another domain."""
    if name not in photographs:
        problems.add(source, f"{name} has no box in {BOXES}")
        return None
    photograph = photographs[name]
    if photograph.domain != domain:
        problems.add(source, f"{name} is {WHOSE[photograph.domain]} by {BOXES}, expected {WHOSE[domain]} here")
        return None
    role = 0 if split == "train" else QUERY if domain == USER else GALLERY
    category = deepfashion_category(name)
    return ImageEntry(f"{prefix}{name}", item, split, source, category, domain, role, box=photograph.box)


def _check_same(first: ImageEntry, again: ImageEntry, problems: AnnotationProblems) -> None:
    """Add a fault if a photograph has another item or another split than at its first place."""
    if first.item != again.item:
        problems.add(again.source, f"{again.path} is of item {again.item}, and of {first.item} by {first.source}")
    elif first.split != again.split:
        problems.add(again.source, f"{again.path} is in {again.split}, and in {first.split} by {first.source}")
