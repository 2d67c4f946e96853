from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from ablate.errors import AblateError
from ablate.retrieval.config.batch import Batch
from ablate.retrieval.data.dataset import SHOP, USER
from ablate.retrieval.input.samplers import ItemGroups, items_with_pairs, pk, pool, quadruplets, sampler, slots

PK = Batch(sampling="pk", items=6, images=3)


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


def uneven(dataset, kept):
    """The data set with only the first `kept[k]` images of its k-th training item, all of those beyond."""
    number = np.cumsum(dataset.item[:, None] == np.arange(40), axis=0)[np.arange(len(dataset.item)), dataset.item]
    most = np.full(40, 99)
    trained = np.unique(dataset.item[dataset.split == 0])
    most[trained[: len(kept)]] = kept
    here = number <= most[dataset.item]
    columns = ("images", "item", "category", "domain", "split")
    return replace(dataset, **{name: getattr(dataset, name)[here] for name in columns})


def within(counts, expected):
    """Whether counts agree with equal expectations, by a chi-square test that errs once in a million."""
    return ((np.asarray(counts) - expected) ** 2 / expected).sum() < chi2.ppf(1 - 1e-6, len(counts) - 1)


@pytest.mark.parametrize(("items", "images"), [(2, 2), (6, 3), (24, 4)])
def test_pk_draws_different_items_and_different_images_of_each(dataset, items, images):
    groups = items_with_pairs(dataset)
    for step in range(20):
        drawn = pk(groups, items, images, 0, step).reshape(items, images)
        assert (dataset.split[drawn] == 0).all()
        assert (dataset.item[drawn] == dataset.item[drawn[:, :1]]).all()
        assert len(set(dataset.item[drawn[:, 0]])) == items
        assert len(set(drawn.ravel())) == items * images


def test_pk_repeats_no_image_of_an_item_before_all_were_drawn(dataset):
    few = uneven(dataset, [1, 2, 3, 1, 2])
    groups = items_with_pairs(few)
    assert len(groups.count) == 22
    for step in range(20):
        for row in pk(groups, 22, 7, 0, step).reshape(22, 7):
            _, counts = np.unique(row, return_counts=True)
            assert len(counts) == (few.item == few.item[row[0]]).sum()
            assert counts.max() - counts.min() <= 1


def test_pk_draws_items_and_images_uniformly(dataset):
    few = uneven(dataset, [2, 3])
    groups = items_with_pairs(few)
    drawn = np.stack([pk(groups, 6, 3, 0, step) for step in range(2000)])
    by_item = np.bincount(few.item[drawn[:, ::3]].ravel(), minlength=40)[np.unique(few.item[few.split == 0])]
    assert within(by_item, 2000 * 6 / 24)
    for item in np.unique(few.item[few.split == 0]):
        images = np.bincount(drawn[few.item[drawn] == item], minlength=len(few.item))[few.item == item]
        assert within(images, images.sum() / len(images))
    pair, wanted = np.unique(few.item[few.split == 0])[[3, 17]], 2000 * 6 * 5 / 24 / 23
    together = (few.item[drawn][:, :, None] == pair).any(1).all(1).sum()
    assert abs(together - wanted) < 5 * np.sqrt(wanted)


def test_pk_is_a_function_of_replicate_and_step_and_begins_alike_with_more_items():
    groups = ItemGroups(np.arange(20_000), np.arange(0, 20_000, 4), np.full(5000, 4))
    assert np.array_equal(pk(groups, 6, 3, 0, 5), pk(groups, 6, 3, 0, 5))
    assert np.array_equal(pk(groups, 2500, 3, 0, 5)[:18], pk(groups, 6, 3, 0, 5))
    assert not np.array_equal(pk(groups, 6, 3, 0, 5), pk(groups, 6, 3, 0, 6))
    assert not np.array_equal(pk(groups, 6, 3, 0, 5), pk(groups, 6, 3, 1, 5))


def test_a_sampler_draws_what_its_config_asks_for(dataset):
    by_role, by_item = sampler(dataset, Batch(quadruplets=6)), sampler(dataset, PK)
    assert np.array_equal(by_role.draw(1, 2), quadruplets(pool(dataset), 6, 1, 2).ravel())
    assert np.array_equal(by_role.slots(), slots(6).ravel())
    assert np.array_equal(by_item.draw(1, 2), pk(items_with_pairs(dataset), 6, 3, 1, 2))
    assert np.array_equal(by_item.slots(), np.arange(18))


@pytest.mark.parametrize(
    ("largest", "beyond", "message"),
    [
        ({"quadruplets": 24}, {"quadruplets": 25}, "quadruplets: 25 .*100 images .* made-up has 96 training .* is 24$"),
        ({"items": 24, "images": 9}, {"items": 25}, "items: 25 .* made-up has 24 training items .* that fits is 24$"),
    ],
    ids=["quadruplets", "pk"],
)
def test_a_batch_may_be_as_large_as_the_data_and_no_larger(dataset, largest, beyond, message):
    sampling = "pk" if "items" in beyond else "quadruplets"
    assert len(sampler(dataset, Batch(sampling=sampling, **largest)).draw(0, 0)) in (96, 24 * 9)
    with pytest.raises(AblateError, match=rf"^batch\.{message}"):
        sampler(dataset, Batch(sampling=sampling, **beyond))


def test_images_that_no_quadruplet_has_do_not_count(dataset):
    halved = np.unique(dataset.item[dataset.split == 0])[:4]
    domain = np.where(np.isin(dataset.item, halved), SHOP, dataset.domain).astype(np.uint8)
    with pytest.raises(AblateError, match=r"has 80 training images .* that fits is 20$"):
        sampler(replace(dataset, domain=domain), Batch(quadruplets=21))


def test_data_too_small_for_the_smallest_batch_say_so(make_dataset):
    two = make_dataset(items=10, categories=1, each=1)
    two.split[:] = np.where(two.item < 2, 0, 1)
    with pytest.raises(AblateError, match=r"has 4 training images .*; the least is 2, so use a larger data set"):
        sampler(two, Batch(quadruplets=2))


def test_data_without_two_items_with_a_pair_are_refused(dataset):
    trained = np.unique(dataset.item[dataset.split == 0])
    singles = uneven(dataset, [1] * (len(trained) - 1))
    with pytest.raises(AblateError, match=r"data\.name: made-up has 1 training item with two images .* to 0$"):
        sampler(singles, PK)


def test_quadruplets_drawn_once_come_round_after_round_in_another_order(dataset):
    draw = sampler(dataset, Batch(quadruplets=4, drawn_once=10)).draw
    steps = np.concatenate([draw(0, step).reshape(4, 4) for step in range(10)], axis=1)
    rounds = [{tuple(column) for column in steps[:, start : start + 10].T} for start in range(0, 40, 10)]
    assert all(each == rounds[0] for each in rounds), "the same ten in each round, also where a step spans two"
    assert len({steps[:, start : start + 10].tobytes() for start in range(0, 40, 10)}) == 4
    assert np.array_equal(draw(0, 7), sampler(dataset, Batch(quadruplets=4, drawn_once=10)).draw(0, 7))
    assert not np.array_equal(draw(0, 0), draw(1, 0))
    anchors = dataset.item[steps]
    assert (anchors[0] == anchors[1]).all()
    assert (anchors[2] == anchors[3]).all()
    assert (anchors[0] != anchors[2]).all()
