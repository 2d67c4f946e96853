"""The network: a backbone, a neck and a classifier."""

import torch
from torch import Tensor, nn

from ablate.errors import AblateError
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.model.backbone import backbone, misfit, without_needless_strides
from ablate.retrieval.model.grouped_batchnorm import by_role
from ablate.retrieval.model.initial_weights import initialise, library_draws, load_pretrained


class Network(nn.Module):
    """A backbone with a BN-neck (Luo et al., 2019): the metric is learnt before it, the classes after it.

    Where `model.bn_grouping` is per_role, a batch in training mode is four roles of equal size, one after
    another: see `norm`. Raises AblateError if the backbone cannot be what `model` and `data.size` say.
    """

    metric: nn.Module | None
    """The metric term's own weights, where it has any: trained and kept with the rest."""

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
        """Pooled features before the neck, float32 (n, width), of images (n, 3, height, width)."""
        pooled: Tensor = self.backbone(images)
        return pooled.float()

    def logits(self, features: Tensor) -> Tensor:
        """Class scores (n, classes) of features before the neck."""
        scores: Tensor = self.classifier(self.neck(features))
        return scores


def width(network: nn.Module, config: RetrievalConfig) -> int:
    """Width of the features, seen by giving the backbone one black image of `data.size`.

    Raises AblateError if it cannot take the image, or if its last stage does not have the stride asked for.
    """
    maps: list[torch.Size] = []
    stage = getattr(network, "layer4", nn.Identity())
    watch = stage.register_forward_hook(lambda _, given, made: maps.extend([given[0].shape[2:], made.shape[2:]]))
    with without_needless_strides(network):
        features = attempt(network, config)
    watch.remove()
    if config.model.last_stride == 1 and maps[0] != maps[1]:
        raise AblateError(
            f"model.last_stride: the layer4 of {config.model.backbone} still makes {tuple(maps[1])} of "
            f"{tuple(maps[0])} with strides of 1; set model.last_stride to 2"
        )
    return features.shape[1]


def attempt(network: nn.Module, config: RetrievalConfig) -> Tensor:
    """Features (1, width) of a black image, in evaluation mode."""
    network.eval()
    try:
        with torch.no_grad():  # not inference mode: what a backbone caches here must be of use in training
            features: Tensor = network(torch.zeros(1, 3, *config.data.size))
    except Exception as fault:  # each architecture refuses a size in its own way
        raise misfit(config, fault) from fault
    network.train()  # drops what some backbones cached of weights that are not yet the initial ones
    if features.ndim != 2 or not features.isfinite().all():
        raise misfit(config, f"an image gives {tuple(features.shape)}, not one vector of numbers")
    return features


def bn_neck(width: int) -> nn.Module:
    """A batch norm whose bias stays at 0."""
    norm = nn.BatchNorm1d(width)
    norm.bias.requires_grad_(False)
    return norm


def network(config: RetrievalConfig, classes: int, seed: int, device: torch.device) -> Network:
    """A network with its initial weights, on its device, in channels-last memory.

    Raises AblateError as Network does, and if pretrained weights cannot be had or do not fit.
    """
    with library_draws(seed, f"initial/{config.model.backbone}"):
        built = Network(config, classes)
        initialise(built, config.model, seed)
        load_pretrained(built.backbone, config)
    return built.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
