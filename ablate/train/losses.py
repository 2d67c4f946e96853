"""The loss of a quadruplet batch: omega · triplet + (1 − omega) · cross-entropy over categories.

The first axis of features is the role: shop anchor, user anchor, shop negative, user negative.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ablate.train.config.retrieval import Loss


def triplet(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """Mean of relu(‖a − p‖² − ‖a − n‖² + margin); rows without a violation count as zeros in the mean."""
    near = (anchor - positive).square().sum(1)
    far = (anchor - negative).square().sum(1)
    return torch.relu(near - far + margin).mean()


def metric_term(features: Tensor, margin: float, normalize: bool) -> Tensor:
    """The triplet term of features (4, quadruplets, width): each domain's anchor against its negative.

    The margin is in squared units of the features as they enter, so with `normalize` it is a share of 4.
    """
    if normalize:
        features = F.normalize(features, dim=2)
    shop, user, shop_negative, user_negative = features.unbind()
    there = triplet(shop, user, shop_negative, margin)
    back = triplet(user, shop, user_negative, margin)
    return (there + back) / 2


def category_term(logits: Tensor, categories: Tensor, smoothing: float) -> Tensor:
    """Mean cross-entropy of logits (n, K) with targets (1 − ε) · onehot + ε / K of categories (n,)."""
    return F.cross_entropy(logits, categories, label_smoothing=smoothing)


def quadruplet_loss(features: Tensor, logits: Tensor, categories: Tensor, config: Loss) -> Tensor:
    """The loss of one step, a scalar: features (4, quadruplets, width), logits (4 · quadruplets, K), in fp32."""
    metric = metric_term(features, config.margin, config.normalize_features)
    coarse = category_term(logits, categories, config.label_smoothing)
    return config.omega * metric + (1 - config.omega) * coarse
