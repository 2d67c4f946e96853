"""Pixels: decoding, cropping and resizing, on all cores (Pillow frees the interpreter while it works)."""

from __future__ import annotations

import hashlib
import io
import os
import unicodedata
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ablate.errors import DataError
from ablate.filesystem import exists, open_regular
from ablate.retrieval.data.folder_listing import is_stray
from ablate.retrieval.data.packing import modes
from ablate.retrieval.data.packing.journal import FileStamp

Pixels = NDArray[np.uint8]
Corners = tuple[int, int, int, int]
"""Left, top, right, bottom, pixels."""
T = TypeVar("T")
R = TypeVar("R")
THREADS = len(os.sched_getaffinity(0))
AHEAD = 64
"""The number of tasks a thread that are started before the first result is taken."""
CHUNK = 256
"""The number of images that one thread resizes in one task."""


def in_threads(work: Callable[[T], R], over: Iterable[T]) -> Generator[R]:
    """Yield work(each) in the order of `over`, computed by all threads. The first error is raised.

    When the generator is closed, tasks that have not started yet are cancelled.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        started: deque[Future[R]] = deque()
        try:
            for each in over:
                started.append(pool.submit(work, each))
                if len(started) > AHEAD * THREADS:
                    yield started.popleft().result()
            while started:
                yield started.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def decode_strips(read: Callable[[int], bytes], rows: list[int], size: int) -> Pixels:
    """Return the images, (sum(rows), size, size, 3), of files that hold rows[0], rows[1], … images in one column.

    `read` returns the bytes of file number 0, 1, …. ValueError if a file is no image or has another size.
    """
    starts = np.cumsum([0, *rows])
    # Filled in place: at 220 MB, joining the parts at the end takes as long as decoding them.
    result = np.empty((starts[-1], size, size, 3), dtype=np.uint8)

    def decode(number: int) -> None:
        image = Image.open(io.BytesIO(read(number)))
        if (image.mode, image.size) != ("RGB", (size, size * rows[number])):
            raise ValueError(f"found {image.mode} {image.size}, expected RGB {(size, size * rows[number])}")
        result[starts[number] : starts[number + 1]] = np.asarray(image).reshape(-1, size, size, 3)

    list(in_threads(decode, range(len(rows))))
    return result


def fit(image: Image.Image, size: tuple[int, int]) -> Pixels:
    """Return an RGB image resized to (height, width, 3): bicubic, antialiased, without keeping the aspect."""
    return np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC))


def resize(images: Pixels, size: tuple[int, int]) -> Pixels:
    """Return images (N, H, W, 3) resized to (N, *size, 3); the same array if it has that size already.

    Pillow resizes with integer arithmetic, so the result is the same on every machine.
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
    """Return a photograph as RGB, and the stamp of its file; DataError if it is missing or no whole image."""
    try:
        with open_regular(path) as file:
            status, data = os.fstat(file.fileno()), file.read()
        return _rgb(data), FileStamp(len(data), status.st_mtime_ns, hashlib.sha256(data).hexdigest())
    except FileNotFoundError:
        raise DataError(f"{path}: found no file, expected an image{name_hint(path)}") from None
    except modes.PixelKindError as error:
        raise DataError(f"{path}: found {error}") from None
    except (OSError, SyntaxError, ValueError, RuntimeError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: found {_fault_text(error)}, expected a whole image{name_hint(path)}") from None


def _fault_text(error: Exception) -> str:
    """Return the fault of a file as a noun phrase, for the sentence `found …, expected a whole image`."""
    if isinstance(error, OSError) and error.errno:
        return f"a path that cannot be read ({error.strerror})"
    return f"a file that is damaged ({error})"


def name_hint(path: Path) -> str:
    """Return advice if the name of a file that is missing or no image shows the reason."""
    if is_stray(path.name):
        return "; a Mac or Windows adds such files next to those of a user: take it out of the list"
    if "\\" in path.name:
        return "; separate folders by / in place of \\"
    if {"http:", "https:"} & {*path.parts}:
        return "; addresses are not downloaded: give the path of a file"
    if any(part.startswith("~") for part in path.parts[:-1]):
        return "; a ~ is not expanded in lists: write the whole path, or one relative to the list"
    forms = {unicodedata.normalize(form, str(path)) for form in ("NFC", "NFD")} - {str(path)}
    if not exists(path) and any(exists(Path(form)) for form in forms):
        return "; a file whose name looks the same is there, in another Unicode form (NFC or NFD): rename one of them"
    return ""


def _rgb(data: bytes) -> Image.Image:
    """Return the decoded image; ValueError if there is none, other errors of Pillow if it is damaged or enormous."""
    if not data:
        raise ValueError("it is empty: 0 bytes")
    try:
        image = Image.open(io.BytesIO(data))
        kind = modes.kind_of(image)
        image.load()
    except UnidentifiedImageError:  # Pillow raises this for a width or height of 0 too
        raise ValueError(f"no image of at least 1x1 pixels is recognised in its {len(data)} bytes") from None
    return modes.rgb(image, kind)


def cut(photo: Image.Image, corners: Corners, path: Path, source: str) -> Image.Image:
    """Return the part of a photograph within the corners; DataError if that is empty or outside the photograph.

    `path` is the photograph's, `source` the place of the annotation that has the corners.
    """
    if fault := box_fault(corners, photo.size):
        raise DataError(f"{source}: {fault} of {path}")
    left, top, right, bottom = corners
    return photo.crop((max(left, 0), max(top, 0), min(right, photo.width), min(bottom, photo.height)))


def box_fault(corners: Corners, size: tuple[int, int]) -> str | None:
    """Return the fault of a box in a photograph of size (width, height), or None if it is right."""
    (left, top, right, bottom), (width, height) = corners, size
    box, photo = f"found the box {list(corners)} (left, top, right, bottom)", f"the {width}x{height} pixels"
    if left >= right or top >= bottom:
        return f"{box}, which has no area; expected left < right and top < bottom within {photo}"
    # One pixel beyond the edge is accepted, and clipped: some tools count pixels from 1.
    inside = min(left, top) >= -1 and right <= width + 1 and bottom <= height + 1
    if not inside or max(left, 0) >= min(right, width) or max(top, 0) >= min(bottom, height):
        return f"{box}, expected one that lies in {photo}"
    return None


def dimensions(path: Path) -> tuple[int, int] | None:
    """Return width and height of a photograph, from its header; None if it is missing or no image."""
    try:
        with open_regular(path) as file, Image.open(file) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
