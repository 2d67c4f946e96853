from dataclasses import replace

import numpy as np
import pytest

from ablate.data import load
from ablate.data.dataset import SHOP, SPLITS, USER
from ablate.data.pack import COLUMNS
from ablate.errors import AblateError
from ablate.train.checks import check_data
from ablate.train.config.retrieval import RetrievalConfig


def faults(dataset, config):
    """What is found, a fault a line; none if the data pass."""
    try:
        check_data(dataset, config)
    except AblateError as error:
        return str(error).split("\n")
    return []


def without(dataset, drop):
    kept = {name: getattr(dataset, name)[~drop] for name in ("images", *COLUMNS)}
    return replace(dataset, **kept)


def of(dataset, split, domain):
    return (dataset.split == SPLITS.index(split)) & (dataset.domain == domain)


def test_the_embedded_data_and_the_made_up_pass(dataset, configure):
    assert faults(load("emoji", None, (32, 32)), RetrievalConfig()) == []
    assert faults(dataset, configure()) == []


@pytest.mark.parametrize("shape", [(0, 32, 32, 3), (160, 0, 32, 3), (160, 32, 0, 3)])
def test_images_that_are_none(dataset, configure, shape):
    hollow = without(dataset, np.ones(160, dtype=bool)) if shape[0] == 0 else dataset
    (fault,) = faults(replace(hollow, images=np.empty(shape, dtype=np.uint8)), configure())
    none = "data.name: made-up has no images;"
    assert fault.startswith(none if shape[0] == 0 else f"data.size: the images of made-up are {shape[1]} pixels high")


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize(("domain", "what"), [(USER, "queries"), (SHOP, "gallery")])
def test_a_split_without_a_side(dataset, configure, split, domain, what):
    (fault,) = faults(without(dataset, of(dataset, split, domain)), configure())
    assert fault.startswith(f"data.name: the {split} split of made-up has no {what}, so nothing can be found")


def test_queries_without_a_gallery_in_their_category(dataset, configure):
    lone = without(dataset, of(dataset, "test", SHOP) & np.isin(dataset.category, (1, 3)))
    (fault,) = faults(lone, configure())
    counts = [(of(dataset, "test", USER) & (dataset.category == category)).sum() for category in (1, 3)]
    asked = of(dataset, "test", USER) & np.isin(dataset.category, (1, 3))
    first = next(place.decode() for place, lost in zip(dataset.source, asked, strict=True) if lost)
    assert f": 'category 1' ({counts[0]} queries), 'category 3' ({counts[1]} queries); the first such query is {first}; " in fault
    assert fault.startswith("evaluate.scope: the test split of made-up has no gallery image in the category")
    assert faults(lone, configure(evaluate={"scope": "all"})) == []


def unseen(dataset, number):
    """The data set with the test images of some items in a category of their own."""
    category = np.where((dataset.split == 2) & (dataset.category < number), 4 + dataset.category, dataset.category)
    return replace(dataset, category=category.astype(np.int16), categories=(*dataset.categories, *"abcd"[:number]))


def test_categories_that_are_not_trained_on(dataset, configure):
    one, two = (faults(unseen(dataset, number), configure()) for number in (1, 2))
    assert len(one) == len(two) == 1
    assert one[0].startswith(
        "data.name: category 'a' is in the test split of made-up and not in training, so the classification term "
        "never sees it; "
    )
    assert two[0].startswith("data.name: categories 'a', 'b' are in the test split of made-up and not in training")


@pytest.mark.parametrize("change", [{"loss": {"omega": 1.0}}, {"loss": {"target": "item"}}, {"schedule": {"steps": 0}}])
def test_categories_that_need_not_be_trained_on(dataset, configure, change):
    assert faults(unseen(dataset, 2), configure(**change)) == []


@pytest.mark.parametrize(
    ("batch", "key"),
    [({"quadruplets": 25}, "batch.quadruplets: 25 "), ({"sampling": "pk", "items": 25}, "batch.items: 25 ")],
)
def test_a_batch_larger_than_the_data(dataset, configure, batch, key):
    pk = {"loss": {"mining": "batch-hard"}, "model": {"bn_grouping": "fused"}}
    (fault,) = faults(dataset, configure(batch=batch, **pk))
    assert fault.startswith(key)
    assert faults(dataset, configure(batch=batch, schedule={"steps": 0}, **pk)) == []


def test_all_faults_come_at_once(dataset, configure):
    broken = without(unseen(dataset, 2), of(dataset, "validation", SHOP) | (dataset.split == 0) & (dataset.item > 9))
    found = faults(broken, configure(batch={"quadruplets": 25}))
    starts = ("data.name: the validation split", "batch.quadruplets: 25", *["data.name: categories 'category 2', "] * 2)
    assert len(found) == len(starts)
    assert all(fault.startswith(start) for fault, start in zip(found, starts, strict=True)), found


def test_data_without_training_images_can_still_be_tested(dataset, configure):
    untrained = without(dataset, dataset.split == 0)
    (fault,) = faults(untrained, configure())
    assert "no quadruplet can be drawn" in fault
    assert faults(untrained, configure(schedule={"steps": 0})) == []
