"""Per-query ranks as a compact blob, of the least width that fits.

High bytes are nearly all zero, so that 12,377 ranks take well under 30 kB.
"""

import numpy as np
from numpy.typing import NDArray

from ablate.store.planes import deflate, inflate


def pack(ranks: NDArray[np.uint32]) -> bytes:
    """The blob of an array of ranks, shape (queries,)."""
    width = next(w for w in (1, 2, 4) if int(ranks.max(initial=0)) < 256**w)
    return bytes([width]) + deflate(ranks.astype(f"<u{width}"))


def unpack(blob: bytes) -> NDArray[np.uint32]:
    """The array that `pack` was given."""
    return inflate(blob[1:], f"<u{blob[0]}").astype(np.uint32)
