"""Exact nearest neighbours by inner product, in bounded memory: a fast screen, then exact similarities of the rest.

The screen is a product in bf16 if the CPU has instructions for it, and in float32 otherwise. Its k-th greatest value,
less the largest possible error, is a bound that the k best entries reach. Entries that cannot reach it are dropped, and
the others are compared exactly. Queries with too many entries left go to the next screen. The last screen is exact.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.retrieval.evaluation.approximate_scores import (
    GROUP,
    ScoreBlock,
    ScreenedGallery,
    few_rows,
    padded,
    precisions,
    similarity,
)

CELLS = 2**25
"""The number of similarities in memory at once. Products of fewer queries are slower."""

SLAB = 2**16
"""The number of gallery entries that are searched at once."""

Between = Callable[[], None]
"""Called between blocks of queries, to report that the process is alive and to stop it on request."""


def nothing() -> None:
    """Do nothing between blocks."""


class Neighbours(NamedTuple):
    """The best gallery entries of each query, the best first, (queries, k)."""

    entry: Tensor
    """Indices in the gallery."""
    similarity: Tensor
    """float32."""


def nearest(queries: Tensor, gallery: Tensor, k: int, between: Between = nothing) -> Neighbours:
    """Return the k gallery entries with the greatest inner products; equal ones in the order of their index.

    `queries` (queries, width) and `gallery` (gallery, width) are float32, on one device, and all inner products are
    finite. Inner products are exact as in `approximate_scores`: in float64, rounded to float32. Raises ValueError
    unless 1 <= k <= gallery.
    """
    if not 1 <= k <= len(gallery):
        raise ValueError(f"k is {k}, expected 1 to {len(gallery)}, the size of the gallery")
    slab = max(1, min(SLAB, 2**27 // gallery.shape[1]))
    parts = []
    for start in range(0, len(gallery), slab):
        part = gallery[start : start + slab]
        kept = first_of_equals(part, k)
        found = _search(queries, part if len(kept) == len(part) else part[kept], min(k, len(kept)), between)
        parts.append(Neighbours(kept[found.entry] + start, found.similarity))
    return _best(torch.cat([part.entry for part in parts], 1), torch.cat([part.similarity for part in parts], 1), k)


def first_of_equals(vectors: Tensor, k: int) -> Tensor:
    """Return the indices, ascending, of vectors with fewer than k equal ones before them: others are never k best."""
    order, first = _runs(_codes(vectors))
    place = torch.arange(len(order), device=order.device)
    size = torch.bincount(first, minlength=len(order))[first]
    begins = place.clone()  # the start of each run of equal vectors: equal codes alone may be a coincidence
    for later in torch.split(((place > first) & (size > k)).nonzero().squeeze(1), 4096):
        equal = (vectors[order[later]] == vectors[order[later - 1]]).all(1)
        begins[later[equal]] = 0
    kept = torch.ones(len(order), dtype=torch.bool, device=order.device)
    kept[order[place - begins.cummax(0).values >= k]] = False
    return kept.nonzero().squeeze(1)


def _codes(vectors: Tensor) -> Tensor:
    """Return a hash of each vector, int64: equal for equal bits, and hardly ever for others."""
    factors = torch.randint(2**62, (vectors.shape[1],), generator=torch.Generator().manual_seed(0)) * 2 + 1
    factors = factors.to(vectors.device)
    codes = torch.empty(len(vectors), dtype=torch.int64, device=vectors.device)
    for here in few_rows(vectors):
        torch.sum(vectors[here].view(torch.int32) * factors, 1, out=codes[here])
    return codes


def _runs(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return indices sorted by code, equal codes ascending; and for each the place at which its equals begin."""
    found, order = codes.sort(stable=True)
    place = torch.arange(len(codes), device=codes.device)
    begins = torch.cat([found.new_ones(1, dtype=torch.bool), found[1:] != found[:-1]])
    return order, torch.where(begins, place, 0).cummax(0).values


def _search(queries: Tensor, gallery: Tensor, k: int, between: Between) -> Neighbours:
    """Search one slab as `nearest` does, by one screen after the other. The last one is exact."""
    best = Neighbours(
        torch.empty(len(queries), k, dtype=torch.int64, device=queries.device),
        torch.empty(len(queries), k, device=queries.device),
    )
    rows = max(1, CELLS // (len(gallery) + 8 * k))

    def answer(screen: ScreenedGallery, block: Tensor) -> Tensor:
        done, (entry, similarities) = _among(screen, queries[block], gallery, k)
        best.entry[block[done]], best.similarity[block[done]] = entry, similarities
        return done

    left = torch.arange(len(queries), device=queries.device)
    for dtype in (*(precisions(gallery) if GROUP * k <= len(gallery) else ()), torch.float64):
        if len(left):
            left = attempt(left, rows, partial(answer, ScreenedGallery(gallery, dtype)), between)
    return best


def attempt(left: Tensor, rows: int, answer: Callable[[Tensor], Tensor], between: Between) -> Tensor:
    """Let `answer` process the queries in `left`, `rows` at a time. Return the queries that are still left.

    `answer` returns True for the queries that it could answer, (rows,). If these are less than half, it is not called
    again.
    """
    still, blocks = [left[:0]], torch.split(left, rows)
    for number, block in enumerate(blocks, start=1):
        between()
        done = answer(block)
        still.append(block[~done])
        if 2 * int(done.sum()) < len(block):
            return torch.cat([*still, *blocks[number:]])
    return torch.cat(still)


def _among(screen: ScreenedGallery, queries: Tensor, gallery: Tensor, k: int) -> tuple[Tensor, Neighbours]:
    """Return True for the queries with few enough entries left by the screen, (n,), and the best of these queries."""
    block = screen.block(queries)
    if screen.exact:
        return queries.new_ones(len(queries), dtype=torch.bool), _top(block.values[:, : len(gallery)], k)
    query, entry, done = _candidates(block, k, max(8 * k, screen.limit))
    screened = padded(query, block.values[query, entry], len(queries), -torch.inf, k)[done]
    entry, asked = padded(query, entry, len(queries), 0, k)[done], queries[done]
    # The k best by the screen are compared first. Others matter only if they may be as good as the last of these.
    first = screened.topk(k).indices
    row = torch.arange(len(asked), device=asked.device)[:, None].expand_as(first)
    found = torch.full_like(screened, -torch.inf, dtype=torch.float32)
    found[row, first] = similarity(asked, gallery, row.flatten(), entry[row, first].flatten()).view_as(first)
    bar = block._replace(slack=block.slack[done]).least(found[row, first].amin(1, keepdim=True))
    row, column = ((screened >= bar) & (found == -torch.inf)).nonzero(as_tuple=True)
    found[row, column] = similarity(asked, gallery, row, entry[row, column])
    return done, _best(entry, found, k)


def _candidates(block: ScoreBlock, k: int, limit: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pairs of queries and entries, in order, among which are the k best of each query.

    Also return True for the queries, (n,), that these are complete for: those with at most `limit` pairs.
    """
    count, size = len(block.values), GROUP
    while 4 * k * size > block.values.shape[1]:
        size //= 2
    grouped = block.values.view(count, -1, size)
    # Only groups whose greatest value reaches the bar are examined. Their k-th greatest is at most that of all entries.
    greatest = grouped.amax(2)
    bar = block.least(block.lower(greatest.topk(k).values[:, -1:]))
    query, group = (greatest >= bar).nonzero(as_tuple=True)
    within = grouped[query, group] >= bar[query]
    number = torch.zeros(count, dtype=torch.int64, device=query.device).index_add_(0, query, within.sum(1))
    done = (number >= k) & (number <= limit)  # fewer than k only if the bar is NaN
    place, column = (within & done[query, None]).nonzero(as_tuple=True)
    return query[place], group[place] * size + column, done


def _top(similarities: Tensor, k: int) -> Neighbours:
    """Return the k best of each row; of those that tie with the k-th, the first."""
    last = similarities.topk(k).values[:, -1:]
    better, tied = similarities > last, similarities == last
    missing = k - better.sum(1, keepdim=True)
    chosen = better | (tied & (tied.cumsum(1, dtype=torch.int32) <= missing))
    entry = chosen.nonzero()[:, 1].view(-1, k)
    return _best(entry, similarities.gather(1, entry), k)


def _best(entry: Tensor, found: Tensor, k: int) -> Neighbours:
    """Return the k best of each row, whose equal entries have ascending indices."""
    found, order = found.sort(dim=1, descending=True, stable=True)
    return Neighbours(entry.gather(1, order[:, :k]), found[:, :k])
