"""What a folder's annotations say of its images, before one of them is opened: drawn from the sets that exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.retrieval.data.dataset import GALLERY, NO_CAMERA, QUERY, SHOP


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image of the set: a photograph, or a box in one."""

    path: str  # the photograph's, below the listing's root
    item: str  # equal exactly for images of one item
    split: str  # of SPLITS
    source: str  # which file says so, and where in it, below the root: `list.csv, line 7`
    category: str
    domain: int = SHOP
    role: int = QUERY | GALLERY  # 0 for training images
    camera: int = NO_CAMERA
    box: tuple[int, int, int, int] | None = None  # left, top, right, bottom, pixels; None: the whole photograph


@dataclass(frozen=True)
class ImageList:
    """Every image of a set, in the order in which they are packed; boxes of one photograph follow each other."""

    root: Path
    entries: Sequence[ImageEntry]
    categories: tuple[str, ...]  # every entry's is among them
    content: str  # sha256 (hex) of the annotations as they were read, and of the rules by which
    index: tuple[str, ...] = ()  # files below the root, few and small, there or not: a pack is stale when one changes
