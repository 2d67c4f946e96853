"""DeepFashion's In-shop Clothes Retrieval (Liu et al., CVPR 2016) in its official layout.

`list_eval_partition.txt` says what is trained on, asked for and searched. Where `list_bbox_inshop.txt` is there, images
are cut by it; without it they are used whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ablate.errors import DataError
from ablate.filesystem import is_folder
from ablate.retrieval.data.annotation_lists import (
    AnnotationLists,
    AnnotationProblems,
    Box,
    box_of,
    category_of,
    first_there,
    is_held_out,
    listing,
    missing,
    share,
)
from ablate.retrieval.data.dataset import GALLERY, QUERY
from ablate.retrieval.data.entries import ImageEntry, ImageList

HOME = "data/inshop"
FORM = "inshop/1"  # part of the fingerprint, and the salt of the validation split
PARTITION, BOXES = "list_eval_partition.txt", "list_bbox_inshop.txt"
FOLDERS = ("", "Eval", "Anno")
STATUS = {"train": 0, "query": QUERY, "gallery": GALLERY}
CORNERS = ("x_1", "y_1", "x_2", "y_2")

WHAT_TO_GET = """\
Get the In-shop Clothes Retrieval benchmark of DeepFashion from https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html,
and unpack it whole so that there are
  {root}/list_eval_partition.txt (or in Eval/)    {root}/list_bbox_inshop.txt (or in Anno/; without: whole images)
  {root}/img/WOMEN/Dresses/id_00000002/02_1_front.jpg, … (or in Img/)
or say with data.root where it is."""


def read(root: Path) -> ImageList:
    """Every image, in the order of the partition. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    partition = first_there(root, FOLDERS, PARTITION)
    if partition is None:
        raise DataError(f"data.root: {root}: {missing(root, PARTITION)}.\n{remedy}")
    faults = AnnotationProblems(root, remedy)
    lists = AnnotationLists(root, faults, FORM)
    boxes = _boxes(lists, first_there(root, FOLDERS, BOXES), faults)
    prefix = "" if is_folder(root / "img") else "Img/"
    entries: list[ImageEntry] = []
    for source, (name, item, status) in lists.counted(partition, ("image_name", "item_id", "evaluation_status")):
        if status not in STATUS:
            faults.add(source, f"status {status!r}, expected {', '.join(STATUS)}")
        elif boxes is not None and name not in boxes:
            faults.add(source, f"{name} has no box in {BOXES}")
        else:
            split, box = "train" if status == "train" else "test", boxes[name] if boxes else None
            entries.append(
                ImageEntry(f"{prefix}{name}", item, split, source, category_of(name), role=STATUS[status], box=box)
            )
    absent = [] if boxes is not None else [f"{folder}/{BOXES}".lstrip("/") for folder in FOLDERS]
    return listing(root, _with_validation(entries), lists.hash.hexdigest(), [*lists.names, *absent], faults)


def _boxes(lists: AnnotationLists, name: str | None, faults: AnnotationProblems) -> Mapping[str, Box] | None:
    if name is None:
        return None
    columns = ("image_name", "clothes_type", "pose_type", *CORNERS)
    rows = lists.counted(name, columns)
    return {image: box_of(source, corners, faults) for source, (image, _, _, *corners) in rows}


def _with_validation(entries: Sequence[ImageEntry]) -> Sequence[ImageEntry]:
    """A tenth of the training items for validation: each item's images are gallery and query in turn."""
    held: dict[str, list[ImageEntry]] = {}
    for entry in entries:
        if entry.split == "train" and is_held_out(FORM, entry.item):
            held.setdefault(entry.item, []).append(entry)
    role = {}
    for of_item in held.values():
        for place, entry in enumerate(sorted(of_item, key=lambda entry: share(FORM, entry.path))):
            role[entry.path] = QUERY if place % 2 else GALLERY
    return [
        replace(entry, split="validation", role=role[entry.path]) if entry.path in role else entry for entry in entries
    ]
