"""DeepFashion's Consumer-to-shop Clothes Retrieval (Liu et al., CVPR 2016) in its official layout.

`list_eval_partition.txt` lists pairs of a consumer's and a shop's photograph of one item, with their split; each
photograph is one image of the set, cut by its box in `list_bbox_consumer2shop.txt`, which also says whose it is.
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
    box_of,
    category_of,
    first_there,
    listing,
    missing,
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
or say with data.root where it is."""


class BoxedPhotograph(NamedTuple):
    """What the boxes' file says of one."""

    domain: int
    box: Box


def read(root: Path) -> ImageList:
    """Every photograph of a pair once, in the order of the pairs. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    partition, boxed = (first_there(root, FOLDERS, name) for name in (PARTITION, BOXES))
    if partition is None or boxed is None:
        wanted = [name for name, place in ((PARTITION, partition), (BOXES, boxed)) if place is None]
        raise DataError(f"data.root: {root}: {missing(root, ' and no '.join(wanted))}.\n{remedy}")
    faults = AnnotationProblems(root, remedy)
    lists = AnnotationLists(root, faults, FORM)
    known = _photographs(lists, boxed, faults)
    prefix = "" if is_folder(root / "img") else "Img/"
    found: dict[str, ImageEntry] = {}
    for source, (user, shop, item, status) in lists.counted(partition, PAIR):
        if status not in STATUS:
            faults.add(source, f"status {status!r}, expected {', '.join(STATUS)}")
            continue
        for name, domain in ((user, USER), (shop, SHOP)):
            entry = _entry(source, name, item, STATUS[status], domain, known, prefix, faults)
            if entry is not None:
                _check_same(found.setdefault(name, entry), entry, faults)
    entries = list(found.values())
    return listing(root, entries, lists.hash.hexdigest(), lists.names, faults)


def _photographs(lists: AnnotationLists, name: str, faults: AnnotationProblems) -> Mapping[str, BoxedPhotograph]:
    found = {}
    for source, (image, _, whose, *corners) in lists.counted(name, BOXED):
        if whose not in SOURCES:
            faults.add(source, f"source {whose!r}, expected 1 (shop) or 2 (consumer)")
        found[image] = BoxedPhotograph(SOURCES.get(whose, SHOP), box_of(source, corners, faults))
    return found


def _entry(
    source: str,
    name: str,
    item: str,
    split: str,
    domain: int,
    known: Mapping[str, BoxedPhotograph],
    prefix: str,
    faults: AnnotationProblems,
) -> ImageEntry | None:
    if name not in known:
        faults.add(source, f"{name} has no box in {BOXES}")
        return None
    if known[name].domain != domain:
        faults.add(source, f"{name} is {WHOSE[known[name].domain]} by {BOXES}, expected {WHOSE[domain]} here")
        return None
    role = 0 if split == "train" else QUERY if domain == USER else GALLERY
    return ImageEntry(f"{prefix}{name}", item, split, source, category_of(name), domain, role, box=known[name].box)


def _check_same(first: ImageEntry, again: ImageEntry, faults: AnnotationProblems) -> None:
    """A photograph is of one item, and in one split."""
    if first.item != again.item:
        faults.add(again.source, f"{again.path} is of item {again.item}, and of {first.item} by {first.source}")
    elif first.split != again.split:
        faults.add(again.source, f"{again.path} is in {again.split}, and in {first.split} by {first.source}")
