"""The loss of a batch: omega · metric term + (1 − omega) · cross-entropy over categories or items."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.retrieval.config.loss import Loss


class LossTerms(NamedTuple):
    """The loss of one step and what it is made of, scalars; only `total` is weighted by omega."""

    total: Tensor
    metric: Tensor
    classification: Tensor


def loss_terms(
    features: Tensor, logits: Tensor, items: Tensor, classes: Tensor, config: Loss, metric: nn.Module | None
) -> LossTerms:
    """The loss of features (n, width) and logits (n, K) in fp32, with items (n,) and classes (n,) as int64.

    `metric` is what `metrics.metric_loss` made of the same config, None for the triplet term. Given triplets
    need n = 4 · quadruplets, role by role: shop anchors, user anchors, shop negatives, user negatives. With
    `normalize_features`, features have unit length in the metric term, so that the margin is a share of 4
    (squared) or of 2 (euclidean); otherwise it is in units of the features as they come.
    """
    assert (metric is None) == (config.metric == "triplet")
    entering = F.normalize(features) if config.normalize_features else features
    # Some losses of pytorch-metric-learning return a vector of one.
    pulled = triplet_term(entering, items, config) if metric is None else metric(entering, items).reshape(())
    classification = F.cross_entropy(logits, classes, label_smoothing=config.label_smoothing)
    return LossTerms(config.omega * pulled + (1 - config.omega) * classification, pulled, classification)


def triplet_term(features: Tensor, items: Tensor, config: Loss) -> Tensor:
    """The triplet term of features (n, width), a scalar, by the config's mining, distance and margin."""
    if config.mining == "batch-hard":
        return batch_hard(features, items, config.distance, config.margin)
    return given(features, config.distance, config.margin)


def given(features: Tensor, distance: str, margin: float) -> Tensor:
    """½ [t(s, u, s⁻) + t(u, s, u⁻)] of quadruplets: each domain's anchor against its own negative."""
    shop, user, shop_negative, user_negative = features.view(4, -1, features.shape[1]).unbind()
    there = violations(shop, user, shop_negative, distance, margin).mean()
    back = violations(user, shop, user_negative, distance, margin).mean()
    return (there + back) / 2


def batch_hard(features: Tensor, items: Tensor, distance: str, margin: float) -> Tensor:
    """The mean violation over the anchors of a batch, each with its hardest triplet (Hermans et al., 2017).

    Images without another of their item, or without any of another item, are no anchors. Without an anchor
    the term is 0, with a gradient of 0.
    """
    farthest, nearest, anchors = hardest(features, items)
    found = violations(features, features[farthest], features[nearest], distance, margin)
    # Masked, not selected: the shape then does not depend on the batch, and the CPU need not wait for a GPU.
    return torch.where(anchors, found, 0).sum() / anchors.sum().clamp(min=1)


@torch.no_grad()
def hardest(features: Tensor, items: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each image (n,): the farthest other image of its item, the nearest of another item, and if both exist.

    Ties go to the first in the batch. Distances come from one product of matrices, whose cancellation is too
    coarse in fp32, so it is in fp64; the term's own distances are taken of the chosen pairs only, by indexing,
    whose backward pass is deterministic on CUDA, as that of `torch.cdist` is not promised to be.
    """
    exact = features.double()
    lengths = exact.square().sum(1)
    distances = lengths[:, None] + lengths - 2 * exact @ exact.T
    same = items[:, None] == items
    others = same & ~torch.eye(len(items), dtype=torch.bool, device=items.device)
    farthest = distances.masked_fill(~others, -torch.inf).argmax(1)
    nearest = distances.masked_fill(same, torch.inf).argmin(1)
    return farthest, nearest, others.any(1) & ~same.all(1)


def violations(anchor: Tensor, positive: Tensor, negative: Tensor, distance: str, margin: float) -> Tensor:
    """relu(d(a, p) − d(a, n) + margin) of rows (n, width), shape (n,); those that hold are zeros."""
    between = squared if distance == "squared" else euclidean
    return torch.relu(between(anchor, positive) - between(anchor, negative) + margin)


def squared(left: Tensor, right: Tensor) -> Tensor:
    """Squared Euclidean distances of rows, shape (n,)."""
    return (left - right).square().sum(1)


def euclidean(left: Tensor, right: Tensor) -> Tensor:
    """Euclidean distances of rows, shape (n,); the gradient at distance 0 is 0, where a root's is infinite."""
    lengths: Tensor = torch.linalg.vector_norm(left - right, dim=1)
    return lengths
