"""Boxes that a detector found, in place of the annotated ones: packed once, as the annotated ones are.

See `detection_file.py` for the file that lists them, and `matching.py` for the rule by which they count.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import DataError
from ablate.retrieval.data import catalog
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.data.packing import format
from ablate.retrieval.data.packing.format import PackLocation, PackRecord, Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ablate.retrieval.data.packing.packer import PackingObserver

RULED = "deepfashion2"
"""The one data set that has a rule for detections."""


@dataclass(frozen=True, eq=False)
class DetectedBoxes:
    """Detected boxes, and which of them stands for each query of the annotated set's test."""

    dataset: Dataset
    """Images are boxes, all of the test split: QUERY where one stands for a query, GALLERY in shops' photographs.
    Items have the annotated set's numbers, and −1 is that of boxes that match none; categories are the detected ones.
    """

    stands_for: NDArray[np.int64]
    """(queries of the annotated set's test, in its order): the index of the image that stands for it, −1 for none."""


def detected(name: str, root: str | None, size: Size, path: str) -> DetectedBoxes:
    """The detections of a file; DataError if they are not packed, or if the data set has no rule for them."""
    _require_rule(name)
    place = _place(name, root, path, catalog.fingerprint(name, root))
    record = format.recorded(place)
    if record is None:
        raise DataError(
            f"evaluate.detections: {path} is not packed at {format.sized(size)} pixels: `ablate run` packs it"
        )
    images, labels = format.read(place, size, record.fingerprint)
    columns = {column: labels[column] for column in format.COLUMNS}
    dataset = Dataset(name, record.fingerprint, images, **columns, categories=record.categories)
    return DetectedBoxes(dataset, labels["stands_for"])


def prepare_detections(
    name: str, root: str | None, size: Size, path: str, watcher: PackingObserver | None = None
) -> PackRecord:
    """Packs what `detected` loads, and the annotated set first; nothing if that is done.

    Images that the annotated set was packed without are left out here too. DataError with every fault.
    """
    _require_rule(name)
    annotated = catalog.prepare(name, root, size, watcher=watcher)
    assert annotated is not None
    place = _place(name, root, path, annotated.fingerprint)
    corrupt = "skip" if annotated.skipped else None
    from ablate.retrieval.data.detections import assignment
    from ablate.retrieval.data.packing import packer

    if found := packer.ready(place, size, corrupt):
        return found
    dataset = catalog.load(name, root, size, pixels=False)
    matched = assignment.match(catalog.root_of(name, root), dataset, Path(path))
    return packer.prepare(place, lambda: matched.listing, size, corrupt, watcher, matched.labels)


def _require_rule(name: str) -> None:
    if name != RULED:
        raise DataError(f"evaluate.detections: {RULED} alone has a rule for detected boxes; {name} has none")


def _place(name: str, root: str | None, path: str, fingerprint: str) -> PackLocation:
    """Where that file's detections are packed, for annotations of that content."""
    annotated = catalog.place(name, root)
    try:
        content = hashlib.sha256(f"{fingerprint} {format.file_hash(Path(path))}".encode()).hexdigest()
    except OSError as error:
        raise DataError(f"evaluate.detections: {path} cannot be read ({error.strerror})") from None
    return PackLocation(annotated.folder, f"{name}-detections-{content[:12]}", annotated.command)
