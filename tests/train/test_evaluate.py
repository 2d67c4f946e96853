from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ablate.train import evaluate as module
from ablate.train.config.retrieval import Evaluate
from ablate.train.evaluate import evaluate, extract
from ablate.train.images import fetcher
from ablate.train.model import network

CPU = torch.device("cpu")


def by_sorting(similarity, query_items, gallery_items):
    """The definition: sort each query's gallery, equal similarities by index, and look for the first match."""
    found = []
    for row, wanted in zip(similarity, query_items, strict=True):
        order = sorted(range(len(row)), key=lambda index: (-row[index], index))
        hits = [place for place, index in enumerate(order, start=1) if gallery_items[index] == wanted]
        found.append(min(hits, default=0))
    return found


@pytest.fixture(scope="module")
def tested(dataset, configure):
    net = network(configure(), len(dataset.categories), 0, CPU)
    return net, extract(net, dataset, fetcher(dataset.images, CPU), "none")


@pytest.mark.parametrize("scope", ["category", "all"])
def test_a_split_is_searched_within_itself_and_the_scope(tested, dataset, scope):
    net, parts = tested
    found = evaluate(net, parts, Evaluate(scope=scope))
    for number, split in ((1, "validation"), (2, "test")):
        asked, held = (np.flatnonzero((dataset.split == number) & (dataset.domain == side)) for side in (1, 0))
        queries, gallery = (F.normalize(side.features) for side in (parts[split].queries, parts[split].gallery))
        similarity = (queries @ gallery.T).numpy().copy()
        if scope == "category":
            similarity[dataset.category[asked][:, None] != dataset.category[held]] = -9
        assert found.ranks[split].tolist() == by_sorting(similarity, dataset.item[asked], dataset.item[held])
        assert found.gallery[split] == len(held)
    assert set(found.ranks) == {"validation", "test"}


def test_after_the_neck_is_the_neck_applied(tested, dataset):
    net, parts = tested
    with torch.no_grad():
        net.neck.running_mean += torch.linspace(-1, 1, 512)
        net.neck.running_var += torch.linspace(0, 9, 512)
    before, after = (evaluate(net, parts, Evaluate(neck=neck)).ranks["test"] for neck in ("before", "after"))
    assert not np.array_equal(before, after)
    sides = (parts["test"].queries, parts["test"].gallery)
    with torch.inference_mode():
        queries, gallery = (F.normalize(net.neck(side.features)) for side in sides)
    similarity = queries @ gallery.T
    wide = evaluate(net, parts, Evaluate(neck="after", scope="all")).ranks["test"]
    assert wide.tolist() == by_sorting(similarity.tolist(), *(side.marks.item for side in sides))


def test_features_do_not_depend_on_the_other_images_of_a_batch(tested, dataset, monkeypatch):
    net, parts = tested
    monkeypatch.setattr(module, "BATCH", 5)
    again = extract(net, dataset, fetcher(dataset.images, CPU), "none")
    assert torch.allclose(again["test"].queries.features, parts["test"].queries.features, rtol=1e-4, atol=1e-4)


def test_features_that_are_not_finite_are_refused(dataset, configure):
    net = network(configure(), len(dataset.categories), 0, CPU)
    with torch.no_grad():
        next(net.parameters()).fill_(torch.nan)
    with pytest.raises(RuntimeError, match="not finite"):
        extract(net, dataset, fetcher(dataset.images, CPU), "none")


def test_a_memory_mapped_set_gives_the_same_images(dataset, tmp_path):
    np.save(tmp_path / "images.npy", dataset.images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    chosen = np.array([3, 1, 2])
    assert torch.equal(fetcher(mapped, CPU)(chosen), torch.from_numpy(dataset.images[chosen]))


def test_features_too_long_to_compare_are_no_result(tested):
    """Finite numbers whose square is not would all become the zero vector, and every query's rank the index."""
    net, parts = tested
    long = {
        split: replace(side, queries=replace(side.queries, features=side.queries.features + 1e30))
        for split, side in parts.items()
    }
    with pytest.raises(RuntimeError, match="too large to compare"):
        evaluate(net, long, Evaluate())
