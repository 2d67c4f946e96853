"""A data set in memory: arrays with one entry an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `ablate plan` imports this package only for a fingerprint, and must start fast
    import numpy as np
    from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
SHOP, USER = 0, 1
QUERY, GALLERY = 1, 2
"""The roles of an image in a test. An image with both is searched for among all other images of its split."""

NO_CAMERA = -1


@dataclass(frozen=True, eq=False)
class Dataset:
    """N images with their labels. The arrays are read-only or a private copy, never shared state."""

    name: str
    fingerprint: str
    """sha256 (hex) of the content: pixels as stored, labels, splits."""
    images: NDArray[np.uint8]
    """(N, H, W, 3), RGB."""
    item: NDArray[np.int32]
    """(N,) number of the item: equal for two images exactly if they show the same item."""
    category: NDArray[np.int16]
    """(N,) index into `categories`."""
    domain: NDArray[np.uint8]
    """(N,) SHOP or USER; all SHOP if the data set has one domain."""
    split: NDArray[np.uint8]
    """(N,) index into SPLITS."""
    role: NDArray[np.uint8]
    """(N,) QUERY, GALLERY, both (QUERY | GALLERY), or 0 for neither."""
    camera: NDArray[np.int32]
    """(N,) number of the camera; NO_CAMERA if it is unknown."""
    source: NDArray[np.bytes_]
    """(N,) the place in the annotations that lists the image, for messages: `list.csv, line 7`."""
    categories: tuple[str, ...]


def roles(domain: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the roles for a data set with two domains: users' images are queries, shops' images the gallery."""
    import numpy as np

    return np.where(domain == USER, QUERY, GALLERY).astype(np.uint8)
