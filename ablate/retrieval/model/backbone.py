"""Backbones: torchvision's ResNets, the log's SE-ResNets, and any other model of timm; images to features."""

import importlib
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from ablate.errors import AblateError, unknown_name
from ablate.retrieval.config.model import TIMM
from ablate.retrieval.config.retrieval import RetrievalConfig

SE = "se_"
HEADS = ("avgpool", "fc", "global_pool", "last_linear")
STEM_RELUS = ("relu", "layer0.relu1", "act1")
"""Where ResNets have it: torchvision's, timm's legacy SE-ResNets, timm's others."""


class ResNetStages(nn.Sequential):
    """A ResNet's stages, then the mean over the map, in float32: (n, 3, h, w) to (n, width)."""

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        return maps.float().mean((2, 3))


class GlobalMean(nn.Module):
    """Global average pooling: (n, width, h, w) to (n, width, 1, 1)."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3), keepdim=True)


def backbone(config: RetrievalConfig) -> nn.Module:
    """Maps images (n, 3, *data.size) to pooled features (n, width); the weights are not yet of use.

    Submodules keep their library's names, so its state dicts fit. Raises AblateError if `model` or `data.size`
    asks for what the backbone cannot be.
    """
    name = config.model.backbone
    built = timm_backbone(config) if name.startswith(TIMM) else stages(name)
    if config.model.last_stride == 1:
        keep_resolution(built, name)
    if not config.model.stem_relu:
        drop_stem_relu(built, name)
    return built


def stages(name: str) -> ResNetStages:
    """The stages of one of BACKBONES."""
    whole = se_resnet(name) if name.startswith(SE) else resnet(name)
    return ResNetStages(OrderedDict((part, stage) for part, stage in whole.named_children() if part not in HEADS))


def resnet(name: str) -> nn.Module:
    """A whole ResNet of torchvision, with its head."""
    network: nn.Module = torchvision().models.get_model(name, weights=None)
    return network


def se_resnet(name: str, pretrained: bool = False) -> nn.Module:
    """A whole SE-ResNet of timm, with its head; the Caffe-like one of the log, which timm calls legacy."""
    network: nn.Module = timm().create_model(f"legacy_{name.replace('_', '', 1)}", pretrained=pretrained)
    return network


def torchvision() -> ModuleType:
    """The package torchvision.

    PyPI's wheel is built against CUDA's torch. Beside a CPU-only torch its C++ operators cannot load, and the
    import fails where it describes two of them; declared beforehand, everything but those operators and the
    image decoders works. Where torchvision imports by itself, nothing is declared.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as fault:
        if "torchvision::nms" not in str(fault):
            raise
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("torchvision")


def timm() -> Any:
    """The package timm; it imports torchvision, and needs it importable."""
    torchvision()
    import timm

    return timm


def timm_backbone(config: RetrievalConfig) -> nn.Module:
    """A model of timm without its classifier, giving what timm calls pooled features."""
    known_tag(config.model.backbone)
    try:
        built = timm_model(config, num_classes=0)
    except Exception as fault:  # each architecture refuses a size in its own way
        raise misfit(config, fault) from fault
    for module in built.modules():
        for name, child in module.named_children():
            if type(child) is nn.AdaptiveAvgPool2d and child.output_size in (1, (1, 1)):
                setattr(module, name, GlobalMean())  # the other has no deterministic gradient on CUDA
    return built


def known_tag(name: str) -> None:
    """Raises AblateError if what follows the architecture's dot names no weights of timm."""
    architecture, _, tag = name.removeprefix(TIMM).partition(".")
    known = [other.partition(".")[2] for other in timm().list_pretrained(f"{architecture}.*")] if tag else []
    if tag and tag not in known:
        raise AblateError(f"model.backbone: {name}: {unknown_name('tag', tag, known)}")


def timm_model(config: RetrievalConfig, **options: Any) -> nn.Module:
    """A model of timm as timm makes it, for images of `data.size`; options as `timm.create_model` has them."""
    name = config.model.backbone.removeprefix(TIMM)
    cfg = timm().get_pretrained_cfg(name)
    if cfg is not None and cfg.fixed_input_size:
        options["img_size"] = config.data.size
    network: nn.Module = timm().create_model(name, **options)
    return network


def keep_resolution(network: Any, name: str) -> None:
    """Sets the last stage's stride to 1, wherever its first block has it; the weights' shapes stay.

    Not the libraries' own options, which dilate the following convolutions too: that is another network.
    """
    if not hasattr(network, "layer4"):
        raise AblateError(
            f"model.last_stride: {name} has no layer4 whose stride could be set; set model.last_stride to 2"
        )
    block = next(network.layer4.children())
    for path, module in list(block.named_modules()):
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
        elif getattr(module, "stride", 1) in (2, (2, 2)):
            parent, _, attribute = path.rpartition(".")
            setattr(block.get_submodule(parent), attribute, unstrided(module))


def unstrided(pool: Any) -> nn.Module:
    """What timm has in a block of stride 1 for a pool of stride 2: that pool, if it then keeps the size, or nothing."""
    if isinstance(pool, nn.AvgPool2d | nn.MaxPool2d) and pool.kernel_size == 3 and pool.padding == 1:
        pool.stride = 1
        return pool
    return nn.Identity()


def drop_stem_relu(network: nn.Module, name: str) -> None:
    """Takes the ReLU out of a ResNet's stem, and no other."""
    modules = dict(network.named_modules())
    found = [path for path in STEM_RELUS if isinstance(modules.get(path), nn.ReLU)]
    if not found or "layer4" not in modules:
        raise AblateError(
            f"model.stem_relu: {name} has no stem like a ResNet's whose ReLU could be left out; "
            "set model.stem_relu to true"
        )
    parent, _, attribute = found[0].rpartition(".")
    setattr(network.get_submodule(parent), attribute, nn.Identity())


def misfit(config: RetrievalConfig, why: object) -> AblateError:
    """The error of a backbone that does not take images of `data.size`."""
    reason = str(why) or type(why).__name__
    return AblateError(
        f"model.backbone: {config.model.backbone} does not take images of data.size {list(config.data.size)} "
        f"({reason}); set data.size to a size that it takes, often [224, 224], or choose another backbone"
    )


@contextmanager
def without_needless_strides(network: nn.Module) -> Iterator[None]:
    """Sets to 1 each stride that the images given inside were too small for; what the network computes stays the same.

    A convolution that makes one pixel of one along an axis does so at any stride. On CPUs the bf16 gradient of its
    weights nevertheless needs a stride of 1 there: with another, oneDNN 3.12 (torch 2.13) reads what lies beyond its
    memory, and the weights become different in each run, or not numbers at all.
    """
    seen: dict[nn.Conv2d, list[torch.Size]] = defaultdict(list)

    def look(module: nn.Conv2d, given: tuple[Tensor, ...]) -> None:
        seen[module].append(given[0].shape[2:])

    strided = [each for each in network.modules() if isinstance(each, nn.Conv2d) and max(each.stride) > 1]
    hooks = [each.register_forward_pre_hook(look) for each in strided]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    for module, sizes in seen.items():
        height, width = (all(size[axis] == 1 for size in sizes) and centred(module, axis) for axis in (0, 1))
        module.stride = (1 if height else module.stride[0], 1 if width else module.stride[1])


def centred(module: nn.Conv2d, axis: int) -> bool:
    """Whether the padding along an axis is the least that takes one pixel, or is the module's own affair."""
    padding, reach = module.padding[axis], module.dilation[axis] * (module.kernel_size[axis] - 1)
    return isinstance(padding, int) and 2 * padding <= reach
