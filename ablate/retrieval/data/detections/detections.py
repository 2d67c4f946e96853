"""Tests on the boxes of a detector instead of the annotated boxes. They are packed once, as the annotated ones are.

See `parser.py` for the file that lists them, and `assignment.py` for the rule that makes them queries and gallery.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import DataError, UnpreparedDataError
from ablate.filesystem import file_hash
from ablate.retrieval.data import catalog
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.data.packing import format
from ablate.retrieval.data.packing.format import PackLocation, PackRecord, Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ablate.retrieval.data.packing.packer import PackingObserver

WITH_RULE = "deepfashion2"
"""The one data set that has a rule for detections."""


@dataclass(frozen=True, eq=False)
class DetectedBoxes:
    """Detected boxes, and the box that stands for each query of the annotated test."""

    dataset: Dataset
    """An image is a box, and all are in the test split. The role is QUERY if it stands for a query, and GALLERY in
    shops' photographs. Items have the numbers of the annotated data set, or −1 for boxes without an item. Categories
    are the detected ones.
    """
    stands_for: NDArray[np.int64]
    """(queries,) for each query of the annotated test, in its order, the index of the image that stands for it; −1 if
    none does.
    """


def detected(name: str, root: str | None, size: Size, path: str) -> DetectedBoxes:
    """Return the packed detections of the file `path`.

    UnpreparedDataError if they are not packed; DataError if the data set has no rule for detections.
    """
    _require_rule(name)
    place = _place(name, root, path, catalog.fingerprint(name, root, size))
    record = format.recorded(place, size)
    if record is None:
        raise UnpreparedDataError(
            f"evaluate.detections: {path} is not packed at {format.sized(size)} pixels: `ablate run` packs it"
        )
    images, labels = format.read(place, size, record.fingerprint)
    columns = {column: labels[column] for column in format.COLUMNS}
    dataset = Dataset(name, record.fingerprint, images, **columns, categories=record.categories)
    return DetectedBoxes(dataset, labels["stands_for"])


def detected_labels(name: str, root: str | None, size: Size, path: str) -> DetectedBoxes:
    """Return the detections of the file `path` without pixels, packed or not.

    DataError with every fault of the file, or if the data set has no rule for detections.
    """
    try:
        return detected(name, root, size, path)
    except UnpreparedDataError:
        from ablate.retrieval.data.detections import assignment

        dataset = catalog.load_labels(name, root, size)
        assigned = assignment.assign(catalog.root_of(name, root), dataset, Path(path))
        boxes, columns = catalog.unpacked(name, assigned.listing, assigned.labels, size)
        return DetectedBoxes(boxes, columns["stands_for"])


def prepare_detections(
    name: str, root: str | None, size: Size, path: str, watcher: PackingObserver | None = None
) -> PackRecord:
    """Pack the annotated data set and then the detections of the file `path`. Finished packs are left as they are.

    Images that were left out of the annotated pack are left out here too. DataError with every fault.
    """
    _require_rule(name)
    annotated = catalog.prepare(name, root, size, watcher=watcher)
    assert annotated is not None
    place = _place(name, root, path, annotated.fingerprint)
    corrupt = "skip" if annotated.skipped else None
    from ablate.retrieval.data.detections import assignment
    from ablate.retrieval.data.packing import packer

    if record := packer.current_pack(place, size, corrupt, watcher):
        return record
    dataset = catalog.load(name, root, size, pixels=False)
    assigned = assignment.assign(catalog.root_of(name, root), dataset, Path(path))
    return packer.prepare(place, lambda: assigned.listing, size, corrupt, watcher, assigned.labels, None)


def _require_rule(name: str) -> None:
    """Raise DataError if the data set has no rule for detections."""
    if name != WITH_RULE:
        raise DataError(f"evaluate.detections: only {WITH_RULE} has a rule for detected boxes; {name} has none")


def _place(name: str, root: str | None, path: str, fingerprint: str) -> PackLocation:
    """Return the place of the pack of a file's detections, for annotations with this fingerprint."""
    annotated = catalog.place(name, root)
    try:
        content = hashlib.sha256(f"{fingerprint} {file_hash(Path(path))}".encode()).hexdigest()
    except OSError as error:
        raise DataError(f"evaluate.detections: {path} cannot be read ({error.strerror})") from None
    return PackLocation(annotated.folder, f"{name}-detections-{content[:12]}", annotated.command)
