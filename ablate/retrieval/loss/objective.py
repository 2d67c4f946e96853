"""The loss of a batch: omega · metric term + (1 − omega) · cross-entropy over categories or items."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.retrieval.config.loss import Loss


class LossTerms(NamedTuple):
    """The loss of one step and its two terms, scalars. Only `total` is weighted by omega."""

    total: Tensor
    metric: Tensor
    classification: Tensor


def loss_terms(
    features: Tensor, logits: Tensor, items: Tensor, classes: Tensor, config: Loss, metric: nn.Module | None
) -> LossTerms:
    """Return the loss of features (n, width) and logits (n, K) in fp32, with items (n,) and classes (n,) as int64.

    `metric` is the module that `metric_loss` returned for the same config, None for the triplet term. Without mining,
    n = 4 · quadruplets, role by role: shop anchors, user anchors, shop negatives, user negatives. With
    `normalize_features`, features have unit length in the metric term, so that the margin is a share of 4 (squared) or
    of 2 (euclidean). Otherwise the margin is in the units of the features.
    """
    assert (metric is None) == (config.metric == "triplet")
    compared = F.normalize(features) if config.normalize_features else features
    # Some losses of pytorch-metric-learning return a vector of one.
    term = triplet_term(compared, items, config) if metric is None else metric(compared, items).reshape(())
    classification = F.cross_entropy(logits, classes, label_smoothing=config.label_smoothing)
    return LossTerms(config.omega * term + (1 - config.omega) * classification, term, classification)


def triplet_term(features: Tensor, items: Tensor, config: Loss) -> Tensor:
    """Return the triplet term of features (n, width), a scalar, by the config's mining, distance and margin."""
    if config.mining == "batch-hard":
        return batch_hard(features, items, config.distance, config.margin)
    return quadruplet_term(features, config.distance, config.margin)


def quadruplet_term(features: Tensor, distance: str, margin: float) -> Tensor:
    """Return ½ [t(s, u, s⁻) + t(u, s, u⁻)] of quadruplets: each domain's anchor with the negative of its domain."""
    shop, user, shop_negative, user_negative = features.view(4, -1, features.shape[1]).unbind()
    shop_term = violations(shop, user, shop_negative, distance, margin).mean()
    user_term = violations(user, shop, user_negative, distance, margin).mean()
    return (shop_term + user_term) / 2


def batch_hard(features: Tensor, items: Tensor, distance: str, margin: float) -> Tensor:
    """Return the mean violation over the anchors of a batch, each in its hardest triplet (Hermans et al., 2017).

    An image is an anchor if the batch has another image of its item and an image of another item. Without anchors the
    term is 0, with a gradient of 0.
    """
    farthest, nearest, anchors = hardest(features, items)
    violation = violations(features, features[farthest], features[nearest], distance, margin)
    # Masked, not selected: so the shape does not depend on the batch, and the CPU need not wait for a GPU.
    return torch.where(anchors, violation, 0).sum() / anchors.sum().clamp(min=1)


@torch.no_grad()
def hardest(features: Tensor, items: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each image (n,): the farthest image of its item, the nearest of another item, and True if both exist.

    Ties go to the first in the batch. Distances come from one matrix product in fp64, because its cancellation is too
    coarse in fp32. The distances of the loss are then computed for the selected pairs only, by indexing: its backward
    pass is deterministic on CUDA, which is not promised for `torch.cdist`.
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
    """Return relu(d(a, p) − d(a, n) + margin) of rows (n, width), shape (n,); 0 for triplets that keep the margin."""
    between = squared if distance == "squared" else euclidean
    return torch.relu(between(anchor, positive) - between(anchor, negative) + margin)


def squared(left: Tensor, right: Tensor) -> Tensor:
    """Return the squared Euclidean distances of rows, shape (n,)."""
    return (left - right).square().sum(1)


def euclidean(left: Tensor, right: Tensor) -> Tensor:
    """Return the Euclidean distances of rows, shape (n,). The gradient at distance 0 is 0, not infinite as a root's."""
    lengths: Tensor = torch.linalg.vector_norm(left - right, dim=1)
    return lengths
