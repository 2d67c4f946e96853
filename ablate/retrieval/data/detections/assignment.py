"""Which detections count for what: the published rule of DeepFashion2 (Ge et al., CVPR 2019).

Each detection goes to the annotated garment of its photograph that it overlaps best, those of style 0 included. In
users' photographs, the best-scored one of a garment's own class stands for its query; a query that none stands for is
a miss. In shops', all are the gallery: a box is of its garment's item if their intersection over union is at least
.5, and of none otherwise. Of equals, the first counts: garments as they are annotated, detections as they are listed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.errors import DataError
from ablate.retrieval.data.dataset import GALLERY, QUERY, SHOP, SPLITS, USER, Dataset
from ablate.retrieval.data.detections.parser import Detection, read_detections
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.formats import deepfashion2
from ablate.retrieval.data.formats.deepfashion2 import CATEGORIES, Annotation, Garment, photo_path
from ablate.retrieval.data.label_arrays import labels_of
from ablate.retrieval.data.packing.format import file_hash

FORMAT = "deepfashion2-detections/1"  # part of the fingerprint: change it with the rule
PART = "validation"
LEAST_OVERLAP = 0.5
NONE = -1

Box = tuple[float, float, float, float] | tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class AssignedDetection:
    """A detection that counts for something, and what for."""

    detection: Detection
    role: int
    garment: Garment | None  # whose query it stands for, or whose item it is of


@dataclass(frozen=True)
class AssignedDetections:
    """The detections that count, as a listing; and what each entry of that is in the annotated set."""

    listing: ImageList
    item: Sequence[int]  # the annotated set's number, NONE if it matches none
    query: Sequence[int]  # which of the test's queries it stands for, NONE if it is of the gallery
    queries: int

    def labels(self, listing: ImageList, kept: Sequence[int]) -> dict[str, NDArray[Any]]:
        """The columns of a Dataset, and `stands_for`; see Detected."""
        stands_for = np.full(self.queries, NONE, dtype=np.int64)
        for image, number in enumerate(kept):
            if self.query[number] != NONE:
                stands_for[self.query[number]] = image
        item = np.array([self.item[number] for number in kept], dtype=np.int32)
        return {**labels_of(listing, kept), "item": item, "stands_for": stands_for}


def match(root: Path, annotated: Dataset, path: Path) -> AssignedDetections:
    """What the detections of a file count for, in a set whose labels are known; DataError with every fault."""
    content = hashlib.sha256(f"{FORMAT} {annotated.fingerprint} {file_hash(path)}".encode())
    found = deepfashion2.read_annotations(root, [PART], content.update, least_style=0)
    photos = {int(photo.photo): photo for photo in found if photo.photo.isdecimal()}
    files = {number: photo_path(PART, photo.photo) for number, photo in photos.items()}
    detections = read_detections(path, {number: root / file for number, file in files.items()}, len(CATEGORIES))
    known = dict(zip(annotated.source.tolist(), annotated.item.tolist(), strict=True))
    garments = [garment for photo in found for garment in photo.garments if garment.source.encode() in known]
    items = {garment.item: known[garment.source.encode()] for garment in garments}
    is_query = (annotated.split == SPLITS.index("test")) & (annotated.role & QUERY > 0)
    queries = {source: n for n, source in enumerate(annotated.source[is_query].tolist())}
    entries, item, query = [], [], []
    for one in counted(photos, detections):
        asked = queries.get(one.garment.source.encode(), NONE) if one.garment and one.role == QUERY else NONE
        if one.role == GALLERY or asked != NONE:
            entries.append(_entry(one, files[one.detection.photo], path.name))
            item.append(items.get(one.garment.item, NONE) if one.garment else NONE)
            query.append(asked)
    if not entries:
        raise DataError(f"{path}: of its {len(detections):,} detections, not one stands for a query or is a gallery's")
    return AssignedDetections(ImageList(root, entries, CATEGORIES, content.hexdigest()), item, query, len(queries))


def _entry(one: AssignedDetection, photo: str, file: str) -> ImageEntry:
    return ImageEntry(
        path=photo,
        item=one.garment.item if one.garment else "",
        split="test",
        source=f"{file}, entry {one.detection.entry}",
        category=CATEGORIES[one.detection.category],
        domain=USER if one.role == QUERY else SHOP,
        role=one.role,
        box=one.detection.corners,
    )


def counted(photos: Mapping[int, Annotation], detections: Sequence[Detection]) -> Iterator[AssignedDetection]:
    """The detections that stand for a garment in users' photographs, and all in shops', photograph by photograph."""
    by_photo: dict[int, list[Detection]] = {}
    for detection in detections:
        by_photo.setdefault(detection.photo, []).append(detection)
    for number, here in sorted(by_photo.items()):
        garments = photos[number].garments
        nearest = [(detection, *best(detection.box, garments)) for detection in here]
        if photos[number].domain == SHOP:
            for detection, shared, garment in nearest:
                yield AssignedDetection(detection, GALLERY, garment if shared >= LEAST_OVERLAP else None)
            continue
        for garment in garments:
            own = [each for each, _, other in nearest if other is garment and each.category == garment.category]
            if own:
                yield AssignedDetection(max(own, key=lambda each: each.score), QUERY, garment)


def best(box: Box, garments: Sequence[Garment]) -> tuple[float, Garment | None]:
    """The garment that a box overlaps best, and their intersection over union; none if it overlaps none."""
    overlaps = [overlap(box, garment.corners) for garment in garments]
    most = max(overlaps, default=0.0)
    return most, garments[overlaps.index(most)] if most > 0 else None


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (area(one) + area(other) - shared) if shared else 0.0


def area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
