"""The photographs that a listing names, and what is cut out of each."""

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
"""A set that lacks more than one in so many of its photographs is no set with faults, but half an archive."""


@dataclass(frozen=True, slots=True)
class CropSource:
    """A photograph and the entries that are cut out of it, which follow each other from number `start` on."""

    number: int
    path: Path
    start: int
    entries: Sequence[ImageEntry]

    @property
    def end(self) -> int:
        return self.start + len(self.entries)


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """What came of a photograph: no stamp if it could not be read; the faults of its entries, by their numbers."""

    photo: CropSource
    stamp: FileStamp | None
    faults: dict[int, str] = field(default_factory=dict)


def photographs(listing: ImageList) -> list[CropSource]:
    """Every photograph once, in the order of the entries; DataError if there is none, or if labels are too many."""
    if not listing.entries:
        raise DataError(f"{listing.root}: its annotations name no image")
    if len(listing.categories) > MOST_CATEGORIES:
        raise DataError(
            f"{listing.root}: {len(listing.categories):,} categories; at most {MOST_CATEGORIES:,} can be told apart"
        )
    found: list[CropSource] = []
    for number, (path, group) in enumerate(groupby(listing.entries, key=lambda entry: entry.path)):
        found.append(CropSource(number, listing.root / path, found[-1].end if found else 0, list(group)))
    return found


def files(listing: ImageList, photos: Sequence[CropSource]) -> list[os.stat_result | None]:
    """What the system says of each file, None where there is none; DataError if the archive is half unpacked."""
    found = [stat_or_none(photo.path) for photo in photos]
    missing = [str(photo.path) for photo, stat in zip(photos, found, strict=True) if stat is None]
    if len(missing) > max(MOST_FAULTS, len(photos) // TORN):
        raise DataError(
            f"{listing.root}: {len(missing):,} of the {len(photos):,} image files that the annotations name are "
            "missing, so it is not whole. Unpack its archives again, or the parts that are missing:\n"
            f"{fault_lines(missing)}"
        )
    return found


def _said(photo: CropSource, error: DataError) -> str:
    """What is wrong with a photograph, after the place where it is listed, if it is in a list."""
    source = photo.entries[0].source
    return str(error) if source == photo.entries[0].path else f"{source}: {error}"


def read(photo: CropSource, size: tuple[int, int], put: Callable[[int, bytes], None]) -> DecodedPhoto:
    """Reads a photograph; `put` is given the number of each entry, and its pixels at `size`."""
    try:
        whole, stamp = decode.open_photo(photo.path)
    except DataError as error:
        return DecodedPhoto(photo, None, dict.fromkeys(range(photo.start, photo.end), _said(photo, error)))
    faults = {}
    for number, entry in enumerate(photo.entries, photo.start):
        try:
            part = decode.cut(whole, entry.box, photo.path, entry.source) if entry.box else whole
        except DataError as error:
            faults[number] = str(error)
        else:
            put(number, decode.fit(part, size).tobytes())
    return DecodedPhoto(photo, stamp, faults)
