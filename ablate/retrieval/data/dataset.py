"""What a data set is once it is loaded: arrays, one entry an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `ablate plan` imports this package only to ask for a fingerprint
    import numpy as np
    from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
SHOP, USER = 0, 1
QUERY, GALLERY = 1, 2
"""What an image is in a test. One that is both is searched for among all others of its split but itself."""

NO_CAMERA = -1


@dataclass(frozen=True, eq=False)
class Dataset:
    """N images with their labels; the arrays are read-only or a private copy, never shared state."""

    name: str
    fingerprint: str  # sha256 (hex) of the content: pixels as stored, labels, splits
    images: NDArray[np.uint8]  # (N, H, W, 3), RGB
    item: NDArray[np.int32]  # (N,) number of the item; equal exactly for images of one item
    category: NDArray[np.int16]  # (N,) index into `categories`
    domain: NDArray[np.uint8]  # (N,) SHOP or USER; all SHOP where a set has one domain
    split: NDArray[np.uint8]  # (N,) index into SPLITS
    role: NDArray[np.uint8]  # (N,) QUERY, GALLERY, both (QUERY | GALLERY), or 0: neither
    camera: NDArray[np.int32]  # (N,) number of the camera; NO_CAMERA where none is known
    source: NDArray[np.bytes_]  # (N,) where it is said that there is such an image, for messages: `list.csv, line 7`
    categories: tuple[str, ...]


def roles(domain: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The roles of a set with two domains: users' images are searched for among the shops'."""
    import numpy as np

    return np.where(domain == USER, QUERY, GALLERY).astype(np.uint8)
