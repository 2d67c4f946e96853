"""What a data set is once it is loaded: arrays, one entry an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `ablate plan` imports this package only to ask for a fingerprint
    import numpy as np
    from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
SHOP, USER = 0, 1


@dataclass(frozen=True, eq=False)
class Dataset:
    """N images with their labels; the arrays are read-only or a private copy, never shared state."""

    name: str
    fingerprint: str  # sha256 (hex) of the content: pixels as stored, labels, splits
    images: NDArray[np.uint8]  # (N, H, W, 3), RGB
    item: NDArray[np.int32]  # (N,) number of the item; equal exactly for images of one item
    category: NDArray[np.int16]  # (N,) index into `categories`
    domain: NDArray[np.uint8]  # (N,) SHOP (gallery) or USER (query)
    split: NDArray[np.uint8]  # (N,) index into SPLITS
    categories: tuple[str, ...]
