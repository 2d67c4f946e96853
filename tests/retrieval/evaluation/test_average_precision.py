import numpy as np
import pytest
import torch

from ablate.retrieval.evaluation import approximate_scores, average_precision, rank_counting
from ablate.retrieval.evaluation.average_precision import MatchKeys, judge, judge_blocks
from tests.support.retrieval.exact_rankings import KINDS, SCREENS, features, similarities


def marks(item, camera=None, image=None, offset=0):
    count = len(item)
    camera = np.full(count, -1) if camera is None else camera
    image = np.arange(count) + offset if image is None else image
    return MatchKeys(*(torch.as_tensor(np.asarray(each, dtype=np.int64)) for each in (item, camera, image)))


def by_definition(similarity, asked, held):
    """Sorts each query's gallery, equal similarities by index, leaves out what counts for nothing, and looks."""
    asked, held = (MatchKeys(*(mark.tolist() for mark in each)) for each in (asked, held))
    found = []
    for q, row in enumerate(similarity):
        left = [
            g
            for g in sorted(range(len(row)), key=lambda g: (-row[g], g))
            if asked.image[q] != held.image[g]
            and not (asked.item[q] == held.item[g] and asked.camera[q] >= 0 and asked.camera[q] == held.camera[g])
        ]
        hits = [place for place, g in enumerate(left, start=1) if held.item[g] == asked.item[q]]
        precisions = [number / place for number, place in enumerate(hits, start=1)]
        at_r = [precision for precision, place in zip(precisions, hits, strict=True) if place <= len(hits)]
        of = max(1, len(hits))
        found.append((min(hits, default=0), sum(precisions) / of, sum(at_r) / of))
    return found


def check(found, expected):
    assert found.first.dtype == np.uint32
    assert found.average.dtype == found.at_r.dtype == np.float32
    assert found.first.tolist() == [first for first, _, _ in expected]
    np.testing.assert_allclose(found.average, [average for _, average, _ in expected], rtol=1e-6)
    np.testing.assert_allclose(found.at_r, [at_r for _, _, at_r in expected], rtol=1e-6)


@pytest.fixture(params=SCREENS)
def screens(request, monkeypatch):
    monkeypatch.setattr(average_precision, "precisions", lambda gallery: SCREENS[request.param])


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 4, 1000])
@pytest.mark.parametrize("kind", KINDS)
def test_against_sorting_by_float64(kind, limit, screens, monkeypatch):
    class Limited(approximate_scores.ScreenedGallery):
        """As if of a gallery that is larger or smaller, so that more or less is compared by itself."""

        def __init__(self, *given):
            super().__init__(*given)
            if not self.exact:
                self.limit = limit

    monkeypatch.setattr(average_precision, "ScreenedGallery", Limited)
    random = np.random.default_rng(0)
    queries, gallery = features(kind, 30, 100)
    asked, held = (
        marks(random.integers(0, 25, n), random.integers(-1, 3, n), offset=o) for n, o in ((30, 0), (100, 20))
    )
    check(judge(queries, gallery, asked, held), by_definition(similarities(queries, gallery), asked, held))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
def test_any_shape_any_ties(seed, screens, monkeypatch):
    random = np.random.default_rng(seed)
    queries, gallery, width, most, items = random.integers(1, [40, 100, 12, 4, 40])
    monkeypatch.setattr(average_precision, "CELLS", int(random.integers(1, 2000)))
    monkeypatch.setattr(average_precision, "MANY", int(random.integers(1, 10)))
    made = random.integers(-most, most + 1, (queries + gallery, width)) * random.choice([1, 0.1, 1 / 3])
    points = torch.from_numpy(made.astype(np.float32))
    asked, held = (marks(random.integers(0, items, n), random.integers(-1, 3, n)) for n in (queries, gallery))
    expected = by_definition(similarities(points[:queries], points[queries:]), asked, held)
    check(judge(points[:queries], points[queries:], asked, held), expected)


@pytest.mark.parametrize("cells", [1, 100, 2**24])
@pytest.mark.parametrize("cameras", [False, True])
def test_given_similarities_are_taken_as_they_are(cells, cameras):
    random = np.random.default_rng(0)
    similarity = random.integers(-2, 3, (50, 80)).astype(np.float32)
    asked, held = (
        marks(random.integers(0, 60, n), random.integers(-1, 3, n) if cameras else None, offset=offset)
        for n, offset in ((50, 0), (80, 100))
    )
    expected = by_definition(similarity, asked, held)
    assert 0 in {first for first, _, _ in expected}
    rows = max(1, cells // 80)
    places = torch.split(torch.arange(50), rows)
    blocks = ((torch.from_numpy(similarity)[here], MatchKeys(*(mark[here] for mark in asked))) for here in places)
    check(judge_blocks(blocks, held), expected)


def test_no_given_similarities():
    assert judge_blocks([], marks([1])).first.tolist() == []


def test_an_image_is_not_found_by_itself():
    points = torch.eye(4)[[0, 0, 1, 2]]
    same = marks([7, 7, 8, 8])
    assert judge(points, points, same, same).first.tolist() == [1, 1, 3, 3]


def test_an_empty_gallery_ranks_nothing():
    found = judge(torch.ones(2, 3), torch.ones(0, 3), marks([1, 2]), marks([]))
    assert found.first.tolist() == [0, 0]
    assert found.average.tolist() == [0, 0]


def test_signs_of_life(monkeypatch):
    monkeypatch.setattr(average_precision, "CELLS", 1000)
    calls = []
    judge(*features("random", 30, 100), marks(range(30)), marks(range(100)), lambda: calls.append(1))
    assert len(calls) >= 3


def test_market_1501_by_hand():
    """Its rules: images of one person by one camera are no test of it, so they are in no ranking; junk is not held at
    all; distractors, of person 0, are, and are nobody's.

    A query (1, 0) is as similar to an entry as the entry's first number says; the other query, (0, 1), its second.
    """
    gallery = torch.tensor(
        [  # first query: person 5 by camera 1          second query: person 7 by camera 2
            [0.95, 0.10],  # 0: person 5, camera 1: left out          wrong, similarity .10, 6th
            [0.90, 0.80],  # 1: person 0, camera 3: wrong, 1st        wrong, 2nd
            [0.80, 0.20],  # 2: person 5, camera 2: RIGHT, 2nd        wrong, ties with entry 3 and is before it, 4th
            [0.70, 0.20],  # 3: person 7, camera 2: wrong, 3rd        left out: the same person and camera
            [0.60, 0.20],  # 4: person 5, camera 3: RIGHT, 4th        wrong, ties with entry 2 and is after it, 5th
            [0.50, 0.90],  # 5: person 7, camera 1: wrong, 5th        RIGHT, 1st
            [0.50, 0.70],  # 6: person 5, camera 6: RIGHT, 6th: ties with entry 5 and is after it      wrong, 3rd
            [0.40, 0.05],  # 7: person 7, camera 4: wrong, 7th        RIGHT, 7th
        ]
    )
    held = marks([5, 0, 5, 7, 5, 7, 5, 7], [1, 3, 2, 2, 3, 1, 6, 4], offset=100)
    queries, asked = torch.eye(2), marks([5, 7], [1, 2])
    for found in (judge(queries, gallery, asked, held), judge_blocks([(queries @ gallery.T, asked)], held)):
        assert found.first.tolist() == [2, 1]
        # right at 2, 4 and 6 of three: precisions 1/2, 2/4, 3/6. Right at 1 and 7 of two: 1/1, 2/7.
        np.testing.assert_allclose(found.average, [(1 / 2 + 2 / 4 + 3 / 6) / 3, (1 / 1 + 2 / 7) / 2], rtol=1e-7)
        # Only ranks up to three and up to two count: 2, and 1.
        np.testing.assert_allclose(found.at_r, [(1 / 2) / 3, (1 / 1) / 2], rtol=1e-7)


@pytest.mark.parametrize("itself", [False, True])
def test_against_pytorch_metric_learning(itself):
    """With a gallery apart, and with each image searched for among all others."""
    calculator = pytest.importorskip("pytorch_metric_learning.utils.accuracy_calculator")
    inference = pytest.importorskip("pytorch_metric_learning.utils.inference")
    distances = pytest.importorskip("pytorch_metric_learning.distances")
    random = np.random.default_rng(3)
    items = random.integers(0, 15, 160)
    items[:3] = [20, 21, 22]  # in no gallery but their own: left out there, and counted as 0 here
    points = torch.from_numpy(random.normal(size=(30, 24))[items] + random.normal(size=(160, 24))).float()
    points = torch.nn.functional.normalize(points)
    asked = marks(items)
    queries, gallery = (points, points) if itself else (points[:60], points[60:])
    one, other = (asked, asked) if itself else (marks(items[:60]), marks(items[60:], offset=60))
    found = judge(queries, gallery, one, other)
    theirs = calculator.AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision", "mean_average_precision_at_r"),
        k=len(gallery) - itself,
        knn_func=inference.CustomKNN(distances.CosineSimilarity()),
    ).get_accuracy(queries, one.item, gallery, other.item, ref_includes_query=itself)
    has = found.first > 0
    assert not has[:3].any()
    assert has[3:].all()
    assert 0.2 < found.at_r.mean() < 0.8
    assert (found.first[has] == 1).mean() == pytest.approx(theirs["precision_at_1"], rel=1e-6)
    assert found.average[has].mean() == pytest.approx(theirs["mean_average_precision"], rel=1e-6)
    assert found.at_r[has].mean() == pytest.approx(theirs["mean_average_precision_at_r"], rel=1e-6)


def test_counts_beyond_what_float32_holds():
    told = torch.ones(1, 2**24 + 3)
    assert rank_counting._count(told).tolist() == [2**24 + 3]
