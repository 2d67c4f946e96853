"""The files of the photographs as they were packed, so that a photograph that is replaced later is noticed.

    ablate-file-list 1 FINGERPRINT
    BYTES MTIME SHA256 "PATH"       a line for each photograph that was read; the path below the folder, as JSON

A file with the recorded size and time (ns) is taken for the recorded one. If only its time differs, its hash decides.
Photographs that have been moved away are not needed any more, so they are no change.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.filesystem import file_hash, read_regular, stat_or_none, write_synced
from ablate.retrieval.data.packing.format import PackLocation

if TYPE_CHECKING:  # `ablate plan` imports this module, and must start fast
    from ablate.retrieval.data.packing.journal import FileStamp

HEAD = "ablate-file-list 1"
LINE = re.compile(r'\d+ -?\d+ [0-9a-f]{64} ".*"')

MOST_QUICK = 1_000_000
"""The largest list, in bytes, whose photographs are looked at within a start: that of some 8,000 photographs."""

PhotoFile = tuple[str, "FileStamp"]
"""A path relative to the folder of the packs, and the file there as it was read."""


def write(place: PackLocation, fingerprint: str, photos: Iterable[PhotoFile]) -> None:
    """Write the list of the data set's photographs."""
    lines = [_line(path, stamp.bytes, stamp.mtime, stamp.sha256) for path, stamp in photos]
    _write_lines(place, fingerprint, lines)


def changed_of_few(place: PackLocation, fingerprint: str) -> list[str]:
    """Return the same as `changed`, without writing anything; nothing if the data set has many photographs."""
    status = stat_or_none(place.files)
    return changed(place, fingerprint, update=False) if status and status.st_size <= MOST_QUICK else []


def changed(place: PackLocation, fingerprint: str, update: bool = True) -> list[str]:
    """Return the photographs that have another content than when the data of this fingerprint was packed.

    None are returned if there is no list of them, as for packs of earlier versions. Every run calls this, so a line is
    compared as text, and taken apart only if its file differs. Unless `update` is False, the new times of files
    with the same content are kept in the list.
    """
    lines = _lines(place, fingerprint)
    folder = os.fspath(place.folder)
    result: list[str] = []
    touched: dict[int, str] = {}
    for number, line in enumerate(lines):
        size, time, digest, quoted = line.split(" ", 3)
        path = quoted[1:-1] if "\\" not in quoted else json.loads(quoted)
        try:
            status = os.stat(os.path.join(folder, path))  # noqa: PTH116, PTH118 (pathlib takes three times as long)
        except (OSError, ValueError):
            continue
        if f"{status.st_size} {status.st_mtime_ns}" == f"{size} {time}":
            continue
        if status.st_size != int(size) or _differs(Path(folder, path), digest):
            result.append(path)
        else:
            touched[number] = _line(path, int(size), status.st_mtime_ns, digest)
    if touched and not result and update:
        with suppress(OSError):  # the hashes are then compared at the next time too
            _write_lines(place, fingerprint, [touched.get(number, line) for number, line in enumerate(lines)])
    return result


def _line(path: str, size: int, mtime: int, sha256: str) -> str:
    return f"{size} {mtime} {sha256} {json.dumps(path)}"


def _write_lines(place: PackLocation, fingerprint: str, lines: Iterable[str]) -> None:
    temporary = place.files.with_name(f"{place.files.name}.{os.getpid()}")  # a list that is torn would be ignored
    write_synced(temporary, "\n".join([f"{HEAD} {fingerprint}", *lines, ""]).encode())
    temporary.replace(place.files)


def _lines(place: PackLocation, fingerprint: str) -> Sequence[str]:
    """Return the lines of the list; nothing if there is none of this fingerprint, or if it is damaged."""
    try:
        head, *lines = read_regular(place.files).decode("ascii").splitlines()
    except (OSError, ValueError):
        return []
    whole = head == f"{HEAD} {fingerprint}" and all(map(LINE.fullmatch, lines))
    return lines if whole else []


def _differs(path: Path, digest: str) -> bool:
    """Return True if a file can be read and has another hash."""
    try:
        return file_hash(path) != digest
    except OSError:
        return False


def below(folder: Path, root: Path) -> str:
    """Return the beginning of the paths below `root` relative to `folder`; it is empty if both are the same."""
    between = os.path.relpath(root, folder)
    return "" if between == "." else f"{between}/"
