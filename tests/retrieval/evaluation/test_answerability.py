"""Limits of a test from its labels, against the judge of ranks itself."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.data.dataset import GALLERY, QUERY, SPLITS, Dataset
from ablate.retrieval.data.detections.detections import DetectedBoxes
from ablate.retrieval.evaluation.answerability import annotated_limits, candidates, detected_limits
from ablate.retrieval.evaluation.average_precision import MatchKeys, RankedQueries, judge_blocks
from ablate.retrieval.evaluation.pipeline import Features, boxes, search, searches, sides


def labelled(seed, images=60, items=8, categories=3, cameras=3):
    """A data set of test images with random labels and no pixels; some have no camera, and some no role."""
    random = np.random.default_rng(seed)
    return Dataset(
        name="labels",
        fingerprint="",
        images=np.zeros((images, 1, 1, 3), np.uint8),
        item=random.integers(0, items, images).astype(np.int32),
        category=random.integers(0, categories, images).astype(np.int16),
        domain=np.zeros(images, np.uint8),
        split=np.full(images, SPLITS.index("test"), np.uint8),
        role=random.integers(0, 4, images).astype(np.uint8),
        camera=random.integers(-1, cameras, images).astype(np.int32),
        source=np.array([f"line {n}".encode() for n in range(images)]),
        categories=tuple("abcdef"[:categories]),
    )


def judged(parts, config, similar):
    """The judgement of all queries if a query and a gallery image are as similar as `similar(asked, held)` says."""
    total = RankedQueries(*(np.zeros(parts.total) for _ in RankedQueries._fields))
    for asking, searched in searches(parts, config.scope):
        asked, held = (
            MatchKeys(*(mark[torch.from_numpy(chosen)] for mark in side.marks))
            for side, chosen in ((parts.queries, asking), (parts.gallery, searched))
        )
        if config.cameras == "all":
            asked = asked._replace(camera=torch.full_like(asked.camera, -1))
        for whole, part in zip(total, judge_blocks([(similar(asked, held), asked)], held), strict=True):
            whole[parts.query_numbers[asking]] = part
    return total


def best(asked, held):
    return (asked.item[:, None] == held.item).double()


def worst(asked, held):
    return -best(asked, held)


def split_of(dataset):
    asked = np.flatnonzero(dataset.role & QUERY > 0)
    found = DetectedBoxes(dataset, np.where(dataset.role & QUERY > 0, np.arange(len(dataset.role)), -1)[asked])
    assert (found.stands_for == asked).all()
    return boxes(found, lambda images: Features(torch.zeros(len(images), 1)))


@pytest.mark.parametrize("scope", ["category", "all"])
@pytest.mark.parametrize("cameras", ["other", "all"])
@pytest.mark.parametrize("seed", range(8))
def test_the_limits_are_what_the_judge_gives_the_best_and_the_worst_ranking(seed, scope, cameras):
    dataset = labelled(seed, images=int(np.random.default_rng(seed).integers(6, 90)))
    config = Evaluate(scope=scope, cameras=cameras)
    limits = annotated_limits(dataset, "test", config)
    parts = split_of(dataset)
    high, low = (judged(parts, config, similar) for similar in (best, worst))
    assert (limits.examples, limits.answerable) == (parts.total, (high.first > 0).sum())
    for k in (1, 5, 10):
        rates = [float(np.mean((each.first > 0) & (each.first <= k))) for each in (low, high)]
        assert limits.ranges[f"top{k}"] == pytest.approx(rates)
    for metric, name in (("map", "average"), ("map_at_r", "at_r")):
        means = [float(getattr(each, name).mean()) for each in (low, high)]
        assert limits.ranges[metric] == pytest.approx(means, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_no_embedding_goes_beyond_the_limits(seed):
    """The whole search, by random features: query by query, only answerable ones are found."""
    dataset, config = labelled(seed), Evaluate(scope="all")
    asked, held = (np.flatnonzero(dataset.role & role > 0) for role in (QUERY, GALLERY))
    found = candidates(dataset, asked, held, config)
    features = torch.nn.functional.normalize(torch.randn(60, 8, generator=torch.Generator().manual_seed(seed)), dim=1)
    _, queries, gallery = sides(dataset, asked, held, lambda images: Features(features[torch.from_numpy(images)]))
    keys = queries.marks, gallery.marks
    ranks = search(features[asked], keys[0], features[held], keys[1], config).first
    assert ((ranks > 0) == (found.right > 0)).all()
    assert (ranks <= found.wrong + 1).all()


def one_item(**columns):
    """Two images of one item, and one of another, all of them in both roles."""
    made = labelled(0, images=3)
    values = {"item": [0, 0, 1], "category": [0, 0, 0], "camera": [-1, -1, -1], "role": [3, 3, 3]} | columns
    for name, value in values.items():
        getattr(made, name)[:] = value
    return made


@pytest.mark.parametrize(
    ("columns", "reason", "count", "first"),
    [
        ({}, "the gallery has no image of their item but the query itself", 1, "line 2"),
        ({"role": [1, 2, 1]}, "the gallery has no image of their item", 1, "line 2"),
        ({"camera": [4, 4, 5]}, "all gallery images of their item are by their own camera", 2, "line 0"),
        ({"category": [0, 1, 0]}, "no image of their item but the query itself", 3, "line 0"),
        ({"category": [0, 1, 0], "role": [1, 2, 2]}, "their item are of another category", 1, "line 0"),
        ({"category": [0, 1, 2], "role": [1, 2, 2]}, "the gallery has no image of their category", 1, "line 0"),
    ],
)
def test_each_reason_comes_with_its_queries_the_first_of_them_and_a_remedy(columns, reason, count, first):
    limits = annotated_limits(one_item(**columns), "test", Evaluate())
    (group,) = [group for group in limits.unanswerable if reason in group.reason][:1]
    assert (group.examples, group.first) == (count, first)
    assert group.remedy


def test_a_query_without_a_box_is_not_answered():
    made = one_item(role=[1, 2, 1])
    found = DetectedBoxes(made, np.array([0, -1]))
    limits = detected_limits(made, found, Evaluate(scope="all"))
    assert (limits.examples, limits.answerable) == (2, 1)
    (group,) = limits.unanswerable
    assert (group.examples, group.first) == (1, "line 2")
    assert "no detected box" in group.reason


def test_a_gallery_of_few_images_fixes_what_looks_at_more():
    limits = annotated_limits(one_item(role=[1, 2, 2]), "test", Evaluate(scope="all"))
    assert not limits.is_fixed("top1")
    assert limits.is_fixed("top5")
    assert limits.ranges["top10"] == (1, 1)
    assert limits.because == "a query searches 2 gallery images at most"


def test_a_split_without_images_has_no_queries():
    limits = annotated_limits(one_item(), "validation", Evaluate())
    assert (limits.examples, limits.answerable, limits.ranges) == (0, 0, {})


def test_labels_are_enough():
    asked = "import sys, ablate.retrieval.evaluation.config_limits; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked]).returncode == 0


def test_the_reason_counts_the_images_that_can_stand_before_a_right_one():
    """With 4 right images and 2 of another item a query searches 6, and yet one of its first three is right."""
    images = 14
    dataset = replace(
        labelled(0, images),
        item=np.array([0] * 5 + [1] * 2 + [2] * 7, np.int32),
        category=np.array([0] * 7 + [1] * 7, np.int16),
        role=np.array([QUERY] + [GALLERY] * 13, np.uint8),
        camera=np.full(images, -1, np.int32),
    )
    limits = annotated_limits(dataset, "test", Evaluate())
    assert limits.is_fixed("top5")
    assert limits.because == "a query searches 2 gallery images of other items at most"
    assert limits.remedy.startswith("set evaluate.scope: all")
    alone = replace(dataset, item=np.where(dataset.category == 0, 0, dataset.item).astype(np.int32))
    assert annotated_limits(alone, "test", Evaluate()).because == "a query searches no gallery image of another item"
    of_one_category = replace(dataset, category=np.zeros(images, np.int16))
    assert annotated_limits(of_one_category, "test", Evaluate()).remedy == "add gallery images of other items"
