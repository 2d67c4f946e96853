"""The ranks of single gallery entries, counted by approximate similarities instead of sorting."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.retrieval.evaluation.approximate_scores import GROUP, ScreenedGallery, padded, similarity

NONE = 2**31
"""The rank that fills places without an entry."""


class Pairs(NamedTuple):
    """Pairs of a query and a gallery entry, (pairs,)."""

    query: Tensor
    """Rows of queries, ascending."""
    entry: Tensor
    """Indices in the gallery, ascending within a query."""

    def chosen(self, which: Tensor) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.query[which], self.entry[which])


class Lookup:
    """Finds the gallery entries that have a number, from the numbers of all entries (gallery,)."""

    def __init__(self, numbers: Tensor) -> None:
        self._numbers, self._order = numbers.sort(stable=True)

    def count(self, numbers: Tensor) -> Tensor:
        """Return the number of entries that have each of these numbers, (n,)."""
        return torch.searchsorted(self._numbers, numbers, right=True) - torch.searchsorted(self._numbers, numbers)

    def pairs(self, numbers: Tensor) -> Pairs:
        """Return all pairs of a place in `numbers`, (n,), and an entry that has the number there."""
        count = self.count(numbers)
        query = torch.arange(len(numbers), device=numbers.device).repeat_interleave(count)
        place = torch.arange(len(query), device=numbers.device) - (count.cumsum(0) - count)[query]
        return Pairs(query, self._order[torch.searchsorted(self._numbers, numbers)[query] + place])


def ranks(screen: ScreenedGallery, queries: Tensor, gallery: Tensor, right: Pairs, out: Pairs) -> tuple[Tensor, Tensor]:
    """Return the ranks of each query's `right` entries, ascending, (n, largest number of a query), filled with NONE.

    Also return True for the queries whose ranks are determined, (n,): for the others, the screen leaves too many pairs
    to compare. Entries in `out` are in no ranking. A rank is one more than the number of entries that are more similar,
    or equally similar with a lower index.
    """
    block, count = screen.block(queries), len(queries)
    block.values[out.query, out.entry] = -torch.inf
    exact = padded(right.query, similarity(queries, gallery, *right), count, torch.inf)
    entry = padded(right.query, right.entry, count, 0)
    least, most = block.least(exact), block.most(exact)
    found, known = torch.empty_like(entry), torch.ones(count, dtype=torch.bool, device=entry.device)
    for rows, values, index in _parts(block.values, least.amin(1, keepdim=True)):
        if not screen.exact:
            close = _close(values, least[rows], most[rows])
            known[rows] = close.sum(1) <= screen.limit
            query, place = (close & known[rows, None]).nonzero(as_tuple=True)
            values[query, place] = similarity(queries, gallery, rows[query], index[query, place])
        found[rows] = _ahead(values, index, exact[rows], entry[rows])
    return torch.where(exact < torch.inf, found + 1, NONE).sort(dim=1).values, known


def _parts(values: Tensor, lowest: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield rows of screened values in two parts: the rows, their values as float32, and the entries of these values.

    All values that reach `lowest`, (n, 1), are included. For rows with few of them, groups without any are left out.
    """
    grouped = values.view(len(values), -1, GROUP)
    reached = grouped.amax(2) >= lowest
    few = reached.sum(1) <= grouped.shape[1] // 8
    rows = few.nonzero().squeeze(1)
    if len(rows):
        query, group = reached[rows].nonzero(as_tuple=True)
        groups = padded(query, group, len(rows), -1)
        kept = grouped[rows[:, None], groups].float().masked_fill_(groups[:, :, None] < 0, -torch.inf)
        index = groups[:, :, None] * GROUP + torch.arange(GROUP, device=values.device)
        yield rows, kept.flatten(1), index.flatten(1)
    rows = (~few).nonzero().squeeze(1)
    if len(rows):
        index = torch.arange(values.shape[1], device=values.device)
        yield rows, values[rows].float(), index.expand(len(rows), -1)


def _close(values: Tensor, least: Tensor, most: Tensor) -> Tensor:
    """Return True for values that are between the bounds, (n, m), of any right entry of their row."""
    close = torch.zeros_like(values, dtype=torch.bool)
    for column in range(least.shape[1]):
        close |= (values >= least[:, column, None]) & (values <= most[:, column, None])
    return close


def _ahead(values: Tensor, index: Tensor, exact: Tensor, entry: Tensor) -> Tensor:
    """Return the number of entries ahead of each right one, (n, m), by values that are exact if it matters."""
    ahead = torch.empty_like(entry)
    ones = torch.empty_like(values)  # float32 sums many times as fast as booleans
    for column in range(entry.shape[1]):
        mine = exact[:, column, None]
        ahead[:, column] = _count(torch.gt(values, mine, out=ones))
        tied = _count(torch.ge(values, mine, out=ones)) - ahead[:, column] > 1  # entries other than the right one
        rows = tied.nonzero().squeeze(1)
        earlier = (values[rows] == mine[rows]) & (index[rows] < entry[rows, column, None])
        ahead[rows, column] += earlier.sum(1)
    return ahead


def _count(ones: Tensor) -> Tensor:
    """Return the number of ones in each row of zeros and ones, int64 (n,). float32 holds whole numbers up to 2^24."""
    return torch.stack([part.sum(1).long() for part in torch.split(ones, 2**24, dim=1)]).sum(0)
