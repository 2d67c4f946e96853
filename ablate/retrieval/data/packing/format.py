"""What a pack is on disk: every crop of a data set as uint8, in one memory-mapped file that all trials share.

    <folder>/ablate-pack/<name>.json                  the record of what was packed last of that data set
    <folder>/ablate-pack/<H>x<W>-<key>/images.npy     (N, H, W, 3) uint8, RGB
    <folder>/ablate-pack/<H>x<W>-<key>/labels.npz     the other arrays of a Dataset
    <folder>/ablate-pack/<H>x<W>-<key>/pack.json      its record

The key is the head of the fingerprint, so packs of other data are never taken for these. A folder that has such a
name is whole: `packing.py` makes it aside and renames it. Photographs that change after they were packed are not
noticed, since nobody wants to hash them at every start; files of annotations that a record names are.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.errors import DataError
from ablate.filesystem import exists, is_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORM = 2
"""Part of every fingerprint: another form, another way to resize or to number items, another pack."""

FOLDER = "ablate-pack"
FORMER_RECORD = "content.json"  # of form 1
COLUMNS = ("item", "category", "domain", "split", "role", "camera", "source")
Size = tuple[int, int]  # height, width, pixels


@dataclass(frozen=True)
class PackRecord:
    """What was packed."""

    fingerprint: str  # sha256 (hex) of annotations, rules and photographs, and of what was skipped
    images: int
    items: int
    categories: tuple[str, ...]
    skipped: tuple[str, ...] = ()  # why each image was that was left out
    index: dict[str, str | None] = field(default_factory=dict)  # {file below the folder: sha256, None: not there}
    form: int = FORM


@dataclass(frozen=True)
class PackLocation:
    """Where the packs of one data set lie; others may lie beside them."""

    folder: Path
    name: str  # market1501; csv-list.csv where the root is a file
    command: str  # what packs it, but for the size

    @property
    def packs(self) -> Path:
        return self.folder / FOLDER

    @property
    def record(self) -> Path:
        return self.packs / f"{self.name}.json"

    def pack(self, size: Size, fingerprint: str) -> Path:
        return self.packs / f"{sized(size)}-{fingerprint[:12]}"

    def partial(self, size: Size, content: str) -> Path:
        """Where a pack is made; `content` is the listing's, as the photographs' is not known before the end."""
        return self.packs / f".partial-{self.name}-{sized(size)}-{content[:12]}"

    def partials(self) -> dict[Path, Size]:
        """Packs in the making, and their sizes."""
        return _sized(self.packs, rf"\.partial-{re.escape(self.name)}-(\d+)x(\d+)-[0-9a-f]{{12}}")

    def sizes(self, fingerprint: str) -> list[Size]:
        """At which sizes that content is packed."""
        return sorted(_sized(self.packs, rf"(\d+)x(\d+)-{fingerprint[:12]}").values())


def sized(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _sized(packs: Path, pattern: str) -> dict[Path, Size]:
    """The folders whose names match, and the height and width in them."""
    found = {path: re.fullmatch(pattern, path.name) for path in sorted(packs.glob("*")) if path.is_dir()}
    return {path: (int(name[1]), int(name[2])) for path, name in found.items() if name}


def recorded(place: PackLocation) -> PackRecord | None:
    """What was packed last; None if nothing was, if annotations changed since, or if its form is another one."""
    record = _stored(place)
    return None if record is None or _changed(place, record) else record


def require(place: PackLocation) -> PackRecord:
    """What was packed last; DataError says why that cannot be used, and what makes a pack."""
    record = _stored(place)
    former = exists(place.record) or exists(place.packs / FORMER_RECORD)
    if record is None:
        why = "was packed by another version, in a form that is not read any more" if former else "is not packed yet"
    elif changed := _changed(place, record):
        why = f"is not packed as it is now: {', '.join(changed)} changed since"
    else:
        return record
    raise DataError(f"{place.folder} {why}, so its fingerprint is unknown: `{place.command}` or `ablate run` packs it")


def _stored(place: PackLocation) -> PackRecord | None:
    """The record; None if there is none, or one of another form."""
    if not exists(place.record):
        return None
    try:
        raw: dict[str, Any] = json.loads(place.record.read_text(encoding="utf-8"))
        if raw["form"] != FORM:
            return None
        return PackRecord(**{**raw, "categories": tuple(raw["categories"]), "skipped": tuple(raw["skipped"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{place.record} cannot be read ({error}): delete it, `{place.command}` packs anew") from None


def _changed(place: PackLocation, record: PackRecord) -> list[str]:
    """The files that decided what was packed, and are not what they were."""
    return [name for name, known in record.index.items() if hash_of(place.folder / name) != known]


def hash_of(path: Path) -> str | None:
    """That of its content, None where it cannot be read."""
    try:
        return file_hash(path)
    except OSError:
        return None


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text(record: PackRecord) -> str:
    """The record as a file has it."""
    return json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n"


def read(
    place: PackLocation, size: Size, fingerprint: str, pixels: bool = True
) -> tuple[NDArray[np.uint8], dict[str, NDArray[Any]]]:
    """(images, labels), the images memory-mapped; DataError if this size is not packed or the pack is damaged.

    Without `pixels`, the images are zeros of the right shape that take no memory.
    """
    import numpy as np

    folder = place.pack(size, fingerprint)
    if not is_folder(folder):
        raise DataError(f"{place.folder} is not packed at {sized(size)} pixels: `ablate run` packs it first")
    try:
        images = np.load(folder / "images.npy", mmap_mode="r")
        with np.load(folder / "labels.npz") as stored:
            labels = dict(stored)
        _check_shapes(images, {name: labels[name] for name in COLUMNS}, size)
    except Exception as error:  # a torn .npy or .npz fails in a dozen ways: BadZipFile, TokenError, …
        raise DataError(f"{folder} is damaged ({error}): delete it, `ablate run` packs anew") from None
    return images if pixels else np.broadcast_to(np.uint8(0), images.shape), labels


def _check_shapes(images: NDArray[np.uint8], labels: dict[str, NDArray[Any]], size: Size) -> None:
    """ValueError unless there are N uint8 images of `size` and N of each label."""
    count = len(images)
    if images.dtype != "uint8" or images.shape != (count, *size, 3):
        raise ValueError(f"images.npy holds {images.dtype} {images.shape}, expected uint8 (N, {size[0]}, {size[1]}, 3)")
    for name, values in labels.items():
        if values.shape != (count,):
            raise ValueError(f"images.npy holds {count} images, labels.npz {name} of shape {values.shape}")
