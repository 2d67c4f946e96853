"""Named random streams.

Every random number of a training has an address: (replicate seed, stream name, step, slot). A counter-based generator
computes it from this address alone. So no draw changes because another augmentation is on, because the batch is larger,
or because the run is on another device. Two rows of a study that share a setting therefore share its random numbers:
they are paired.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray


def generator(seed: int, stream: str, step: int = 0) -> np.random.Generator:
    """Return the generator at the start of one step of a stream.

    It is Philox (Salmon et al., 2011) with the hash of seed and stream as its key. The step is the highest word of the
    counter: a step would have to draw 2^192 blocks to reach the numbers of the next.
    """
    digest = hashlib.blake2b(f"{seed}/{stream}".encode(), digest_size=16).digest()
    key = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
    counter = np.array([0, 0, 0, step], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def number(seed: int, stream: str, step: int = 0) -> int:
    """Return a 63-bit number of an address, to seed the generators of other libraries."""
    return int(generator(seed, stream, step).integers(2**63))


def uniform(
    seed: int, stream: str, step: int, slots: NDArray[np.int64], each: int | None = None
) -> NDArray[np.float64]:
    """Return draws from [0, 1), shape (slots,) or (slots, each). The draw of a slot depends on its number alone."""
    shape = int(slots.max(initial=-1)) + 1
    drawn = generator(seed, stream, step).random(shape if each is None else (shape, each))
    return np.asarray(drawn[slots], dtype=np.float64)


def below(draws: NDArray[np.float64], bound: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return uniform draws as integers in [0, bound); the bias is under bound / 2^53."""
    return (draws * bound).astype(np.int64)
