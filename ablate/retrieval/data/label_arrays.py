"""The labels of a pack: made from the entries of an image list, as columns of a Dataset, and written to a file."""

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.filesystem import write_synced
from ablate.retrieval.data.dataset import SPLITS
from ablate.retrieval.data.entries import ImageList

Labels = Callable[[ImageList, Sequence[int]], dict[str, NDArray[Any]]]
"""Makes the arrays of labels: format.COLUMNS, and perhaps others.

Arguments: an image list, and the numbers of its entries that are images 0, 1, … of the pack.
"""


def labels_of(listing: ImageList, kept: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Return the columns of a Dataset. Items are numbered in the order of the image list."""
    entries = [listing.entries[number] for number in kept]
    item = {name: n for n, name in enumerate(dict.fromkeys(listing.entries[number].item for number in sorted(kept)))}
    category = {name: n for n, name in enumerate(listing.categories)}
    return {
        "item": np.array([item[entry.item] for entry in entries], dtype=np.int32),
        "category": np.array([category[entry.category] for entry in entries], dtype=np.int16),
        "domain": np.array([entry.domain for entry in entries], dtype=np.uint8),
        "split": np.array([SPLITS.index(entry.split) for entry in entries], dtype=np.uint8),
        "role": np.array([entry.role for entry in entries], dtype=np.uint8),
        "camera": np.array([entry.camera for entry in entries], dtype=np.int32),
        "source": np.array([entry.source.encode("utf-8", "surrogateescape") for entry in entries]),
    }


def save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays as np.savez does, but without the time of day, so that equal arrays give equal bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    write_synced(path, content.getvalue())
