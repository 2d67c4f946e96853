"""Arrays of numbers as compact blobs: byte planes apart, as like bytes compress well beside each other, deflated."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def deflate(values: NDArray[Any]) -> bytes:
    """The blob of an array of little-endian numbers, shape (n,)."""
    planes = np.ascontiguousarray(values).view(np.uint8).reshape(-1, values.itemsize).T
    return zlib.compress(planes.tobytes(), 6)


def inflate(blob: bytes, kind: str) -> NDArray[Any]:
    """The array of numbers of a kind, like `<f4`, that `deflate` was given."""
    planes = np.frombuffer(zlib.decompress(blob), dtype=np.uint8).reshape(np.dtype(kind).itemsize, -1)
    return np.ascontiguousarray(planes.T).view(kind).reshape(-1)
