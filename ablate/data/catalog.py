"""The data sets by name, and the three things asked of each."""

import difflib
from typing import TYPE_CHECKING, Protocol

from ablate.data import deepfashion2, emoji_set
from ablate.errors import DataError

if TYPE_CHECKING:
    from ablate.data.dataset import Dataset


class Reader(Protocol):
    """The functions that the module of a data set has; `size` is (height, width) in pixels."""

    def prepare(self, root: str | None, size: tuple[int, int]) -> None: ...

    def fingerprint(self, root: str | None) -> str: ...

    def load(self, root: str | None, size: tuple[int, int]) -> "Dataset": ...


# A new data set costs one module with these functions, and one line here.
DATASETS: dict[str, Reader] = {"emoji": emoji_set, "deepfashion2": deepfashion2}


def reader(name: str) -> Reader:
    """The module of a data set; DataError names the known ones and the nearest."""
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(name, DATASETS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(f"data.name: there is no data set {name!r}; known are {', '.join(DATASETS)}.{hint}")


def prepare(name: str, root: str | None, size: tuple[int, int]) -> None:
    """Do once what loading needs: packs a data set that is a folder of files; nothing if it is done."""
    reader(name).prepare(root, size)


def fingerprint(name: str, root: str | None) -> str:
    """sha256 (hex) of the data set's content, without decoding an image; DataError if it is not whole."""
    return reader(name).fingerprint(root)


def load(name: str, root: str | None, size: tuple[int, int]) -> "Dataset":
    """The data set, its images resized to `size` (aspect not kept); DataError if it is not whole."""
    return reader(name).load(root, size)
