"""Arrays of numbers as compact blobs: bytes grouped by significance, then compressed.

Similar bytes compress well if they lie next to each other. The high bytes of ranks are nearly all zero, so that 12,377
ranks take well under 30 kB.
"""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack(ranks: NDArray[np.uint32]) -> bytes:
    """Return the blob of an array of ranks, shape (queries,). Its first byte is the width of a number in bytes."""
    width = next(w for w in (1, 2, 4) if int(ranks.max(initial=0)) < 256**w)
    return bytes([width]) + deflate(ranks.astype(f"<u{width}"))


def unpack(blob: bytes) -> NDArray[np.uint32]:
    """Return the ranks of a blob that `pack` made, shape (queries,)."""
    return inflate(blob[1:], f"<u{blob[0]}").astype(np.uint32)


def deflate(values: NDArray[Any]) -> bytes:
    """Return the blob of an array of little-endian numbers, shape (n,)."""
    planes = np.ascontiguousarray(values).view(np.uint8).reshape(-1, values.itemsize).T
    return zlib.compress(planes.tobytes(), 6)


def inflate(blob: bytes, kind: str) -> NDArray[Any]:
    """Return the array of a blob that `deflate` made, shape (n,). `kind` is its dtype, like `<f4`."""
    planes = np.frombuffer(zlib.decompress(blob), dtype=np.uint8).reshape(np.dtype(kind).itemsize, -1)
    return np.ascontiguousarray(planes.T).view(kind).reshape(-1)
