"""The data sets by name, and what is asked of each."""

from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Protocol, cast

from ablate.errors import DataError, unknown_name
from ablate.filesystem import exists, is_file
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.data.formats import emoji
from ablate.retrieval.data.packing import format
from ablate.retrieval.data.packing.format import PackLocation, PackRecord, Size

if TYPE_CHECKING:
    from ablate.retrieval.data.entries import ImageList
    from ablate.retrieval.data.packing.packer import PackingObserver

EMBEDDED = "emoji"

# A new data set costs a module of its name with what `Reader` has, and one line here.
DATASETS = {
    EMBEDDED: "one emoji as ten vendors draw it",
    "deepfashion2": "garments in photographs of shops and of users",
    "consumer2shop": "clothes in photographs of shops and of consumers",
    "inshop": "clothes in shops' photographs",
    "market1501": "people seen by six cameras",
    "cub200": "birds of 200 species",
    "cars196": "cars of 196 models",
    "sop": "products of an auction site",
    "csv": "any images, a line each in a CSV file",
}
MODULES = {"csv": "csv_list"}  # of sets whose name is taken


class DatasetFormat(Protocol):
    """The module of a data set that is packed. It is imported when that set is asked for, and not before."""

    HOME: str  # where the set is if data.root does not say

    def read(self, root: Path) -> "ImageList":
        """DataError with every fault of the annotations, or with what to get if there are none."""


def require_known(name: str) -> None:
    """DataError names the known ones and the nearest."""
    if name not in DATASETS:
        raise DataError(unknown_name("data set", name, DATASETS))


def reader(name: str) -> DatasetFormat:
    """The module of a data set that is packed; DataError if there is none of that name."""
    require_known(name)
    return cast(DatasetFormat, import_module(f"ablate.retrieval.data.formats.{MODULES.get(name, name)}"))


def root_of(name: str, root: str | None) -> Path:
    return Path(root if root is not None else reader(name).HOME)


def place(name: str, root: str | None) -> PackLocation:
    """Where a data set is packed: in its root, or beside it where that is a file."""
    path = root_of(name, root)
    command = f"ablate data prepare {name}" + (f" --root {quote(root)}" if root is not None else "")
    return (
        PackLocation(path.parent, f"{name}-{path.name}", command)
        if is_file(path)
        else PackLocation(path, name, command)
    )


def prepare(
    name: str, root: str | None, size: Size, corrupt: str | None = None, watcher: "PackingObserver | None" = None
) -> PackRecord | None:
    """Do once what loading needs: pack a data set at `size` (height, width); nothing if it is done.

    `corrupt`: refuse or skip images that are; None refuses too, but takes a pack as it is whose making skipped some.
    The record of what is packed, None of a set that needs no packing; DataError with every fault of its files.
    """
    if name == EMBEDDED:
        return None
    from ablate.retrieval.data.packing.packer import prepare

    module, path = reader(name), root_of(name, root)
    return prepare(place(name, root), lambda: module.read(path), size, corrupt, watcher)


def fingerprint(name: str, root: str | None) -> str:
    """sha256 (hex) of the data set's content, without decoding an image; DataError if it is not whole or not packed."""
    return emoji.fingerprint(root) if name == EMBEDDED else _record(name, root).fingerprint


def load(name: str, root: str | None, size: Size, pixels: bool = True) -> Dataset:
    """The data set, its images resized to `size` (aspect not kept); DataError if it is not whole or not packed.

    Without `pixels`, the images are zeros of the right shape that take no memory: for a look at the labels.
    """
    if name == EMBEDDED:
        return emoji.load(root, size, pixels)
    record = _record(name, root)
    images, labels = format.read(place(name, root), size, record.fingerprint, pixels)
    columns = {column: labels[column] for column in format.COLUMNS}
    return Dataset(name, record.fingerprint, images, **columns, categories=record.categories)


def _record(name: str, root: str | None) -> PackRecord:
    """What is packed; DataError with what to get, or with what packs it."""
    path = root_of(name, root)
    if not exists(path):
        reader(name).read(path)  # says what to get
    return format.require(place(name, root))
