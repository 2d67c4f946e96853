"""Pixels: decoding, cropping and resizing, on all cores (Pillow frees the interpreter while it works)."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ablate.errors import DataError
from ablate.retrieval.data.packing.journal import FileStamp

Pixels = NDArray[np.uint8]
Corners = tuple[int, int, int, int]  # left, top, right, bottom
T = TypeVar("T")
R = TypeVar("R")
THREADS = len(os.sched_getaffinity(0))
AHEAD = 64  # for each thread, how much is begun before the first result is asked for
CHUNK = 256  # images that one thread resizes before it takes the next


def in_threads(work: Callable[[T], R], over: Iterable[T]) -> Generator[R]:
    """The results of work(each) in that order; the first error is raised. Nothing is begun once nobody asks on."""
    with ThreadPoolExecutor(THREADS) as pool:
        begun: deque[Future[R]] = deque()
        try:
            for each in over:
                begun.append(pool.submit(work, each))
                if len(begun) > AHEAD * THREADS:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def decode_strips(read: Callable[[int], bytes], rows: list[int], size: int) -> Pixels:
    """(sum(rows), size, size, 3) from files with rows[0], rows[1], … images, below each other in one column.

    ValueError if a file is no image or has another size.
    """
    starts = np.cumsum([0, *rows])
    # Filled in place: at 220 MB, putting parts together at the end costs as much as decoding them.
    result = np.empty((starts[-1], size, size, 3), dtype=np.uint8)

    def decode(number: int) -> None:
        image = Image.open(io.BytesIO(read(number)))
        if (image.mode, image.size) != ("RGB", (size, size * rows[number])):
            raise ValueError(f"found {image.mode} {image.size}, expected RGB {(size, size * rows[number])}")
        result[starts[number] : starts[number + 1]] = np.asarray(image).reshape(-1, size, size, 3)

    list(in_threads(decode, range(len(rows))))
    return result


def fit(image: Image.Image, size: tuple[int, int]) -> Pixels:
    """(height, width, 3) from an RGB image: bicubic, antialiased, the aspect not kept."""
    return np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC))


def resize(images: Pixels, size: tuple[int, int]) -> Pixels:
    """(N, *size, 3) from (N, H, W, 3); the same array if it has that size already.

    Pillow resizes in whole numbers, so the result is the same on every machine.
    """
    if images.shape[1:3] == size:
        return images
    result = np.empty((len(images), *size, 3), dtype=np.uint8)

    def work(chunk: int) -> None:
        for n in range(chunk * CHUNK, min(len(images), (chunk + 1) * CHUNK)):
            result[n] = fit(Image.fromarray(images[n]), size)

    list(in_threads(work, range(-(-len(images) // CHUNK))))
    return result


def open_photo(path: Path) -> tuple[Image.Image, FileStamp]:
    """A photograph as RGB, and what its file is; DataError if it is missing or no whole image."""
    try:
        with path.open("rb") as file:
            found, data = os.fstat(file.fileno()), file.read()
        return _rgb(data), FileStamp(len(data), found.st_mtime_ns, hashlib.sha256(data).hexdigest())
    except FileNotFoundError:
        raise DataError(f"{path}: found no file, expected an image") from None
    except (OSError, SyntaxError, ValueError, RuntimeError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: found {_found(error)}, expected a whole image") from None


def _found(error: Exception) -> str:
    """What is wrong with a file, as a thing that one can find."""
    if isinstance(error, OSError) and error.errno:
        return f"what cannot be read ({error.strerror})"
    return f"a file that is damaged ({error})"


def _rgb(data: bytes) -> Image.Image:
    """The decoded image; ValueError if there is none, other errors of Pillow if it is damaged or enormous."""
    if not data:
        raise ValueError("it is empty: 0 bytes")
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except UnidentifiedImageError:  # also for a width or height of 0
        raise ValueError(f"no image of at least 1x1 pixels is recognised in its {len(data)} bytes") from None
    if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def cut(photo: Image.Image, corners: Corners, path: Path, where: str) -> Image.Image:
    """The part within (left, top, right, bottom); DataError if that is empty or outside the photograph.

    `path` is the photograph's, `where` says which annotation gave the corners.
    """
    if fault := box_fault(corners, photo.size):
        raise DataError(f"{where}: {fault} of {path}")
    left, top, right, bottom = corners
    return photo.crop((max(left, 0), max(top, 0), min(right, photo.width), min(bottom, photo.height)))


def box_fault(corners: Corners, size: tuple[int, int]) -> str | None:
    """What is wrong with a box in a photograph of that width and height."""
    (left, top, right, bottom), (width, height) = corners, size
    found, photo = f"found the box {list(corners)} (left, top, right, bottom)", f"the {width}x{height} pixels"
    if left >= right or top >= bottom:
        return f"{found}, which has no area; expected left < right and top < bottom within {photo}"
    # One pixel beyond the edge is let through, and clipped: some tools count pixels from 1.
    inside = min(left, top) >= -1 and right <= width + 1 and bottom <= height + 1
    if not inside or max(left, 0) >= min(right, width) or max(top, 0) >= min(bottom, height):
        return f"{found}, expected one that lies in {photo}"
    return None


def dimensions(path: Path) -> tuple[int, int] | None:
    """Width and height of a photograph, from its header; None if it is missing or no image."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
