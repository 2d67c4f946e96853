"""Initial weights: drawn by name, so that arms sharing a layer start it alike; or pretrained."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ablate.errors import AblateError
from ablate.train.backbone import HEADS, SE, se_resnet
from ablate.train.config.retrieval import Model
from ablate.train.seeding import generator
from ablate.train.vision import torchvision


@torch.no_grad()
def initialise(network: nn.Module, seed: int) -> None:
    """Draws every weight anew, module by module, each from the stream of its name.

    Laws: for convolutions and batch norms those of torchvision's ResNet and of timm's SE-ResNet, which agree;
    for the one linear layer, the classifier, N(0, 0.001) as in the log.
    """
    for name, module in network.named_modules():
        stream = f"initial/{name.replace('layer0.', '')}"  # timm's stem has torchvision's names, a level down.
        if isinstance(module, nn.Conv2d):
            draw_convolution(module, seed, stream)
        elif isinstance(module, nn.Linear):
            module.weight.copy_(normal(module.weight, 0.001, seed, stream))
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()
        else:
            assert not list(module.parameters(recurse=False)), f"{name}: no law for {type(module).__name__}"


def draw_convolution(module: nn.Conv2d, seed: int, stream: str) -> None:
    """He's normal law by fan-out; a bias (in SE modules) has torch's default law."""
    outputs, inputs, high, wide = module.weight.shape
    module.weight.copy_(normal(module.weight, math.sqrt(2 / (outputs * high * wide)), seed, stream))
    if module.bias is not None:
        bound = 1 / math.sqrt(inputs * high * wide)
        drawn = generator(seed, f"{stream}.bias").random(outputs, dtype=np.float32)
        module.bias.copy_(torch.from_numpy((2 * drawn - 1) * bound))


def normal(like: Tensor, deviation: float, seed: int, stream: str) -> Tensor:
    """A tensor of the shape of `like`, drawn from N(0, deviation)."""
    drawn = generator(seed, stream).standard_normal(tuple(like.shape), dtype=np.float32)
    return torch.from_numpy(drawn * np.float32(deviation))


def load_pretrained(backbone: nn.Module, config: Model) -> None:
    """Puts the weights that `model.pretrained` names into the backbone; the head's are ignored.

    Raises AblateError if they cannot be had or do not fit.
    """
    if config.pretrained == "none":
        return
    found = imagenet(config.backbone) if config.pretrained == "imagenet" else from_file(Path(config.pretrained))
    stages = {name: value for name, value in found.items() if name.split(".")[0] not in HEADS}
    try:
        backbone.load_state_dict(stages)
    except RuntimeError as fault:
        raise AblateError(
            f"model.pretrained: {config.pretrained} does not fit model.backbone {config.backbone}; expected a "
            f"state dict with the names and shapes of {library(config.backbone)}: {fault}"
        ) from fault


def library(name: str) -> str:
    """Where a backbone comes from, in words."""
    return f"timm's legacy_{name.replace('_', '', 1)}" if name.startswith(SE) else f"torchvision's {name}"


def imagenet(name: str) -> Mapping[str, Any]:
    """ImageNet weights, downloaded or from the libraries' caches: torchvision's first version, as in the log."""
    try:
        if name.startswith(SE):
            return se_resnet(name, pretrained=True).state_dict()
        weights: Any = torchvision().models.get_model_weights(name)
        chosen = getattr(weights, "IMAGENET1K_V1", weights.DEFAULT)
        return cast(Mapping[str, Any], chosen.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as fault:
        raise AblateError(
            f"model.pretrained: imagenet: the weights of {library(name)} could not be had ({fault}); connect this "
            "machine to the internet, or set model.pretrained to the path of a state dict, or to none"
        ) from fault


def from_file(path: Path) -> Mapping[str, Any]:
    """A state dict saved by `torch.save`."""
    remedy = "give the path of a state dict saved by torch.save, or imagenet, or none"
    if not path.is_file():
        raise AblateError(f"model.pretrained: there is no file {path}; {remedy}")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as fault:  # torch.load raises whatever unpickling or unzipping does.
        raise AblateError(f"model.pretrained: {path} cannot be read as a state dict ({fault}); {remedy}") from fault
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise AblateError(f"model.pretrained: {path} holds something other than a state dict; {remedy}")
    return found
