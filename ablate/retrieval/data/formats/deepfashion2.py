"""DeepFashion2 in its official layout: annotated boxes of garments.

An item is a (pair_id, style) with style >= 1, seen in both domains; style 0 matches nothing and is left
out, so the gallery holds no distractors. Official train -> train and validation (by a hash of the
pair_id), official validation -> test. Boxes are the annotated ones, not a detector's.
"""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import DataError
from ablate.filesystem import is_folder
from ablate.retrieval.data.annotation_lists import is_held_out
from ablate.retrieval.data.dataset import GALLERY, QUERY, SHOP, USER
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.text import fault_lines

HOME = "data/deepfashion2"
PARTS = ("train", "validation")
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
or say with data.root where it is."""

EXPECTED = (
    "source (shop or user), pair_id, and for each itemN its category_id (1 to 13), style and bounding_box (four "
    "numbers: left, top, right, bottom)"
)


@dataclass(frozen=True, slots=True)
class Garment:
    """One garment in one photograph."""

    part: str  # train or validation, the official part
    photo: str  # file name without its ending
    name: str  # item1, … in the annotation
    domain: int
    pair: int
    style: int
    category: int  # 0 to 12, index into CATEGORIES
    corners: tuple[int, int, int, int]  # left, top, right, bottom, pixels

    @property
    def item(self) -> str:
        return f"{self.part}/{self.pair}/{self.style}"

    @property
    def source(self) -> str:
        return f"{self.part}/annos/{self.photo}.json, {self.name}"


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is annotated in one photograph."""

    part: str
    photo: str
    domain: int
    garments: Sequence[Garment]


def read(root: Path) -> ImageList:
    """Every box of an item that is seen in both domains, in the order of parts and file names."""
    content = hashlib.sha256(FORMAT.encode())
    annotated = read_annotations(root, PARTS, content.update)
    kept = both_domains([garment for photo in annotated for garment in photo.garments])
    if not kept:
        raise DataError(f"{root}: no garment with style >= 1 is seen both in a shop's and a user's photograph")
    return ImageList(root, [entry(garment) for garment in kept], CATEGORIES, content.hexdigest())


def entry(garment: Garment) -> ImageEntry:
    split = side(garment.part, garment.pair)
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


def both_domains(found: list[Garment]) -> list[Garment]:
    """Only the items that have a photograph of a shop and one of a user: others can never be matched."""
    shop = {garment.item for garment in found if garment.domain == SHOP}
    user = {garment.item for garment in found if garment.domain == USER}
    return [garment for garment in found if garment.item in shop & user]


def side(part: str, pair: int) -> str:
    """Of SPLITS; all items of one pair_id fall on the same side."""
    if part == "validation":
        return "test"
    return "validation" if is_held_out(FORMAT, str(pair)) else "train"


def read_annotations(
    root: Path, parts: Sequence[str], seen: Callable[[bytes], None], least_style: int = 1
) -> list[Annotation]:
    """Every photograph with its garments of that style or more, in the order of parts and file names.

    `seen` is given each file's content. DataError with every fault of the annotations.
    """
    _check_folders(root)
    found: list[Annotation] = []
    faults: list[str] = []
    for part in parts:
        faults += _without_annotation(root / part)
        for path in sorted((root / part / "annos").glob("*.json")):
            try:
                data = path.read_bytes()
                seen(f"{part}/{path.name}:{len(data)}:".encode() + data)
                found.append(_annotation(path, part, data, least_style, faults))
            except OSError as error:
                faults.append(f"{path}: cannot be read ({error.strerror})")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                faults.append(f"{path}: {_said(error)}")
    if faults:
        raise DataError(
            f"{root}: {len(faults):,} fault{'s' if len(faults) > 1 else ''} in its annotations:\n"
            f"{fault_lines(faults)}\nExpected {EXPECTED}. Correct the files, or unpack them again"
        )
    return found


def _check_folders(root: Path) -> None:
    wanted = [root / part / kind for part in PARTS for kind in ("image", "annos")]
    if missing := [str(one) for one in wanted if not is_folder(one)]:
        raise DataError(f"data.root: missing {', '.join(missing)}.\n{WHAT_TO_GET.format(root=root)}")


def _without_annotation(part: Path) -> list[str]:
    """A fault if photographs of a part have none: every one of the official set has."""
    kinds = {"image": "[0-9]*.jpg", "annos": "[0-9]*.json"}  # and not what some systems leave in archives: ._000001.jpg
    photos, annotated = ({path.stem for path in (part / kind).glob(names)} for kind, names in kinds.items())
    if not (bare := sorted(photos - annotated)):
        return []
    return [
        f"{part / 'annos'}: {len(bare):,} of {len(photos):,} photographs have no annotation, {bare[0]}.jpg the first"
    ]


def _annotation(path: Path, part: str, data: bytes, least_style: int, faults: list[str]) -> Annotation:
    """One annotation file; adds to `faults` the file, the garment, and what is found. The file's own are raised."""
    raw: dict[str, Any] = json.loads(data)
    domain, pair = _domain(raw), _whole(raw, "pair_id")
    garments = []
    for name in sorted(key for key in raw if key.startswith("item")):
        try:
            if (style := _whole(raw[name], "style")) >= least_style:
                category, corners = _category(raw[name]), _corners(raw[name])
                garments.append(Garment(part, path.stem, name, domain, pair, style, category, corners))
        except (ValueError, KeyError, TypeError) as error:
            faults.append(f"{path}: {name}: {_said(error)}")
    return Annotation(part, path.stem, domain, garments)


def _said(error: Exception) -> str:
    """What is wrong, in few words."""
    if isinstance(error, KeyError):
        return f"no {error.args[0]}"
    return str(error) if type(error) is ValueError else f"not the JSON that it should be ({error})"


def _domain(values: dict[str, Any]) -> int:
    source = values["source"]
    if not isinstance(source, str) or source not in DOMAINS:
        raise ValueError(f"source {reprlib.repr(source)}")
    return DOMAINS[source]


def _whole(values: dict[str, Any], key: str) -> int:
    """That value cut to a whole number; ValueError names key and value (infinity and NaN are none)."""
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
    """The bounding_box cut to whole numbers; ValueError if it is not four finite numbers."""
    try:
        left, top, right, bottom = (int(number) for number in garment["bounding_box"])
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"bounding_box {reprlib.repr(garment['bounding_box'])}") from None
    return left, top, right, bottom
