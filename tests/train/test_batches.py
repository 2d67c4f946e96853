from dataclasses import replace

import numpy as np
import pytest

from ablate.data.dataset import SHOP, USER
from ablate.errors import AblateError
from ablate.train.batches import pool, quadruplets, slots


def drawn(dataset, count=64, step=0, seed=0):
    return quadruplets(pool(dataset), count, seed, step)


def test_roles_are_what_they_say(dataset):
    shop, user, shop_negative, user_negative = drawn(dataset, 2000)
    item, category = dataset.item, dataset.category
    assert (item[shop] == item[user]).all()
    assert (item[shop_negative] == item[user_negative]).all()
    assert (item[shop] != item[shop_negative]).all()
    assert (category[shop] == category[shop_negative]).all()
    assert (dataset.domain[[shop, shop_negative]] == SHOP).all()
    assert (dataset.domain[[user, user_negative]] == USER).all()


def test_only_training_images_are_drawn_and_all_of_them(dataset):
    assert set(drawn(dataset, 5000).ravel()) == set(np.flatnonzero(dataset.split == 0))


def test_negatives_are_uniform_over_the_rest_of_the_category(dataset):
    shop, _, negative, _ = dataset.item[drawn(dataset, 20_000)]
    rest = negative[shop == shop[0]]
    category = dataset.category[dataset.item == shop[0]][0]
    others = np.unique(dataset.item[(dataset.category == category) & (dataset.split == 0)])
    counts = [(rest == other).sum() for other in others if other != shop[0]]
    expected = len(rest) / len(counts)
    assert sum((count - expected) ** 2 / expected for count in counts) < 5 * len(counts) + 10


def test_a_batch_is_a_function_of_replicate_and_step_and_begins_alike_at_any_size(dataset):
    assert np.array_equal(drawn(dataset), drawn(dataset))
    assert np.array_equal(drawn(dataset, 8), drawn(dataset, 64)[:, :8])
    assert not np.array_equal(drawn(dataset), drawn(dataset, step=1))
    assert not np.array_equal(drawn(dataset), drawn(dataset, seed=1))


def test_slots_do_not_move_with_the_batch_size():
    assert np.array_equal(slots(16)[:, :5], slots(5))
    assert np.array_equal(np.sort(slots(5).ravel()), np.arange(20))


def test_an_item_alone_in_its_category_is_left_out(make_dataset):
    dataset = make_dataset()
    lonely = dataset.item[dataset.split == 0][0]
    category = np.where(dataset.item == lonely, 4, dataset.category).astype(np.int16)
    lone = replace(dataset, category=category, categories=(*dataset.categories, "lonely"))
    assert lonely not in dataset.item[drawn(lone, 2000)]


def test_an_item_seen_in_one_domain_only_is_left_out(dataset):
    halved = dataset.item[dataset.split == 0][0]
    domain = np.where(dataset.item == halved, SHOP, dataset.domain).astype(np.uint8)
    assert halved not in dataset.item[drawn(replace(dataset, domain=domain), 2000)]


def test_data_without_a_quadruplet_are_refused(dataset):
    alone = replace(dataset, category=dataset.item.astype(np.int16), categories=tuple(map(str, range(40))))
    with pytest.raises(AblateError, match=r"data\.name: made-up has no training item .* schedule\.steps to 0"):
        pool(alone)
