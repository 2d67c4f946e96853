import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.nn import functional as F

from ablate.retrieval.config.evaluate import Evaluate, QueryExpansion
from ablate.retrieval.evaluation import embedding as module
from ablate.retrieval.evaluation.embedding import Features, embed, expand, whitening
from ablate.retrieval.model.network import network

CPU = torch.device("cpu")


def unit(random, *shape):
    return F.normalize(torch.from_numpy(random.normal(size=shape) + 0.3).float())


@pytest.mark.parametrize("dimensions", [1, 5, 12])
def test_whitening_is_that_of_scikit_learn(dimensions):
    """Up to the signs of its components, which products do not have."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(12, 12))
    fitted, others = (F.normalize(torch.from_numpy(random.normal(size=(n, 12)) @ mixing + 1).float()) for n in (60, 9))
    theirs = PCA(dimensions, whiten=True, svd_solver="full").fit(fitted.double().numpy())
    expected = F.normalize(torch.from_numpy(theirs.transform(others.double().numpy())))
    found = whitening(fitted, dimensions)(others)
    assert found.shape == (9, dimensions)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-4)


def test_whitened_training_embeddings_vary_alike_in_every_direction():
    """Before their length is made 1: mean 0, covariance the identity."""
    fitted = unit(np.random.default_rng(1), 500, 6) * torch.tensor([9, 3, 1, 1, 0.3, 0.1])
    found = whitening(fitted, 6)
    white = (fitted - found.mean) @ found.components
    np.testing.assert_allclose(white.mean(0), np.zeros(6), atol=1e-3)
    np.testing.assert_allclose(white.T @ white / 500, np.eye(6), atol=1e-3)


@pytest.mark.parametrize("images", [3, 40])
def test_directions_in_which_nothing_varies_tell_nothing_apart(images):
    """Three images differ in two directions, and so do forty in a plane."""
    random = np.random.default_rng(2)
    flat = random.normal(size=(images, 2)) @ random.normal(size=(2, 8)) if images > 3 else random.normal(size=(3, 8))
    fitted, other = torch.from_numpy(flat).float(), unit(random, 20, 8)
    two, five = (whitening(fitted, dimensions)(other) for dimensions in (2, 5))
    assert five.shape == (20, 5)
    torch.testing.assert_close(five @ five.T, two @ two.T)


def test_images_that_all_look_alike_are_all_alike_when_whitened():
    assert not whitening(torch.full((50, 4), 0.5), 1)(torch.full((3, 4), 0.5)).any()


def expanded(queries, gallery, asked, held, k, alpha):
    """The definition, in float64, query by query."""
    found = []
    for query, image in zip(queries.double().numpy(), asked, strict=True):
        others = [g for g in range(len(gallery)) if held[g] != image]
        similar = {g: float(query @ gallery[g].double().numpy()) for g in others}
        best = sorted(others, key=lambda g: (-similar[g], g))[:k]
        weights = [max(0.0, similar[g]) ** alpha for g in best]
        mean = query + sum(w * gallery[g].double().numpy() for w, g in zip(weights, best, strict=True))
        found.append(mean / math.sqrt(mean @ mean))
    return np.array(found)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(("k", "overlap"), [(1, False), (4, False), (20, False), (1, True), (4, True), (19, True)])
def test_query_expansion_against_its_definition(k, alpha, overlap, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 3)
    random = np.random.default_rng(k)
    queries, gallery = unit(random, 11, 5), unit(random, 20, 5)
    held = torch.arange(20) + 100
    asked = torch.arange(11) + (105 if overlap else 0)
    if overlap:
        queries = gallery[5:16]
    found = expand(queries, gallery, asked, held, QueryExpansion(k=k, alpha=alpha))
    expected = expanded(queries, gallery, asked.tolist(), held.tolist(), k, alpha)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_a_query_is_not_its_own_neighbour_where_another_looks_the_same():
    gallery = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.6, 0.8]]))
    images = torch.arange(3)
    found = expand(gallery[2:], gallery, images[2:], images, QueryExpansion(k=2, alpha=0.0))
    assert found[0].tolist() == pytest.approx((F.normalize(torch.tensor([[2.6, 0.8]])))[0].tolist())


def test_what_lies_on_the_other_side_weighs_nothing():
    query, gallery = torch.tensor([[1.0, 0.0]]), torch.tensor([[-0.6, 0.8], [0.8, 0.6]])
    numbers = torch.tensor([0]), torch.tensor([1, 2])
    found = expand(query, gallery, *numbers, QueryExpansion(k=2, alpha=2.0))
    assert found[0].tolist() == pytest.approx(F.normalize(torch.tensor([[1 + 0.64 * 0.8, 0.64 * 0.6]]))[0].tolist())


@pytest.mark.slow
def test_raw_features_are_averaged_and_then_pass_the_neck(configure):
    net = network(configure(), 4, 0, CPU).eval()
    with torch.no_grad():
        net.neck.running_mean.uniform_(-1, 1)
        net.neck.running_var.uniform_(1, 9)
        random = np.random.default_rng(5)
        plain, mirrored = (torch.from_numpy(random.normal(size=(6, 512))).float() for _ in range(2))
        found = embed(net, Features(plain, mirrored), Evaluate(flip=True, neck="after"))
        mean = (plain.double() + mirrored.double()) / 2
        deviation = (net.neck.running_var.double() + net.neck.eps).sqrt()
        expected = F.normalize((mean - net.neck.running_mean.double()) / deviation * net.neck.weight.double())
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert torch.equal(embed(net, Features(plain, mirrored), Evaluate()), F.normalize(plain))
