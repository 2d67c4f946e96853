"""Exact nearest neighbours by inner product, in bounded memory: a quick screen, then exact similarities of the rest.

The screen is a product in bf16 where the CPU has instructions for it, else in float32. Its k-th greatest value, less
the error that it can have, is a floor that the k best reach; entries that cannot reach it are out. The others are
compared exactly. Queries of which too many entries are left go to the next screen, the last of which is exact.
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
"""Similarities held at once: products of fewer queries take longer."""

SLAB = 2**16
"""Gallery entries that are searched at once."""

Between = Callable[[], None]
"""Called between blocks of queries: a sign of life, and a place to stop."""


def nothing() -> None:
    """Nobody looks on."""


class Neighbours(NamedTuple):
    """The best gallery entries of each query, the best first, (queries, k): indices, and float32 similarities."""

    entry: Tensor
    similarity: Tensor


def nearest(queries: Tensor, gallery: Tensor, k: int, between: Between = nothing) -> Neighbours:
    """The k gallery entries of greatest inner product; equal ones come in the order of their index.

    `queries` (queries, width) and `gallery` (gallery, width) are float32, on one device, and all inner products are
    finite. Inner products are exact as in `screen`: in float64, rounded to float32. Raises ValueError unless
    1 <= k <= gallery.
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
    """The indices of vectors that have fewer than k equal ones before them, ascending: no other is among the k best."""
    order, first = _runs(_codes(vectors))
    place = torch.arange(len(order), device=order.device)
    size = torch.bincount(first, minlength=len(order))[first]
    begins = place.clone()  # of a row of vectors that are equal, each to the one before it: codes may agree by chance
    for later in torch.split(((place > first) & (size > k)).nonzero().squeeze(1), 4096):
        equal = (vectors[order[later]] == vectors[order[later - 1]]).all(1)
        begins[later[equal]] = 0
    kept = torch.ones(len(order), dtype=torch.bool, device=order.device)
    kept[order[place - begins.cummax(0).values >= k]] = False
    return kept.nonzero().squeeze(1)


def _codes(vectors: Tensor) -> Tensor:
    """A number of each vector, int64: equal where all bits are, hardly ever elsewhere."""
    factors = torch.randint(2**62, (vectors.shape[1],), generator=torch.Generator().manual_seed(0)) * 2 + 1
    factors = factors.to(vectors.device)
    codes = torch.empty(len(vectors), dtype=torch.int64, device=vectors.device)
    for here in few_rows(vectors):
        torch.sum(vectors[here].view(torch.int32) * factors, 1, out=codes[here])
    return codes


def _runs(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Indices in the order of their codes, equal ones ascending; and where in that order each one's equals begin."""
    found, order = codes.sort(stable=True)
    place = torch.arange(len(codes), device=codes.device)
    begins = torch.cat([found.new_ones(1, dtype=torch.bool), found[1:] != found[:-1]])
    return order, torch.where(begins, place, 0).cummax(0).values


def _search(queries: Tensor, gallery: Tensor, k: int, between: Between) -> Neighbours:
    """`nearest` in one slab, by one screen after the other, the last of which is exact."""
    best = Neighbours(
        torch.empty(len(queries), k, dtype=torch.int64, device=queries.device),
        torch.empty(len(queries), k, device=queries.device),
    )
    rows = max(1, CELLS // (len(gallery) + 8 * k))

    def answer(screen: ScreenedGallery, asked: Tensor) -> Tensor:
        done, (entry, found) = _among(screen, queries[asked], gallery, k)
        best.entry[asked[done]], best.similarity[asked[done]] = entry, found
        return done

    left = torch.arange(len(queries), device=queries.device)
    for dtype in (*(precisions(gallery) if GROUP * k <= len(gallery) else ()), torch.float64):
        if len(left):
            left = attempt(left, rows, partial(answer, ScreenedGallery(gallery, dtype)), between)
    return best


def attempt(left: Tensor, rows: int, answer: Callable[[Tensor], Tensor], between: Between) -> Tensor:
    """Has the queries in `left` answered, `rows` at a time; gives those that are left.

    `answer` says which of its queries it could answer, (rows,). If these are less than half, it is not asked again.
    """
    still, blocks = [left[:0]], torch.split(left, rows)
    for number, asked in enumerate(blocks, start=1):
        between()
        done = answer(asked)
        still.append(asked[~done])
        if 2 * int(done.sum()) < len(asked):
            return torch.cat([*still, *blocks[number:]])
    return torch.cat(still)


def _among(screen: ScreenedGallery, queries: Tensor, gallery: Tensor, k: int) -> tuple[Tensor, Neighbours]:
    """Which of the queries the screen leaves few enough entries of, (n,), and the best of these queries."""
    block = screen.block(queries)
    if screen.exact:
        return queries.new_ones(len(queries), dtype=torch.bool), _top(block.values[:, : len(gallery)], k)
    query, entry, done = _candidates(block, k, max(8 * k, screen.limit))
    screened = padded(query, block.values[query, entry], len(queries), -torch.inf, k)[done]
    entry, asked = padded(query, entry, len(queries), 0, k)[done], queries[done]
    # The k best by the screen are compared first: others are of interest if they may be as good as the last of these.
    first = screened.topk(k).indices
    row = torch.arange(len(asked), device=asked.device)[:, None].expand_as(first)
    found = torch.full_like(screened, -torch.inf, dtype=torch.float32)
    found[row, first] = similarity(asked, gallery, row.flatten(), entry[row, first].flatten()).view_as(first)
    bar = block._replace(slack=block.slack[done]).least(found[row, first].amin(1, keepdim=True))
    row, column = ((screened >= bar) & (found == -torch.inf)).nonzero(as_tuple=True)
    found[row, column] = similarity(asked, gallery, row, entry[row, column])
    return done, _best(entry, found, k)


def _candidates(block: ScoreBlock, k: int, limit: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of queries and entries, in order, that hold every query's k best; and of which queries, (n,): those that
    have at most `limit` of them.
    """
    count, size = len(block.values), GROUP
    while 4 * k * size > block.values.shape[1]:
        size //= 2
    grouped = block.values.view(count, -1, size)
    # Only groups whose greatest value is in reach are looked into. Their k-th greatest is no greater than that of all.
    greatest = grouped.amax(2)
    bar = block.least(block.lower(greatest.topk(k).values[:, -1:]))
    query, group = (greatest >= bar).nonzero(as_tuple=True)
    within = grouped[query, group] >= bar[query]
    number = torch.zeros(count, dtype=torch.int64, device=query.device).index_add_(0, query, within.sum(1))
    done = (number >= k) & (number <= limit)  # fewer: the bar is not a number
    place, column = (within & done[query, None]).nonzero(as_tuple=True)
    return query[place], group[place] * size + column, done


def _top(similarities: Tensor, k: int) -> Neighbours:
    """The k best of each row; of those that tie with the k-th, the first."""
    last = similarities.topk(k).values[:, -1:]
    better, tied = similarities > last, similarities == last
    wanted = k - better.sum(1, keepdim=True)
    chosen = better | (tied & (tied.cumsum(1, dtype=torch.int32) <= wanted))
    entry = chosen.nonzero()[:, 1].view(-1, k)
    return _best(entry, similarities.gather(1, entry), k)


def _best(entry: Tensor, found: Tensor, k: int) -> Neighbours:
    """The k best of each row, in whose order equal ones have ascending indices."""
    found, order = found.sort(dim=1, descending=True, stable=True)
    return Neighbours(entry.gather(1, order[:, :k]), found[:, :k])
