"""Judges the ranking of a gallery for each query: the rank of the first right entry, and the average precision."""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.retrieval.evaluation.approximate_scores import ScreenedGallery, padded, precisions
from ablate.retrieval.evaluation.exact_neighbours import Between, attempt, nothing
from ablate.retrieval.evaluation.rank_counting import NONE, Lookup, Pairs, ranks
from ablate.trainers.rank_results import Ranks

Floats = NDArray[np.float64]

CELLS = 2**24
"""The number of similarities in memory at once; as many positions, truth values and copies come with them."""

MANY = 64
"""If a query has more right entries, sorting its ranking is faster than counting the entries ahead of each."""


class MatchKeys(NamedTuple):
    """The numbers by which queries and gallery entries match, integers of shape (n,) on the features' device.

    A gallery entry is right for a query of its item. It is left out of the query's ranking if it is the same image, or
    of the same item and camera.
    """

    item: Tensor
    camera: Tensor
    """Numbers below 0 stand for no camera."""
    image: Tensor


class RankedQueries(NamedTuple):
    """The judgement of each query, shape (queries,).

    Let a query have R right entries, at ranks r_1 < ... < r_R.
    """

    first: Ranks
    """The rank of the first right entry, from 1; 0 if the query has no right entry."""
    average: NDArray[np.float32]
    """The average precision in [0, 1]: the mean of i / r_i; 0 without right entries."""
    at_r: NDArray[np.float32]
    """The average precision at R in [0, 1]: the same mean, with 0 in place of the terms with r_i > R
    (Musgrave et al., 2020).
    """


class _MatchLookup:
    """Finds the right entries and the left-out entries of a gallery by their numbers."""

    def __init__(self, marks: MatchKeys) -> None:
        self.marks, self.items, self.images = marks, Lookup(marks.item), Lookup(marks.image)

    def pairs(self, asked: MatchKeys) -> tuple[Pairs, Pairs]:
        """Return the pairs of queries and right entries, and of queries and left-out entries (some of them twice)."""
        same_item, same_image = self.items.pairs(asked.item), self.images.pairs(asked.image)
        image, camera = (mark[same_item.query] for mark in (asked.image, asked.camera))
        there = same_item.entry
        out = (image == self.marks.image[there]) | ((camera >= 0) & (camera == self.marks.camera[there]))
        apart = [torch.cat(both) for both in zip(same_item.chosen(out), same_image, strict=True)]
        return same_item.chosen(~out), Pairs(*apart)


def judge(
    queries: Tensor, gallery: Tensor, asked: MatchKeys, held: MatchKeys, between: Between = nothing
) -> RankedQueries:
    """Judge the whole ranking by inner products of float32 features, (queries, width) and (gallery, width).

    Entries of equal similarity rank by index. Inner products are finite, and exact as in `approximate_scores`.

    The rank of a right entry is one more than the number of entries ahead of it. These are counted by approximate
    similarities: only entries that are too close to the right entry are compared exactly. If there are too many of
    them, the next, more precise screen counts; the last screen is exact. For queries with many right entries, the
    ranking is sorted.
    """
    parts = [np.zeros(len(queries)) for _ in RankedQueries._fields]
    known = _MatchLookup(held)
    count = known.items.count(asked.item)
    order = count.argsort(stable=True)  # queries of a block have about as many right entries
    few, many = order[(count[order] > 0) & (count[order] <= MANY)], order[count[order] > MANY]

    def counted(screen: ScreenedGallery, here: Tensor) -> Tensor:
        found, done = ranks(screen, queries[here], gallery, *known.pairs(_taken(asked, here)))
        _put(parts, here[done], _summed(found[done]))
        return done

    rows = max(1, CELLS // max(1, len(gallery)))
    for dtype in (*precisions(gallery), torch.float64):
        if len(few):
            few = attempt(few, rows, partial(counted, ScreenedGallery(gallery, dtype)), between)
    if len(many):
        exact = ScreenedGallery(gallery, torch.float64)
        for here in torch.split(many, max(1, rows // 2)):
            between()
            similarity = exact.block(queries[here]).values[:, : len(gallery)]
            _put(parts, here, _judge_block(similarity, _taken(asked, here), held))
    return _judged(*parts)


def judge_blocks(blocks: Iterable[tuple[Tensor, MatchKeys]], held: MatchKeys) -> RankedQueries:
    """Judge finite similarities (n, gallery) that come in blocks of n queries, with the keys of these queries."""
    found = [_judge_block(similarity, asked, held) for similarity, asked in blocks]
    return _judged(*(np.concatenate([np.empty(0), *(parts[n].cpu().numpy() for parts in found)]) for n in range(3)))


def _judge_block(similarity: Tensor, asked: MatchKeys, held: MatchKeys) -> tuple[Tensor, Tensor, Tensor]:
    same = asked.item[:, None] == held.item
    out = (asked.image[:, None] == held.image) | (
        same & (asked.camera >= 0)[:, None] & (asked.camera[:, None] == held.camera)
    )
    order = similarity.masked_fill(out, -torch.inf).argsort(dim=1, descending=True, stable=True)
    query, place = (same & ~out).gather(1, order).nonzero(as_tuple=True)
    return _summed(padded(query, place + 1, len(similarity), NONE))


def _summed(rank: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return first rank, average precision and average precision at R of each query, (n,).

    `rank` has the ranks of its right entries, ascending, (n, largest number of a query), filled up with NONE.
    """
    total = (rank < NONE).sum(1)
    of = total.clamp(min=1)
    number = torch.arange(1, rank.shape[1] + 1, device=rank.device, dtype=torch.float64)
    precision = torch.where(rank < NONE, number / rank, 0.0)
    at_r = torch.where(rank <= total[:, None], precision, 0.0).sum(1) / of
    return torch.where(total > 0, rank[:, 0], 0), precision.sum(1) / of, at_r


def _put(parts: list[Floats], here: Tensor, found: tuple[Tensor, Tensor, Tensor]) -> None:
    """Write the results of some queries to their places among all queries."""
    for whole, part in zip(parts, found, strict=True):
        whole[here.cpu().numpy()] = part.cpu().numpy()


def _judged(first: Floats, average: Floats, at_r: Floats) -> RankedQueries:
    return RankedQueries(first.astype(np.uint32), average.astype(np.float32), at_r.astype(np.float32))


def _taken(marks: MatchKeys, chosen: Tensor) -> MatchKeys:
    return MatchKeys(*(mark[chosen] for mark in marks))
