"""Packs a data set: reads every photograph once, cuts out its boxes and resizes them, on all cores.

Finished work is kept, whatever ends the process (see journal.py). The bytes of the pack depend neither on the number
of threads nor on interruptions.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ablate.errors import DataError
from ablate.filesystem import exclusive_lock, exists, is_folder, write_synced
from ablate.retrieval.data.entries import ImageList
from ablate.retrieval.data.label_arrays import Labels, labels_of, save
from ablate.retrieval.data.packing import decode, format
from ablate.retrieval.data.packing.crops import CropSource, files, photographs, read
from ablate.retrieval.data.packing.format import PackLocation, PackRecord, Size, sized
from ablate.retrieval.data.packing.journal import FileStamp, PackJournal
from ablate.text import fault_lines

BLOCK = 128
"""The number of photographs that are noted in the journal at once."""

MEGABYTE = 1_000_000


class PackingObserver(Protocol):
    """Receives the progress of packing."""

    def notify(self, text: str) -> None:
        """Called with each message for the user."""

    def advance(self, done: int, total: int) -> None:
        """Called after each photograph with the number done and the total."""


class SilentObserver:
    """Ignores the progress of packing."""

    def notify(self, text: str) -> None:
        pass

    def advance(self, done: int, total: int) -> None:
        pass


def prepare(
    place: PackLocation,
    listing: Callable[[], ImageList],
    size: Size,
    corrupt: str | None,
    watcher: PackingObserver | None = None,
    labels: Labels = labels_of,
) -> PackRecord:
    """Return the record of the pack at this size, after making the pack if it does not exist.

    `corrupt` is `refuse` or `skip`, for images that cannot be read. None refuses such images too, but accepts an
    existing pack that was made with some images skipped. DataError with every fault of a refused data set.
    """
    if record := existing_pack(place, size, corrupt):
        return record
    watcher = watcher or SilentObserver()
    watcher.notify(f"{place.folder}: reading the annotations")
    images = listing()
    index = {
        os.path.relpath(path, place.folder): format.hash_or_none(path)
        for path in map(images.root.joinpath, images.index)
    }
    partial = place.partial(size, images.content)
    _report_leftovers(place, size, partial, watcher)
    with _translated_disk_errors(place):
        place.packs.mkdir(exist_ok=True)
        with exclusive_lock(partial.with_name(f"{partial.name}.lock"), watcher.notify):
            if record := existing_pack(place, size, corrupt):  # another process has made it meanwhile
                return record
            return PackingJob(place, images, index, size, corrupt == "skip", watcher).run(partial, labels)


def existing_pack(place: PackLocation, size: Size, corrupt: str | None) -> PackRecord | None:
    """Return the record of a pack that exists and is acceptable, or None if the pack must be made."""
    record = format.recorded(place)
    if record is None or not is_folder(place.pack(size, record.fingerprint)):
        return None
    return None if record.skipped and corrupt == "refuse" else record


def _report_leftovers(place: PackLocation, size: Size, own: Path, watcher: PackingObserver) -> None:
    """Report packs that take disk space and are of no use for this pack."""
    if exists(place.packs / format.FORMER_RECORD):
        watcher.notify(
            f"{place.packs} holds packs in the form of an earlier version, which is no longer read: the data set is "
            f"packed again; delete {format.FORMER_RECORD} and the older folders next to it"
        )
    for other, at in place.partials().items():
        if at == size and other != own:
            watcher.notify(f"{other} is an unfinished pack of other annotations: delete it if no process packs these")


@contextmanager
def _translated_disk_errors(place: PackLocation) -> Iterator[None]:
    """Turn errors of the disk that the pack is written to into DataError. Errors of photographs never come here."""
    try:
        yield
    except OSError as error:
        fault = f"{place.packs}: the pack cannot be written there: {error.strerror or error}. "
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            remedy = (
                f"Packs lie next to the images. Make {place.folder} writable, or make another folder with links "
                f"(`ln -s`) to all its contents except {format.FOLDER}, and give that folder with --root or data.root"
            )
        elif error.errno in (errno.EEXIST, errno.ENOTDIR):
            remedy = f"{place.packs} must be a folder: move the file of that name away"
        else:
            remedy = "Finished work is kept: once the disk has room and works, the same command continues"
        raise DataError(fault + remedy) from None


@dataclass(frozen=True)
class PackingJob:
    """The packing of one data set at one size."""

    place: PackLocation
    listing: ImageList
    index: dict[str, str | None]
    """See `PackRecord.index`."""
    size: Size
    skip: bool
    """Leave out images that cannot be read, instead of refusing the data set."""
    watcher: PackingObserver

    def run(self, folder: Path, labels: Labels) -> PackRecord:
        """Pack the photographs that are not packed yet, and return the record of the whole pack."""
        photos = photographs(self.listing)
        stats = files(self.listing, photos)
        about = f"ablate-pack {format.FORM} {self.listing.content} {sized(self.size)} {len(self.listing.entries)}"
        row = self.size[0] * self.size[1] * 3
        with closing(PackJournal(folder, about, len(self.listing.entries), row)) as partial:
            self._check_space(partial)
            stamps, faults = self._read(photos, stats, partial)
            if faults and not self.skip:
                raise DataError(self._refusal(faults))
            kept = fill(partial, len(self.listing.entries), faults)
            if not kept:
                raise DataError(f"{self.listing.root}: no image can be read:\n{fault_lines(_lines(faults))}")
            record = self._record(stamps, faults, kept)
            save(folder / "labels.npz", labels(self.listing, kept))
            write_synced(folder / "pack.json", format.text(record).encode())
            # First the record: a process that is killed in between leaves a pack to finish, not one to make again.
            write_synced(folder.with_name(f"{folder.name}.json"), format.text(record).encode())
            folder.with_name(f"{folder.name}.json").replace(self.place.record)
            partial.publish(self.place.pack(self.size, record.fingerprint), (len(kept), *self.size, 3))
        return record

    def _check_space(self, partial: PackJournal) -> None:
        """Raise DataError if the disk has too little room for the pixels."""
        needed, free = partial.lacks(), shutil.disk_usage(self.place.packs).free
        if needed > free:
            raise DataError(
                f"{self.place.packs}: the pack needs {needed / MEGABYTE:,.1f} MB more "
                f"({len(self.listing.entries):,} images at {sized(self.size)} pixels), and its disk has "
                f"{free / MEGABYTE:,.1f} MB free. Make room, or choose a smaller size"
            )

    def _read(
        self, photos: Sequence[CropSource], stats: Sequence[os.stat_result | None], partial: PackJournal
    ) -> tuple[list[FileStamp | None], dict[int, str]]:
        """Return the stamp of every photograph, and {number of an entry: its fault}.

        Photographs that are in the journal and have not changed since are not read again.
        """
        stamps: list[FileStamp | None] = [None] * len(photos)
        for photo, stat in zip(photos, stats, strict=True):
            earlier = partial.done.get(photo.number)
            if earlier and stat and earlier.is_of(stat):
                stamps[photo.number] = earlier
        waiting = [photo for photo in photos if stamps[photo.number] is None]
        faults: dict[int, str] = {}
        block: list[tuple[int, FileStamp]] = []
        results = decode.in_threads(lambda photo: read(photo, self.size, partial.put), waiting)
        self.watcher.advance(len(photos) - len(waiting), len(photos))
        try:
            for left, result in zip(reversed(range(len(waiting))), results, strict=True):
                stamps[result.photo.number] = result.stamp
                faults |= result.faults
                if result.stamp and not result.faults:
                    block.append((result.photo.number, result.stamp))
                if len(block) == BLOCK:
                    partial.record(block)
                    block.clear()
                self.watcher.advance(len(photos) - left, len(photos))
        finally:
            results.close()  # waits for threads that still write pixels: only then may the files be closed
            partial.record(block)
        return stamps, faults

    def _refusal(self, faults: Mapping[int, str]) -> str:
        height, width = self.size
        return (
            f"{self.listing.root}: {len(faults):,} of {len(self.listing.entries):,} images cannot be packed:\n"
            f"{fault_lines(_lines(faults))}\n"
            "All others are packed and kept. Replace these files by whole ones and give the same command again, which "
            f"reads only them; or leave them out: `{self.place.command} --size {height} {width} --corrupt skip`"
        )

    def _record(self, stamps: Sequence[FileStamp | None], faults: Mapping[int, str], kept: Sequence[int]) -> PackRecord:
        """Return the record; its fingerprint is of the annotations, all stamps and the left-out images."""
        listing = self.listing
        content = hashlib.sha256(f"ablate-pack {format.FORM} {listing.content}\n".encode())
        for stamp in stamps:
            content.update(bytes.fromhex(stamp.sha256) if stamp else b"none")
        content.update(json.dumps(sorted(faults)).encode())
        return PackRecord(
            fingerprint=content.hexdigest(),
            images=len(kept),
            items=len({listing.entries[number].item for number in kept}),
            categories=listing.categories,
            skipped=tuple(faults[number] for number in sorted(faults)),
            index=self.index,
        )


def fill(partial: PackJournal, count: int, left_out: Container[int]) -> list[int]:
    """Fill the places of left-out entries with the last images.

    Of `count` entries, return the numbers of those that are image 0, 1, … now. The images are copied, not moved, so
    the places that the journal names keep their pixels.
    """
    kept = [number for number in range(count) if number not in left_out]
    free = [number for number in range(len(kept)) if number in left_out]
    moved = kept[len(kept) - len(free) :]
    for source, target in zip(moved, free, strict=True):
        partial.move(source, target)
    places = dict(zip(free, moved, strict=True))
    return [places.get(number, number) for number in range(len(kept))]


def _lines(faults: Mapping[int, str]) -> list[str]:
    """Return every fault once: a photograph that cannot be read gives the same fault to all its boxes."""
    return list(dict.fromkeys(faults[number] for number in sorted(faults)))
