import numpy as np
import pytest
import torch
from pytorch_metric_learning import losses as library
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import MeanReducer
from torch.nn import functional as F

from ablate.retrieval.config.loss import Loss
from ablate.retrieval.loss.objective import euclidean, hardest, loss_terms, triplet_term
from ablate.retrieval.loss.pml_losses import metric_loss

QUADRUPLETS, WIDTH, CLASSES = 6, 5, 7
N = 4 * QUADRUPLETS
LOGITS = torch.randn(N, CLASSES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
TARGETS = torch.arange(N) % CLASSES
ITEMS = torch.arange(QUADRUPLETS).repeat(4) + torch.tensor([0, 0, 1, 1]).repeat_interleave(QUADRUPLETS) * QUADRUPLETS
POWERS = {"squared": 2, "euclidean": 1}


def drawn(*shape: int, seed: int = 0, scale: float = 0.5) -> torch.Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def features() -> torch.Tensor:
    return drawn(N, WIDTH)


def by_library(features, triplets, distance, margin):
    """The library's triplet loss over given (anchors, positives, negatives), zeros counted in its mean."""
    measure = LpDistance(normalize_embeddings=False, power=POWERS[distance])
    loss = library.TripletMarginLoss(margin=margin, distance=measure, reducer=MeanReducer())
    return loss(features, torch.zeros(len(features)), indices_tuple=triplets)


def with_gradient(value, *inputs):
    return [value.detach(), *torch.autograd.grad(value, inputs)]


def terms(features, config, metric=None, items=ITEMS, logits=LOGITS):
    return loss_terms(features, logits, items, TARGETS, config, metric)


@pytest.mark.parametrize("distance", POWERS)
@pytest.mark.parametrize("normalize", [False, True])
def test_given_triplets_against_the_library(features, distance, normalize):
    shop, user, shop_negative, user_negative = torch.arange(N).view(4, -1)
    triplets = (torch.cat([shop, user]), torch.cat([user, shop]), torch.cat([shop_negative, user_negative]))
    features.requires_grad_()
    entering = F.normalize(features) if normalize else features
    expected = with_gradient(by_library(entering, triplets, distance, 0.3), features)
    ours = with_gradient(terms(features, Loss(distance=distance, normalize_features=normalize)).metric, features)
    torch.testing.assert_close(ours, expected)
    anchor, positive, negative = (entering[each] for each in triplets)
    gaps = (anchor - positive).norm(dim=1) - (anchor - negative).norm(dim=1)
    assert (gaps < -0.5).any(), "no triplet of this batch holds, so the test cannot see zeros in the mean"


@pytest.mark.parametrize("distance", POWERS)
@pytest.mark.parametrize("seed", range(5))
def test_batch_hard_against_the_librarys_miner(distance, seed):
    features = drawn(40, WIDTH, seed=seed).requires_grad_()
    items = torch.from_numpy(np.random.default_rng(seed).integers(0, 15, 40))
    config = Loss(distance=distance, mining="batch-hard", margin=0.2)
    mined = BatchHardMiner(distance=LpDistance(normalize_embeddings=False))(features, items)
    assert len(mined[0]) < 40, "every image is an anchor, so the test cannot see those left out"
    expected = with_gradient(by_library(features, mined, distance, 0.2), features)
    torch.testing.assert_close(with_gradient(triplet_term(features, items, config), features), expected)


@pytest.mark.parametrize("items", [torch.arange(8), torch.zeros(8, dtype=torch.int64)], ids=["alone", "one item"])
def test_a_batch_without_anchors_has_the_term_0_and_a_gradient_of_0(items):
    features = drawn(8, WIDTH).requires_grad_()
    value, gradient = with_gradient(triplet_term(features, items, Loss(mining="batch-hard", margin=9.0)), features)
    assert value == 0
    assert not gradient.any()


def test_mining_is_exact_where_fp32_products_would_cancel():
    features = (1000 + drawn(32, 64, scale=0.01)).float()
    items = torch.arange(32) // 4
    exact = (features.double()[:, None] - features.double()).norm(dim=2).numpy()
    same = (items[:, None] == items).numpy()
    farthest, nearest, anchors = (found.numpy() for found in hardest(features, items))
    assert anchors.all()
    assert np.array_equal(farthest, np.where(same, exact, -1).argmax(1))
    assert np.array_equal(nearest, np.where(same, np.inf, exact).argmin(1))
    products = features.square().sum(1)[:, None] + features.square().sum(1) - 2 * features @ features.T
    assert not np.array_equal(nearest, np.where(same, np.inf, products.numpy()).argmin(1))


@pytest.mark.parametrize("mining", ["given", "batch-hard"])
@pytest.mark.parametrize("distance", POWERS)
@pytest.mark.parametrize("normalize", [False, True])
def test_gradients_by_differences(mining, distance, normalize):
    config = Loss(mining=mining, distance=distance, normalize_features=normalize, margin=1.0, label_smoothing=0.1)
    inputs = (drawn(12, WIDTH).requires_grad_(), LOGITS[:12].clone().requires_grad_())
    items = torch.tensor([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])

    def loss(features, logits):
        return loss_terms(features, logits, items, TARGETS[:12], config, None)

    assert loss(*inputs).metric > 0
    assert torch.autograd.gradcheck(lambda *inputs: loss(*inputs).total, inputs)


def test_equal_features_have_distance_0_and_a_finite_gradient():
    features = torch.ones(N, WIDTH, requires_grad=True)
    for mining in ("given", "batch-hard"):
        config = Loss(distance="euclidean", mining=mining)
        value, gradient = with_gradient(triplet_term(features, ITEMS, config), features)
        assert value == pytest.approx(0.3)
        assert gradient.isfinite().all()
    assert not euclidean(features, features).any()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_label_smoothing_against_torch_and_by_its_formula(features, smoothing):
    found = terms(features, Loss(label_smoothing=smoothing)).classification
    target = (1 - smoothing) * F.one_hot(TARGETS, CLASSES) + smoothing / CLASSES
    torch.testing.assert_close(found, -(target * LOGITS.log_softmax(1)).sum(1).mean())
    torch.testing.assert_close(found, torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(LOGITS, TARGETS))


@pytest.mark.parametrize("omega", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("metric", ["triplet", "pml/CircleLoss"])
def test_omega_shares_the_gradient_between_the_terms(features, omega, metric):
    config = Loss(omega=omega, metric=metric)
    inputs = (features.requires_grad_(), LOGITS.clone().requires_grad_())
    found = terms(features, config, metric_loss(config, 2 * QUADRUPLETS, WIDTH, 0), logits=inputs[1])
    (pulled,) = torch.autograd.grad(found.metric, features, retain_graph=True)
    (coarse,) = torch.autograd.grad(found.classification, inputs[1], retain_graph=True)
    value, *gradients = with_gradient(found.total, *inputs)
    torch.testing.assert_close(gradients, [omega * pulled, (1 - omega) * coarse])
    torch.testing.assert_close(value, (omega * found.metric + (1 - omega) * found.classification).detach())


@pytest.mark.parametrize("metric", ["triplet", "pml/AngularLoss"])
def test_normalisation_takes_the_scale_out_of_the_metric_term(features, metric):
    for normalize in (True, False):
        config = Loss(metric=metric, normalize_features=normalize)
        loss = metric_loss(config, 2 * QUADRUPLETS, WIDTH, 0)
        once, scaled = (terms(scale * features, config, loss) for scale in (1, 3))
        assert torch.allclose(once.metric, scaled.metric) == normalize
        assert torch.equal(once.classification, scaled.classification)


@pytest.mark.parametrize(
    ("name", "options", "sizes"),
    [
        ("CircleLoss", {"m": 0.25, "gamma": 32}, {}),
        ("ArcFaceLoss", {"scale": 16}, {"num_classes": 12, "embedding_size": WIDTH}),
        ("ProxyAnchorLoss", {"margin": 0.2}, {"num_classes": 12, "embedding_size": WIDTH}),
        ("P2SGradLoss", {}, {"num_classes": 12, "descriptors_dim": WIDTH}),
    ],
)
def test_losses_of_the_library_against_calling_it(name, options, sizes):
    config = Loss(metric=f"pml/{name}", metric_options=options, omega=1.0)
    ours = metric_loss(config, 12, WIDTH, 0)
    theirs = getattr(library, name)(**options, **sizes)
    theirs.load_state_dict(ours.state_dict())
    features = drawn(N, WIDTH).float().requires_grad_()
    found = loss_terms(features, LOGITS.float(), ITEMS, TARGETS, config, ours)
    expected = with_gradient(theirs(features, ITEMS), features, *theirs.parameters())
    torch.testing.assert_close(with_gradient(found.total, features, *ours.parameters()), expected)
    assert float(expected[0]) > 0


def test_a_metric_that_is_not_the_configs_is_our_own_bug(features):
    with pytest.raises(AssertionError):
        terms(features, Loss(metric="pml/CircleLoss"))
