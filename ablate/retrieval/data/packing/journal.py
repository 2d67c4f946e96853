"""A pack in the making: pixels, and a journal of the photographs whose pixels are on the disk.

    images.npy    the crops so far, each at its place; its header comes last
    journal       a line that says what this is of, then a line a photograph: number, bytes, mtime in ns, sha256

A line is written once the pixels that it speaks of are synced, so whatever kills the process, what the journal says
is true. Lines after a torn one are not read.
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
"""Bytes before the first pixel: what numpy's header takes for uint8, however many images there are."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A photograph's file as it was read."""

    bytes: int
    mtime: int  # nanoseconds
    sha256: str

    def is_of(self, found: os.stat_result) -> bool:
        return (self.bytes, self.mtime) == (found.st_size, found.st_mtime_ns)


class PackJournal:
    """The two files, open. What lies in the folder and is not of the same is begun anew."""

    def __init__(self, folder: Path, about: str, images: int, row: int) -> None:
        """`about`: what the images are of, in a line; `images`: how many, `row`: bytes of one."""
        self.folder, self.row, self.bytes = folder, row, HEADER + images * row
        folder.mkdir(exist_ok=True)
        self.images = _opened(folder / "images.npy")
        self.journal = _opened(folder / "journal")
        self.done = self._read(about + "\n")

    def close(self) -> None:
        self.images.close()
        self.journal.close()

    def _read(self, head: str) -> dict[int, FileStamp]:
        """{number of a photograph: its stamp}; what is noted next goes after the last whole line."""
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
        self.images.truncate(self.bytes)  # takes no room yet
        _write(self.journal, head.encode())
        os.fsync(self.journal.fileno())
        sync_folder(self.folder)
        sync_folder(self.folder.parent)

    def _size(self) -> int:
        return os.fstat(self.images.fileno()).st_size

    def lacks(self) -> int:
        """Bytes of the disk that the pixels will take and do not take yet."""
        return self.bytes - os.fstat(self.images.fileno()).st_blocks * 512

    def put(self, number: int, pixels: bytes) -> None:
        """Writes image `number`; several threads may."""
        _write(self.images, pixels, HEADER + number * self.row)

    def record(self, photographs: Iterable[tuple[int, FileStamp]]) -> None:
        """Notes, by their numbers, photographs whose images were put."""
        lines = [f"{number} {stamp.bytes} {stamp.mtime} {stamp.sha256} .\n" for number, stamp in photographs]
        os.fdatasync(self.images.fileno())
        _write(self.journal, "".join(lines).encode())
        os.fdatasync(self.journal.fileno())

    def move(self, source: int, target: int) -> None:
        """Copies an image to another number."""
        self.put(target, os.pread(self.images.fileno(), self.row, HEADER + source * self.row))

    def publish(self, final: Path, shape: tuple[int, int, int, int]) -> None:
        """Makes an array, (N, H, W, 3), of the first images, and gives the folder its name.

        A pack that has that name already holds the same, and stays.
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
            # Not before: as long as the journal counts, what it speaks of is there.
            self.images.truncate(HEADER + shape[0] * self.row)
            (final / "journal").unlink()
        sync_folder(final.parent)


def _opened(path: Path) -> io.FileIO:
    """Unbuffered, to read and to write anywhere; made if it is not there."""
    return io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")


def _write(file: io.FileIO, content: bytes, at: int | None = None) -> None:
    """All of it; a system call may take a part. ValueError, and nothing is written, once the file is closed."""
    rest = memoryview(content)
    while rest:
        written = os.write(file.fileno(), rest) if at is None else os.pwrite(file.fileno(), rest, at)
        rest = rest[written:]
        at = None if at is None else at + written
