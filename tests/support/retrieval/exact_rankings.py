"""Similarities by their definition, in plain Python, and features that make them hard to tell apart."""

import math
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

SCREENS = {
    "bf16": (torch.bfloat16,),
    "fp32": (torch.float32,),
    "bf16, then fp32": (torch.bfloat16, torch.float32),
    "exact": (),
}
"""Screens before the exact one, by what to call them."""


def similarities(queries: torch.Tensor, gallery: torch.Tensor) -> np.ndarray:
    """Float64 inner products, each summed without error (`math.fsum`), rounded to float32."""
    return _similarities(queries.numpy().tobytes(), gallery.numpy().tobytes(), queries.shape[1])


@lru_cache(maxsize=32)
def _similarities(queries: bytes, gallery: bytes, width: int) -> np.ndarray:
    one, other = (np.frombuffer(each, np.float32).reshape(-1, width).astype(float) for each in (queries, gallery))
    found = [[math.fsum(terms) for terms in (query * other).tolist()] for query in one]
    return np.array(found).reshape(len(one), len(other)).astype(np.float32)


def ranking(similarity: np.ndarray) -> np.ndarray:
    """Each row's columns, the greatest first, equal ones by their index."""
    rows = (sorted(range(len(row)), key=lambda place, row=row: (-row[place], place)) for row in similarity)
    return np.array(list(rows), dtype=np.int64).reshape(similarity.shape)


def features(kind: str, queries: int, gallery: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Queries and a gallery of the named kind, always the same."""
    random = np.random.default_rng(sum(map(ord, kind)))
    count = queries + gallery

    def normal(width, scale=1.0):
        return random.normal(0, scale, (count, width))

    if kind == "random":
        made = normal(40)
    elif kind == "clustered":
        made = normal(16)[random.integers(0, 12, count)] + normal(16, 0.05)
    elif kind == "within bf16":
        made = normal(16)[random.integers(0, 3, count)] + normal(16, 1e-4)
    elif kind == "within float32":
        made = normal(16)[random.integers(0, 3, count)] + normal(16, 1e-8)
    elif kind == "duplicated":
        made = normal(24)[random.integers(0, 20, count)]
    elif kind == "identical":
        made = np.tile(normal(8)[:1], (count, 1))
    elif kind == "zero":
        made = np.zeros((count, 5))
    elif kind == "some zero":
        made = normal(9) * (random.random((count, 1)) < 0.5)
    elif kind == "quantised":
        made = random.integers(-1, 2, (count, 3))
    elif kind == "signs":
        made = random.choice([-1, 1], (count, 12))
    elif kind == "one-hot":
        made = np.eye(30)[random.integers(0, 30, count)]
    elif kind == "of one coordinate":  # queries see nothing of what tells the gallery's entries apart
        made = np.concatenate([np.ones((count, 1)), normal(10)], 1)
        made[:queries, 1:] = 0
    elif kind == "one wide":
        made = normal(1)
    elif kind == "norms apart":
        made = normal(7) * 10.0 ** random.integers(-8, 9, (count, 1))
    else:
        made = normal(11, {"tiny": 1e-20, "vanishing": 1e-30, "huge": 1e15}[kind])
    found = torch.from_numpy(made.astype(np.float32))
    if kind in ("random", "clustered", "within bf16", "within float32", "duplicated", "signs", "some zero"):
        found = F.normalize(found)
    return found[:queries].clone(), found[queries:].clone()


KINDS = (
    *("random", "clustered", "within bf16", "within float32", "duplicated", "identical", "zero", "some zero"),
    *("quantised", "signs", "one-hot", "of one coordinate", "one wide", "norms apart", "tiny", "vanishing", "huge"),
)
