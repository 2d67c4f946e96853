import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ablate.errors import AblateError
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data import load
from ablate.retrieval.data.dataset import GALLERY, QUERY, SHOP, SPLITS, USER
from ablate.retrieval.data.packing.format import COLUMNS
from ablate.retrieval.training import preflight
from ablate.retrieval.training.preflight import check_boxes, check_data, check_width


def faults(*given, check=check_data):
    """What is found, a fault a line; none if the data pass."""
    try:
        check(*given)
    except AblateError as error:
        return str(error).split("\n")
    return []


def without(dataset, drop):
    kept = {name: getattr(dataset, name)[~drop] for name in ("images", *COLUMNS)}
    return replace(dataset, **kept)


def of(dataset, split, domain):
    return (dataset.split == SPLITS.index(split)) & (dataset.domain == domain)


@pytest.mark.slow
def test_the_embedded_data_and_the_made_up_pass(dataset, configure):
    assert faults(load("emoji", None, (32, 32)), RetrievalConfig()) == []
    assert faults(dataset, configure()) == []


@pytest.mark.parametrize("shape", [(0, 32, 32, 3), (160, 0, 32, 3), (160, 32, 0, 3)])
def test_images_that_are_none(dataset, configure, shape):
    hollow = without(dataset, np.ones(160, dtype=bool)) if shape[0] == 0 else dataset
    (fault,) = faults(replace(hollow, images=np.empty(shape, dtype=np.uint8)), configure())
    none = "data.name: made-up has no images;"
    assert fault.startswith(none if shape[0] == 0 else f"data.size: the images of made-up are {shape[1]} pixels high")


@pytest.mark.parametrize(("domain", "what"), [(USER, "queries"), (SHOP, "gallery")])
def test_a_split_without_a_side(dataset, configure, domain, what):
    (fault,) = faults(without(dataset, of(dataset, "test", domain)), configure())
    assert fault.startswith(f"data.name: the test split of made-up has no {what}, so nothing can be found")
    assert faults(without(dataset, of(dataset, "validation", domain)), configure()) == [], "only a search needs it"


def test_queries_without_a_gallery_in_their_category(dataset, configure):
    lone = without(dataset, of(dataset, "test", SHOP) & np.isin(dataset.category, (1, 3)))
    (fault,) = faults(lone, configure())
    counts = [(of(dataset, "test", USER) & (dataset.category == category)).sum() for category in (1, 3)]
    asked = of(dataset, "test", USER) & np.isin(dataset.category, (1, 3))
    first = next(place.decode() for place, lost in zip(dataset.source, asked, strict=True) if lost)
    assert (
        f": 'category 1' ({counts[0]} queries), 'category 3' ({counts[1]} queries); the first such query is {first}; "
        in fault
    )
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
    broken = without(unseen(dataset, 2), of(dataset, "test", SHOP) | (dataset.split == 0) & (dataset.item > 9))
    found = faults(broken, configure(batch={"quadruplets": 25}))
    starts = ("data.name: the test split", "batch.quadruplets: 25", *["data.name: categories 'category 2', "] * 2)
    assert len(found) == len(starts)
    assert all(fault.startswith(start) for fault, start in zip(found, starts, strict=True)), found


def test_data_without_training_images_can_still_be_tested(dataset, configure):
    untrained = without(dataset, dataset.split == 0)
    (fault,) = faults(untrained, configure())
    assert "no quadruplet can be drawn" in fault
    assert faults(untrained, configure(schedule={"steps": 0})) == []


def test_labels_are_enough(dataset, configure):
    """As are images of the right shape that hold nothing, and no torch."""
    hollow = replace(dataset, images=np.broadcast_to(np.uint8(0), dataset.images.shape))
    assert faults(hollow, configure()) == []
    asked = "import sys, ablate.retrieval.training.preflight; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked]).returncode == 0


def counts(dataset, split, category=None):
    here = dataset.split == SPLITS.index(split)
    if category is not None:
        here = here & (dataset.category == category)
    return [int((here & (dataset.role & role > 0)).sum()) for role in (QUERY, GALLERY)]


@pytest.mark.parametrize(
    ("key", "setting"),
    [
        ("query_expansion.k", {"query_expansion": {"k": 17}}),
        ("rerank.k1", {"rerank": {"k1": 17, "k2": 2}}),
        ("rerank.k2", {"rerank": {"k1": 2, "k2": 17}}),
    ],
)
def test_more_neighbours_than_the_gallery_has(dataset, configure, key, setting):
    assert [counts(dataset, split)[1] for split in ("validation", "test")] == [16, 16]
    found = faults(dataset, configure(evaluate=setting | {"scope": "all"}))
    assert found == [
        f"evaluate.{key}: 17 neighbours are needed, and the {split} split of made-up has 16 gallery images; the "
        "largest value that fits is 16"
        for split in ("validation", "test")
    ]
    name, _, inner = key.partition(".")
    fits = {name: setting[name] | {inner: 16}}
    assert faults(dataset, configure(evaluate=fits | {"scope": "all"})) == []


def test_more_neighbours_than_the_smallest_category_has(dataset, configure):
    gone = of(dataset, "test", SHOP) & (dataset.category == 2)
    fewer = without(dataset, gone & (np.cumsum(gone) > 1))
    assert counts(fewer, "test", 2)[1] == 1
    expansion = {"query_expansion": {"k": 2}}
    assert faults(fewer, configure(evaluate=expansion)) == [
        "evaluate.query_expansion.k: 2 neighbours are needed, and the test split of made-up has 1 gallery image of "
        "category 'category 2'; the largest value that fits is 1, or set evaluate.scope: all"
    ]
    assert faults(fewer, configure(evaluate=expansion | {"scope": "all"})) == []
    unasked = without(fewer, of(fewer, "test", USER) & (fewer.category == 2))
    assert faults(unasked, configure(evaluate=expansion)) == [], "nobody searches that category"


def test_a_query_in_the_gallery_is_none_of_its_neighbours(dataset, configure):
    both = replace(dataset, role=np.full_like(dataset.role, QUERY | GALLERY))
    everywhere = {"scope": "all"}
    (one, other) = faults(both, configure(evaluate={"rerank": {"k1": 32}} | everywhere))
    assert (
        "the validation split of made-up has 31 gallery images besides a query; the largest value that fits is 31"
        in one
    )
    assert "the test split" in other
    assert faults(both, configure(evaluate={"rerank": {"k1": 31}} | everywhere)) == []


def test_more_dimensions_than_training_images_span(dataset, configure, monkeypatch):
    assert (dataset.split == 0).sum() == 96
    asked = configure(evaluate={"whitening": {"dimensions": 96}})
    assert faults(dataset, asked) == [
        "evaluate.whitening.dimensions: 96 needs more training images than the 96 of made-up that it is fitted on; "
        "the largest value that fits is 95"
    ]
    assert faults(dataset, configure(evaluate={"whitening": {"dimensions": 95}})) == []
    monkeypatch.setattr(preflight, "FITTED", 50)
    (fault,) = faults(dataset, configure(evaluate={"whitening": {"dimensions": 50}}))
    assert fault.endswith("the largest value that fits is 49")


def test_more_dimensions_than_features_have(configure):
    check_width(64, configure(evaluate={"whitening": {"dimensions": 64}}))
    check_width(64, configure())
    with pytest.raises(AblateError, match=r"dimensions: 65 is more than the 64 .* of resnet18 have; .* fits is 64"):
        check_width(64, configure(evaluate={"whitening": {"dimensions": 65}}))


def test_one_category_is_nothing_to_classify(make_dataset, configure):
    dataset = make_dataset(categories=1)
    (fault,) = faults(dataset, configure())
    assert fault == (
        "loss.target: made-up has one category, 'category 0', so the classification term over categories has nothing "
        "to separate; set loss.target: item, or loss.omega: 1.0"
    )
    for change in ({"loss": {"omega": 1.0}}, {"loss": {"target": "item"}}, {"schedule": {"steps": 0}}):
        assert faults(dataset, configure(**change)) == []


def test_quadruplets_of_one_domain(dataset, configure):
    shops = replace(dataset, domain=np.full_like(dataset.domain, SHOP))
    (fault,) = faults(shops, configure())
    assert fault.startswith("batch.sampling: the 96 training images of made-up are of one domain, so no quadruplet")
    advised = {
        "batch": {"sampling": "pk", "items": 4},
        "model": {"bn_grouping": "fused"},
        "loss": {"mining": "batch-hard"},
    }
    assert all(f"{word}" in fault for word in ("batch.sampling: pk", "bn_grouping: fused", "mining: batch-hard"))
    assert faults(shops, configure(**advised)) == []


def detected(dataset):
    """The test split on its own boxes."""
    test = without(dataset, dataset.split != 2)
    return SimpleNamespace(dataset=test, stands_for=np.flatnonzero(test.role == QUERY))


def test_detected_boxes_are_searched_in_place_of_the_annotated(dataset, configure):
    """So what these lack does not matter, and what those lack does."""
    config = configure(evaluate={"detections": "boxes.json", "query_expansion": {"k": 4}})
    annotated = without(dataset, of(dataset, "test", SHOP) & (dataset.category < 2))
    assert len(faults(annotated, configure(evaluate={"query_expansion": {"k": 4}}))) == 1
    assert faults(annotated, config) == []
    boxes = detected(dataset)
    assert counts(boxes.dataset, "test", 0)[1] == 4
    assert faults(boxes, config.evaluate, check=check_boxes) == []
    more = configure(evaluate={"detections": "boxes.json", "query_expansion": {"k": 5}})
    (fault,) = faults(boxes, more.evaluate, check=check_boxes)
    assert "and the detections boxes.json have 4 gallery images of category 'category 0'; the largest" in fault
    boxes.stands_for = np.full(9, -1)
    assert faults(boxes, more.evaluate, check=check_boxes) == []
    boxes.dataset.role[:] = QUERY
    (fault,) = faults(boxes, more.evaluate, check=check_boxes)
    assert fault.startswith("evaluate.detections: the detections boxes.json have no box in the gallery")
