from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ablate.retrieval.config.evaluate import Evaluate, QueryExpansion, Rerank, Whitening
from ablate.retrieval.data.dataset import GALLERY, QUERY, Dataset
from ablate.retrieval.evaluation import pipeline as module
from ablate.retrieval.evaluation.embedding import expand, whitening
from ablate.retrieval.evaluation.pipeline import evaluate, extract, fitted_on, validate
from ablate.retrieval.input.transfer import fetcher
from ablate.retrieval.model.network import network
from ablate.trainers.rank_results import ranks_of

CPU = torch.device("cpu")

EVERYTHING = Evaluate(flip=True, whitening=Whitening(dimensions=8), scope="all")


@dataclass(frozen=True)
class Detected:
    """Stands in for what reading a file of detections gives."""

    dataset: Dataset
    stands_for: np.ndarray


LABELS = ("images", "item", "category", "domain", "split", "role", "camera", "source")


def by_sorting(similarity, query_items, gallery_items):
    """The definition: sort each query's gallery, equal similarities by index, and look for the first match."""
    found = []
    for row, wanted in zip(similarity, query_items, strict=True):
        order = sorted(range(len(row)), key=lambda index: (-row[index], index))
        hits = [place for place, index in enumerate(order, start=1) if gallery_items[index] == wanted]
        found.append(min(hits, default=0))
    return found


@pytest.fixture(scope="module")
def net(dataset, configure):
    """With a neck that changes something."""
    made = network(configure(), len(dataset.categories), 0, CPU)
    with torch.no_grad():
        made.neck.running_mean += torch.linspace(-1, 1, 512)
        made.neck.running_var += torch.linspace(0, 9, 512)
    return made


@pytest.fixture(scope="module")
def found(net, dataset):
    """All that any setting asks for, but for detected boxes."""
    return extract(net, dataset, fetcher(dataset.images, CPU), "none", [EVERYTHING])


def looked_at(net, dataset, chosen, mirrored=False):
    """Raw features of some images, seen one at a time."""
    images = dataset.images[chosen][:, :, ::-1].copy() if mirrored else dataset.images[chosen]
    net.eval()
    with torch.no_grad():
        return torch.cat([net.features(module.normalize(torch.from_numpy(each[None]))) for each in images])


def asked_and_held(dataset, number):
    here = dataset.split == number
    return [np.flatnonzero(here & (dataset.role & role > 0)) for role in (QUERY, GALLERY)]


@pytest.mark.network
@pytest.mark.parametrize("scope", ["category", "all"])
def test_a_split_is_searched_within_itself_and_the_scope(net, found, dataset, scope):
    result = evaluate(net, found, Evaluate(scope=scope))
    for number, split in ((1, "validation"), (2, "test")):
        asked, held = asked_and_held(dataset, number)
        queries, gallery = (F.normalize(looked_at(net, dataset, chosen)) for chosen in (asked, held))
        similarity = (queries @ gallery.T).numpy().copy()
        if scope == "category":
            similarity[dataset.category[asked][:, None] != dataset.category[held]] = -9
        assert ranks_of(result, split).tolist() == by_sorting(similarity, dataset.item[asked], dataset.item[held])
        assert result.sizes[split]["gallery"] == len(held)
    assert list(result.sizes) == ["validation", "test"]


@pytest.mark.slow
def test_after_the_neck_is_the_neck_applied(net, found, dataset):
    before, after = (
        ranks_of(evaluate(net, found, Evaluate(neck=neck, scope="all")), "test") for neck in ("before", "after")
    )
    assert not np.array_equal(before, after)
    asked, held = asked_and_held(dataset, 2)
    with torch.no_grad():
        queries, gallery = (F.normalize(net.neck(looked_at(net, dataset, chosen))) for chosen in (asked, held))
    assert after.tolist() == by_sorting((queries @ gallery.T).tolist(), dataset.item[asked], dataset.item[held])


@pytest.mark.network
def test_the_order_of_all_settings(net, found, dataset):
    """Mirror images, neck, length, whitening, query expansion, search."""
    expansion = QueryExpansion(k=4, alpha=2.0)
    config = EVERYTHING.model_copy(update={"neck": "after", "query_expansion": expansion})
    train = np.flatnonzero(dataset.split == 0)
    assert fitted_on(dataset).tolist() == train.tolist()

    def embedded(chosen):
        raw = [looked_at(net, dataset, chosen, mirrored) for mirrored in (False, True)]
        return F.normalize(net.neck(sum(raw) / 2))

    asked, held = asked_and_held(dataset, 2)
    with torch.no_grad():
        whiten = whitening(embedded(train), 8)
        queries, gallery = (whiten(embedded(chosen)) for chosen in (asked, held))
    queries = expand(queries, gallery, torch.from_numpy(asked), torch.from_numpy(held), expansion)
    expected = by_sorting((queries @ gallery.T).tolist(), dataset.item[asked], dataset.item[held])
    assert ranks_of(evaluate(net, found, config), "test").tolist() == expected
    for without in ("flip", "whitening", "query_expansion", "neck"):
        other = config.model_copy(update={without: getattr(Evaluate(), without)})
        assert ranks_of(evaluate(net, found, other), "test").tolist() != expected, without


def test_a_part_of_the_training_images_is_spread_evenly(dataset, monkeypatch):
    monkeypatch.setattr(module, "FITTED", 10)
    train = np.flatnonzero(dataset.split == 0)
    assert len(train) == 96
    assert fitted_on(dataset).tolist() == train[[0, 9, 19, 28, 38, 48, 57, 67, 76, 86]].tolist()


@pytest.mark.network
def test_no_more_is_looked_at_than_the_settings_ask_for(net, dataset):
    seen = []

    def fetch(chosen):
        seen.extend(chosen.tolist())
        return torch.from_numpy(dataset.images[chosen])

    tested = np.flatnonzero(dataset.split > 0).tolist()
    for settings, expected in (
        ([Evaluate(), Evaluate(neck="after"), Evaluate(flip=True)], tested),
        ([Evaluate(), EVERYTHING], [*range(len(dataset.split))]),
    ):
        seen.clear()
        extracted = extract(net, dataset, fetch, "none", settings)
        assert sorted(seen) == expected
        assert all(each.features.mirrored is not None for each in extracted.splits.values())
    assert extract(net, dataset, fetch, "none", [Evaluate()]).splits["test"].features.mirrored is None


@pytest.mark.network
def test_features_do_not_depend_on_the_other_images_of_a_batch(net, found, dataset, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 5)
    again = extract(net, dataset, fetcher(dataset.images, CPU), "none", [EVERYTHING])
    for one, other in (
        (again.splits["test"].features, found.splits["test"].features),
        (again.training, found.training),
    ):
        assert torch.allclose(one.plain, other.plain, rtol=1e-4, atol=1e-4)
        assert torch.allclose(one.mirrored, other.mirrored, rtol=1e-4, atol=1e-4)


def test_features_that_are_not_finite_are_refused(dataset, configure):
    net = network(configure(), len(dataset.categories), 0, CPU)
    with torch.no_grad():
        next(net.parameters()).fill_(torch.nan)
    with pytest.raises(RuntimeError, match="not finite"):
        extract(net, dataset, fetcher(dataset.images, CPU), "none", [Evaluate()])


def test_a_memory_mapped_set_gives_the_same_images(dataset, tmp_path):
    np.save(tmp_path / "images.npy", dataset.images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    chosen = np.array([3, 1, 2])
    assert torch.equal(fetcher(mapped, CPU)(chosen), torch.from_numpy(dataset.images[chosen]))


def test_features_too_long_to_compare_are_no_result(net, found):
    """Finite numbers whose square is not would all become the zero vector, and every query's rank the index."""
    long = {
        split: replace(parts, features=replace(parts.features, plain=parts.features.plain + 1e30))
        for split, parts in found.splits.items()
    }
    with pytest.raises(RuntimeError, match="too large to compare"):
        evaluate(net, replace(found, splits=long), Evaluate())


@pytest.fixture
def one_sided(dataset):
    """Every image that is tested is query and gallery, of one of two cameras."""
    role = np.where(dataset.split > 0, QUERY | GALLERY, 0).astype(np.uint8)
    return replace(dataset, role=role, camera=(np.arange(len(role)) % 2).astype(np.int32))


@pytest.mark.slow
@pytest.mark.parametrize("cameras", ["other", "all"])
def test_images_of_the_same_item_and_camera_count_for_nothing(net, one_sided, cameras):
    """Nor does the image itself."""
    extracted = extract(net, one_sided, fetcher(one_sided.images, CPU), "none", [Evaluate()])
    result = evaluate(net, extracted, Evaluate(cameras=cameras, scope="all"))
    chosen, _ = asked_and_held(one_sided, 2)
    vectors = F.normalize(looked_at(net, one_sided, chosen))
    item, camera = one_sided.item[chosen], one_sided.camera[chosen]
    similarity = (vectors @ vectors.T).numpy().copy()
    expected = []
    for number, row in enumerate(similarity):
        same = (item == item[number]) & (camera == camera[number]) & (cameras == "other")
        left = np.flatnonzero(~same & (np.arange(len(row)) != number))
        expected += by_sorting([row[left]], [item[number]], item[left])
    assert ranks_of(result, "test").tolist() == expected
    assert result.sizes["test"]["gallery"] == len(chosen)
    if cameras == "other":
        assert 0 in expected


@pytest.mark.network
@pytest.mark.parametrize("config", [Evaluate(query_expansion=QueryExpansion(k=3)), Evaluate(rerank=Rerank(k1=3, k2=2))])
@pytest.mark.parametrize("scope", ["category", "all"])
def test_neighbours_are_looked_for_in_the_gallery_that_is_searched(net, one_sided, config, scope):
    """What a category gives is what it gives alone; and labels of items and cameras decide nothing before the end."""
    config = config.model_copy(update={"scope": scope, "cameras": "all"})
    extracted = extract(net, one_sided, fetcher(one_sided.images, CPU), "none", [config])
    whole = ranks_of(evaluate(net, extracted, config), "test")
    chosen, _ = asked_and_held(one_sided, 2)
    for category in range(4):
        keep = np.flatnonzero((one_sided.category == category) | (scope == "all") | (one_sided.split != 2))
        alone = replace(one_sided, **{name: getattr(one_sided, name)[keep] for name in LABELS})
        there = evaluate(net, extract(net, alone, fetcher(alone.images, CPU), "none", [config]), config)
        of = np.isin(chosen, keep)
        assert ranks_of(there, "test").tolist() == whole[of].tolist()


def boxes(dataset, categories=None):
    """The test split's images as boxes, in reverse, their first query lost and a gallery box that is no item."""
    test = np.flatnonzero(dataset.split == 2)[::-1]
    found = {name: getattr(dataset, name)[test].copy() for name in LABELS}
    if categories is not None:
        found["category"][:] = categories[test]
    found["item"][np.flatnonzero(found["role"] == GALLERY)[3]] = -1
    asked = np.flatnonzero((dataset.split == 2) & (dataset.role == QUERY))
    stands_for = len(test) - 1 - np.searchsorted(test[::-1], asked)
    stands_for[0] = -1
    return Detected(replace(dataset, **found), stands_for), test


@pytest.mark.network
@pytest.mark.parametrize("scope", ["category", "all"])
def test_a_query_on_detected_boxes_is_its_box_and_one_without_is_a_miss(net, dataset, scope):
    """Within the category that was detected, not the annotated one."""
    random = np.random.default_rng(0)
    said = random.integers(0, 3, len(dataset.item)).astype(np.int16)
    detected, test = boxes(dataset, said)
    config = Evaluate(scope=scope, detections="boxes.json")
    fetch = fetcher(dataset.images, CPU)
    extracted = extract(net, dataset, fetch, "none", [config, Evaluate()], detections={"boxes.json": detected})
    result, annotated = evaluate(net, extracted, config), evaluate(net, extracted, Evaluate())
    asked, _ = asked_and_held(dataset, 2)
    held = np.flatnonzero(detected.dataset.role == GALLERY)
    gallery, queries = (F.normalize(looked_at(net, dataset, chosen)) for chosen in (test[held], asked))
    similarity = (queries @ gallery.T).numpy().copy()
    if scope == "category":
        similarity[said[asked][:, None] != said[test[held]]] = -9
    items = np.where(similarity[1:] > -9, detected.dataset.item[held], -1)
    expected = [
        by_sorting([row], [i], g)[0] for row, i, g in zip(similarity[1:], dataset.item[asked[1:]], items, strict=True)
    ]
    assert ranks_of(result, "test").tolist() == [0, *expected]
    precisions = result.measurement("map", "test").examples
    assert precisions is not None
    assert precisions[0] == 0
    assert result.sizes["test"]["gallery"] == len(held)
    assert len(ranks_of(annotated, "test")) == len(ranks_of(result, "test"))
    assert ranks_of(annotated, "test")[0] > 0
    assert np.array_equal(
        ranks_of(annotated, "validation"), ranks_of(evaluate(net, extracted, Evaluate()), "validation")
    )


def test_a_category_that_no_gallery_box_was_given_has_only_misses(net, dataset):
    said = dataset.category.copy()
    said[(dataset.role == GALLERY) & (said == 1)] = 2
    detected, _ = boxes(dataset, said)
    config = Evaluate(detections="boxes.json")
    fetch = fetcher(dataset.images, CPU)
    extracted = extract(net, dataset, fetch, "none", [config], detections={"boxes.json": detected})
    assert list(extracted.splits) == ["validation"], "nobody asks for the annotated boxes"
    result = evaluate(net, extracted, config)
    asked, _ = asked_and_held(dataset, 2)
    assert not ranks_of(result, "test")[dataset.category[asked] == 1].any()
    assert list(result.sizes) == ["validation", "test"]


def test_detections_without_any_query_are_all_misses(net, dataset):
    detected, _ = boxes(dataset)
    none = replace(detected, stands_for=np.full_like(detected.stands_for, -1))
    config = Evaluate(detections="boxes.json", rerank=Rerank(k1=2, k2=1))
    extracted = extract(net, dataset, fetcher(dataset.images, CPU), "none", [config], detections={"boxes.json": none})
    assert ranks_of(evaluate(net, extracted, config), "test").tolist() == [0] * len(none.stands_for)


@pytest.mark.network
def test_on_the_way_the_validation_split_is_tested_as_in_the_end(net, dataset, found, configure):
    """On annotated boxes, whatever the test split is tested on."""
    setting = {"flip": True, "scope": "all", "whitening": {"dimensions": 8}, "detections": "boxes.json"}
    config = configure(evaluate=setting, amp="none")
    shown = validate(net, dataset, fetcher(dataset.images, CPU), config)
    in_the_end = config.evaluate.model_copy(update={"detections": None})
    in_full = evaluate(net, found, in_the_end)
    assert {one.metric: one.value for one in shown} == {
        one.metric: one.value for one in in_full.measurements if one.split == "validation"
    }


@pytest.mark.network
def test_a_collapsed_network_finds_the_first_of_the_gallery_whitened_or_not(dataset, configure):
    """One that gives all images one feature: nothing varies, and equal similarities rank by index."""
    flat = network(configure(), len(dataset.categories), 0, CPU)
    with torch.no_grad():
        for weight in flat.parameters():
            weight.zero_()
    fetch = fetcher(dataset.images, CPU)
    whitened, plain = (
        [
            (one.value, one.examples.tolist())
            for one in validate(flat, dataset, fetch, configure(evaluate={"whitening": whitening}, amp="none"))
        ]
        for whitening in ({"dimensions": 8}, None)
    )
    assert whitened == plain
