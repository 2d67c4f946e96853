"""The embedded data set: one emoji as ten vendors draw it. Built by tools/build_emoji.py; see README.md."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.errors import DataError
from ablate.filesystem import expanded, is_folder, read_regular
from ablate.retrieval.data.dataset import NO_CAMERA, SHOP, SPLITS, USER, Dataset, roles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HERE = Path(__file__).parent.parent / "emoji"
DOMAINS = {"shop": SHOP, "user": USER}
REMEDY = "Reinstall ablate, or rebuild the folder with tools/build_emoji.py."


@dataclass(frozen=True)
class EmojiIndex:
    """The content of index.json."""

    size: int
    """Height and width of a stored image, pixels."""
    categories: tuple[str, ...]
    domains: dict[str, int]
    """{vendor: SHOP or USER}, in the order in which vendors are loaded."""
    strip: int
    """The number of images in one file; a vendor's last file may have fewer."""
    files: dict[str, str]
    """{file: sha256} of every file that holds content."""

    def fingerprint(self) -> str:
        """Return the sha256 (hex) of the index and, through its hashes, of all content."""
        content = [self.size, self.strip, self.categories, list(self.domains.items()), sorted(self.files.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def strips(self, counts: dict[str, int]) -> dict[str, int]:
        """Return {image file: number of its images}, in the order of the images. `counts` is {vendor: images}."""
        starts = [(v, n, range(0, counts[v], self.strip)) for v, n in counts.items()]
        return {f"{v}/{k:02d}.jpg": min(self.strip, n - start) for v, n, r in starts for k, start in enumerate(r)}


@dataclass(frozen=True)
class EmojiItem:
    """One line of items.tsv. The number of the line is the number of the item."""

    name: str
    category: str
    family: str
    split: str
    vendors: tuple[str, ...]


def fingerprint(root: str | None) -> str:
    """Return the sha256 of the content, after a check of every file against the index (tens of milliseconds)."""
    folder = _folder(root)
    index = read_index(folder)
    for name in index.files:
        _content(folder, index, name)
    return index.fingerprint()


def recorded_fingerprint(root: str | None) -> str:
    """Return the sha256 of the content as the index has it, without a look at the other files."""
    return read_index(_folder(root)).fingerprint()


def load(root: str | None, size: tuple[int, int], pixels: bool = True) -> Dataset:
    """Return all images of all splits, ordered by vendor and then by the item's name. `pixels`: see `catalog.load`."""
    import numpy as np

    folder = _folder(root)
    index = read_index(folder)
    try:
        items = read_items(folder, index)
        columns = _columns(items, index)
        rows = index.strips({v: sum(v in item.vendors for item in items) for v in index.domains})
        decoded = _decode(folder, index, rows, size) if pixels else None
    except (ValueError, OSError) as error:
        raise DataError(f"{folder}: its files do not fit together ({error}). {REMEDY}") from None
    images = np.broadcast_to(np.uint8(0), (sum(rows.values()), *size, 3)) if decoded is None else decoded
    return Dataset("emoji", index.fingerprint(), images, **columns, categories=index.categories)


def _decode(folder: Path, index: EmojiIndex, rows: dict[str, int], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return all images, decoded and resized. `rows` is {image file: number of its images}."""
    from ablate.retrieval.data.packing import decode

    files = list(rows)
    pixels = decode.decode_strips(lambda n: _content(folder, index, files[n]), [*rows.values()], index.size)
    return decode.resize(pixels, size)


def _folder(root: str | None) -> Path:
    """Return the folder of the data set; DataError if it is missing."""
    folder = Path(expanded(root)) if root is not None else HERE
    if not is_folder(folder):
        place = f"data.root: there is no folder {folder}. " if root is not None else f"{folder} is missing. "
        raise DataError(place + ("Leave data.root out to use the embedded set." if root is not None else REMEDY))
    return folder


def _read(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}). {REMEDY}") from None


def _content(folder: Path, index: EmojiIndex, name: str) -> bytes:
    """Return the bytes of a file; DataError if their sha256 is not that of the index."""
    data = _read(folder / name)
    digest = hashlib.sha256(data).hexdigest()
    expected = index.files.get(name)
    if digest != expected:
        raise DataError(
            f"{folder / name} is not the file that index.json describes: found {len(data)} bytes with "
            f"sha256 {digest}, expected {expected}. {REMEDY}"
        )
    return data


def read_index(folder: Path) -> EmojiIndex:
    """Return index.json; DataError if it is missing, is no JSON, or lacks a key."""
    path = folder / "index.json"
    try:
        raw: dict[str, Any] = json.loads(_read(path))
        domains = {vendor["name"]: DOMAINS[vendor["domain"]] for vendor in raw["vendors"]}
        return EmojiIndex(int(raw["size"]), tuple(raw["categories"]), domains, int(raw["strip"]), dict(raw["files"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a readable index ({type(error).__name__}: {error}). {REMEDY}") from None


def read_items(folder: Path, index: EmojiIndex) -> list[EmojiItem]:
    """Return the items in the order of their numbers, from items.tsv, after a check of its hash."""
    lines = _content(folder, index, "items.tsv").decode().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return [EmojiItem(name, category, family, split, tuple(v.split())) for name, category, family, split, v in rows]


def _columns(items: list[EmojiItem], index: EmojiIndex) -> dict[str, NDArray[Any]]:
    """Return the labels of every image. A vendor's images are the items that it draws, in the order of the items."""
    import numpy as np

    pairs = [(n, v) for v in index.domains for n, item in enumerate(items) if v in item.vendors]
    number = np.array([n for n, _ in pairs], dtype=np.int32)
    category = np.array([index.categories.index(item.category) for item in items], dtype=np.int16)
    split = np.array([SPLITS.index(item.split) for item in items], dtype=np.uint8)
    domain = np.array([index.domains[v] for _, v in pairs], dtype=np.uint8)
    return {
        "item": number,
        "category": category[number],
        "domain": domain,
        "split": split[number],
        "role": roles(domain),
        "camera": np.full(len(pairs), NO_CAMERA, dtype=np.int32),
        "source": np.array([f"{vendor}/{items[n].name}".encode() for n, vendor in pairs]),
    }
