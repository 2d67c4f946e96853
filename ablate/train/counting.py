"""Ranks of single gallery entries: counted from a screen, not sorted."""

from typing import NamedTuple

import torch
from torch import Tensor

from ablate.train.screen import Screen, padded, similarity

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


def ranks(screen: Screen, queries: Tensor, gallery: Tensor, right: Pairs, out: Pairs) -> tuple[Tensor, Tensor]:
    """Each query's ranks of its `right` entries, ascending, (n, most of a query), NONE where there are fewer; and of
    which queries they are known, (n,): of others, the screen leaves too much to compare.

    Entries in `out` are in no ranking. A rank is one more than the number of entries that are more similar, or as
    similar and of a lower index.
    """
    block = screen.block(queries)
    values, count = block.values.float(), len(queries)  # once, not in every comparison
    values[out.query, out.entry] = -torch.inf
    exact = padded(right.query, similarity(queries, gallery, *right), count, torch.inf)
    entry = padded(right.query, right.entry, count, 0)
    least, most = block.least(exact), block.most(exact)
    ahead, near = _counts(values, least, most)
    done = near.sum(1) <= screen.limit if block.relative else torch.ones_like(near[:, 0], dtype=torch.bool)
    for column in range(exact.shape[1]):
        rows = ((near[:, column] > 0) & done).nonzero().squeeze(1)
        some = values if len(rows) == count else values[rows]
        mine, index = exact[rows, column, None], entry[rows, column, None]
        if not block.relative:
            earlier = torch.arange(values.shape[1], device=values.device) < index
            ahead[rows, column] += ((some == mine) & earlier).sum(1)
            continue
        close = (some >= least[rows, column, None]) & (some <= most[rows, column, None])
        place, other = close.nonzero(as_tuple=True)
        found, mine, index = similarity(queries, gallery, rows[place], other), mine[place, 0], index[place, 0]
        before = (found > mine) | ((found == mine) & (other < index))
        ahead[rows, column] += torch.bincount(place[before], minlength=len(rows))
    return torch.where(exact < torch.inf, ahead + 1, NONE).sort(dim=1).values, done


def _counts(values: Tensor, least: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
    """How many entries are ahead of each right one for certain, and how many others may be or may not be, (n, m)."""
    ahead, near = torch.empty(2, *least.shape, dtype=torch.int64, device=least.device)
    told = torch.empty_like(values)  # float32 is summed many times as fast as truth values
    for column in range(least.shape[1]):
        here = slice(column, column + 1)
        ahead[:, column] = torch.gt(values, most[:, here], out=told).sum(1)
        near[:, column] = torch.ge(values, least[:, here], out=told).sum(1)
    return ahead, (near - ahead - 1).clamp_(min=0)  # without the right one itself
