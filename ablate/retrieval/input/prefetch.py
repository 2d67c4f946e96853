"""Images that lie in a file, read in the background before they are asked for: for sets larger than memory.

They are read with `preadv` and not through the memory map: a page fault there would hold up the training, bring in
neighbours that nobody asked for, and kill the process where the disk fails or the file was cut off.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from mmap import mmap
from typing import Any, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.errors import DataError

Indices = NDArray[np.int64]
Mapped = np.memmap[Any, np.dtype[np.uint8]]

THREADS = 8
"""Reads under way at once: an SSD or a network disk gives its best only to several."""

AHEAD = 3
"""Batches that are read, or being read, before they are asked for."""


def in_file(images: NDArray[np.uint8]) -> TypeGuard[Mapped]:
    """Whether a file holds image after image as the array does: true of a whole memory map, not of a view of one."""
    whole = isinstance(images, np.memmap) and isinstance(images.base, mmap)
    return whole and images.flags.c_contiguous and images.mode != "c"  # type: ignore[attr-defined]


class PrefetchReader:
    """Reads images (N, height, width, 3), memory-mapped as `in_file` asks, from their file onto the device.

    Raises DataError where the file cannot be read or has come to an end.
    """

    def __init__(self, images: Mapped, device: torch.device) -> None:
        self.images, self.device = images, device

    def __call__(self, indices: Indices) -> Tensor:
        """The images of `indices`, (n,): uint8 (n, height, width, 3) on the device."""
        with self.ahead([indices]) as fetch:
            return fetch(indices)

    @contextmanager
    def ahead(self, lists: Iterable[Indices]) -> Iterator[Callable[[Indices], Tensor]]:
        """Gives what to call instead, with each of the lists in their order; leaving it ends all reading."""
        rest, begun = iter(lists), deque[tuple[Indices, Tensor, list[Future[None]]]]()
        with self._opened() as file, ThreadPoolExecutor(THREADS, "read-ahead") as pool:

            def fetch(indices: Indices) -> Tensor:
                begun.extend(self._begin(each, file, pool) for each in islice(rest, AHEAD + 1 - len(begun)))
                expected, images, parts = begun.popleft()
                assert np.array_equal(indices, expected), "not what was announced"
                for part in parts:
                    part.result()
                return images.to(self.device, non_blocking=True)

            try:
                yield fetch
            finally:
                pool.shutdown(cancel_futures=True)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """A descriptor of the file, for reading here and there: no more is read than is asked for."""
        try:
            file = os.open(str(self.images.filename), os.O_RDONLY)
        except OSError as error:
            raise self._unreadable(error) from None
        try:
            with suppress(OSError):  # advice that a file system does not take
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
            yield file
        finally:
            os.close(file)

    def _begin(
        self, indices: Indices, file: int, pool: ThreadPoolExecutor
    ) -> tuple[Indices, Tensor, list[Future[None]]]:
        """Has a batch read, in the order of the file, into memory of its own; on CUDA, pinned: see `images.py`."""
        shape = (len(indices), *self.images.shape[1:])
        images = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        order = np.argsort(indices)
        parts = [order[start::THREADS] for start in range(min(THREADS, len(order)))]
        return indices, images, [pool.submit(self._read, file, indices, images.numpy(), part) for part in parts]

    def _read(self, file: int, indices: Indices, into: NDArray[np.uint8], places: Indices) -> None:
        """Reads the images at some places of a batch."""
        size = into[0].nbytes
        for place in places.tolist():
            image = memoryview(into[place].reshape(-1))
            start, done = self.images.offset + int(indices[place]) * size, 0
            while done < size:
                try:
                    read = os.preadv(file, [image[done:]], start + done)
                except OSError as error:
                    raise self._unreadable(error) from None
                if not read:
                    raise DataError(
                        f"{self.images.filename} is cut off: image {indices[place]} lies at bytes {start} to "
                        f"{start + size}, and it ends at {os.fstat(file).st_size}; delete its folder, it is packed anew"
                    )
                done += read

    def _unreadable(self, error: OSError) -> DataError:
        where = "look after the disk, or the share, that it lies on"
        return DataError(f"{self.images.filename} cannot be read ({error.strerror}): {where}, and run again")
