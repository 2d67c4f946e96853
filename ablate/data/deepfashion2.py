"""DeepFashion2 in its official layout: annotated boxes of garments, cut out of the photographs and packed once.

An item is a (pair_id, style) with style >= 1, seen in both domains; style 0 matches nothing and is left
out, so the gallery holds no distractors. Official train -> train and validation (by a hash of the
pair_id), official validation -> test. Boxes are the annotated ones, not a detector's.
"""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.data import pack
from ablate.data.dataset import NO_CAMERA, SHOP, SPLITS, USER, Dataset, roles
from ablate.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_ROOT = "data/deepfashion2"
VALIDATION_SHARE = 0.1  # of the official training pairs
FORMAT = "deepfashion2/1"  # part of the fingerprint: change it with any rule below
DOMAINS = {"shop": SHOP, "user": USER}
CATEGORIES = (
    "short sleeve top", "long sleeve top", "short sleeve outwear", "long sleeve outwear", "vest", "sling",
    "shorts", "trousers", "skirt", "short sleeve dress", "long sleeve dress", "vest dress", "sling dress",
)  # fmt: skip

WHAT_TO_GET = """\
Get DeepFashion2 from its authors: https://github.com/switchablenorms/DeepFashion2 links to the archives
and to the form that gives the password for them. Unpack it so that there are
  {root}/train/image/000001.jpg, …        {root}/train/annos/000001.json, …
  {root}/validation/image/000001.jpg, …   {root}/validation/annos/000001.json, …
or say with data.root where it is."""


@dataclass(frozen=True)
class Box:
    """One garment in one photograph."""

    part: str  # train or validation, the official part
    photo: str  # file name without its ending
    name: str  # item1, … in the annotation
    domain: int
    pair: int
    style: int
    category: int  # 0 to 12, index into CATEGORIES
    corners: tuple[int, int, int, int]  # left, top, right, bottom, pixels

    def item(self) -> tuple[str, int, int]:
        return self.part, self.pair, self.style


def prepare(root: str | None, size: tuple[int, int]) -> None:
    """Cut out and pack every box at `size` (height, width), unless that has been done."""
    folder = _folder(root)
    known = pack.recorded(folder)
    if known is not None and pack.place(folder, size, known).is_dir():
        return
    content = hashlib.sha256(FORMAT.encode())
    boxes = both_domains(read_boxes(folder, content.update))
    if not boxes:
        raise DataError(f"{folder}: no garment with style >= 1 is seen both in a shop's and a user's photograph")
    crops = _crops(folder, boxes, size, content.update)
    pack.write(folder, size, labels(boxes), crops, content.hexdigest)


def fingerprint(root: str | None) -> str:
    """sha256 of annotations and photographs, as recorded when they were packed."""
    folder = _folder(root)
    known = pack.recorded(folder)
    if known is None:
        raise DataError(f"{folder} is not packed yet, so its fingerprint is unknown: `ablate run` packs it first")
    return known


def load(root: str | None, size: tuple[int, int]) -> Dataset:
    """The packed boxes; the images are memory-mapped, read-only."""
    known = fingerprint(root)
    images, columns = pack.read(_folder(root), size, known)
    return Dataset("deepfashion2", known, images, **columns, categories=CATEGORIES)


def _folder(root: str | None) -> Path:
    folder = Path(root if root is not None else DEFAULT_ROOT)
    wanted = [folder / part / kind for part in ("train", "validation") for kind in ("image", "annos")]
    missing = [str(one) for one in wanted if not one.is_dir()]
    if missing:
        raise DataError(f"data.root: missing {', '.join(missing)}.\n{WHAT_TO_GET.format(root=folder)}")
    return folder


def read_boxes(folder: Path, seen: Callable[[bytes], None]) -> list[Box]:
    """Every box with style >= 1, in the order of parts and file names; `seen` is given each file's content."""
    boxes = []
    for part in ("train", "validation"):
        for path in sorted((folder / part / "annos").glob("*.json")):
            data = _content(path)
            seen(f"{part}/{path.name}:{len(data)}:".encode() + data)
            boxes += _annotation(path, part, data)
    return boxes


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: expected a readable annotation file ({error.strerror}); unpack it anew") from None


def _annotation(path: Path, part: str, data: bytes) -> list[Box]:
    """The boxes of one annotation file; DataError names the file, the item and what was expected."""
    where = str(path)
    try:
        raw: dict[str, Any] = json.loads(data)
        domain, pair = DOMAINS[raw["source"]], _whole(raw, "pair_id")
        boxes = []
        for name in sorted(key for key in raw if key.startswith("item")):
            where = f"{path}: {name}"
            if _whole(raw[name], "style") > 0:
                boxes.append(_box(part, path.stem, name, domain, pair, raw[name]))
        return boxes
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{where}: {type(error).__name__}: {error}. Expected source (shop or user), pair_id, and for each "
            "itemN its category_id (1 to 13), style and bounding_box (four numbers: left, top, right, bottom); "
            "correct the file or unpack it anew"
        ) from None


def _whole(values: dict[str, Any], key: str) -> int:
    """That value cut to a whole number; ValueError names key and value (infinity and NaN are none)."""
    try:
        return int(values[key])
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"{key} {reprlib.repr(values[key])}") from None


def _corners(garment: dict[str, Any]) -> tuple[int, int, int, int]:
    """The bounding_box cut to whole numbers; ValueError if it is not four finite numbers."""
    try:
        left, top, right, bottom = (int(number) for number in garment["bounding_box"])
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"bounding_box {reprlib.repr(garment['bounding_box'])}") from None
    return left, top, right, bottom


def _box(part: str, photo: str, name: str, domain: int, pair: int, garment: dict[str, Any]) -> Box:
    category = _whole(garment, "category_id") - 1
    if not 0 <= category < len(CATEGORIES):
        raise ValueError(f"category_id {category + 1}")
    return Box(part, photo, name, domain, pair, _whole(garment, "style"), category, _corners(garment))


def both_domains(boxes: list[Box]) -> list[Box]:
    """Only the items that have a photograph of a shop and one of a user: others can never be matched."""
    shop = {box.item() for box in boxes if box.domain == SHOP}
    user = {box.item() for box in boxes if box.domain == USER}
    return [box for box in boxes if box.item() in shop & user]


def side(part: str, pair: int) -> int:
    """Index into SPLITS; all items of one pair_id fall on the same side."""
    if part == "validation":
        return SPLITS.index("test")
    place = int.from_bytes(hashlib.sha256(f"{FORMAT}:{pair}".encode()).digest()[:8]) / 2**64
    return SPLITS.index("validation" if place < VALIDATION_SHARE else "train")


def labels(boxes: list[Box]) -> dict[str, NDArray[Any]]:
    """The columns of a Dataset, one entry a box."""
    import numpy as np

    number = {key: n for n, key in enumerate(sorted({box.item() for box in boxes}))}
    domain = np.array([box.domain for box in boxes], dtype=np.uint8)
    return {
        "item": np.array([number[box.item()] for box in boxes], dtype=np.int32),
        "category": np.array([box.category for box in boxes], dtype=np.int16),
        "domain": domain,
        "split": np.array([side(box.part, box.pair) for box in boxes], dtype=np.uint8),
        "role": roles(domain),
        "camera": np.full(len(boxes), NO_CAMERA, dtype=np.int32),
        "source": np.array([f"{box.part}/annos/{box.photo}.json, {box.name}".encode() for box in boxes]),
    }


def _crops(
    folder: Path, boxes: list[Box], size: tuple[int, int], seen: Callable[[bytes], None]
) -> Iterator[NDArray[np.uint8]]:
    """Each box resized to `size`, in the order of `boxes`; a photograph is read once for all its boxes."""
    from ablate.data import images

    for (part, photo), group in groupby(boxes, key=lambda box: (box.part, box.photo)):
        path = folder / part / "image" / f"{photo}.jpg"
        whole, digest = images.open_photo(path)
        seen(digest)
        for box in group:
            where = f"{folder / part / 'annos' / photo}.json: {box.name}"
            yield images.fit(images.cut(whole, box.corners, path, where), size)
