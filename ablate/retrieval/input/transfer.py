"""Moves batches of images from a data set to the device."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.retrieval.input.prefetch import Indices, PrefetchReader, in_file

Fetch = Callable[[Indices], Tensor]
"""Takes image indices, shape (n,), and returns the images, uint8 (n, height, width, 3) on the device."""

UPLOAD = 256
"""The number of images that are copied to the device at once."""


def fetcher(images: NDArray[np.uint8], device: torch.device) -> Fetch:
    """Return the way to fetch batches: from the whole data set on a CUDA device with enough room, or else `batchwise`.

    `images` may be memory-mapped: only the requested images are read.
    """
    if device.type == "cuda" and images.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
        resident = upload(images, device)
        return lambda indices: resident[torch.from_numpy(indices).to(device)]
    return batchwise(images, device)


def batchwise(images: NDArray[np.uint8], device: torch.device) -> Fetch:
    """Return a fetch that copies each batch from memory, or reads it from the memory-mapped file."""
    if in_file(images):
        return PrefetchReader(images, device)
    if device.type == "cuda":  # a copy from pinned memory does not wait for the computation
        return lambda indices: torch.from_numpy(images[indices]).pin_memory().to(device, non_blocking=True)
    return lambda indices: torch.from_numpy(images[indices])


def ahead(fetch: Fetch, lists: Iterable[Indices]) -> AbstractContextManager[Fetch]:
    """Return a fetch that is called with these lists in their order. From a file, it reads ahead."""
    return fetch.ahead(lists) if isinstance(fetch, PrefetchReader) else nullcontext(fetch)


def upload(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return all images on the device, copied in pieces, so that a memory-mapped data set is never whole in memory."""
    resident = torch.empty(images.shape, dtype=torch.uint8, device=device)
    pieces = [np.arange(start, min(start + UPLOAD, len(images))) for start in range(0, len(images), UPLOAD)]
    with ahead(batchwise(images, device), pieces) as fetch:
        for piece in pieces:
            resident[piece[0] : piece[-1] + 1] = fetch(piece)
    return resident
