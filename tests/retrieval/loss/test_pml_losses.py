import math
import sys

import numpy as np
import pytest
import torch
from pytorch_metric_learning import losses as library

from ablate.errors import AblateError
from ablate.retrieval.config.available import UNUSABLE, pml_losses
from ablate.retrieval.config.loss import Loss
from ablate.retrieval.loss.pml_losses import metric_loss


def made(name, items=12, width=5, seed=0, **options):
    return metric_loss(Loss(metric=f"pml/{name}", metric_options=options), items, width, seed)


def weights(loss):
    return torch.cat([value.flatten() for value in loss.state_dict().values()])


def test_the_triplet_term_needs_no_module():
    assert metric_loss(Loss(), 12, 5, 0) is None


@pytest.mark.filterwarnings("ignore")  # of the library's own use of torch and numpy
def test_every_loss_of_the_library_is_built_or_refused_in_our_words():
    with pytest.raises(AblateError, match=r"^loss\.metric_options: pml/RankedListLoss needs margin, Tn"):
        made("RankedListLoss")
    for name in pml_losses() - {"RankedListLoss"}:
        assert type(made(name)) is getattr(library, name)


@pytest.mark.parametrize("name", sorted(UNUSABLE))
def test_a_loss_that_takes_something_else_or_cannot_be_resumed_is_none_of_ours(name):
    assert hasattr(library, name)
    with pytest.raises(ValueError, match="triplet, or a loss of pytorch-metric-learning like"):
        Loss(metric=f"pml/{name}")


@pytest.mark.filterwarnings("ignore")
def test_no_loss_keeps_a_state_that_is_in_no_state_dict():
    """What a call changes in a loss must be resumed, hence in its state dict."""
    features, items = torch.randn(24, 64), torch.arange(24) // 2
    for name in pml_losses() - {"RankedListLoss"}:
        loss = made(name, width=64)
        before = {key: value.clone() for key, value in vars(loss).items() if isinstance(value, torch.Tensor)}
        loss(features, items)
        after = {key: value for key, value in vars(loss).items() if isinstance(value, torch.Tensor)}
        assert before.keys() == after.keys(), name
        assert all(torch.equal(before[key], after[key]) for key in before), name


@pytest.mark.parametrize("name", ["ArcFaceLoss", "ProxyAnchorLoss", "SoftTripleLoss"])
def test_initial_weights_are_a_function_of_the_seed(name):
    first = weights(made(name))
    torch.rand(7)
    assert torch.equal(first, weights(made(name)))
    assert not torch.equal(first, weights(made(name, seed=1)))


def test_initial_weights_follow_the_librarys_law():
    proxies = made("ProxyAnchorLoss", items=2000, width=50).proxies.detach()
    assert proxies.shape == (2000, 50)
    assert float(proxies.std()) == pytest.approx(math.sqrt(2 / 2000), rel=0.02)  # He et al., by fan-out
    assert abs(float(proxies.mean())) < 5 * math.sqrt(2 / 2000 / proxies.numel())


def test_global_generators_are_left_alone():
    torch.manual_seed(3)
    before, drawn = torch.get_rng_state(), np.random.get_state()[1].tolist()
    made("ArcFaceLoss")
    made("TripletMarginLoss", triplets_per_anchor=2)
    assert torch.equal(before, torch.get_rng_state())
    assert drawn == np.random.get_state()[1].tolist()


def test_some_losses_draw_when_called_and_most_do_not():
    features, items = torch.randn(24, 5), torch.arange(24) // 2
    built = [made("CircleLoss"), made("ArcFaceLoss"), made("ProxyAnchorLoss"), made("MultiSimilarityLoss")]
    for loss in built:
        before = torch.get_rng_state()
        loss(features, items)
        assert torch.equal(before, torch.get_rng_state())
    made("TripletMarginLoss", triplets_per_anchor=2)(features, items)
    assert not torch.equal(before, torch.get_rng_state())


def test_options_win_over_the_sizes_that_are_given():
    assert made("ArcFaceLoss", num_classes=20).W.shape == (5, 20)
    assert made("SubCenterArcFaceLoss", sub_centers=2).W.shape == (5, 24)
    assert len(made("MarginLoss").beta) == 1  # its num_classes is optional, and makes another loss of it
    assert len(made("MarginLoss", num_classes=12).beta) == 12


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "CircleLoss",
            {"gama": 3, "delta": 1},
            "metric_options: .*/CircleLoss does not take delta, gama; .*gamma, m",
        ),
        ("CircleLoss", {"distance": "cosine"}, "metric_options: pml/CircleLoss does not take distance; it takes "),
        ("CosFaceLoss", {"sale": 3}, r"metric_options: .* does not take sale; it takes .*margin, num_classes, scale"),
        ("RankedListLoss", {"tn": 1}, r"metric_options: .* needs margin, Tn and does not take tn; it takes Tn, Tp, "),
        (
            "HistogramLoss",
            {"n_bins": "ten"},
            r"metric_options: .* cannot be made with these options \(TypeError: .*delta",
        ),
        ("ArcFaceLoss", {"num_classes": 3}, r"metric: pml/ArcFaceLoss, as loss.metric_options make it, .*IndexError"),
        ("ProxyAnchorLoss", {"embedding_size": 3}, r"metric: pml/ProxyAnchorLoss, .* change the options, or use "),
    ],
)
def test_options_that_a_loss_cannot_work_with_are_refused(name, options, message):
    with pytest.raises(AblateError, match=rf"^loss\.{message}"):
        made(name, **options)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning.losses", None)
    with pytest.raises(AblateError, match=r"loss\.metric: pml/CircleLoss needs pytorch-metric-learning.*ablate-study"):
        made("CircleLoss")
