"""Against the paper's formulas: a case by hand, and a direct implementation on random ones."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ablate.retrieval.config.evaluate import Rerank
from ablate.retrieval.evaluation import rerank as module
from ablate.retrieval.evaluation.average_precision import MatchKeys
from ablate.retrieval.evaluation.rerank import distances, rerank

# Six points on the unit circle, named and in degrees; p and z are queries, the others the gallery.
ANGLES = {"p": 0, "z": 60, "w": -25, "x": 9, "q": 20, "y": 35}
QUERIES, GALLERY = "pz", "wxqy"

# k1 = 3. The nearest others of each, by the angles between them:
#   w: p 25, x 34, q 45 | y 60, z 85        p: x 9, q 20, w 25 | y 35, z 60      x: p 9, q 11, y 26 | w 34, z 51
#   q: x 11, y 15, p 20 | z 40, w 45        y: q 15, z 25, x 26 | p 35, w 60     z: y 25, q 40, x 51 | p 60, w 85
# R(., 3), who has each other among these three:
#   w: wp     p: pxqw     x: xpqy     q: qxyp     y: yqzx     z: zy
# R(., 2), as half of 3 is rounded to 2, among the first two:
#   w: w      p: px       x: xpq      q: qxy      y: yqz      z: zy
# R*(., 3): p gets y from q, of whose qxy two in three, qx, are among pxqw (just enough); x gets z from y (yq of yqz are
# among xpqy), q gets z likewise, y gets p from x (xq of xpq are among yqzx), z gets q from y (yz of yqz are among zy).
# w gets nothing from p, of whose px only p, one in two, is among wp.
EXPANDED = {"w": "wp", "p": "pxqwy", "x": "xpqyz", "q": "qxypz", "y": "yqzxp", "z": "zyq"}


def d(one, other):
    """Squared distance of two points at an angle t: (1 - cos t)^2 + sin(t)^2 = 2 - 2 cos t."""
    return 2 - 2 * math.cos(math.radians(ANGLES[one] - ANGLES[other]))


def near(one, other):
    return math.exp(-d(one, other))


def points(names):
    angles = torch.tensor([math.radians(ANGLES[name]) for name in names], dtype=torch.float64)
    return torch.stack([angles.cos(), angles.sin()], dim=1).float()


def found(config):
    images = torch.arange(6)
    rows = torch.cat(list(distances(points(QUERIES), points(GALLERY), images[:2], images[2:], config)))
    return {(q, g): rows[i, j].item() for i, q in enumerate(QUERIES) for j, g in enumerate(GALLERY)}


def test_by_hand_without_local_query_expansion():
    """Of V_p and V_w only p and w are shared, and both have exp(-d(p, w)) there against 1."""
    shared = 2 * near("p", "w")
    others = near("p", "x") + near("p", "q") + near("p", "y")
    # near(25 degrees) = exp(-0.187384) = 0.829125, near(9) = exp(-0.024623) = 0.975677,
    # near(20) = exp(-0.120615) = 0.886375, near(35) = exp(-0.361696) = 0.696494
    assert (near("p", "w"), others) == pytest.approx((0.829125, 0.975677 + 0.886375 + 0.696494), abs=1e-6)
    # minima: 2 * 0.829125 = 1.658250; maxima: 1 at p and at w, and the others, 2 + 2.558546 = 4.558546
    jaccard = 1 - 1.658250 / 4.558546
    assert jaccard == pytest.approx(1 - shared / (2 + others), abs=1e-6)
    distance = found(Rerank(k1=3, k2=1, weight=0.3))
    assert distance["p", "w"] == pytest.approx(0.7 * jaccard + 0.3 * 0.187384, abs=1e-6)
    # z and w have nothing in common: zyq, wp. The angle between them is 85 degrees, d = 2 - 2 * 0.087156.
    assert distance["z", "w"] == pytest.approx(0.7 * 1 + 0.3 * 1.825689, abs=1e-6)


@pytest.mark.parametrize("weight", [0, 0.3, 1])
@pytest.mark.parametrize("k2", [1, 2])
def test_by_hand_with_every_pair(k2, weight):
    """With k2 = 2, a row is the mean of its own and that of its nearest: p x, z y, w p, x p, q x, y q."""
    first = {name: {other: near(name, other) for other in members} for name, members in EXPANDED.items()}
    nearest = {"p": "x", "z": "y", "w": "p", "x": "p", "q": "x", "y": "q"}
    rows = {
        name: {
            other: first[name].get(other, 0)
            if k2 == 1
            else (first[name].get(other, 0) + first[nearest[name]].get(other, 0)) / 2
            for other in ANGLES
        }
        for name in ANGLES
    }
    expected = {}
    for query in QUERIES:
        for entry in GALLERY:
            least = sum(min(rows[query][each], rows[entry][each]) for each in ANGLES)
            most = sum(max(rows[query][each], rows[entry][each]) for each in ANGLES)
            expected[query, entry] = (1 - weight) * (1 - least / most) + weight * d(query, entry)
    assert found(Rerank(k1=3, k2=k2, weight=weight)) == pytest.approx(expected, abs=1e-6)


def by_definition(embeddings, here, there, k1, k2, weight):
    """Formulas (3) to (12) as they stand, on the union, with plain sets and loops."""
    d = [[max(0.0, float(2 - 2 * one @ other)) for other in embeddings] for one in embeddings]
    everyone = range(len(d))

    def first(p, number):
        """The element itself and its nearest others."""
        return [p, *sorted((g for g in everyone if g != p), key=lambda g: (d[p][g], g))][:number]

    def reciprocal(p, k):
        return {g for g in first(p, k + 1) if p in first(g, k + 1)}

    def grown(p):
        close = reciprocal(p, k1)
        sets = [reciprocal(q, round(k1 / 2)) for q in close]
        return close.union(*(each for each in sets if len(each & close) >= 2 / 3 * len(each)))

    sets = [grown(p) for p in everyone]
    encoded = np.array([[math.exp(-d[p][g]) if g in sets[p] else 0.0 for g in everyone] for p in everyone])
    encoded = np.array([encoded[first(p, k2)].mean(axis=0) for p in everyone])

    def jaccard(p, g):
        return 1 - np.minimum(encoded[p], encoded[g]).sum() / np.maximum(encoded[p], encoded[g]).sum()

    return [[(1 - weight) * jaccard(p, g) + weight * d[p][g] for g in there] for p in here]


def clustered(random, number, width=4):
    """Unit vectors in clusters."""
    centres = random.normal(size=(max(2, number // 6), width))
    drawn = centres[random.integers(len(centres), size=number)] + random.normal(size=(number, width)) / 3
    return F.normalize(torch.from_numpy(drawn).float())


@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (2, 3), (3, 2), (5, 1), (6, 3), (7, 9), (20, 6)])
@pytest.mark.parametrize("overlap", [False, True], ids=["two sides", "queries in the gallery"])
def test_against_the_formulas(k1, k2, overlap, monkeypatch):
    monkeypatch.setattr(module, "CELLS", 50)
    monkeypatch.setattr(module, "ROWS", 7)
    monkeypatch.setattr(module, "PAIRS", 11)
    random = np.random.default_rng(k1)
    union = clustered(random, 32)
    here, there = (range(32), range(4, 32)) if overlap else (range(9), range(9, 32))
    config = Rerank(k1=k1, k2=k2, weight=0.3)
    images = torch.arange(32)
    asked, held = images[here], images[there]
    blocks = list(distances(union[asked], union[held], asked, held, config))
    assert len(blocks) > 1
    expected = by_definition(union.double().numpy(), here, there, k1, k2, 0.3)
    np.testing.assert_allclose(torch.cat(blocks).numpy(), expected, atol=2e-6)


def test_an_element_is_its_own_first_neighbour_among_its_doubles():
    """Three images that are the same: each has itself and one other, by index, so only pairs are reciprocal."""
    same = torch.eye(3)[[0, 0, 0, 1, 2]]
    near = module.neighbours(same, 1)
    assert near[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert near[:3].tolist() == [[0, 1], [1, 0], [2, 0]]
    assert (module.reciprocal(near).toarray()[:3, :3] == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]).all()


def test_the_ranking_is_by_the_new_distance():
    """And an image does not find itself, nor one of its item and camera."""
    random = np.random.default_rng(3)
    union = clustered(random, 40)
    item, camera = (torch.from_numpy(random.integers(0, n, 40)) for n in (8, 2))
    marks = MatchKeys(item, camera, torch.arange(40))
    config = Rerank(k1=5, k2=3, weight=0.3)
    judged = rerank(union, union, marks, marks, config)
    rows = torch.cat(list(distances(union, union, marks.image, marks.image, config))).tolist()
    for query, row in enumerate(rows):
        left = [g for g in range(40) if g != query and (item[g] != item[query] or camera[g] != camera[query])]
        order = sorted(left, key=lambda g: (row[g], g))
        hits = [place for place, g in enumerate(order, 1) if item[g] == item[query]]
        assert judged.first[query] == min(hits, default=0)
        average = sum(number / place for number, place in enumerate(hits, 1)) / max(1, len(hits))
        assert judged.average[query] == pytest.approx(average, rel=1e-6)


def test_somebody_is_told_that_it_goes_on(monkeypatch):
    monkeypatch.setattr(module, "CELLS", 100)
    told = []
    union = clustered(np.random.default_rng(0), 30)
    images = torch.arange(30)
    list(distances(union[:10], union[10:], images[:10], images[10:], Rerank(k1=3), lambda: told.append(1)))
    assert len(told) >= 4
