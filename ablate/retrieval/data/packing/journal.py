"""An unfinished pack: pixels, and a journal of the photographs whose pixels are on the disk.

    images.npy    the crops so far, each at its place; its header is written last
    journal       a line that names the contents, then a line for each photograph: number, bytes, mtime in ns, sha256

A line is written after the pixels of its photograph are synced. So the journal is true, whatever kills the process.
Lines after a torn line are ignored.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ablate.filesystem import sync_folder

HEADER = 128
"""Bytes before the first pixel: the length of numpy's header for uint8, for any number of images."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A photograph's file as it was read."""

    bytes: int
    mtime: int
    """Nanoseconds."""
    sha256: str
    """In hex."""

    def is_of(self, status: os.stat_result) -> bool:
        """Return True if a file with this status is the file as it was read, by its size and time."""
        return (self.bytes, self.mtime) == (status.st_size, status.st_mtime_ns)


class PackJournal:
    """The two open files of an unfinished pack. Files in the folder that belong to another pack are overwritten."""

    done: dict[int, FileStamp]
    """{number of a photograph: its file as it was read}, for the photographs whose pixels are on the disk."""

    def __init__(self, folder: Path, about: str, images: int, row: int) -> None:
        """Open the files in `folder` for a number of `images` of `row` bytes each.

        `about` is one line that names the contents: if the journal begins with another line, it starts again.
        """
        self.folder, self.row, self.bytes = folder, row, HEADER + images * row
        folder.mkdir(exist_ok=True)
        self.images = _open(folder / "images.npy")
        self.journal = _open(folder / "journal")
        self.done = self._read(about + "\n")

    def close(self) -> None:
        """Close both files."""
        self.images.close()
        self.journal.close()

    def _read(self, head: str) -> dict[int, FileStamp]:
        """Return `done`, and cut the journal off after its last whole line, where the next line will go."""
        lines = self.journal.read().splitlines(keepends=True)
        if not lines or lines[0] != head.encode() or self._size() != self.bytes:
            self._begin(head)
            return {}
        done: dict[int, FileStamp] = {}
        whole = len(lines[0])
        for line in lines[1:]:
            try:
                number, size, mtime, sha256, end = line.decode("ascii").split(" ")
                if end != ".\n" or len(sha256) != 64:
                    break
                done[int(number)] = FileStamp(int(size), int(mtime), sha256)
            except ValueError:
                break
            whole += len(line)
        self.journal.truncate(whole)
        self.journal.seek(whole)
        return done

    def _begin(self, head: str) -> None:
        self.journal.truncate(0)
        self.journal.seek(0)
        self.images.truncate(0)
        self.images.truncate(self.bytes)  # takes no disk space yet
        _write(self.journal, head.encode())
        os.fsync(self.journal.fileno())
        sync_folder(self.folder)
        sync_folder(self.folder.parent)

    def _size(self) -> int:
        return os.fstat(self.images.fileno()).st_size

    def lacks(self) -> int:
        """Return the number of bytes that the pixels still need on the disk."""
        return self.bytes - os.fstat(self.images.fileno()).st_blocks * 512

    def put(self, number: int, pixels: bytes) -> None:
        """Write the pixels of an image. Several threads may call this at once."""
        _write(self.images, pixels, HEADER + number * self.row)

    def record(self, photographs: Iterable[tuple[int, FileStamp]]) -> None:
        """Note the numbers and stamps of photographs whose images are written, after syncing the images."""
        lines = [f"{number} {stamp.bytes} {stamp.mtime} {stamp.sha256} .\n" for number, stamp in photographs]
        os.fdatasync(self.images.fileno())
        _write(self.journal, "".join(lines).encode())
        os.fdatasync(self.journal.fileno())

    def pixels(self, number: int) -> bytes:
        """Return the pixels of an image that is written. Several threads may call this at once."""
        return os.pread(self.images.fileno(), self.row, HEADER + number * self.row)

    def move(self, source: int, target: int) -> None:
        """Copy the image of number `source` to number `target`."""
        self.put(target, self.pixels(source))

    def publish(self, final: Path, shape: tuple[int, int, int, int]) -> None:
        """Turn the first N images into an array of `shape`, (N, H, W, 3), and rename the folder to `final`.

        An existing pack of that name has the same content and is kept.
        """
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
        assert len(head.getvalue()) == HEADER
        _write(self.images, head.getvalue(), 0)
        os.fsync(self.images.fileno())
        sync_folder(self.folder)
        if final.is_dir():
            shutil.rmtree(self.folder)
        else:
            self.folder.rename(final)
            # Only after renaming: while the journal may be used again, the pixels of all its lines must be there.
            self.images.truncate(HEADER + shape[0] * self.row)
            (final / "journal").unlink()
        sync_folder(final.parent)


def _open(path: Path) -> io.FileIO:
    """Open a file unbuffered, for reading and writing at any place; create it if it is missing."""
    return io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")


def _write(file: io.FileIO, content: bytes, at: int | None = None) -> None:
    """Write all of the content, since one system call may write only a part. ValueError if the file is closed."""
    rest = memoryview(content)
    while rest:
        written = os.write(file.fileno(), rest) if at is None else os.pwrite(file.fileno(), rest, at)
        rest = rest[written:]
        at = None if at is None else at + written
