import numpy as np
import pytest
import torch

from ablate.retrieval.evaluation.approximate_scores import ScreenedGallery, precisions, similarity
from tests.support.retrieval.exact_rankings import KINDS, features, similarities

TYPES = (torch.bfloat16, torch.float32, torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_are_float64_rounded(kind):
    queries, gallery = features(kind, 20, 30)
    query, entry = (torch.from_numpy(each.ravel()) for each in np.indices((20, 30)))
    found = similarity(queries, gallery, query, entry)
    assert found.dtype == torch.float32
    assert np.array_equal(found.numpy().reshape(20, 30), similarities(queries, gallery))


def test_a_pair_is_the_same_wherever_it_stands(monkeypatch):
    queries, gallery = torch.randn(3, 77), torch.randn(1, 77).repeat(500, 1)
    query, entry = torch.arange(3).repeat_interleave(500), torch.arange(500).repeat(3)
    together = similarity(queries, gallery, query, entry)
    assert all(len(set(together[query == number].tolist())) == 1 for number in range(3))
    monkeypatch.setattr("ablate.retrieval.evaluation.approximate_scores._ELEMENTS", 200)
    assert torch.equal(together, similarity(queries, gallery, query, entry))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_errs_by_no_more_than_it_says(kind, dtype, monkeypatch):
    monkeypatch.setattr("ablate.retrieval.evaluation.approximate_scores._TILE", 50)  # several, the last one narrower
    queries, gallery = features(kind, 40, 130)
    exact = torch.from_numpy(similarities(queries, gallery)).double()
    block = ScreenedGallery(gallery, dtype).block(queries)
    value = block.values.double()[:, :130]
    assert bool(((exact - value).abs() <= block.relative * value.abs() + block.slack).all())
    assert bool((block.values[:, 130:] == -torch.inf).all())
    assert bool((block.lower(value) <= exact).all())
    assert bool((block.least(exact) <= value).all())
    assert bool((block.most(exact) >= value).all())


@pytest.mark.parametrize("dtype", TYPES[:2])
def test_a_screen_says_little_more_than_it_errs_by(dtype):
    """The bound is of use: within what unit vectors of many numbers can be off by in the worst case."""
    queries, gallery = (torch.nn.functional.normalize(torch.randn(n, 512)) for n in (50, 200))
    block = ScreenedGallery(gallery, dtype).block(queries)
    assert block.slack.max() < {torch.bfloat16: 2**-7, torch.float32: 2**-14}[dtype]


@pytest.mark.parametrize("kind", KINDS)
def test_a_float64_screen_is_exact(kind, monkeypatch):
    monkeypatch.setattr("ablate.retrieval.evaluation.approximate_scores._TILE", 50)
    queries, gallery = features(kind, 40, 130)
    block = ScreenedGallery(gallery, torch.float64).block(queries)
    assert block.relative == 0
    assert not block.slack.any()
    assert np.array_equal(block.values[:, :130].numpy(), similarities(queries, gallery))


def test_a_screen_in_float32_is_of_use_everywhere():
    assert precisions(torch.ones(1, 1))[-1] == torch.float32
