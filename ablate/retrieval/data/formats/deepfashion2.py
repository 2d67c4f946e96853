"""DeepFashion2 in its official layout: annotated boxes of garments.

An item is a (pair_id, style) with style >= 1 that has photographs in both domains. Garments of style 0 match nothing
and are left out, so the gallery has no distractors. The official training part is split into training and validation,
by a hash of the pair_id. The official validation part is the test. Boxes are the annotated ones, not a detector's.
"""

from __future__ import annotations

import hashlib
import json
import os
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import DataError
from ablate.filesystem import is_folder, read_regular
from ablate.retrieval.data.annotation_lists import is_held_out
from ablate.retrieval.data.dataset import GALLERY, QUERY, SHOP, USER
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.folder_listing import names_in
from ablate.text import fault_lines

HOME = "data/deepfashion2"
PARTS = ("train", "validation")
ENDINGS = {"image": ".jpg", "annos": ".json"}
"""The ending of the files in each folder of a part."""

FORMAT = "deepfashion2/1"  # part of the fingerprint, and the salt of the splits: change it with any rule below
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
or set data.root to its folder."""

EXPECTED = (
    "source (shop or user), pair_id, and for each itemN its category_id (1 to 13), style and bounding_box (four "
    "numbers: left, top, right, bottom)"
)


@dataclass(frozen=True, slots=True)
class Garment:
    """One garment in one photograph."""

    part: str
    """The official part: train or validation."""
    photo: str
    """The photograph's file name without its ending."""
    name: str
    """The garment's key in the annotation: item1, item2, …"""
    domain: int
    pair: int
    style: int
    category: int
    """0 to 12, index into CATEGORIES."""
    corners: tuple[int, int, int, int]
    """Left, top, right, bottom, pixels."""

    @property
    def item(self) -> str:
        return f"{self.part}/{self.pair}/{self.style}"

    @property
    def source(self) -> str:
        return f"{self.part}/annos/{self.photo}.json, {self.name}"


@dataclass(frozen=True, slots=True)
class Annotation:
    """The annotation of one photograph."""

    part: str
    photo: str
    domain: int
    garments: Sequence[Garment]


def read(root: Path) -> ImageList:
    """Return every box of an item that has photographs in both domains, in the order of parts and file names."""
    content = hashlib.sha256(FORMAT.encode())
    annotated = read_annotations(root, PARTS, content.update)
    kept = both_domains([garment for photo in annotated for garment in photo.garments])
    if not kept:
        raise DataError(f"{root}: no garment with style >= 1 is in both a shop's and a user's photograph")
    return ImageList(root, [entry(garment) for garment in kept], CATEGORIES, content.hexdigest())


def entry(garment: Garment) -> ImageEntry:
    """Return the image of a garment's box."""
    split = split_of(garment.part, garment.pair)
    role = QUERY if garment.domain == USER else GALLERY
    return ImageEntry(
        path=photo_path(garment.part, garment.photo),
        item=garment.item,
        split=split,
        source=garment.source,
        category=CATEGORIES[garment.category],
        domain=garment.domain,
        role=0 if split == "train" else role,
        box=garment.corners,
    )


def photo_path(part: str, photo: str) -> str:
    return f"{part}/image/{photo}.jpg"


def both_domains(garments: list[Garment]) -> list[Garment]:
    """Return the garments whose item has a shop's and a user's photograph; others can never be matched."""
    shop = {garment.item for garment in garments if garment.domain == SHOP}
    user = {garment.item for garment in garments if garment.domain == USER}
    return [garment for garment in garments if garment.item in shop & user]


def split_of(part: str, pair: int) -> str:
    """Return the split, one of SPLITS. All items of one pair_id are in the same split."""
    if part == "validation":
        return "test"
    return "validation" if is_held_out(FORMAT, str(pair)) else "train"


def read_annotations(
    root: Path, parts: Sequence[str], digest: Callable[[bytes], None], least_style: int = 1
) -> list[Annotation]:
    """Return every photograph with its garments of style `least_style` or more, in the order of parts and file names.

    `digest` is called with the name and the content of each file. DataError with every fault of the annotations.
    """
    _check_folders(root)
    annotations: list[Annotation] = []
    faults: list[str] = []
    for part in parts:
        faults += _without_annotation(root / part)
        for path in _files(root / part / "annos"):
            try:
                data = read_regular(path)
                digest(os.fsencode(f"{part}/{path.name}:{len(data)}:") + data)
                annotations.append(_annotation(path, part, data, least_style, faults))
            except OSError as error:
                faults.append(f"{path}: cannot be read ({error.strerror})")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                faults.append(f"{path}: {_fault_text(error)}")
    if faults:
        raise DataError(
            f"{root}: {len(faults):,} fault{'s' if len(faults) > 1 else ''} in its annotations:\n"
            f"{fault_lines(faults)}\nExpected {EXPECTED}. Correct the files, or unpack them again"
        )
    return annotations


def _check_folders(root: Path) -> None:
    folders = [root / part / kind for part in PARTS for kind in ("image", "annos")]
    if missing := [str(folder) for folder in folders if not is_folder(folder)]:
        raise DataError(f"data.root: missing {', '.join(missing)}.\n{WHAT_TO_GET.format(root=root)}")


def _without_annotation(part: Path) -> list[str]:
    """Return a fault if photographs of a part have no annotation: in the official set, each photograph has one."""
    photos, annotated = ({path.stem for path in _files(part / kind) if path.name[0].isdigit()} for kind in ENDINGS)
    if not (bare := sorted(photos - annotated)):
        return []
    return [
        f"{part / 'annos'}: {len(bare):,} of {len(photos):,} photographs have no annotation, {bare[0]}.jpg the first"
    ]


def _files(folder: Path) -> list[Path]:
    """Return the images or the annotations of a folder by name; DataError if the folder cannot be read."""
    try:
        return [folder / name for name in names_in(folder, [ENDINGS[folder.name]])]
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror})") from None


def _annotation(path: Path, part: str, data: bytes, least_style: int, faults: list[str]) -> Annotation:
    """Return one parsed annotation file. Faults of garments are added to `faults`, faults of the file are raised."""
    raw: dict[str, Any] = json.loads(data)
    domain, pair = _domain(raw), _whole(raw, "pair_id")
    garments = []
    for name in sorted(key for key in raw if key.startswith("item")):
        try:
            if (style := _whole(raw[name], "style")) >= least_style:
                category, corners = _category(raw[name]), _corners(raw[name])
                garments.append(Garment(part, path.stem, name, domain, pair, style, category, corners))
        except (ValueError, KeyError, TypeError) as error:
            faults.append(f"{path}: {name}: {_fault_text(error)}")
    return Annotation(part, path.stem, domain, garments)


def _fault_text(error: Exception) -> str:
    """Return the fault that an error stands for, in few words."""
    if isinstance(error, KeyError):
        return f"no {error.args[0]}"
    return str(error) if type(error) is ValueError else f"not the JSON that it should be ({error})"


def _domain(values: dict[str, Any]) -> int:
    source = values["source"]
    if not isinstance(source, str) or source not in DOMAINS:
        raise ValueError(f"source {reprlib.repr(source)}")
    return DOMAINS[source]


def _whole(values: dict[str, Any], key: str) -> int:
    """Return a value cut to a whole number; ValueError with key and value if it is none, as infinity and NaN."""
    try:
        return int(values[key])
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"{key} {reprlib.repr(values[key])}") from None


def _category(garment: dict[str, Any]) -> int:
    category = _whole(garment, "category_id")
    if not 1 <= category <= len(CATEGORIES):
        raise ValueError(f"category_id {category}")
    return category - 1


def _corners(garment: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return the bounding_box cut to whole numbers; ValueError if it is not four finite numbers."""
    try:
        left, top, right, bottom = (int(number) for number in garment["bounding_box"])
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"bounding_box {reprlib.repr(garment['bounding_box'])}") from None
    return left, top, right, bottom
