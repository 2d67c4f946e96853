"""Market-1501 (Zheng et al., ICCV 2015) in its official layout: people seen by six cameras.

`0002_c1s1_000451_03.jpg` is person 2 at camera 1. Folder `bounding_box_train` is for training, `query` and
`bounding_box_test` are the test. Person −1 stands for false detections, which are dropped. Person 0 stands for
distractors, which are in the gallery and never queries. By `evaluate.cameras`, a query's ranking leaves out the images
of its person at its own camera.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ablate.retrieval.data.annotation_lists import AnnotationProblems, folder_with, image_list, is_held_out
from ablate.retrieval.data.dataset import GALLERY, QUERY
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.folder_listing import names_in

HOME = "data/market1501"
FORM = "market1501/1"  # part of the fingerprint, and the salt of the validation split
JUNK, DISTRACTOR = -1, 0
NAME = re.compile(r"(-1|\d{1,5})_c([1-6])s\d+_\d+_\d+\.jpg")
FOLDERS = {"bounding_box_train": ("train", 0), "query": ("test", QUERY), "bounding_box_test": ("test", GALLERY)}
IMAGES = (".jpg", ".jpeg", ".png")

WHAT_TO_GET = """\
Get Market-1501-v15.09.15.zip from its authors (https://zheng-lab.cecs.anu.edu.au/Project/project_reid.html), and unpack
it whole so that there are
  {root}/bounding_box_train/0002_c1s1_000451_03.jpg, …
  {root}/query/0001_c1s1_001051_00.jpg, …
  {root}/bounding_box_test/0001_c1s1_001051_03.jpg, …
(or the folder Market-1501-v15.09.15 with these in {root}), or set data.root to its folder."""


def read(root: Path) -> ImageList:
    """Return every image except false detections, in the order of folders and names. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    place = folder_with(root, ("", "Market-1501-v15.09.15"), "bounding_box_train", remedy)
    problems = AnnotationProblems(place, remedy)
    content = hashlib.sha256(FORM.encode())
    entries: list[ImageEntry] = []
    for folder in FOLDERS:
        names = _names(place / folder, problems)
        content.update(os.fsencode("\n".join([folder, *names, ""])))
        entries += _entries(folder, names, problems)
    held = [entry for entry in entries if entry.split == "train" and is_held_out(FORM, entry.item)]
    validation = {entry.path: entry for entry in _as_test(held)}
    entries = [validation.get(entry.path, entry) for entry in entries]
    return image_list(place, entries, content.hexdigest(), (), problems)


def _names(folder: Path, problems: AnnotationProblems) -> Sequence[str]:
    """Return the names of the images in a folder. Other files are ignored."""
    try:
        names = names_in(folder, IMAGES)
    except OSError as error:
        problems.add(folder.name, f"cannot be read ({error.strerror}); the archive is not unpacked whole")
        return []
    if not names:
        problems.add(folder.name, "has no images; the archive is not unpacked whole")
    return names


def _entries(folder: str, names: Sequence[str], problems: AnnotationProblems) -> Iterator[ImageEntry]:
    """Yield the images of a folder except false detections; a fault for each name that has another form."""
    split, role = FOLDERS[folder]
    for name in names:
        path = f"{folder}/{name}"
        match = NAME.fullmatch(name)
        if not match:
            problems.add(path, "expected a name like 0002_c1s1_000451_03.jpg: person, camera, sequence, frame, box")
            continue
        person, camera = int(match[1]), int(match[2])
        if person == JUNK:
            continue
        if person == DISTRACTOR and role != GALLERY:
            problems.add(path, "is of person 0, a distractor; these are in bounding_box_test only")
        yield ImageEntry(path, f"{person:04d}", split, path, "person", role=role, camera=camera)


def _as_test(entries: Sequence[ImageEntry]) -> Iterator[ImageEntry]:
    """Yield training images as validation images, with the roles of the official test.

    Each person that several cameras saw has one query at each of them.
    """
    cameras: dict[str, set[int]] = {}
    for entry in entries:
        cameras.setdefault(entry.item, set()).add(entry.camera)
    with_query: set[tuple[str, int]] = set()
    for entry in entries:
        view = (entry.item, entry.camera)
        is_query = len(cameras[entry.item]) > 1 and view not in with_query
        with_query.add(view)
        yield replace(entry, split="validation", role=QUERY if is_query else GALLERY)
