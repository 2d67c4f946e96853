"""Pixels: decoding, cropping and resizing, on all cores (Pillow frees the interpreter while it works)."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ablate.errors import DataError

Pixels = NDArray[np.uint8]
T = TypeVar("T")
THREADS = min(8, os.cpu_count() or 1)
CHUNK = 256  # images that one thread resizes before it takes the next


def in_threads(work: Callable[[int], T], count: int) -> Iterable[T]:
    """The results of work(0), work(1), … in that order; the first error is raised."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(work, range(count))


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

    list(in_threads(decode, len(rows)))
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

    list(in_threads(work, -(-len(images) // CHUNK)))
    return result


def open_photo(path: Path) -> tuple[Image.Image, bytes]:
    """A photograph as RGB and the sha256 of its file; DataError if it is missing or no image."""
    try:
        data = path.read_bytes()
        return _rgb(data), hashlib.sha256(data).digest()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: expected a whole JPEG image ({error}); unpack it anew") from None


def _rgb(data: bytes) -> Image.Image:
    """The decoded image; ValueError if there is none, other errors of Pillow if it is damaged or enormous."""
    if not data:
        raise ValueError("the file is empty: 0 bytes")
    try:
        return Image.open(io.BytesIO(data)).convert("RGB")
    except UnidentifiedImageError:  # also for a width or height of 0
        raise ValueError(f"no image of at least 1x1 pixels is recognised in its {len(data)} bytes") from None


def cut(photo: Image.Image, corners: tuple[int, int, int, int], path: Path, where: str) -> Image.Image:
    """The part within (left, top, right, bottom); DataError if that is empty or outside the photograph.

    `path` is the photograph's, `where` says which annotation gave the corners.
    """
    left, top, right, bottom = corners
    found = f"{where}: the bounding_box {list(corners)} (left, top, right, bottom)"
    remedy = f"the image {path}, {photo.width}x{photo.height} pixels; correct the annotation or unpack it anew"
    if left >= right or top >= bottom:
        raise DataError(f"{found} has no area, expected left < right and top < bottom within {remedy}")
    # One pixel beyond the edge is let through, and clipped: some tools count pixels from 1.
    inside = min(left, top) >= -1 and right <= photo.width + 1 and bottom <= photo.height + 1
    clipped = (max(left, 0), max(top, 0), min(right, photo.width), min(bottom, photo.height))
    if not inside or clipped[0] >= clipped[2] or clipped[1] >= clipped[3]:
        raise DataError(f"{found} does not lie in {remedy}")
    return photo.crop(clipped)
