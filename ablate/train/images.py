"""Getting a batch of images from a data set onto the device."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Fetch = Callable[[NDArray[np.int64]], Tensor]
"""Image indices, shape (n,), to images, uint8 (n, height, width, 3) on the device."""

UPLOAD = 4096


def fetcher(images: NDArray[np.uint8], device: torch.device) -> Fetch:
    """Keeps the whole set on a CUDA device that has room for it; else gathers each batch on the CPU.

    `images` may be memory-mapped: only what is asked for is read.
    """
    if device.type == "cuda" and images.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
        resident = upload(images, device)
        return lambda indices: resident[torch.from_numpy(indices).to(device)]
    if device.type == "cuda":  # from pinned memory, a copy does not wait for the computation
        return lambda indices: torch.from_numpy(images[indices]).pin_memory().to(device, non_blocking=True)
    return lambda indices: torch.from_numpy(images[indices])


def upload(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """All images on the device, copied in pieces so that a memory-mapped set is never whole in memory."""
    resident = torch.empty(images.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(images), UPLOAD):
        piece = np.array(images[start : start + UPLOAD])
        resident[start : start + UPLOAD] = torch.from_numpy(piece).to(device)
    return resident
