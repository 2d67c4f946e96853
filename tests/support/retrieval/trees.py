"""Small folders of photographs, and listings of them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.packing import packer
from ablate.retrieval.data.packing.format import FOLDER, PackLocation, PackRecord

SIZE = (16, 8)
NAME = "made-up"


def photograph(path: Path, seed: int, width: int = 60, height: int = 40) -> None:
    """A smooth picture that differs with the seed; the ending of the path says in which format."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    small.resize((width, height), Image.Resampling.BILINEAR).save(path)


def tree(root: Path, photos: int) -> ImageList:
    """So many photographs, written, and what lists them."""
    listing = tree_of(root, photos)
    for number, path in enumerate(dict.fromkeys(one.path for one in listing.entries)):
        photograph(root / path, number)
    return listing


def tree_of(root: Path, photos: int) -> ImageList:
    """The listing of so many photographs in two folders; every third has two boxes, the others are taken whole."""
    entries = []
    for n in range(photos):
        boxes = [(0, 0, 30, 40), (10, 5, 60, 30)] if n % 3 == 0 else [None]
        entries += [entry(f"{'ab'[n % 2]}/{n:03d}.jpg", n, box) for box in boxes]
    return ImageList(root, entries, ("odd", "even"), hashlib.sha256(f"{photos}".encode()).hexdigest())


def entry(path: str, n: int, box: tuple[int, int, int, int] | None) -> ImageEntry:
    split = ("train", "validation", "test")[n % 3]
    source = f"list.txt, line {n + 1}"
    return ImageEntry(
        path, f"item {n // 2}", split, source, ("even", "odd")[n % 2], domain=n % 2, camera=n % 5, box=box
    )


def place(root: Path) -> PackLocation:
    return PackLocation(root, NAME, f"ablate data prepare {NAME}")


def prepare(
    listing: ImageList, corrupt: str | None = None, watcher: packer.PackingObserver | None = None
) -> PackRecord:
    return packer.prepare(place(listing.root), lambda: listing, SIZE, corrupt, watcher)


def files(root: Path) -> dict[str, bytes]:
    """What lies in ablate-pack, by name below it, without the list of the photographs' times."""
    packs = root / FOLDER
    paths = [path for path in sorted(packs.rglob("*")) if path.is_file() and path.suffix != ".files"]
    return {str(path.relative_to(packs)): path.read_bytes() for path in paths}


def expected(listing: ImageList, keep: Callable[[ImageEntry], bool] = lambda _: True) -> NDArray[np.uint8]:
    """Pixels by Pillow alone, one image after the other."""
    found = []
    for one in filter(keep, listing.entries):
        whole = Image.open(listing.root / one.path).convert("RGB")
        part = whole.crop(one.box) if one.box else whole
        found.append(np.asarray(part.resize((SIZE[1], SIZE[0]), Image.Resampling.BICUBIC)))
    return np.stack(found)
