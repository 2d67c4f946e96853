"""Reads images from a file in the background, before the training needs them: for data sets larger than memory.

They are read with `preadv` and not through the memory map. A page fault of the map would make the training wait, would
read neighbouring images that are not needed, and would kill the process if the disk fails or the file is cut off.
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
"""The number of reads at once: SSDs and network disks are fastest with several."""

AHEAD = 3
"""The number of batches that are read, or being read, before they are needed."""


def in_file(images: NDArray[np.uint8]) -> TypeGuard[Mapped]:
    """Return True if the array is a whole memory map, so that its file holds the images in the array's order."""
    whole = isinstance(images, np.memmap) and isinstance(images.base, mmap)
    return whole and images.flags.c_contiguous and images.mode != "c"  # type: ignore[attr-defined]


class PrefetchReader:
    """Reads memory-mapped images (N, height, width, 3), for which `in_file` is true, from their file onto the device.

    Raises DataError if the file cannot be read or ends too early.
    """

    def __init__(self, images: Mapped, device: torch.device) -> None:
        self.images, self.device = images, device

    def __call__(self, indices: Indices) -> Tensor:
        """Return the images of `indices`, (n,), as uint8 (n, height, width, 3) on the device."""
        with self.ahead([indices]) as fetch:
            return fetch(indices)

    @contextmanager
    def ahead(self, lists: Iterable[Indices]) -> Iterator[Callable[[Indices], Tensor]]:
        """Yield a function to call with each of the lists, in their order. It reads ahead until the block ends."""
        rest, started = iter(lists), deque[tuple[Indices, Tensor, list[Future[None]]]]()
        with self._opened() as file, ThreadPoolExecutor(THREADS, "read-ahead") as pool:

            def fetch(indices: Indices) -> Tensor:
                started.extend(self._begin(each, file, pool) for each in islice(rest, AHEAD + 1 - len(started)))
                expected, images, parts = started.popleft()
                assert np.array_equal(indices, expected), "not the list that was announced"
                for part in parts:
                    part.result()
                return images.to(self.device, non_blocking=True)

            try:
                yield fetch
            finally:
                pool.shutdown(cancel_futures=True)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Yield a descriptor of the file for random access, so that the system reads no more than requested."""
        try:
            file = os.open(str(self.images.filename), os.O_RDONLY)
        except OSError as error:
            raise self._unreadable(error) from None
        try:
            with suppress(OSError):  # some file systems refuse the advice
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
            yield file
        finally:
            os.close(file)

    def _begin(
        self, indices: Indices, file: int, pool: ThreadPoolExecutor
    ) -> tuple[Indices, Tensor, list[Future[None]]]:
        """Start reading a batch, in the order of the file, into new memory, pinned for CUDA: see `transfer.py`."""
        shape = (len(indices), *self.images.shape[1:])
        images = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        order = np.argsort(indices)
        parts = [order[start::THREADS] for start in range(min(THREADS, len(order)))]
        return indices, images, [pool.submit(self._read, file, indices, images.numpy(), part) for part in parts]

    def _read(self, file: int, indices: Indices, into: NDArray[np.uint8], places: Indices) -> None:
        """Read the images at some places of a batch."""
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
                        f"{start + size}, and it ends at {os.fstat(file).st_size}; delete its folder, and it is packed "
                        "again"
                    )
                done += read

    def _unreadable(self, error: OSError) -> DataError:
        remedy = "check the disk or the network share that holds it"
        return DataError(f"{self.images.filename} cannot be read ({error.strerror}): {remedy}, and run again")
