"""The network: a backbone, global average pooling, the BN-neck and a classifier of categories."""

import torch
from torch import Tensor, nn

from ablate.train.backbone import backbone, width
from ablate.train.config.retrieval import Model
from ablate.train.norm import RoleNorm1d, by_role
from ablate.train.weights import initialise, load_pretrained


class Network(nn.Module):
    """A backbone with a BN-neck (Luo et al., 2019): the metric is learnt before it, the classes after it.

    In training mode a batch is four roles of equal size, one after another: see `norm`.
    """

    def __init__(self, config: Model, categories: int) -> None:
        super().__init__()
        self.backbone = backbone(config)
        by_role(self.backbone)
        self.neck = RoleNorm1d(width(self.backbone))
        self.neck.bias.requires_grad_(False)
        self.classifier = nn.Linear(self.neck.num_features, categories, bias=False)

    def features(self, images: Tensor) -> Tensor:
        """Pooled features before the neck, float32 (n, width), of images (n, 3, height, width).

        Pooled by `mean`: adaptive average pooling has no deterministic gradient on CUDA.
        """
        maps: Tensor = self.backbone(images)
        return maps.float().mean((2, 3))

    def logits(self, features: Tensor) -> Tensor:
        """Category scores (n, categories) of features before the neck."""
        scores: Tensor = self.classifier(self.neck(features))
        return scores


def network(config: Model, categories: int, seed: int, device: torch.device) -> Network:
    """A network with its initial weights, on its device, in channels-last memory."""
    built = Network(config, categories)
    initialise(built, seed)
    load_pretrained(built.backbone, config)
    return built.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
