"""Selects the images of a step as a pure function of (replicate, step): quadruplets, or several images an item."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from ablate.errors import AblateError
from ablate.retrieval.config.batch import Batch
from ablate.retrieval.data.dataset import SHOP, SPLITS, USER, Dataset
from ablate.text import plural
from ablate.trainers.random_streams import below, generator, uniform

Indices = NDArray[np.int64]

ROLES = ("shop anchor", "user anchor", "shop negative", "user negative")


@dataclass(frozen=True)
class Sampler:
    """Draws the n images of each step of a training."""

    draw: Callable[[int, int], Indices]
    """Returns the image indices of a (seed, step), shape (n,)."""
    slots: Callable[[], Indices]
    """Returns the random-stream slot of each image, shape (n,)."""


def sampler(dataset: Dataset, batch: Batch) -> Sampler:
    """Return the sampler of a config: quadruplets role by role, or pk item by item.

    Raises AblateError if no batch can be drawn from the training images, or if a batch has more images (pk: items)
    than there are: batch norms and mined triplets would then see the same few images repeatedly.
    """
    if batch.sampling == "pk":
        groups = items_with_pairs(dataset)
        available = f"{len(groups.count)} training items with two images or more"
        _check_size(dataset, "batch.items", batch.items, len(groups.count), f"{batch.items} items", available)
        size = batch.items * batch.images
        return Sampler(lambda seed, step: pk(groups, batch.items, batch.images, seed, step), lambda: np.arange(size))
    count, items = batch.quadruplets, pool(dataset)
    images = len(items.shop.images) + len(items.user.images)
    available = f"{images} training images that quadruplets can have"
    _check_size(dataset, "batch.quadruplets", count, images // len(ROLES), f"{len(ROLES) * count} images", available)
    draw = repeated(items, count, batch.drawn_once) if batch.drawn_once else partial(quadruplets, items, count)
    return Sampler(lambda seed, step: draw(seed, step).ravel(), lambda: slots(count).ravel())


def _check_size(dataset: Dataset, key: str, value: int, largest: int, needed: str, available: str) -> None:
    """Raise AblateError if a batch is larger than the data."""
    if value > largest:
        least = "the least is 2, so use a larger data set, or set schedule.steps to 0"
        advice = f"the largest value that fits is {largest}" if largest >= 2 else least
        raise AblateError(f"{key}: {value} needs {needed} a step, and {dataset.name} has {available}; {advice}")


@dataclass(frozen=True)
class ItemGroups:
    """Images sorted by item: item k of the pool has `images[start[k] : start[k] + count[k]]`."""

    images: Indices
    start: Indices
    count: Indices

    def pick(self, items: Indices, draws: NDArray[np.float64]) -> Indices:
        """Return one image of each item, chosen by a uniform draw."""
        return np.take(self.images, self.start[items] + below(draws, self.count[items]))


@dataclass(frozen=True)
class AnchorPool:
    """The items that can be anchors, sorted by category, with their images in both domains."""

    shop: ItemGroups
    user: ItemGroups
    first: Indices
    """(items,) the first item of each item's category."""
    size: Indices
    """(items,) the number of items in each item's category."""


def pool(dataset: Dataset) -> AnchorPool:
    """Return the training items that have images in both domains and another such item in their category.

    An item that is alone in its category has no possible negative, so it is left out, as anchor and as negative.
    Raises AblateError if no item is left, or if there is only one domain.
    """
    train = np.flatnonzero(dataset.split == SPLITS.index("train"))
    shop, user = (np.compress(dataset.domain[train] == domain, train) for domain in (SHOP, USER))
    if len(train) and not (len(shop) and len(user)):
        raise AblateError(
            f"batch.sampling: the {len(train)} training images of {dataset.name} are of one domain, so no quadruplet "
            "of shop and user images can be drawn; set batch.sampling: pk, with model.bn_grouping: fused and "
            "loss.mining: batch-hard, or set schedule.steps to 0"
        )
    items, category = _eligible(dataset, shop, user)
    if not len(items):
        raise AblateError(
            f"data.name: {dataset.name} has no training item with images in both domains and another such "
            f"item in its category ({len(train)} training images), so no quadruplet can be drawn; use a data "
            "set that has, or set schedule.steps to 0"
        )
    _, first, run, size = np.unique(category, return_index=True, return_inverse=True, return_counts=True)
    return AnchorPool(_grouped(dataset, shop, items), _grouped(dataset, user, items), first[run], size[run])


def _eligible(dataset: Dataset, shop: Indices, user: Indices) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Return the items with images in both domains that are not alone in their category, and their categories.

    They are sorted by category.
    """
    both = np.intersect1d(dataset.item[shop], dataset.item[user])
    items, first = np.unique(dataset.item[shop], return_index=True)
    category = dataset.category[shop][first]
    items, category = items[np.isin(items, both)], category[np.isin(items, both)]
    company = np.bincount(category, minlength=len(dataset.categories))[category] >= 2
    order = np.lexsort((items[company], category[company]))
    return items[company][order], category[company][order]


def _grouped(dataset: Dataset, images: Indices, items: NDArray[np.int32]) -> ItemGroups:
    """Return the images of `items`, grouped in the order of `items`. Other images are dropped."""
    by_value = np.argsort(items)
    images = images[np.isin(dataset.item[images], items)]
    place = by_value[np.searchsorted(items, dataset.item[images], sorter=by_value)]
    count = np.bincount(place, minlength=len(items)).astype(np.int64)
    return ItemGroups(images[np.argsort(place, kind="stable")], np.cumsum(count) - count, count)


def quadruplets(pool: AnchorPool, count: int, seed: int, step: int) -> Indices:
    """Return the image indices of one step, shape (4, count), one row for each role.

    Anchor items are drawn uniformly from the pool, negatives from the rest of the anchor's category, and images
    uniformly from those of an item. All draws are with replacement, so a batch of 8 is the beginning of the batch of
    16.
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


def repeated(pool: AnchorPool, count: int, number: int) -> Callable[[int, int], Indices]:
    """Return a function that draws steps of `count` out of `number` quadruplets.

    These are drawn once. Each round goes through all of them, in an order of its own.
    """

    @lru_cache(maxsize=1)
    def all_quadruplets(seed: int) -> Indices:
        return quadruplets(pool, number, seed, 0)

    @lru_cache(maxsize=2)  # a step may begin in one round and end in the next
    def order(seed: int, turn: int) -> Indices:
        return generator(seed, "batch/order", turn).permutation(number)

    def draw(seed: int, step: int) -> Indices:
        places = np.arange(step * count, (step + 1) * count)
        chosen = [order(seed, turn)[places[places // number == turn] % number] for turn in np.unique(places // number)]
        return all_quadruplets(seed)[:, np.concatenate(chosen)]

    return draw


def slots(count: int) -> Indices:
    """Return the random-stream slot of every image of a batch, shape (4, count): the same at any batch size."""
    return np.arange(len(ROLES) * count).reshape(count, len(ROLES)).T


def items_with_pairs(dataset: Dataset) -> ItemGroups:
    """Return the training items with at least two images, in any domains: the items that have a positive pair.

    Raises AblateError if there are fewer than two such items.
    """
    train = np.flatnonzero(dataset.split == SPLITS.index("train"))
    items, count = np.unique(dataset.item[train], return_counts=True)
    items = items[count >= 2]
    if len(items) < 2:
        available = f"{plural(len(items), 'training item')} with two images or more"
        raise AblateError(
            f"data.name: {dataset.name} has {available} ({len(train)} training images), so no batch of items can be "
            "drawn; use a data set that has more, or set schedule.steps to 0"
        )
    return _grouped(dataset, train, items)


def pk(groups: ItemGroups, items: int, images: int, seed: int, step: int) -> Indices:
    """Return the image indices of one step, shape (items · images,), item by item.

    The items are drawn uniformly without replacement, and so are an item's images if it has enough. An item with fewer
    gives all of them in random order, and then again in that order. A batch of 8 items is the beginning of the batch
    of 16.
    """
    ranks = uniform(seed, "batch/pk item", step, np.arange(len(groups.count)))
    first = np.argpartition(ranks, items - 1)[:items]
    chosen = first[np.argsort(ranks[first])]
    count = groups.count[chosen][:, None]
    each = int(groups.count.max())
    order = uniform(seed, "batch/pk image", step, np.arange(items), each)
    order[np.arange(each) >= count] = 1  # after all draws, which are below 1: the item has no such image
    places = np.take_along_axis(order.argsort(axis=1), np.arange(images) % count, axis=1)
    return np.take(groups.images, groups.start[chosen][:, None] + places).ravel()
