"""Ranks of single gallery entries: counted from a screen, not sorted."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.retrieval.evaluation.approximate_scores import GROUP, ScreenedGallery, padded, similarity

NONE = 2**31
"""The rank of an entry that is not there."""


class Pairs(NamedTuple):
    """Rows of queries, ascending, and entries of the gallery, ascending within a query; (pairs,)."""

    query: Tensor
    entry: Tensor

    def chosen(self, which: Tensor) -> "Pairs":
        """Some of the pairs."""
        return Pairs(self.query[which], self.entry[which])


class Lookup:
    """Finds the gallery entries that have a given number, by their numbers (gallery,)."""

    def __init__(self, numbers: Tensor) -> None:
        self._numbers, self._order = numbers.sort(stable=True)

    def count(self, wanted: Tensor) -> Tensor:
        """How many entries have each of these numbers, (n,)."""
        return torch.searchsorted(self._numbers, wanted, right=True) - torch.searchsorted(self._numbers, wanted)

    def pairs(self, wanted: Tensor) -> Pairs:
        """All pairs of one of these numbers, (n,), and an entry that has it."""
        count = self.count(wanted)
        query = torch.arange(len(wanted), device=wanted.device).repeat_interleave(count)
        place = torch.arange(len(query), device=wanted.device) - (count.cumsum(0) - count)[query]
        return Pairs(query, self._order[torch.searchsorted(self._numbers, wanted)[query] + place])


def ranks(screen: ScreenedGallery, queries: Tensor, gallery: Tensor, right: Pairs, out: Pairs) -> tuple[Tensor, Tensor]:
    """Each query's ranks of its `right` entries, ascending, (n, most of a query), NONE where there are fewer; and of
    which queries they are known, (n,): of others, the screen leaves too much to compare.

    Entries in `out` are in no ranking. A rank is one more than the number of entries that are more similar, or as
    similar and of a lower index.
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
    """Rows of screened values, in two parts, with values of theirs, as float32, and the entries that these are of.

    All that reach the lowest, (n, 1), are among them: where these are few, groups without any are left away.
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
    """Which values are between the bounds, (n, m), of any right entry of their row."""
    close = torch.zeros_like(values, dtype=torch.bool)
    for column in range(least.shape[1]):
        close |= (values >= least[:, column, None]) & (values <= most[:, column, None])
    return close


def _ahead(values: Tensor, index: Tensor, exact: Tensor, entry: Tensor) -> Tensor:
    """How many entries are ahead of each right one, (n, m), by values that are exact wherever that matters."""
    ahead = torch.empty_like(entry)
    told = torch.empty_like(values)  # float32 is summed many times as fast as truth values
    for column in range(entry.shape[1]):
        mine = exact[:, column, None]
        ahead[:, column] = _count(torch.gt(values, mine, out=told))
        tied = _count(torch.ge(values, mine, out=told)) - ahead[:, column] > 1  # others than the right one itself
        rows = tied.nonzero().squeeze(1)
        earlier = (values[rows] == mine[rows]) & (index[rows] < entry[rows, column, None])
        ahead[rows, column] += earlier.sum(1)
    return ahead


def _count(told: Tensor) -> Tensor:
    """How many are 1 in each row of zeros and ones, float32, which holds whole numbers up to 2^24; int64 (n,)."""
    return torch.stack([part.sum(1).long() for part in torch.split(told, 2**24, dim=1)]).sum(0)
