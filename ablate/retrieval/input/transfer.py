"""Getting a batch of images from a data set onto the device."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.retrieval.input.prefetch import Indices, PrefetchReader, in_file

Fetch = Callable[[Indices], Tensor]
"""Image indices, shape (n,), to images, uint8 (n, height, width, 3) on the device."""

UPLOAD = 256


def fetcher(images: NDArray[np.uint8], device: torch.device) -> Fetch:
    """Keeps the whole set on a CUDA device that has room for it; else gathers each batch on the CPU, or reads it.

    `images` may be memory-mapped: only what is asked for is read.
    """
    if device.type == "cuda" and images.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
        resident = upload(images, device)
        return lambda indices: resident[torch.from_numpy(indices).to(device)]
    return batchwise(images, device)


def batchwise(images: NDArray[np.uint8], device: torch.device) -> Fetch:
    """Fetches from memory, or from the file that is mapped, what is asked for."""
    if in_file(images):
        return PrefetchReader(images, device)
    if device.type == "cuda":  # from pinned memory, a copy does not wait for the computation
        return lambda indices: torch.from_numpy(images[indices]).pin_memory().to(device, non_blocking=True)
    return lambda indices: torch.from_numpy(images[indices])


def ahead(fetch: Fetch, lists: Iterable[Indices]) -> AbstractContextManager[Fetch]:
    """A fetch that will be asked for these lists, in their order: what lies in a file, it reads before that."""
    return fetch.ahead(lists) if isinstance(fetch, PrefetchReader) else nullcontext(fetch)


def upload(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """All images on the device, copied in pieces so that a memory-mapped set is never whole in memory."""
    resident = torch.empty(images.shape, dtype=torch.uint8, device=device)
    pieces = [np.arange(start, min(start + UPLOAD, len(images))) for start in range(0, len(images), UPLOAD)]
    with ahead(batchwise(images, device), pieces) as fetch:
        for piece in pieces:
            resident[piece[0] : piece[-1] + 1] = fetch(piece)
    return resident
