"""The data sets by name: the place, the preparation, the fingerprint and the images of each."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Protocol, cast

from ablate.errors import DataError, UnpreparedDataError, unknown_name
from ablate.filesystem import exists, expanded, is_file
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.data.formats import emoji
from ablate.retrieval.data.packing import format, photo_files
from ablate.retrieval.data.packing.format import PackLocation, PackRecord, Size
from ablate.retrieval.data.packing.leakage import Leakage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ablate.retrieval.data.entries import ImageList
    from ablate.retrieval.data.label_arrays import Labels
    from ablate.retrieval.data.packing.packer import PackingObserver

EMBEDDED = "emoji"
"""The data set that is part of the package and needs no packing."""

# A new data set needs a module of its name in formats/, with the members of `DatasetFormat`, and one line here.
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
MODULES = {"csv": "csv_list"}
"""The modules of data sets whose name the standard library already has."""


class DatasetFormat(Protocol):
    """The module that reads one data set. It is imported when that data set is used, and not before."""

    HOME: str
    """The folder or file of the data set if data.root is not set."""

    def read(self, root: Path) -> "ImageList":
        """Return the images that the annotations list.

        DataError with every fault of the annotations, or with the place to get the data set from if it is missing.
        """


def require_known(name: str) -> None:
    """Raise DataError, with the known names and the nearest one, if no data set has this name."""
    if name not in DATASETS:
        raise DataError(unknown_name("data set", name, DATASETS))


def reader(name: str) -> DatasetFormat:
    """Return the module that reads a data set; DataError if no data set has this name."""
    require_known(name)
    return cast(DatasetFormat, import_module(f"ablate.retrieval.data.formats.{MODULES.get(name, name)}"))


def root_of(name: str, root: str | None) -> Path:
    """Return the folder or file of a data set: `root`, or the default of its format."""
    return Path(expanded(root) if root is not None else reader(name).HOME)


def place(name: str, root: str | None) -> PackLocation:
    """Return the place of a data set's packs: in its root, or next to its root if that is a file."""
    path = root_of(name, root)
    command = f"ablate data prepare {name}" + (f" --root {quote(root)}" if root is not None else "")
    return (
        PackLocation(path.parent, f"{name}-{path.name}", command, path)
        if is_file(path)
        else PackLocation(path, name, command)
    )


def prepare(
    name: str,
    root: str | None,
    size: Size,
    corrupt: str | None = None,
    watcher: "PackingObserver | None" = None,
    leakage: str = "warn",
) -> PackRecord | None:
    """Pack a data set at `size` (height, width), so that it can be loaded. A finished pack is left as it is.

    If a photograph has been replaced since, the data set is packed again. `corrupt` is `refuse` or `skip`, for images
    that cannot be read. None refuses such images too, but accepts an existing pack that was made with some images
    skipped. `leakage` is `refuse` or `warn`, for the same image in two splits, or as a query and in its gallery.
    Return the record of the pack, or None for a data set that needs no packing. DataError with every fault of its
    files.
    """
    if name == EMBEDDED:
        return None
    from ablate.retrieval.data.packing.packer import prepare

    module, path = reader(name), root_of(name, root)
    location = place(name, root)
    return prepare(location, lambda: module.read(path), size, corrupt, watcher, leakage=leakage)


def fingerprint(name: str, root: str | None, size: Size | None = None) -> str:
    """Return the sha256 (hex) of the data set's content, without decoding an image. It does not depend on the size.

    UnpreparedDataError if the data set is not packed, with the command that packs it at `size`. DataError if it is not
    whole.
    """
    return emoji.fingerprint(root) if name == EMBEDDED else _record(name, root, size).fingerprint


def leakage(name: str, root: str | None, size: Size) -> Leakage | None:
    """Return the leakage that was found when the data set was packed at `size`; None if it was not looked for."""
    if name == EMBEDDED:
        return None
    location = place(name, root)
    record = format.recorded(location, size)
    return format.stored_leakage(location, size, record.fingerprint) if record else None


def replaced(name: str, root: str | None, size: Size) -> list[str]:
    """Return the photographs that have changed since packing; nothing if there are too many to look at in a moment."""
    if name == EMBEDDED:
        return []
    location = place(name, root)
    record = format.recorded(location, size)
    return photo_files.changed_of_few(location, record.fingerprint) if record else []


def tested(name: str, root: str | None) -> str:
    """Return the sha256 (hex) of the test split of a packed data set, or of the whole set if no other is on record."""
    if name == EMBEDDED:
        return emoji.fingerprint(root)
    record = _record(name, root, None)
    return record.tested or record.fingerprint


def load(name: str, root: str | None, size: Size, pixels: bool = True) -> Dataset:
    """Return the data set with its images resized to `size` (height, width), without keeping the aspect.

    Without `pixels`, the images are zeros of the right shape that take no memory: for reading the labels only.
    UnpreparedDataError if the data set is not packed, DataError if it is not whole.
    """
    if name == EMBEDDED:
        return emoji.load(root, size, pixels)
    record = _record(name, root, size)
    images, labels = format.read(place(name, root), size, record.fingerprint, pixels)
    columns = {column: labels[column] for column in format.COLUMNS}
    return Dataset(name, record.fingerprint, images, **columns, categories=record.categories)


def packed_labels(name: str, root: str | None, size: Size) -> Dataset:
    """Return a packed data set with zeros for its images. The same content is read once in a process.

    UnpreparedDataError if the data set is not packed, DataError if it is not whole.
    """
    content = emoji.recorded_fingerprint(root) if name == EMBEDDED else _record(name, root, size).fingerprint
    return _labels(name, root, size, content)


@lru_cache(maxsize=4)
def _labels(name: str, root: str | None, size: Size, content: str) -> Dataset:
    """Return a data set without pixels. `content` is its fingerprint: if it changes, the labels are read again."""
    return load(name, root, size, pixels=False)


def load_labels(name: str, root: str | None, size: Size) -> Dataset:
    """Return the data set with zeros for its images, packed or not; without a pack of this size, from the annotations.

    DataError with every fault of the annotations, and without a pack if image files are missing or if it cannot be
    written.
    """
    try:
        return packed_labels(name, root, size)
    except UnpreparedDataError:
        from ablate.retrieval.data.label_arrays import labels_of
        from ablate.retrieval.data.packing.crops import require_files
        from ablate.retrieval.data.packing.packer import require_room

        listing = reader(name).read(root_of(name, root))
        require_files(listing, f"{place(name, root).command_at(size)} --corrupt skip")
        require_room(place(name, root), listing, size)
        return unpacked(name, listing, labels_of, size)[0]


def unpacked(
    name: str, listing: "ImageList", labels: "Labels", size: Size
) -> "tuple[Dataset, dict[str, NDArray[Any]]]":
    """Return an image list as a data set with zeros for its images and no fingerprint, and all columns of `labels`."""
    import numpy as np

    count = len(listing.entries)
    columns = labels(listing, range(count))
    images = np.broadcast_to(np.uint8(0), (count, *size, 3))
    own = {column: columns[column] for column in format.COLUMNS}
    return Dataset(name, "", images, **own, categories=listing.categories), columns


def _record(name: str, root: str | None, size: Size | None) -> PackRecord:
    """Return the record of the pack; DataError with the place to get the data set from, or the command that packs."""
    path = root_of(name, root)
    if not exists(path):
        reader(name).read(path)  # raises the error that names the place to get the data set from
    return format.require(place(name, root), size)
