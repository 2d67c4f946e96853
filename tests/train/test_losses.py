import pytest
import torch
from torch.nn import functional as F

from ablate.train.config.retrieval import Loss
from ablate.train.losses import category_term, metric_term, quadruplet_loss, triplet


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 2


LOGITS = torch.randn(24, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
CATEGORIES = torch.arange(24) % 7


def test_triplet_against_a_loop(features):
    a, p, n, _ = features
    terms = [max(0.0, float(((a[i] - p[i]) ** 2).sum() - ((a[i] - n[i]) ** 2).sum() + 0.3)) for i in range(6)]
    assert 0.0 in terms
    assert float(triplet(a, p, n, 0.3)) == pytest.approx(sum(terms) / 6)


def test_triplet_against_torch(features):
    a, p, n, _ = features
    squared = torch.nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: ((x - y) ** 2).sum(-1), margin=0.2)
    assert torch.allclose(triplet(a, p, n, 0.2), squared(a, p, n))


@pytest.mark.parametrize("normalize", [False, True])
def test_the_metric_term_goes_both_ways(features, normalize):
    s, u, s_negative, u_negative = F.normalize(features, dim=-1) if normalize else features
    expected = (triplet(s, u, s_negative, 0.3) + triplet(u, s, u_negative, 0.3)) / 2
    assert torch.allclose(metric_term(features, 0.3, normalize), expected)


def test_normalisation_takes_the_scale_out_of_the_metric_term_only(features):
    on, off = (Loss(normalize_features=setting) for setting in (True, False))
    assert torch.allclose(
        quadruplet_loss(features, LOGITS, CATEGORIES, on), quadruplet_loss(9 * features, LOGITS, CATEGORIES, on)
    )
    assert not torch.allclose(
        quadruplet_loss(features, LOGITS, CATEGORIES, off), quadruplet_loss(9 * features, LOGITS, CATEGORIES, off)
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_label_smoothing_by_its_formula(smoothing):
    target = (1 - smoothing) * F.one_hot(CATEGORIES, 7) + smoothing / 7
    expected = -(target * LOGITS.log_softmax(1)).sum(1).mean()
    assert torch.allclose(category_term(LOGITS, CATEGORIES, smoothing), expected)


@pytest.mark.parametrize("omega", [0.0, 0.7, 1.0])
def test_omega_shares_the_gradient_between_the_terms(features, omega):
    features.requires_grad_()
    logits = LOGITS.clone().requires_grad_()
    quadruplet_loss(features, logits, CATEGORIES, Loss(omega=omega)).backward()
    (metric,) = torch.autograd.grad(metric_term(features, 0.3, False), features)
    (coarse,) = torch.autograd.grad(category_term(logits, CATEGORIES, 0.0), logits)
    assert torch.allclose(features.grad, omega * metric)
    assert torch.allclose(logits.grad, (1 - omega) * coarse)
