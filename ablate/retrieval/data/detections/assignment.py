"""Assigns detections to queries and gallery: the published rule of DeepFashion2 (Ge et al., CVPR 2019).

Each detection goes to the annotated garment of its photograph that it overlaps best, garments of style 0 included. In
users' photographs, the detection of a garment's own class with the highest score stands for its query; a query without
a detection is a miss. In shops' photographs, all detections are the gallery: a box has the item of its garment if their
intersection over union is at least .5, and no item otherwise. Of equals, the first counts: garments in the order of the
annotations, detections in the order of their file.
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
from ablate.filesystem import file_hash
from ablate.retrieval.data.dataset import GALLERY, QUERY, SHOP, SPLITS, USER, Dataset
from ablate.retrieval.data.detections.parser import Detection, read_detections
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.formats import deepfashion2
from ablate.retrieval.data.formats.deepfashion2 import CATEGORIES, Annotation, Garment, photo_path
from ablate.retrieval.data.label_arrays import labels_of

FORMAT = "deepfashion2-detections/1"  # part of the fingerprint: change it whenever the rule changes
PART = "validation"
LEAST_OVERLAP = 0.5
"""Intersection over union."""
NONE = -1

Box = tuple[float, float, float, float] | tuple[int, int, int, int]
"""Left, top, right, bottom, pixels."""


@dataclass(frozen=True, slots=True)
class AssignedDetection:
    """A detection that is a query or in the gallery."""

    detection: Detection
    role: int
    garment: Garment | None
    """The garment whose query it stands for, or whose item it has in the gallery; None if it has no item."""


@dataclass(frozen=True)
class AssignedDetections:
    """The assigned detections as an image list, and the item and the query of each entry."""

    listing: ImageList
    item: Sequence[int]
    """For each entry, the number of its item in the annotated data set; NONE if it has no item there."""
    query: Sequence[int]
    """For each entry, the number of the test query that it stands for; NONE if it is in the gallery."""
    queries: int
    """The number of queries of the annotated test."""

    def labels(self, listing: ImageList, kept: Sequence[int]) -> dict[str, NDArray[Any]]:
        """Return the columns of a Dataset, and `stands_for`; see `DetectedBoxes`."""
        stands_for = np.full(self.queries, NONE, dtype=np.int64)
        for image, number in enumerate(kept):
            if self.query[number] != NONE:
                stands_for[self.query[number]] = image
        item = np.array([self.item[number] for number in kept], dtype=np.int32)
        return {**labels_of(listing, kept), "item": item, "stands_for": stands_for}


def assign(root: Path, annotated: Dataset, path: Path) -> AssignedDetections:
    """Assign the detections in a file to the queries and the gallery of an annotated data set.

    DataError with every fault.
    """
    content = hashlib.sha256(f"{FORMAT} {annotated.fingerprint} {file_hash(path)}".encode())
    annotations = deepfashion2.read_annotations(root, [PART], content.update, least_style=0)
    photos = {int(photo.photo): photo for photo in annotations if photo.photo.isdecimal()}
    files = {number: photo_path(PART, photo.photo) for number, photo in photos.items()}
    detections = read_detections(path, {number: root / file for number, file in files.items()}, len(CATEGORIES))
    numbers = dict(zip(annotated.source.tolist(), annotated.item.tolist(), strict=True))
    garments = [garment for photo in annotations for garment in photo.garments if garment.source.encode() in numbers]
    items = {garment.item: numbers[garment.source.encode()] for garment in garments}
    is_query = (annotated.split == SPLITS.index("test")) & (annotated.role & QUERY > 0)
    queries = {source: n for n, source in enumerate(annotated.source[is_query].tolist())}
    entries, item, query = [], [], []
    for one in assigned(photos, detections):
        own_query = queries.get(one.garment.source.encode(), NONE) if one.garment and one.role == QUERY else NONE
        if one.role == GALLERY or own_query != NONE:
            entries.append(_entry(one, files[one.detection.photo], path.name))
            item.append(items.get(one.garment.item, NONE) if one.garment else NONE)
            query.append(own_query)
    if not entries:
        raise DataError(f"{path}: none of its {len(detections):,} detections stands for a query or is in the gallery")
    return AssignedDetections(ImageList(root, entries, CATEGORIES, content.hexdigest()), item, query, len(queries))


def _entry(one: AssignedDetection, photo: str, file: str) -> ImageEntry:
    """Return the image of a detection's box. `file` is the name of the file of detections."""
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


def assigned(photos: Mapping[int, Annotation], detections: Sequence[Detection]) -> Iterator[AssignedDetection]:
    """Yield the detections that stand for a garment in users' photographs, and all detections in shops' photographs."""
    by_photo: dict[int, list[Detection]] = {}
    for detection in detections:
        by_photo.setdefault(detection.photo, []).append(detection)
    for number, in_photo in sorted(by_photo.items()):
        garments = photos[number].garments
        nearest = [(detection, *best_overlap(detection.box, garments)) for detection in in_photo]
        if photos[number].domain == SHOP:
            for detection, shared, garment in nearest:
                yield AssignedDetection(detection, GALLERY, garment if shared >= LEAST_OVERLAP else None)
            continue
        for garment in garments:
            own = [each for each, _, other in nearest if other is garment and each.category == garment.category]
            if own:
                yield AssignedDetection(max(own, key=lambda each: each.score), QUERY, garment)


def best_overlap(box: Box, garments: Sequence[Garment]) -> tuple[float, Garment | None]:
    """Return the best intersection over union of a box with a garment, and that garment; 0 and None without overlap."""
    overlaps = [overlap(box, garment.corners) for garment in garments]
    most = max(overlaps, default=0.0)
    return most, garments[overlaps.index(most)] if most > 0 else None


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (area(one) + area(other) - shared) if shared else 0.0


def area(box: Box) -> float:
    """Return the area of a box, square pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])
