"""Exact nearest neighbours by cosine, in bounded memory."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

CELLS = 2**24
"""Similarities held at once."""

Between = Callable[[], None]
"""Called between blocks of queries: a sign of life, and a place to stop."""


def nothing() -> None:
    """Nobody looks on."""


class Neighbours(NamedTuple):
    """The best gallery entries of each query, the best first, (queries, k): indices, and float32 similarities."""

    entry: Tensor
    similarity: Tensor


def nearest(queries: Tensor, gallery: Tensor, k: int, between: Between = nothing) -> Neighbours:
    """The k gallery entries of greatest inner product; equal ones come in the order of their index.

    `queries` (queries, width) and `gallery` (gallery, width) are float32, on one device. Raises ValueError unless
    1 <= k <= gallery.
    """
    if not 1 <= k <= len(gallery):
        raise ValueError(f"k is {k}, expected 1 to {len(gallery)}, the size of the gallery")
    rows = max(1, CELLS // len(gallery))
    found = []
    for asked in torch.split(queries, rows):
        between()
        similarity, index = (asked @ gallery.T).sort(dim=1, descending=True, stable=True)
        found.append((index[:, :k], similarity[:, :k]))
    if not found:
        return Neighbours(torch.empty(0, k, dtype=torch.int64), torch.empty(0, k))
    return Neighbours(*(torch.cat(parts) for parts in zip(*found, strict=True)))
