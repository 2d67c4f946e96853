"""Per-query ranks as a compact blob: the least width that fits, byte planes apart, deflated.

High bytes are nearly all zero, so that 12,377 ranks take well under 30 kB.
"""

import zlib

import numpy as np
from numpy.typing import NDArray


def pack(ranks: NDArray[np.uint32]) -> bytes:
    """The blob of an array of ranks, shape (queries,)."""
    width = next(w for w in (1, 2, 4) if int(ranks.max(initial=0)) < 256**w)
    planes = ranks.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T
    return bytes([width]) + zlib.compress(planes.tobytes(), 6)


def unpack(blob: bytes) -> NDArray[np.uint32]:
    """The array that `pack` was given."""
    width = blob[0]
    planes = np.frombuffer(zlib.decompress(blob[1:]), dtype=np.uint8).reshape(width, -1)
    return np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(-1).astype(np.uint32)
