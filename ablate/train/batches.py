"""Which images a step trains on: quadruplets, as a pure function of (replicate, step)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.data.dataset import SHOP, SPLITS, USER, Dataset
from ablate.errors import AblateError
from ablate.train.seeding import below, uniform

Indices = NDArray[np.int64]

ROLES = ("shop anchor", "user anchor", "shop negative", "user negative")


@dataclass(frozen=True)
class Grouped:
    """Images sorted by item: item k of the pool has `images[start[k] : start[k] + count[k]]`."""

    images: Indices
    start: Indices
    count: Indices

    def pick(self, items: Indices, draws: NDArray[np.float64]) -> Indices:
        """One image of each item, chosen by a uniform draw."""
        return np.take(self.images, self.start[items] + below(draws, self.count[items]))


@dataclass(frozen=True)
class Pool:
    """The items that can be anchors, sorted by category, with their images in both domains.

    `first` and `size`, shape (items,), give the run of items that share an item's category.
    """

    shop: Grouped
    user: Grouped
    first: Indices
    size: Indices


def pool(dataset: Dataset) -> Pool:
    """The training items that have images in both domains and company in their category.

    An item without another of its category could have no negative, so it is left out, as anchor and as
    negative. Raises AblateError if nothing is left.
    """
    train = np.flatnonzero(dataset.split == SPLITS.index("train"))
    shop, user = (np.compress(dataset.domain[train] == domain, train) for domain in (SHOP, USER))
    items, category = _eligible(dataset, shop, user)
    if not len(items):
        raise AblateError(
            f"data.name: {dataset.name} has no training item with images in both domains and another such "
            f"item in its category ({len(train)} training images), so no quadruplet can be drawn; use a data "
            "set that has, or set schedule.steps to 0"
        )
    _, first, run, size = np.unique(category, return_index=True, return_inverse=True, return_counts=True)
    return Pool(_grouped(dataset, shop, items), _grouped(dataset, user, items), first[run], size[run])


def _eligible(dataset: Dataset, shop: Indices, user: Indices) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Items with images among both, and not alone in their category; sorted by category, which comes along."""
    both = np.intersect1d(dataset.item[shop], dataset.item[user])
    items, where = np.unique(dataset.item[shop], return_index=True)
    category = dataset.category[shop][where]
    items, category = items[np.isin(items, both)], category[np.isin(items, both)]
    company = np.bincount(category, minlength=len(dataset.categories))[category] >= 2
    order = np.lexsort((items[company], category[company]))
    return items[company][order], category[company][order]


def _grouped(dataset: Dataset, images: Indices, items: NDArray[np.int32]) -> Grouped:
    """The images of `items`, in the order of `items`; other images are dropped."""
    by_value = np.argsort(items)
    images = images[np.isin(dataset.item[images], items)]
    place = by_value[np.searchsorted(items, dataset.item[images], sorter=by_value)]
    count = np.bincount(place, minlength=len(items)).astype(np.int64)
    return Grouped(images[np.argsort(place, kind="stable")], np.cumsum(count) - count, count)


def quadruplets(pool: Pool, count: int, seed: int, step: int) -> Indices:
    """Image indices of one step, shape (4, count), a row a role.

    Anchor items are drawn uniformly from the pool, negatives from the rest of the anchor's category, and
    images uniformly from an item's. All draws are with replacement, so a batch may exceed the data, and a
    batch of 8 is the beginning of the batch of 16.
    """
    slots = np.arange(count)

    def draws(name: str) -> NDArray[np.float64]:
        return uniform(seed, f"batch/{name}", step, slots)

    anchor = below(draws("item"), len(pool.first))
    first, size = pool.first[anchor], pool.size[anchor]
    # A shift of 1 to size − 1 within the category's run never lands on the anchor itself.
    negative = first + (anchor - first + 1 + below(draws("negative item"), size - 1)) % size
    domains = (pool.shop, pool.user, pool.shop, pool.user)
    chosen = (anchor, anchor, negative, negative)
    return np.stack([domain.pick(item, draws(role)) for domain, item, role in zip(domains, chosen, ROLES, strict=True)])


def slots(count: int) -> Indices:
    """The random-stream slot of every image of a batch, shape (4, count); free of the batch's size."""
    return np.arange(len(ROLES) * count).reshape(count, len(ROLES)).T
