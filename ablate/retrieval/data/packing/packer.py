"""Packs a data set: every photograph is read once, its boxes are cut out and resized, on all cores.

What has been done is kept whatever ends it (see partial.py), and the bytes that come out depend on neither the
number of threads nor on interruptions.
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
"""Photographs between two notes in the journal."""

MEGABYTE = 1_000_000


class PackingObserver(Protocol):
    """Who is told how packing goes."""

    def say(self, text: str) -> None: ...

    def advance(self, done: int, total: int) -> None:
        """So many photographs of so many are done; called after each."""


class SilentObserver:
    """Tells nobody."""

    def say(self, text: str) -> None:
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
    """The record of the pack at this size, which is made if it is not there.

    `corrupt`: refuse (DataError with every fault) or skip; None refuses too, but takes a pack that has skipped some.
    """
    if found := ready(place, size, corrupt):
        return found
    watcher = watcher or SilentObserver()
    watcher.say(f"{place.folder}: reading the annotations")
    known = listing()
    index = {
        os.path.relpath(path, place.folder): format.hash_of(path) for path in map(known.root.joinpath, known.index)
    }
    partial = place.partial(size, known.content)
    _tell_leftovers(place, size, partial, watcher)
    with _writing(place):
        place.packs.mkdir(exist_ok=True)
        with exclusive_lock(partial.with_name(f"{partial.name}.lock"), watcher.say):
            if found := ready(place, size, corrupt):  # another process was at it meanwhile
                return found
            return PackingJob(place, known, index, size, corrupt == "skip", watcher).run(partial, labels)


def ready(place: PackLocation, size: Size, corrupt: str | None) -> PackRecord | None:
    """The record of a pack that need not be made."""
    record = format.recorded(place)
    if record is None or not is_folder(place.pack(size, record.fingerprint)):
        return None
    return None if record.skipped and corrupt == "refuse" else record


def _tell_leftovers(place: PackLocation, size: Size, own: Path, watcher: PackingObserver) -> None:
    """What takes room and is of no use to this pack."""
    if exists(place.packs / format.FORMER_RECORD):
        watcher.say(
            f"{place.packs} holds packs of an earlier version's form, which are not read any more: the set is packed "
            f"anew; delete {format.FORMER_RECORD} and the folders beside it that are older"
        )
    for other, at in place.partials().items():
        if at == size and other != own:
            watcher.say(f"{other} is of other annotations, begun and not finished: delete it if nobody packs these")


@contextmanager
def _writing(place: PackLocation) -> Iterator[None]:
    """Errors of the disk that is written to, in our words. Those of photographs never come here."""
    try:
        yield
    except OSError as error:
        what = f"{place.packs}: the pack cannot be written there: {error.strerror or error}. "
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            remedy = (
                f"Packs lie beside the images. Make {place.folder} writable, or make another folder with links to all "
                f"that is in it but {format.FOLDER} (`ln -s`), and give that with --root or data.root"
            )
        elif error.errno in (errno.EEXIST, errno.ENOTDIR):
            remedy = f"{place.packs} is to be a folder: move what is there away"
        else:
            remedy = "What is done is kept: once there is room, or the disk is well, the same command goes on"
        raise DataError(what + remedy) from None


@dataclass(frozen=True)
class PackingJob:
    """One set at one size."""

    place: PackLocation
    listing: ImageList
    index: dict[str, str | None]  # see Record
    size: Size
    skip: bool
    watcher: PackingObserver

    def run(self, folder: Path, labels: Labels) -> PackRecord:
        """Packs what is not packed yet; the record."""
        photos = photographs(self.listing)
        found = files(self.listing, photos)
        about = f"ablate-pack {format.FORM} {self.listing.content} {sized(self.size)} {len(self.listing.entries)}"
        row = self.size[0] * self.size[1] * 3
        with closing(PackJournal(folder, about, len(self.listing.entries), row)) as partial:
            self._check_space(partial)
            stamps, faults = self._read(photos, found, partial)
            if faults and not self.skip:
                raise DataError(self._refusal(faults))
            kept = fill(partial, len(self.listing.entries), faults)
            if not kept:
                raise DataError(f"{self.listing.root}: not one image is whole:\n{fault_lines(_lines(faults))}")
            record = self._record(stamps, faults, kept)
            save(folder / "labels.npz", labels(self.listing, kept))
            write_synced(folder / "pack.json", format.text(record).encode())
            # First the record: whoever is killed in between leaves a pack to be finished, not one to be made again.
            write_synced(folder.with_name(f"{folder.name}.json"), format.text(record).encode())
            folder.with_name(f"{folder.name}.json").replace(self.place.record)
            partial.publish(self.place.pack(self.size, record.fingerprint), (len(kept), *self.size, 3))
        return record

    def _check_space(self, partial: PackJournal) -> None:
        needed, free = partial.lacks(), shutil.disk_usage(self.place.packs).free
        if needed > free:
            raise DataError(
                f"{self.place.packs}: the pack needs {needed / MEGABYTE:,.1f} MB more "
                f"({len(self.listing.entries):,} images at {sized(self.size)} pixels), and its disk has "
                f"{free / MEGABYTE:,.1f} MB free. Make room, or choose a smaller size"
            )

    def _read(
        self, photos: Sequence[CropSource], found: Sequence[os.stat_result | None], partial: PackJournal
    ) -> tuple[list[FileStamp | None], dict[int, str]]:
        """Every photograph's stamp, and the faults by the entries' numbers; reads what the journal does not have."""
        stamps: list[FileStamp | None] = [None] * len(photos)
        for photo, stat in zip(photos, found, strict=True):
            known = partial.done.get(photo.number)
            if known and stat and known.is_of(stat):
                stamps[photo.number] = known
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
            results.close()  # whoever is at it still puts what nobody asks for; then the files may be closed
            partial.record(block)
        return stamps, faults

    def _refusal(self, faults: Mapping[int, str]) -> str:
        height, width = self.size
        return (
            f"{self.listing.root}: {len(faults):,} of {len(self.listing.entries):,} images cannot be packed:\n"
            f"{fault_lines(_lines(faults))}\n"
            "All others are done and kept. Put whole files in place of these and give the same command again, which "
            f"reads no others; or leave them out: `{self.place.command} --size {height} {width} --corrupt skip`"
        )

    def _record(self, stamps: Sequence[FileStamp | None], faults: Mapping[int, str], kept: Sequence[int]) -> PackRecord:
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
    """Which of `count` entries is image 0, 1, …: the last ones take the places of those that are left out.

    They are copied, so what the journal speaks of stays where it is.
    """
    kept = [number for number in range(count) if number not in left_out]
    free = [number for number in range(len(kept)) if number in left_out]
    moved = kept[len(kept) - len(free) :]
    for source, target in zip(moved, free, strict=True):
        partial.move(source, target)
    places = dict(zip(free, moved, strict=True))
    return [places.get(number, number) for number in range(len(kept))]


def _lines(faults: Mapping[int, str]) -> list[str]:
    """Every fault once: a photograph's is that of all its boxes."""
    return list(dict.fromkeys(faults[number] for number in sorted(faults)))
