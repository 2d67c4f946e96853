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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from ablate.errors import DataError
from ablate.filesystem import exclusive_lock, exists, is_folder, write_synced
from ablate.retrieval.data.annotation_text import text_hash
from ablate.retrieval.data.dataset import NO_CAMERA
from ablate.retrieval.data.entries import ImageList
from ablate.retrieval.data.label_arrays import Labels, labels_of, save
from ablate.retrieval.data.packing import decode, format, photo_files
from ablate.retrieval.data.packing.crops import CropSource, files, photographs, read
from ablate.retrieval.data.packing.format import PackLocation, PackRecord, Size, sized
from ablate.retrieval.data.packing.journal import FileStamp, PackJournal
from ablate.retrieval.data.packing.leakage import ImageName, Leakage, PackedLabels, digests
from ablate.retrieval.data.packing.leakage import leakage as leakage_of
from ablate.text import fault_lines, plural

BLOCK = 128
"""The number of photographs that are noted in the journal at once."""

MEGABYTE = 1_000_000

REFUSE, SKIP, WARN = "refuse", "skip", "warn"
"""Treatments of images that cannot be read (refuse, skip), and of leakage (refuse, warn)."""


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
    leakage: str | None = WARN,
) -> PackRecord:
    """Return the record of the pack at this size, after making the pack if it does not exist or is not of today's data.

    `corrupt` is `refuse` or `skip`, for images that cannot be read. None refuses such images too, but accepts an
    existing pack that was made with some images skipped. `leakage` is `refuse` or `warn`, for the same image in two
    places; None does not look for it. DataError with every fault of a refused data set.
    """
    watcher = watcher or SilentObserver()
    if record := current_pack(place, size, corrupt, watcher):
        return _checked(place, size, record, corrupt, leakage, watcher)
    watcher.notify(f"{place.root}: reading the annotations")
    images = listing()
    index = {os.path.relpath(path, place.folder): text_hash(path) for path in map(images.root.joinpath, images.index)}
    partial = place.partial(size, images.content)
    _report_leftovers(place, size, partial, watcher)
    with _translated_disk_errors(place):
        place.packs.mkdir(exist_ok=True)
        with exclusive_lock(partial.with_name(f"{partial.name}.lock"), watcher.notify):
            if record := current_pack(place, size, corrupt):  # another process has made it meanwhile
                return _checked(place, size, record, corrupt, leakage, watcher)
            job = PackingJob(place, images, index, size, corrupt == SKIP, leakage, watcher)
            return job.run(partial, labels)


def require_room(place: PackLocation, listing: ImageList, size: Size) -> None:
    """Raise DataError if a pack of an image list cannot be written. Nothing is written."""
    nearest = place.packs if exists(place.packs) else place.folder
    with _translated_disk_errors(place):
        if not is_folder(nearest):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if not place.partials():  # otherwise less is needed
            check_room(place, len(listing.entries), size, len(listing.entries) * size[0] * size[1] * 3)


def check_room(place: PackLocation, images: int, size: Size, needed: int) -> None:
    """Raise DataError if the disk has fewer than `needed` bytes of room for the pixels of a pack."""
    free = shutil.disk_usage(place.packs if exists(place.packs) else place.folder).free
    if needed > free:
        raise DataError(
            f"{place.packs}: the pack needs {needed / MEGABYTE:,.1f} MB more ({images:,} images at {sized(size)} "
            f"pixels), and its disk has {free / MEGABYTE:,.1f} MB free. Make room, or choose a smaller size"
        )


def existing_pack(place: PackLocation, size: Size, corrupt: str | None) -> PackRecord | None:
    """Return the record of a pack that exists and is acceptable, or None if the pack must be made."""
    record = format.recorded(place, size)
    if record is None or not is_folder(place.pack(size, record.fingerprint)):
        return None
    return None if record.skipped and corrupt == REFUSE else record


def current_pack(
    place: PackLocation, size: Size, corrupt: str | None, watcher: PackingObserver | None = None
) -> PackRecord | None:
    """Return the record of an existing pack, as `existing_pack`, unless a photograph has been replaced since."""
    record = existing_pack(place, size, corrupt)
    changed = photo_files.changed(place, record.fingerprint) if record else []
    if changed and watcher:
        watcher.notify(
            f"{place.root}: {plural(len(changed), 'photograph')} changed since packing, so the data set is packed "
            f"again:\n{fault_lines(changed)}"
        )
    return None if changed else record


def _checked(
    place: PackLocation,
    size: Size,
    record: PackRecord,
    corrupt: str | None,
    leakage: str | None,
    watcher: PackingObserver,
) -> PackRecord:
    """Return the record of an existing pack with the leakage that is found in it; DataError if that is refused."""
    if leakage is None:
        return record
    found = format.stored_leakage(place, size, record.fingerprint)
    folder = place.pack(size, record.fingerprint)
    if found is None and os.access(folder, os.W_OK):  # packed by an earlier version: look once, and keep the answer
        watcher.notify(f"{folder}: packed by an earlier version; its images are compared with each other once")
        images, labels = format.read(place, size, record.fingerprint)
        names = [ImageName(source.decode("utf-8", "replace"), None) for source in labels["source"].tolist()]
        found = find_leakage(lambda number: images[number].tobytes(), labels, names.__getitem__)
        temporary = folder / f"pack.json.{os.getpid()}"
        write_synced(temporary, format.text(replace(record, leakage=found)))
        temporary.replace(folder / "pack.json")
    if found and leakage == REFUSE:
        raise DataError(_leakage_refusal(place, size, found, corrupt))
    return replace(record, leakage=found)


def _leakage_refusal(place: PackLocation, size: Size, found: Leakage, corrupt: str | None) -> str:
    command = place.command_at(size) + (f" --corrupt {SKIP}" if corrupt == SKIP else "")
    return (
        f"{place.root}: the same image, equal in every pixel at {sized(size)}, is in two places:\n"
        + "\n".join(f"  {count}" for count in found.counts())
        + f"\nsuch as:\n{fault_lines(found.examples)}\n"
        "Take the copies out of the annotations, or correct their items; or accept them: "
        f"`{command} --leakage {WARN}`"
    )


def find_leakage(
    read: Callable[[int], bytes], labels: Mapping[str, NDArray[Any]], name: Callable[[int], ImageName]
) -> Leakage:
    """Return the leakage between images. `read` returns the pixels of image 0, 1, …, and `name` its name."""
    columns = PackedLabels(labels["split"], labels["role"], labels["item"], name, labels["camera"])
    return leakage_of(digests(read, len(columns.split)), columns)


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
    leakage: str | None
    """See `prepare`."""
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
            arrays = labels(self.listing, kept)
            found = self._leakage(partial, arrays, kept)
            record = replace(self._record(photos, stamps, faults, kept), leakage=found)
            save(folder / "labels.npz", arrays)
            write_synced(folder / "pack.json", format.text(record))
            # First the record: a process that is killed in between leaves a pack to finish, not one to make again.
            write_synced(folder.with_name(f"{folder.name}.json"), format.text(record))
            folder.with_name(f"{folder.name}.json").replace(self.place.record)
            photo_files.write(self.place, record.fingerprint, self._photo_files(photos, stamps))
            partial.publish(self.place.pack(self.size, record.fingerprint), (len(kept), *self.size, 3))
        return record

    def _check_space(self, partial: PackJournal) -> None:
        """Raise DataError if the disk has too little room for the pixels."""
        check_room(self.place, len(self.listing.entries), self.size, partial.lacks())

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

    def _leakage(self, partial: PackJournal, labels: Mapping[str, NDArray[Any]], kept: Sequence[int]) -> Leakage | None:
        """Return the leakage, or None if it is not to be looked for; DataError if there is some, and it is refused."""
        if self.leakage is None:
            return None

        def name(image: int) -> ImageName:
            entry = self.listing.entries[kept[image]]
            source = entry.source if entry.source != entry.path else None
            return ImageName(entry.path, source, self.listing.is_cut and entry.split == "validation")

        found = find_leakage(partial.pixels, labels, name)
        if found and self.leakage == REFUSE:
            raise DataError(_leakage_refusal(self.place, self.size, found, SKIP if self.skip else None))
        return found

    def _photo_files(
        self, photos: Sequence[CropSource], stamps: Sequence[FileStamp | None]
    ) -> Iterator[photo_files.PhotoFile]:
        """Yield the files of the photographs that were read."""
        root = photo_files.below(self.place.folder, self.listing.root)
        for photo, stamp in zip(photos, stamps, strict=True):
            if stamp:
                path = photo.entries[0].path
                yield (path if path.startswith("/") else f"{root}{path}"), stamp

    def _refusal(self, faults: Mapping[int, str]) -> str:
        command = f"{self.place.command_at(self.size)} --corrupt {SKIP}"
        command += f" --leakage {REFUSE}" if self.leakage == REFUSE else ""
        found = (
            f"{self.listing.root}: {len(faults):,} of {len(self.listing.entries):,} images cannot be packed:\n"
            f"{fault_lines(_lines(faults))}\n"
        )
        if len(faults) == len(self.listing.entries):
            return f"{found}Replace these files by good ones, or correct the annotations"
        return (
            f"{found}All others are packed and kept. Replace these files by good ones and give the same command again, "
            f"which reads only them; or leave them out: `{command}`"
        )

    def _record(
        self,
        photos: Sequence[CropSource],
        stamps: Sequence[FileStamp | None],
        faults: Mapping[int, str],
        kept: Sequence[int],
    ) -> PackRecord:
        """Return the record; its fingerprint is of the annotations, all stamps and the left-out images."""
        listing, before = self.listing, format.recorded(self.place, self.size)
        fingerprint, *former = (
            _fingerprint(content, stamps, faults) for content in (listing.content, listing.former) if content
        )
        return PackRecord(
            fingerprint=before.fingerprint if before and before.fingerprint in former else fingerprint,
            images=len(kept),
            items=len({listing.entries[number].item for number in kept}),
            categories=listing.categories,
            skipped=tuple(faults[number] for number in sorted(faults)),
            index=self.index,
            tested=tested_content(photos, stamps, faults),
        )


def _fingerprint(content: str, stamps: Sequence[FileStamp | None], faults: Mapping[int, str]) -> str:
    """Return the fingerprint for the `content` of an image list."""
    result = hashlib.sha256(f"ablate-pack {format.FORM} {content}\n".encode())
    for stamp in stamps:
        result.update(bytes.fromhex(stamp.sha256) if stamp else b"none")
    result.update(json.dumps(sorted(faults)).encode())
    return result.hexdigest()


def tested_content(photos: Sequence[CropSource], stamps: Sequence[FileStamp | None], left_out: Container[int]) -> str:
    """Return the sha256 (hex) of a test split: its images in their order, with their boxes, roles and labels.

    Two data sets with the same test split have the same, whatever they are trained on.
    """
    content = hashlib.sha256()
    items: dict[str, int] = {}
    cameras: dict[int, int] = {}
    for photo in photos:
        stamp = stamps[photo.number]
        for number, entry in enumerate(photo.entries, photo.start):
            if entry.split == "test" and stamp and number not in left_out:
                item = items.setdefault(entry.item, len(items))
                camera = cameras.setdefault(entry.camera, len(cameras)) if entry.camera != NO_CAMERA else NO_CAMERA
                labels = [stamp.sha256, entry.box, entry.role, item, entry.category, entry.domain, camera]
                content.update(f"{json.dumps(labels)}\n".encode())
    return content.hexdigest()


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
