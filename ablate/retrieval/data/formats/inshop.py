"""DeepFashion's In-shop Clothes Retrieval (Liu et al., CVPR 2016) in its official layout.

`list_eval_partition.txt` assigns each image to training, queries or gallery. If `list_bbox_inshop.txt` exists, images
are cut by its boxes; otherwise whole images are used.
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
    deepfashion_category,
    first_existing,
    hash_share,
    image_list,
    is_held_out,
    missing_reason,
    parse_box,
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
or set data.root to its folder."""


def read(root: Path) -> ImageList:
    """Return every image, in the order of the partition. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    partition = first_existing(root, FOLDERS, PARTITION)
    if partition is None:
        raise DataError(f"data.root: {root}: {missing_reason(root, PARTITION)}.\n{remedy}")
    problems = AnnotationProblems(root, remedy)
    lists = AnnotationLists(root, problems, FORM)
    boxes = _boxes(lists, first_existing(root, FOLDERS, BOXES), problems)
    prefix = "" if is_folder(root / "img") else "Img/"
    entries: list[ImageEntry] = []
    for source, (name, item, status) in lists.counted_rows(partition, ("image_name", "item_id", "evaluation_status")):
        if status not in STATUS:
            problems.add(source, f"status {status!r}, expected {', '.join(STATUS)}")
        elif boxes is not None and name not in boxes:
            problems.add(source, f"{name} has no box in {BOXES}")
        else:
            split, box = "train" if status == "train" else "test", boxes[name] if boxes else None
            category, role = deepfashion_category(name), STATUS[status]
            entries.append(ImageEntry(f"{prefix}{name}", item, split, source, category, role=role, box=box))
    absent = [] if boxes is not None else [f"{folder}/{BOXES}".lstrip("/") for folder in FOLDERS]
    index, former = [*lists.names, *absent], lists.former.hexdigest()
    return image_list(root, _with_validation(entries), lists.hash.hexdigest(), index, problems, former)


def _boxes(lists: AnnotationLists, name: str | None, problems: AnnotationProblems) -> Mapping[str, Box] | None:
    """Return {name of an image: its box}, or None without a list of boxes."""
    if name is None:
        return None
    columns = ("image_name", "clothes_type", "pose_type", *CORNERS)
    rows = lists.counted_rows(name, columns)
    return {image: parse_box(source, corners, problems) for source, (image, _, _, *corners) in rows}


def _with_validation(entries: Sequence[ImageEntry]) -> Sequence[ImageEntry]:
    """Hold out a tenth of the training items for validation. The images of an item are gallery and query in turn."""
    held: dict[str, list[ImageEntry]] = {}
    for entry in entries:
        if entry.split == "train" and is_held_out(FORM, entry.item):
            held.setdefault(entry.item, []).append(entry)
    role = {}
    for of_item in held.values():
        for place, entry in enumerate(sorted(of_item, key=lambda entry: hash_share(FORM, entry.path))):
            role[entry.path] = QUERY if place % 2 else GALLERY
    return [
        replace(entry, split="validation", role=role[entry.path]) if entry.path in role else entry for entry in entries
    ]
