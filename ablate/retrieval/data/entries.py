"""The images that the annotations of a data set list, before any photograph is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.retrieval.data.dataset import GALLERY, NO_CAMERA, QUERY, SHOP


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image of a data set: a whole photograph, or a box in one."""

    path: str
    """The photograph, relative to the root of the list."""
    item: str
    """The name of the item: equal for two images exactly if they show the same item."""
    split: str
    """One of SPLITS."""
    source: str
    """The annotation file that lists the image, relative to the root, and the place in it: `list.csv, line 7`."""
    category: str
    domain: int = SHOP
    role: int = QUERY | GALLERY
    """QUERY, GALLERY or both (QUERY | GALLERY) in a test; 0 for training images."""
    camera: int = NO_CAMERA
    box: tuple[int, int, int, int] | None = None
    """Left, top, right, bottom in pixels; None for the whole photograph."""


@dataclass(frozen=True)
class ImageList:
    """All images of a data set, in the order in which they are packed. Boxes of one photograph are adjacent."""

    root: Path
    entries: Sequence[ImageEntry]
    categories: tuple[str, ...]
    """All categories; the category of every entry is one of them."""
    content: str
    """sha256 (hex) of the annotations as they were read, and of the reader's rules."""
    former: str | None = None
    """The content as earlier versions computed it, if that is another; packs of this content keep their fingerprint."""
    index: tuple[str, ...] = ()
    """Small files relative to the root, existing or not: if one of them changes, the pack is stale."""
    is_cut: bool = False
    """True if the validation images are listed as training images, and were cut off from them."""
