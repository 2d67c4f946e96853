"""How well a gallery's ranking answers each query: the first right entry's rank, and the precision at all of them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.train.interface import Ranks
from ablate.train.nearest import CELLS, Between, nothing


class Marks(NamedTuple):
    """What tells right from wrong among queries or gallery entries, integers of shape (n,) on the features' device.

    A gallery entry is right for a query of its item. It is left out of the query's ranking where it is the same image,
    or of the same item and camera; cameras below 0 are none.
    """

    item: Tensor
    camera: Tensor
    image: Tensor


class Judged(NamedTuple):
    """Per query, shape (queries,): the 1-based rank of its first right entry (0: it has none), its average precision,
    and its average precision at R, both in [0, 1], 0 where it has none.

    With R right entries in all, at ranks r_1 < ... < r_R: average precision is the mean of i / r_i; at R, the mean of
    the same with 0 wherever r_i > R (Musgrave et al., 2020).
    """

    first: Ranks
    average: NDArray[np.float32]
    at_r: NDArray[np.float32]


def judge(queries: Tensor, gallery: Tensor, asked: Marks, held: Marks, between: Between = nothing) -> Judged:
    """Judges the whole ranking by inner product of float32 features, (queries, width) and (gallery, width).

    Entries of equal similarity rank by index.
    """
    rows = max(1, CELLS // max(1, len(gallery)))

    def blocks() -> Iterable[tuple[Tensor, Marks]]:
        for start in range(0, len(queries), rows):
            between()
            here = slice(start, start + rows)
            yield queries[here] @ gallery.T, Marks(*(mark[here] for mark in asked))

    return judge_blocks(blocks(), held)


def judge_blocks(blocks: Iterable[tuple[Tensor, Marks]], held: Marks) -> Judged:
    """Judges similarities (n, gallery) given for some queries at a time, with these queries' marks."""
    found = [_judge_block(similarity, asked, held) for similarity, asked in blocks]
    first, average, at_r = (
        torch.cat([parts[n] for parts in found]).cpu().numpy() if found else np.empty(0) for n in range(3)
    )
    return Judged(first.astype(np.uint32), average.astype(np.float32), at_r.astype(np.float32))


def _judge_block(similarity: Tensor, asked: Marks, held: Marks) -> tuple[Tensor, Tensor, Tensor]:
    same = asked.item[:, None] == held.item
    out = (asked.image[:, None] == held.image) | (
        same & (asked.camera >= 0)[:, None] & (asked.camera[:, None] == held.camera)
    )
    order = similarity.masked_fill(out, -torch.inf).argsort(dim=1, descending=True, stable=True)
    right = (same & ~out).gather(1, order)
    rank = torch.arange(1, right.shape[1] + 1, device=right.device)
    number = right.cumsum(1)
    precision = torch.where(right, number / rank, 0).double()
    total = right.sum(1)
    at_r = torch.where(rank <= total[:, None], precision, 0).sum(1) / total.clamp(min=1)
    first = torch.where(total > 0, right.int().argmax(1) + 1, 0) if right.shape[1] else total
    return first, precision.sum(1) / total.clamp(min=1), at_r
