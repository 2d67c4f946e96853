"""Reads the file of a detector's boxes: COCO results for the official validation part of DeepFashion2.

    [{"image_id": 1, "category_id": 1, "bbox": [x, y, width, height], "score": 0.9}, ...]

`image_id` is the number in a photograph's name, `category_id` that of the annotations, 1 to 13. Other keys are ignored.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import DataError
from ablate.filesystem import read_regular
from ablate.retrieval.data.packing import decode
from ablate.text import fault_lines

EXPECTED = """\
Expected a list of entries like {"image_id": 1, "category_id": 1, "bbox": [x, y, width, height], "score": 0.9}: \
image_id the number in the name of a photograph of the official validation part, category_id from 1 to 13, and a box \
that lies in the photograph"""


@dataclass(frozen=True, slots=True)
class Detection:
    """One entry of the file."""

    entry: int
    """The position in the file, from 0."""
    photo: int
    """The number of the photograph."""
    category: int
    """0 to 12."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom, pixels."""
    score: float

    @property
    def corners(self) -> decode.Corners:
        """Return the box in whole pixels."""
        left, top, right, bottom = (round(side) for side in self.box)
        return left, top, right, bottom


def read_detections(path: Path, photos: Mapping[int, Path], categories: int) -> list[Detection]:
    """Return the detections in the order of their file. `photos` is {number: file} of the photographs.

    DataError with every fault.
    """
    raw = _parsed(path)
    detections, faults = [], []
    sizes: dict[int, tuple[int, int] | None] = {}
    for number, entry in enumerate(raw):
        try:
            detection = _detection(number, entry, photos, categories)
        except ValueError as error:
            faults.append(f"entry {number}: {error}")
            continue
        if detection.photo not in sizes:
            sizes[detection.photo] = decode.dimensions(photos[detection.photo])
        size = sizes[detection.photo]  # None: packing reports the fault of the photograph
        if size and (fault := decode.box_fault(detection.corners, size)):
            faults.append(f"entry {number}: {fault} of {photos[detection.photo]}")
        detections.append(detection)
    if faults:
        head = f"{path}: {len(faults):,} of its {len(raw):,} entries (counted from 0) have faults:"
        raise DataError(f"{head}\n{fault_lines(faults)}\n{EXPECTED}")
    return detections


def _parsed(path: Path) -> list[Any]:
    """Return the list in a JSON file; DataError if there is none."""
    try:
        raw = json.loads(read_regular(path))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). {EXPECTED}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON ({error}). {EXPECTED}") from None
    if not isinstance(raw, list):
        raise DataError(f"{path}: found a JSON {type(raw).__name__}, not a list. {EXPECTED}")
    return raw


def _detection(number: int, entry: Any, photos: Mapping[int, Path], categories: int) -> Detection:
    """Return the detection in one entry; ValueError with its fault."""
    if not isinstance(entry, dict):
        raise ValueError(f"found {reprlib.repr(entry)}, not a mapping")
    if missing := [key for key in ("image_id", "category_id", "bbox", "score") if key not in entry]:
        raise ValueError(f"no {', '.join(missing)}")
    photo, category, box, score = (entry[key] for key in ("image_id", "category_id", "bbox", "score"))
    if type(photo) is not int or photo not in photos:
        raise ValueError(f"image_id {reprlib.repr(photo)}: there is no such photograph")
    if type(category) is not int or not 1 <= category <= categories:
        raise ValueError(f"category_id {reprlib.repr(category)}: there is no such category")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise ValueError(f"bbox {reprlib.repr(box)}: not four finite numbers")
    if not _is_number(score):
        raise ValueError(f"score {reprlib.repr(score)}: not a finite number")
    left, top, width, height = map(float, box)
    right, bottom = left + width, top + height
    if not math.isfinite(right) or not math.isfinite(bottom):
        raise ValueError(f"bbox {reprlib.repr(box)}: its right or bottom side is no finite number")
    return Detection(number, photo, category - 1, (left, top, right, bottom), float(score))


def _is_number(value: Any) -> bool:
    """Return True if a value is a finite number that a float can hold."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False
