"""Initial weights: random by the name of the layer, so that arms that share a layer start it alike; or pretrained."""

import hashlib
import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ablate.errors import AblateError
from ablate.filesystem import is_file, read_regular
from ablate.retrieval.config.model import TIMM, Model
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.model.backbone import HEADS, SE, se_resnet, timm_model, torchvision
from ablate.trainers.random_streams import generator, number

WRAPPER = "module."
"""The prefix that DataParallel puts before every name."""


@contextmanager
def library_draws(seed: int, stream: str) -> Iterator[None]:
    """Make torch's global generator on the CPU draw from a named stream inside the block, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number(seed, stream))  # the generators of CUDA do not change
        yield


@torch.no_grad()
def initialise(network: nn.Module, config: Model, seed: int) -> None:
    """Draw every weight, module by module, each from the stream of its name.

    Distributions: for convolutions and batch norms those of torchvision's ResNet and of timm's SE-ResNet, which agree;
    for the one linear layer, the classifier, N(0, 0.001) as in the log. A backbone timm/NAME keeps timm's own
    initial weights, which have many distributions.
    """
    for name, module in network.named_modules():
        if config.backbone.startswith(TIMM) and name.startswith("backbone"):
            continue
        stream = f"initial/{name.replace('layer0.', '')}"  # timm's stem has torchvision's names, a level down.
        if isinstance(module, nn.Conv2d):
            draw_convolution(module, seed, stream)
        elif isinstance(module, nn.Linear):
            module.weight.copy_(normal(module.weight, 0.001, seed, stream))
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()
        else:
            assert not list(module.parameters(recurse=False)), f"{name}: no distribution for {type(module).__name__}"


def draw_convolution(module: nn.Conv2d, seed: int, stream: str) -> None:
    """Draw from He's normal distribution by fan-out; a bias (in SE modules) from torch's default distribution."""
    outputs, inputs, high, wide = module.weight.shape
    module.weight.copy_(normal(module.weight, math.sqrt(2 / (outputs * high * wide)), seed, stream))
    if module.bias is not None:
        bound = 1 / math.sqrt(inputs * high * wide)
        drawn = generator(seed, f"{stream}.bias").random(outputs, dtype=np.float32)
        module.bias.copy_(torch.from_numpy((2 * drawn - 1) * bound))


def normal(like: Tensor, deviation: float, seed: int, stream: str) -> Tensor:
    """Return a tensor of the shape of `like`, drawn from N(0, deviation)."""
    drawn = generator(seed, stream).standard_normal(tuple(like.shape), dtype=np.float32)
    return torch.from_numpy(drawn * np.float32(deviation))


def load_pretrained(backbone: nn.Module, config: RetrievalConfig) -> None:
    """Load the weights that `model.pretrained` names into the backbone. The head's weights are ignored.

    Raises AblateError if they cannot be read or downloaded, or do not fit.
    """
    name, source = config.model.backbone, config.model.pretrained
    if source == "none":
        return
    weights = imagenet(config) if source == "imagenet" else from_file(Path(source), config.model.pretrained_sha256)
    try:
        backbone.load_state_dict(without_head(weights, backbone, config))
    except RuntimeError as fault:
        raise AblateError(
            f"model.pretrained: {source} does not fit model.backbone {name}; expected a "
            f"state dict with the names and shapes of {library(name)}: {shortened(fault)}"
        ) from fault


def without_head(weights: Mapping[str, Any], backbone: nn.Module, config: RetrievalConfig) -> dict[str, Any]:
    """Return a state dict without the entries of the library's whole network that the backbone lacks.

    For timm the whole network is built and compared: the name of the classifier, which timm provides, misses the norms
    that some models have inside their head.
    """
    head = {name for name in weights if name.split(".")[0] in HEADS}
    if config.model.backbone.startswith(TIMM):
        own = backbone.state_dict().keys()
        head = timm_model(config).state_dict().keys() - own if weights.keys() - own else set()
    return {name: value for name, value in weights.items() if name not in head}


def library(name: str) -> str:
    """Return the library and the name of a backbone, in words."""
    if name.startswith(TIMM):
        return f"timm's {name.removeprefix(TIMM)}"
    return f"timm's legacy_{name.replace('_', '', 1)}" if name.startswith(SE) else f"torchvision's {name}"


def imagenet(config: RetrievalConfig) -> Mapping[str, Any]:
    """Return published weights, downloaded or from the libraries' caches.

    For torchvision the first version, as in the log. For timm/NAME those of the tag, or timm's default.
    """
    name = config.model.backbone
    try:
        if name.startswith(TIMM):
            return timm_model(config, pretrained=True, num_classes=0).state_dict()
        if name.startswith(SE):
            return se_resnet(name, pretrained=True).state_dict()
        weights: Any = torchvision().models.get_model_weights(name)
        chosen = getattr(weights, "IMAGENET1K_V1", weights.DEFAULT)
        return cast(Mapping[str, Any], chosen.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as fault:
        raise AblateError(
            f"model.pretrained: imagenet: the weights of {library(name)} could not be downloaded ({fault}); connect "
            "this machine to the internet, or set model.pretrained to the path of a state dict, or to none"
        ) from fault


def from_file(path: Path, sha256: str | None = None) -> Mapping[str, Tensor]:
    """Return a state dict saved by `torch.save`, alone or as a checkpoint's `state_dict`.

    The prefix `module.` of wrapped networks is removed. Raises AblateError if the file holds no state dict, or if its
    hash differs from `sha256`.
    """
    remedy = "give the path of a state dict saved by torch.save, or imagenet, or none"
    if not is_file(path):
        raise AblateError(f"model.pretrained: there is no file {path}; {remedy}")
    try:
        content = read_regular(path)
        saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as fault:  # torch.load raises any error of unpickling or unzipping
        problem = "cannot be read as a state dict, tensors by name and nothing else"
        raise AblateError(f"model.pretrained: {path} {problem} ({type(fault).__name__}); {remedy}") from fault
    if sha256 not in (None, hashlib.sha256(content).hexdigest()):
        raise AblateError(f"model.pretrained: {path} has changed since the trial was planned; plan and run again")
    weights = saved.get("state_dict", saved) if isinstance(saved, Mapping) else saved
    if not is_state_dict(weights):
        raise AblateError(f"model.pretrained: {path} holds something other than a state dict; {remedy}")
    wrapped = all(name.startswith(WRAPPER) for name in weights)
    return {name.removeprefix(WRAPPER): value for name, value in weights.items()} if wrapped else weights


def shortened(fault: object, most: int = 400) -> str:
    """Return torch's message about weights that do not fit, cut off before its hundreds of names."""
    text = " ".join(str(fault).split())
    return text if len(text) <= most else text[:most] + " ..."


def is_state_dict(loaded: object) -> bool:
    """Return True if an object maps names to tensors."""
    return isinstance(loaded, Mapping) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in loaded.items()
    )
