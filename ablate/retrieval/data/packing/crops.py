"""The photographs that an image list names, and the crops of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from ablate.errors import DataError
from ablate.filesystem import stat_or_none
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.packing import decode
from ablate.retrieval.data.packing.journal import FileStamp
from ablate.text import MOST_FAULTS, fault_lines

MOST_CATEGORIES = 2**15 - 1

TORN = 10
"""A data set that lacks more than one in TORN of its photographs counts as an archive that is only partly unpacked."""


@dataclass(frozen=True, slots=True)
class CropSource:
    """A photograph and the entries that are cut out of it."""

    number: int
    """The number of the photograph, from 0."""
    path: Path
    start: int
    """The number of its first entry; the other entries have the next numbers."""
    entries: Sequence[ImageEntry]

    @property
    def end(self) -> int:
        """Return the number after that of the last entry."""
        return self.start + len(self.entries)


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """The outcome of reading one photograph."""

    photo: CropSource
    stamp: FileStamp | None
    """The file as it was read; None if it could not be read."""
    faults: dict[int, str] = field(default_factory=dict)
    """{number of an entry: its fault}."""


def photographs(listing: ImageList) -> list[CropSource]:
    """Return every photograph once, in the order of the entries.

    DataError if there is no photograph, or if there are more categories than their numbers can tell apart.
    """
    if not listing.entries:
        raise DataError(f"{listing.root}: its annotations name no image")
    if len(listing.categories) > MOST_CATEGORIES:
        raise DataError(
            f"{listing.root}: {len(listing.categories):,} categories; at most {MOST_CATEGORIES:,} can be told apart"
        )
    sources: list[CropSource] = []
    for number, (path, group) in enumerate(groupby(listing.entries, key=lambda entry: entry.path)):
        start = sources[-1].end if sources else 0
        sources.append(CropSource(number, listing.root / path, start, list(group)))
    return sources


def files(listing: ImageList, photos: Sequence[CropSource]) -> list[os.stat_result | None]:
    """Return the status of each photograph's file, None if it is missing.

    Raise DataError if a large share is missing: then the archive is only partly unpacked, or the paths are wrong.
    """
    stats = [stat_or_none(photo.path) for photo in photos]
    missing = [photo for photo, stat in zip(photos, stats, strict=True) if stat is None]
    if len(missing) > max(MOST_FAULTS, len(photos) // TORN):
        remedy = "Unpack its archives again, or the parts that are missing, or correct the paths in its annotations"
        if any(decode.name_hint(photo.path) for photo in missing[:MOST_FAULTS]):
            remedy = "Correct the paths in its annotations"
        raise DataError(
            f"{_named(listing)}: {len(missing):,} of the {len(photos):,} image files that the annotations name are "
            f"missing. {remedy}:\n{_missing_lines(missing)}"
        )
    return stats


def _named(listing: ImageList) -> Path:
    """Return the only annotation file of an image list; the folder of its images if there are several."""
    return listing.root / listing.index[0] if len(listing.index) == 1 else listing.root


def _missing_lines(photos: Sequence[CropSource]) -> str:
    """Return a line for each of the first photographs, with its place in the annotations and the file's path."""
    lines = []
    for photo in photos[:MOST_FAULTS]:
        error = DataError(f"{photo.path}: found no file{decode.name_hint(photo.path)}")
        lines.append(_fault_text(photo, error))
    return fault_lines([*lines, *[""] * (len(photos) - len(lines))])


def require_files(listing: ImageList, skipping: str) -> None:
    """Raise DataError with every photograph whose file is missing. No file is opened.

    `skipping`: the command that packs the data set without them.
    """
    photos = photographs(listing)
    missing = [photo for photo, stat in zip(photos, files(listing, photos), strict=True) if stat is None]
    if missing:
        raise DataError(
            f"{_named(listing)}: {len(missing):,} of the {len(photos):,} image files that the annotations name are "
            f"missing:\n{_missing_lines(missing)}\n"
            "Put them there, or correct the annotations"
            + ("" if len(missing) == len(photos) else f"; or leave them out: `{skipping}`")
        )


def _fault_text(photo: CropSource, error: DataError) -> str:
    """Return the fault of a photograph, after its place in the annotations if a list names it."""
    source = photo.entries[0].source
    return str(error) if source == photo.entries[0].path else f"{source}: {error}"


def read(photo: CropSource, size: tuple[int, int], put: Callable[[int, bytes], None]) -> DecodedPhoto:
    """Read a photograph. `put` is called with the number of each entry and its pixels at `size` (height, width)."""
    try:
        whole, stamp = decode.open_photo(photo.path)
    except DataError as error:
        return DecodedPhoto(photo, None, dict.fromkeys(range(photo.start, photo.end), _fault_text(photo, error)))
    faults = {}
    for number, entry in enumerate(photo.entries, photo.start):
        try:
            part = decode.cut(whole, entry.box, photo.path, entry.source) if entry.box else whole
        except DataError as error:
            faults[number] = str(error)
        else:
            put(number, decode.fit(part, size).tobytes())
    return DecodedPhoto(photo, stamp, faults)
