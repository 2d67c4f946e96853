"""k-reciprocal re-ranking (Zhong, Zheng, Cao and Li, CVPR 2017): images with the same neighbours are near.

In the paper's words, over the union of queries and gallery, with d the squared Euclidean distance of unit embeddings:

    R(p, k)   the k nearest of p that have p among their k nearest                                          (3)
    R*(p, k)  R(p, k), and R(q, k/2) of each q in it of which two thirds or more lie in R(p, k)             (4)
    V_p       exp(-d(p, g)) at each g in R*(p, k1), else 0                                                  (7)
              and then its mean over the k2 nearest of p                                                   (11)
    d_J       1 - sum of min(V_p, V_g) / sum of max(V_p, V_g)                                              (10)
    d*        (1 - lambda) d_J + lambda d                                                                  (12)

As in the authors' code, every element is its own first neighbour, in (3) and (4) beside the k others, in (11) as one of
the k2; and the half of an odd k is rounded to the even number. Where their code differs from the paper, this follows
the paper: the code divides d by the largest distance of each element, and each V_p of (7) by its sum, and has "more
than two thirds" in (4).
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack
from torch import Tensor

from ablate.retrieval.config.evaluate import Rerank
from ablate.retrieval.evaluation.average_precision import MatchKeys, RankedQueries, judge_blocks
from ablate.retrieval.evaluation.exact_neighbours import Between, nearest, nothing

CELLS = 2**20
"""The number of distances in memory at once."""

ROWS = 1024
"""The number of elements whose neighbours are expanded at once."""

PAIRS = 2**13
"""The number of distances of single pairs that are computed at once."""

Indices = NDArray[np.int64]


def rerank(
    queries: Tensor, gallery: Tensor, asked: MatchKeys, held: MatchKeys, config: Rerank, between: Between = nothing
) -> RankedQueries:
    """Judge the ranking by d* of unit embeddings, float32 (queries, width) and (gallery, width); see `distances`."""

    def blocks() -> Iterator[tuple[Tensor, MatchKeys]]:
        start = 0
        for found in distances(queries, gallery, asked.image, held.image, config, between):
            rows = slice(start, start + len(found))
            start = rows.stop
            yield -found, MatchKeys(*(mark[rows] for mark in asked))

    return judge_blocks(blocks(), held)


def distances(
    queries: Tensor, gallery: Tensor, asked: Tensor, held: Tensor, config: Rerank, between: Between = nothing
) -> Iterator[Tensor]:
    """Yield d* of (12), float64, in blocks of n queries, (n, gallery).

    `asked` (queries,) and `held` (gallery,) are numbers of images: one that is on both sides is once in the union, with
    its query's embedding. The union has more than k1 images, and k2 or more.
    """
    images, place = torch.unique(torch.cat([asked, held]), return_inverse=True)
    here, there = place[: len(asked)], place[len(asked) :]
    union = queries.new_empty(len(images), queries.shape[1])
    union[there] = gallery
    union[here] = queries
    encoded = encodings(union, config.k1, config.k2, between)
    having: csc_array = encoded[there.cpu().numpy()].tocsc()
    totals = having.sum(axis=1, dtype=np.float64)
    searched = gallery if len(images) == len(place) else union[there]
    rows = max(1, CELLS // len(held))
    for start in range(0, len(here), rows):
        between()
        block = here[start : start + rows]
        plain = (2 - 2 * (union[block] @ searched.T)).clamp_(min=0)
        found = torch.from_numpy(jaccard(encoded[block.cpu().numpy()], having, totals)).to(plain.device)
        yield found.mul_(1 - config.weight).add_(plain, alpha=config.weight)


def encodings(union: Tensor, k1: int, k2: int, between: Between = nothing) -> csr_array:
    """Return V of (11), float32 (n, n), with a row for each element of the union (n, width)."""
    near = neighbours(union, max(k1, k2 - 1), between)
    whole, half = (reciprocal(near[:, : k + 1]) for k in (k1, round(k1 / 2)))
    rows = []
    for start in range(0, len(near), ROWS):
        between()
        found = expanded(whole[start : start + ROWS], half)
        own = np.repeat(np.arange(start, start + found.shape[0]), np.diff(found.indptr))
        distance = 2 - 2 * similarities(union, own, found.indices.astype(np.int64), between)
        rows.append(csr_array((np.exp(-distance), found.indices, found.indptr), shape=found.shape))
    return members(near[:, :k2], np.float32(1 / k2)) @ vstack(rows, format="csr")


def neighbours(union: Tensor, k: int, between: Between = nothing) -> Indices:
    """Return each element and its k nearest others, (n, 1 + k), the nearest first."""
    found = nearest(union, union, k + 1, between).entry.cpu().numpy()
    own = np.arange(len(found))[:, None]
    others = np.argsort(found == own, axis=1, kind="stable")[:, :k]
    return np.hstack([own, np.take_along_axis(found, others, axis=1)])


def members(sets: Indices, value: np.number) -> csr_array:
    """Return sets of elements, (n, size), as rows of a matrix (n, n) with `value` at each member."""
    count, size = sets.shape
    starts = np.arange(count + 1) * size
    return csr_array((np.full(sets.size, value), np.sort(sets, axis=1).ravel(), starts), shape=(count, count))


def reciprocal(near: Indices) -> csr_array:
    """Return R of (3), with 1 at each member, from the nearest of each element."""
    forward = members(near, np.int32(1))
    return forward.multiply(forward.T).tocsr()


def expanded(some: csr_array, half: csr_array) -> csr_array:
    """Return R* of (4) for some rows of R(., k), from R(., k/2) of all. Only the places of its entries matter."""
    shared = (some @ half.T).multiply(some).tocoo()
    passes = 3 * shared.data >= 2 * np.diff(half.indptr)[shared.col]
    taken = csr_array((np.ones(passes.sum(), np.int32), (shared.row[passes], shared.col[passes])), shape=shared.shape)
    return (some + taken @ half).tocsr()


def similarities(union: Tensor, some: Indices, others: Indices, between: Between = nothing) -> NDArray[np.float32]:
    """Return the inner products of pairs of elements, (pairs,), at most 1."""
    found = np.empty(len(some), np.float32)
    for start in range(0, len(some), PAIRS):
        between()
        pairs = (torch.from_numpy(each[start : start + PAIRS]).to(union.device) for each in (some, others))
        found[start : start + PAIRS] = torch.linalg.vecdot(*(union[each] for each in pairs)).cpu().numpy()
    return np.minimum(found, 1)


def jaccard(some: csr_array, having: csc_array, totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return d_J of (10), (n, gallery), between rows of V, (n, union), and those of the gallery, column by column.

    The sum of minima runs over the few elements at which a row is not 0, from the lists of rows that have them. The sum
    of maxima is the sum of both rows less that of the minima. `totals` (gallery,) are the sums of the gallery's rows.
    """
    smaller = np.empty((some.shape[0], len(totals)))
    for row in range(len(smaller)):
        own = slice(*some.indptr[row : row + 2])
        lists = having[:, some.indices[own]]
        least = np.minimum(lists.data, np.repeat(some.data[own], np.diff(lists.indptr)))
        smaller[row] = np.bincount(lists.indices, least, minlength=len(totals))
    larger: NDArray[np.float64] = np.add.outer(some.sum(axis=1, dtype=np.float64), totals) - smaller
    return 1 - smaller / larger
