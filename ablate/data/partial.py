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

HEADER = 128
"""Bytes before the first pixel: what numpy's header takes for uint8, however many images there are."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A photograph's file as it was read."""

    bytes: int
    mtime: int  # nanoseconds
    sha256: str

    def is_of(self, found: os.stat_result) -> bool:
        return (self.bytes, self.mtime) == (found.st_size, found.st_mtime_ns)


class Partial:
    """The two files, open. `about`: what they are of; what lies in the folder of anything else is begun anew."""

    def __init__(self, folder: Path, about: str, row: int) -> None:
        """`row`: bytes an image."""
        self.folder, self.row = folder, row
        folder.mkdir(exist_ok=True)
        self.images = os.open(folder / "images.npy", os.O_RDWR | os.O_CREAT, 0o666)
        self.journal = os.open(folder / "journal", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        self.done = self._read(about + "\n")

    def close(self) -> None:
        os.close(self.images)
        os.close(self.journal)

    def _read(self, head: str) -> dict[int, Stamp]:
        """{number of a photograph: its stamp}; the journal ends with its last whole line afterwards."""
        path = self.folder / "journal"
        lines = path.read_bytes().splitlines(keepends=True)
        if not lines or lines[0] != head.encode():
            os.ftruncate(self.journal, 0)
            os.ftruncate(self.images, 0)
            _write(self.journal, head.encode())
            os.fsync(self.journal)
            _sync_folder(self.folder)
            _sync_folder(self.folder.parent)
            return {}
        done: dict[int, Stamp] = {}
        whole = len(lines[0])
        for line in lines[1:]:
            try:
                number, size, mtime, sha256, end = line.decode("ascii").split(" ")
                if end != ".\n" or len(sha256) != 64:
                    break
                done[int(number)] = Stamp(int(size), int(mtime), sha256)
            except ValueError:
                break
            whole += len(line)
        os.ftruncate(self.journal, whole)
        return done

    def allocated(self) -> int:
        """Bytes of the disk that the pixels take already."""
        return os.fstat(self.images).st_blocks * 512

    def holds(self, images: int) -> bool:
        """Whether the file is long enough for so many; it is cut when a pack is finished."""
        return os.fstat(self.images).st_size >= HEADER + images * self.row

    def put(self, number: int, pixels: bytes) -> None:
        """Writes image `number`, or several that follow each other; several threads may."""
        _write(self.images, pixels, HEADER + number * self.row)

    def record(self, photographs: Iterable[tuple[int, Stamp]]) -> None:
        """Notes, by their numbers, photographs whose images were put."""
        lines = [f"{number} {stamp.bytes} {stamp.mtime} {stamp.sha256} .\n" for number, stamp in photographs]
        os.fdatasync(self.images)
        _write(self.journal, "".join(lines).encode())
        os.fdatasync(self.journal)

    def move(self, source: int, target: int) -> None:
        """Copies an image to another number."""
        self.put(target, os.pread(self.images, self.row, HEADER + source * self.row))

    def finish(self, shape: tuple[int, int, int, int]) -> None:
        """Makes an array of the images, (N, H, W, 3), that ends after the last of them."""
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
        assert len(head.getvalue()) == HEADER
        _write(self.images, head.getvalue(), 0)
        os.ftruncate(self.images, HEADER + shape[0] * self.row)
        os.fsync(self.images)

    def publish(self, final: Path) -> None:
        """Gives the folder its name; a pack that has it already holds the same, and stays."""
        _sync_folder(self.folder)
        if final.is_dir():
            shutil.rmtree(self.folder)
        else:
            self.folder.rename(final)
            (final / "journal").unlink()
        _sync_folder(final.parent)


def _write(file: int, content: bytes, at: int | None = None) -> None:
    """All of it; a system call may take a part."""
    rest = memoryview(content)
    while rest:
        written = os.write(file, rest) if at is None else os.pwrite(file, rest, at)
        rest = rest[written:]
        at = None if at is None else at + written


def _sync_folder(folder: Path) -> None:
    """Makes the names in a folder last."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
