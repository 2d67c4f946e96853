"""The network: a backbone, a neck and a classifier."""

import torch
from torch import Tensor, nn

from ablate.errors import AblateError
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.model.backbone import backbone, misfit, without_needless_strides
from ablate.retrieval.model.grouped_batchnorm import by_role
from ablate.retrieval.model.initial_weights import initialise, library_draws, load_pretrained


class Network(nn.Module):
    """A backbone with a BN-neck (Luo et al., 2019): the metric is learnt before the neck, the classes after it.

    If `model.bn_grouping` is per_role, a batch in training mode has four roles of equal size, one after another: see
    `grouped_batchnorm`. Raises AblateError if the backbone cannot be made as `model` and `data.size` require.
    """

    metric: nn.Module | None
    """The metric term if it has weights of its own, which are trained and saved with the others."""

    def __init__(self, config: RetrievalConfig, classes: int) -> None:
        super().__init__()
        self.metric = None
        self.backbone = backbone(config)
        self.width = width(self.backbone, config)
        self.neck = bn_neck(self.width) if config.model.neck == "bn" else nn.Identity()
        self.classifier = nn.Linear(self.width, classes, bias=False)
        if config.model.bn_grouping == "per_role":
            by_role(self)

    def features(self, images: Tensor) -> Tensor:
        """Return pooled features before the neck, float32 (n, width), of images (n, 3, height, width)."""
        pooled: Tensor = self.backbone(images)
        return pooled.float()

    def logits(self, features: Tensor) -> Tensor:
        """Return class scores (n, classes) for features before the neck."""
        scores: Tensor = self.classifier(self.neck(features))
        return scores


def width(network: nn.Module, config: RetrievalConfig) -> int:
    """Return the width of the features, found by passing one black image of `data.size` through the backbone.

    Raises AblateError if the backbone cannot take the image, or if its last stage has a stride other than requested.
    """
    sizes: list[torch.Size] = []
    stage = getattr(network, "layer4", nn.Identity())
    hook = stage.register_forward_hook(lambda _, inputs, maps: sizes.extend([inputs[0].shape[2:], maps.shape[2:]]))
    with without_needless_strides(network):
        features = attempt(network, config)
    hook.remove()
    if config.model.last_stride == 1 and sizes[0] != sizes[1]:
        raise AblateError(
            f"model.last_stride: the layer4 of {config.model.backbone} still turns {tuple(sizes[0])} into "
            f"{tuple(sizes[1])} with strides of 1; set model.last_stride to 2"
        )
    return features.shape[1]


def attempt(network: nn.Module, config: RetrievalConfig) -> Tensor:
    """Return the features (1, width) of a black image, computed in evaluation mode."""
    network.eval()
    try:
        with torch.no_grad():  # not inference mode: tensors that a backbone caches here must be usable in training
            features: Tensor = network(torch.zeros(1, 3, *config.data.size))
    except Exception as fault:  # each architecture refuses a size in its own way
        raise misfit(config, fault) from fault
    network.train()  # drops caches that some backbones made of weights before the initial ones are set
    if features.ndim != 2 or not features.isfinite().all():
        raise misfit(config, f"an image gives {tuple(features.shape)}, not one vector of numbers")
    return features


def bn_neck(width: int) -> nn.Module:
    """Return a batch norm whose bias stays at 0."""
    norm = nn.BatchNorm1d(width)
    norm.bias.requires_grad_(False)
    return norm


def network(config: RetrievalConfig, classes: int, seed: int, device: torch.device) -> Network:
    """Return a network with its initial weights, on its device, in channels-last memory.

    Raises AblateError as Network does, and if pretrained weights cannot be had or do not fit.
    """
    with library_draws(seed, f"initial/{config.model.backbone}"):
        built = Network(config, classes)
        initialise(built, config.model, seed)
        load_pretrained(built.backbone, config)
    return built.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
