"""A folder of photographs packed once: every crop as uint8 in one memory-mapped file that all trials share.

    <root>/ablate-pack/content.json                 fingerprint of what was packed last
    <root>/ablate-pack/<H>x<W>-<key>/images.npy     (N, H, W, 3) uint8, RGB
    <root>/ablate-pack/<H>x<W>-<key>/labels.npz     the other arrays of a Dataset

The key is the head of the fingerprint, so packs of other data are never taken for these. A pack is written
aside and renamed: a folder that has its name is whole. Photographs that change after they were packed are
not noticed, since nobody wants to hash them at every start: delete ablate-pack, and they are packed anew.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER, RECORD = "ablate-pack", "content.json"
COLUMNS = ("item", "category", "domain", "split", "role", "camera", "source")


def place(root: Path, size: tuple[int, int], fingerprint: str) -> Path:
    """Where the pack of this content at this (height, width) is."""
    return root / FOLDER / f"{size[0]}x{size[1]}-{fingerprint[:12]}"


def recorded(root: Path) -> str | None:
    """The fingerprint of what was packed last; None if nothing was."""
    path = root / FOLDER / RECORD
    try:
        return str(json.loads(path.read_text())["fingerprint"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read ({error}): delete {path.parent}, `ablate run` packs anew") from None


def write(
    root: Path,
    size: tuple[int, int],
    labels: dict[str, NDArray[Any]],
    crops: Iterable[NDArray[np.uint8]],
    fingerprint: Callable[[], str],
) -> None:
    """Pack the crops, (H, W, 3) each, in the order of the labels; `fingerprint` is asked once all are read."""
    import numpy as np

    shape = (len(labels["item"]), *size, 3)
    with _aside(root) as folder:
        images = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
        for n, crop in enumerate(crops):
            images[n] = crop
        images.flush()
        np.savez(folder / "labels.npz", allow_pickle=False, **labels)
        _publish(folder, place(root, size, fingerprint()))
        _record(root, folder, fingerprint())


@contextmanager
def _aside(root: Path) -> Iterator[Path]:
    """A folder of this process beside the packs, gone afterwards whatever happens."""
    folder = root / FOLDER / f".partial-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be made ({error.strerror}): the pack is written there") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: Path, final: Path) -> None:
    """Give the finished files their name; another process that was first has written the same."""
    (folder / "pack").mkdir()
    for name in ("images.npy", "labels.npz"):
        (folder / name).replace(folder / "pack" / name)
    if not final.is_dir():
        (folder / "pack").replace(final)


def _record(root: Path, folder: Path, fingerprint: str) -> None:
    (folder / RECORD).write_text(json.dumps({"fingerprint": fingerprint}) + "\n")
    (folder / RECORD).replace(root / FOLDER / RECORD)


def read(root: Path, size: tuple[int, int], fingerprint: str) -> tuple[NDArray[np.uint8], dict[str, NDArray[Any]]]:
    """(images, labels), the images memory-mapped; DataError if this size is not packed or the pack is damaged."""
    import numpy as np

    folder = place(root, size, fingerprint)
    if not folder.is_dir():
        raise DataError(f"{root} is not packed at {size[0]}x{size[1]} pixels: `ablate run` packs it first")
    try:
        images = np.load(folder / "images.npy", mmap_mode="r")
        with np.load(folder / "labels.npz") as stored:
            labels = {name: stored[name] for name in COLUMNS}
        _check_shapes(images, labels, size)
        return images, labels
    except Exception as error:  # a torn .npy or .npz fails in a dozen ways: BadZipFile, TokenError, …
        raise DataError(f"{folder} is damaged ({error}): delete it, `ablate run` packs anew") from None


def _check_shapes(images: NDArray[np.uint8], labels: dict[str, NDArray[Any]], size: tuple[int, int]) -> None:
    """ValueError unless there are N uint8 images of `size` and N of each label."""
    count = len(images)
    if images.dtype != "uint8" or images.shape != (count, *size, 3):
        raise ValueError(f"images.npy holds {images.dtype} {images.shape}, expected uint8 (N, {size[0]}, {size[1]}, 3)")
    for name, values in labels.items():
        if values.shape != (count,):
            raise ValueError(f"images.npy holds {count} images, labels.npz {name} of shape {values.shape}")
