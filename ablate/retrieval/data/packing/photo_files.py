"""The files of the photographs as they were packed, so that a photograph that is replaced later is noticed.

    ablate-file-list 1 FINGERPRINT
    BYTES MTIME SHA256 "PATH"       a line for each photograph that was read; the path below the folder, as JSON

A file with the recorded size and time (ns) is taken for the recorded one. If only its time differs, its hash decides.
Photographs that have been moved away are not needed any more, so they are no change.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ablate.filesystem import file_hash, read_regular, stat_or_none, write_synced
from ablate.retrieval.data.packing.format import PackLocation
from ablate.retrieval.data.packing.journal import FileStamp

HEAD = "ablate-file-list 1"

PhotoFile = tuple[str, FileStamp]
"""A path relative to the folder of the packs, and the file there as it was read."""


def write(place: PackLocation, fingerprint: str, photos: Iterable[PhotoFile]) -> None:
    """Write the list of the data set's photographs."""
    lines = [f"{HEAD} {fingerprint}\n"]
    lines += [f"{stamp.bytes} {stamp.mtime} {stamp.sha256} {json.dumps(path)}\n" for path, stamp in photos]
    write_synced(place.files, "".join(lines).encode())


def changed(place: PackLocation, fingerprint: str) -> list[str]:
    """Return the photographs that have another content than when the data of this fingerprint was packed.

    None are returned if there is no list of them, as for packs of earlier versions.
    """
    photos = _read(place, fingerprint)
    result: list[str] = []
    touched: dict[int, FileStamp] = {}
    for number, (path, stamp) in enumerate(photos):
        status = stat_or_none(place.folder / path)
        if status is None or stamp.is_of(status):
            continue
        if status.st_size != stamp.bytes or _differs(place.folder / path, stamp):
            result.append(path)
        else:
            touched[number] = replace(stamp, mtime=status.st_mtime_ns)
    if touched and not result:
        with suppress(OSError):  # the hashes are then compared at the next time too
            write(place, fingerprint, ((path, touched.get(n, stamp)) for n, (path, stamp) in enumerate(photos)))
    return result


def _read(place: PackLocation, fingerprint: str) -> Sequence[PhotoFile]:
    """Return the list; nothing if there is none of this fingerprint, or if it is torn."""
    try:
        head, *lines = read_regular(place.files).decode().splitlines()
        if head != f"{HEAD} {fingerprint}":
            return []
        rows = [line.split(" ", 3) for line in lines]
        return [(json.loads(path), FileStamp(int(size), int(mtime), digest)) for size, mtime, digest, path in rows]
    except (OSError, ValueError):
        return []


def _differs(path: Path, stamp: FileStamp) -> bool:
    """Return True if a file can be read and has another hash."""
    try:
        return file_hash(path) != stamp.sha256
    except OSError:
        return False


def below(folder: Path, root: Path) -> str:
    """Return the beginning of the paths below `root` relative to `folder`; it is empty if both are the same."""
    between = os.path.relpath(root, folder)
    return "" if between == "." else f"{between}/"
