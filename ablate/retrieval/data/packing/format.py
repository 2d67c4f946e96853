"""The files of a pack: every crop of a data set as uint8, in one memory-mapped file that all trials share.

    <folder>/ablate-pack/<name>.json                  the record of the data set's last pack
    <folder>/ablate-pack/<name>.files                 the photographs' files as they were packed
    <folder>/ablate-pack/<H>x<W>-<key>/images.npy     (N, H, W, 3) uint8, RGB
    <folder>/ablate-pack/<H>x<W>-<key>/labels.npz     the other arrays of a Dataset
    <folder>/ablate-pack/<H>x<W>-<key>/pack.json      its record

The key is the first 12 digits of the fingerprint, so packs of other data have other names. A folder with such a name
is complete: `packer.py` makes it under another name and renames it at the end. Changes of the annotation files that the
record names are noticed at every start, changes of photographs by `photo_files.py` before a run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.errors import DataError, UnpreparedDataError
from ablate.filesystem import exists, file_hash, is_folder, read_regular
from ablate.retrieval.data.annotation_text import text_hash
from ablate.retrieval.data.packing.leakage import Leakage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORM = 2
"""The version of this format and of the ways to resize images and to number items; part of every fingerprint."""

FOLDER = "ablate-pack"
FORMER_RECORD = "content.json"
"""The record of form 1."""
COLUMNS = ("item", "category", "domain", "split", "role", "camera", "source")
Size = tuple[int, int]
"""Height, width, pixels."""


@dataclass(frozen=True)
class PackRecord:
    """The record of a pack, as its JSON file has it."""

    fingerprint: str
    """sha256 (hex) of annotations, rules, photographs and skipped images."""
    images: int
    items: int
    categories: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    """The fault of each image that was left out."""
    index: dict[str, str | None] = field(default_factory=dict)
    """{annotation file relative to the folder: its sha256, or None if it did not exist}. See `annotation_text.py`."""
    leakage: Leakage | None = None
    """The same images in two places; None if the pack was not checked for them, as those of earlier versions."""
    form: int = FORM
    tested: str | None = None
    """sha256 (hex) of the test split alone: photographs, boxes, roles and labels; None in packs of earlier versions."""


@dataclass(frozen=True)
class PackLocation:
    """The place of the packs of one data set. Packs of other data sets may be in the same folder."""

    folder: Path
    name: str
    """The name of the data set, such as market1501; with the name of the root if that is a file: csv-list.csv."""
    command: str
    """The command that packs the data set, without the size."""
    file: Path | None = None
    """The root of the data set, if that is a file."""

    @property
    def root(self) -> Path:
        """Return the folder or file of the data set, as messages name it."""
        return self.file or self.folder

    @property
    def packs(self) -> Path:
        """Return the folder that holds all packs and records."""
        return self.folder / FOLDER

    @property
    def record(self) -> Path:
        """Return the file of the last pack's record."""
        return self.packs / f"{self.name}.json"

    def command_at(self, size: Size | None) -> str:
        """Return the command that packs the data set at a size, so that it can be typed as it stands."""
        return self.command if size is None else f"{self.command} --size {size[0]} {size[1]}"

    @property
    def files(self) -> Path:
        """Return the list of the photographs' files as they were packed."""
        return self.packs / f"{self.name}.files"

    def pack(self, size: Size, fingerprint: str) -> Path:
        """Return the folder of a finished pack."""
        return self.packs / f"{sized(size)}-{fingerprint[:12]}"

    def partial(self, size: Size, content: str) -> Path:
        """Return the folder in which a pack is made.

        `content` is that of the image list, because the fingerprint is only known at the end.
        """
        return self.packs / f".partial-{self.name}-{sized(size)}-{content[:12]}"

    def partials(self) -> dict[Path, Size]:
        """Return {folder: size} of the unfinished packs."""
        return _folders_by_size(self.packs, rf"\.partial-{re.escape(self.name)}-(\d+)x(\d+)-[0-9a-f]{{12}}")

    def sizes(self, fingerprint: str) -> list[Size]:
        """Return the sizes at which the data of this fingerprint is packed."""
        return sorted(_folders_by_size(self.packs, rf"(\d+)x(\d+)-{fingerprint[:12]}").values())


def sized(size: Size) -> str:
    """Return a size as text: HEIGHTxWIDTH."""
    return f"{size[0]}x{size[1]}"


def _folders_by_size(packs: Path, pattern: str) -> dict[Path, Size]:
    """Return the folders whose names match the pattern, with the height and width in each name."""
    names = {path: re.fullmatch(pattern, path.name) for path in sorted(packs.glob("*")) if path.is_dir()}
    return {path: (int(name[1]), int(name[2])) for path, name in names.items() if name}


def recorded(place: PackLocation, size: Size | None = None) -> PackRecord | None:
    """Return the record of the last pack, of any size; `size` is for messages.

    None if there is no pack, if annotations have changed since, or if the pack has another form.
    """
    record = _stored(place, size)
    return None if record is None or _changed(place, record) else record


def require(place: PackLocation, size: Size | None = None) -> PackRecord:
    """Return the record of the last pack, of any size; UnpreparedDataError with the reason if it cannot be used.

    The command in the remedy packs at `size`, unless that is None.
    """
    record = _stored(place, size)
    former = exists(place.record) or exists(place.packs / FORMER_RECORD)
    if record is None:
        why = "was packed by another version, in a form that is no longer read" if former else "is not packed yet"
    elif changed := _changed(place, record):
        why = f"is not packed as it is now: {', '.join(changed)} changed since"
    else:
        return record
    raise UnpreparedDataError(
        f"{place.root} {why}, so its fingerprint is unknown: `{place.command_at(size)}` or `ablate run` packs it"
    )


def _stored(place: PackLocation, size: Size | None) -> PackRecord | None:
    """Return the record in its file; None if there is no record, or one of another form."""
    if not exists(place.record):
        return None
    try:
        raw: dict[str, Any] = _json(place.record)
        if raw["form"] != FORM:
            return None
        return _record(raw)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{place.record} cannot be read ({error}): delete it, `{place.command_at(size)}` packs again"
        ) from None


def _json(path: Path) -> Any:
    return json.loads(read_regular(path).decode("utf-8", "surrogateescape"))


def _record(raw: Mapping[str, Any]) -> PackRecord:
    """Return a record from its JSON. Keys of later versions are ignored."""
    values = {field.name: raw[field.name] for field in fields(PackRecord) if field.name in raw}
    found = values.get("leakage")
    leakage = Leakage(**{**found, "examples": tuple(found["examples"])}) if found else None
    lists = {"categories": tuple(values["categories"]), "skipped": tuple(values["skipped"])}
    return PackRecord(**{**values, **lists, "leakage": leakage})


def stored_leakage(place: PackLocation, size: Size, fingerprint: str) -> Leakage | None:
    """Return the leakage that the record in a pack has; None if the pack was not checked or cannot be read."""
    try:
        return _record(_json(place.pack(size, fingerprint) / "pack.json")).leakage
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _changed(place: PackLocation, record: PackRecord) -> list[str]:
    """Return the annotation files that have changed since the pack was made. Line ends and the like do not count."""
    paths = {name: place.folder / name for name in record.index}
    return [
        name for name, packed in record.index.items()
        if hash_or_none(paths[name]) != packed and (packed is None or text_hash(paths[name]) != packed)
    ]  # fmt: skip


def hash_or_none(path: Path) -> str | None:
    """Return the sha256 (hex) of a file, or None if it cannot be read."""
    try:
        return file_hash(path)
    except OSError:
        return None


def text(record: PackRecord) -> bytes:
    """Return the content of the record's file."""
    return (json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape")


def read(
    place: PackLocation, size: Size, fingerprint: str, pixels: bool = True
) -> tuple[NDArray[np.uint8], dict[str, NDArray[Any]]]:
    """Return (images, labels) of a pack. The images are memory-mapped.

    Without `pixels`, the images are zeros of the right shape that take no memory.
    UnpreparedDataError if this size is not packed, DataError if the pack is damaged.
    """
    import numpy as np

    folder = place.pack(size, fingerprint)
    if not is_folder(folder):
        raise UnpreparedDataError(
            f"{place.root} is not packed at {sized(size)} pixels: `{place.command_at(size)}` or `ablate run` packs it"
        )
    try:
        images = np.load(folder / "images.npy", mmap_mode="r")
        with np.load(folder / "labels.npz") as stored:
            labels = dict(stored)
        _check_shapes(images, {name: labels[name] for name in COLUMNS}, size)
    except Exception as error:  # a torn .npy or .npz raises many kinds of errors: BadZipFile, TokenError, …
        raise DataError(f"{folder} is damaged ({error}): delete it, `ablate run` packs again") from None
    return images if pixels else np.broadcast_to(np.uint8(0), images.shape), labels


def _check_shapes(images: NDArray[np.uint8], labels: dict[str, NDArray[Any]], size: Size) -> None:
    """Raise ValueError unless there are N images of `size` in uint8, and N of each label."""
    count = len(images)
    if images.dtype != "uint8" or images.shape != (count, *size, 3):
        raise ValueError(f"images.npy holds {images.dtype} {images.shape}, expected uint8 (N, {size[0]}, {size[1]}, 3)")
    for name, values in labels.items():
        if values.shape != (count,):
            raise ValueError(f"images.npy holds {count} images, labels.npz {name} of shape {values.shape}")
