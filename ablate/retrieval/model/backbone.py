"""Backbones, which turn images into features: torchvision's ResNets, the log's SE-ResNets, any other model of timm."""

import importlib
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
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
"""The names of the stem's ReLU: in torchvision's ResNets, timm's legacy SE-ResNets, timm's other ResNets."""


class ResNetStages(nn.Sequential):
    """The stages of a ResNet, then the mean over the map in float32: (n, 3, h, w) to (n, width)."""

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        return maps.float().mean((2, 3))


class GlobalMean(nn.Module):
    """Global average pooling: (n, width, h, w) to (n, width, 1, 1)."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3), keepdim=True)


def backbone(config: RetrievalConfig) -> nn.Module:
    """Return a module that maps images (n, 3, *data.size) to pooled features (n, width). Its weights are not set yet.

    Submodules keep the names of their library, so its state dicts fit. Raises AblateError if the backbone cannot be
    made as `model` and `data.size` require.
    """
    name = config.model.backbone
    built = timm_backbone(config) if name.startswith(TIMM) else stages(name)
    if config.model.last_stride == 1:
        keep_resolution(built, name)
    if not config.model.stem_relu:
        drop_stem_relu(built, name)
    return built


def stages(name: str) -> ResNetStages:
    """Return the stages of one of BACKBONES."""
    whole = se_resnet(name) if name.startswith(SE) else resnet(name)
    return ResNetStages(OrderedDict((part, stage) for part, stage in whole.named_children() if part not in HEADS))


def resnet(name: str) -> nn.Module:
    """Return a whole ResNet of torchvision, with its head."""
    network: nn.Module = torchvision().models.get_model(name, weights=None)
    return network


def se_resnet(name: str, pretrained: bool = False) -> nn.Module:
    """Return a whole SE-ResNet of timm, with its head: the Caffe-like one of the log, which timm calls legacy."""
    network: nn.Module = timm().create_model(f"legacy_{name.replace('_', '', 1)}", pretrained=pretrained)
    return network


def torchvision() -> ModuleType:
    """Import and return the package torchvision, even with a torch that it was not built for.

    PyPI's wheel is built against the torch for CUDA. With a CPU-only torch, its C++ operators cannot load, and the
    import fails at the lines that describe two of them. With these two declared beforehand, everything works except
    those operators and the image decoders. If torchvision imports without help, nothing is declared.
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
    """Import and return the package timm. It imports torchvision, so that must be importable first."""
    torchvision()
    import timm

    return timm


def timm_backbone(config: RetrievalConfig) -> nn.Module:
    """Return a model of timm without its classifier: its output is what timm calls pooled features."""
    check_tag(config.model.backbone)
    try:
        built = timm_model(config, num_classes=0)
    except Exception as fault:  # each architecture refuses a size in its own way
        raise misfit(config, fault) from fault
    for module in built.modules():
        for name, child in module.named_children():
            if type(child) is nn.AdaptiveAvgPool2d and child.output_size in (1, (1, 1)):
                setattr(module, name, GlobalMean())  # AdaptiveAvgPool2d has no deterministic gradient on CUDA
    return built


def check_tag(name: str) -> None:
    """Raise AblateError if the tag, after the dot in the name, names no weights of timm for the architecture."""
    architecture, _, tag = name.removeprefix(TIMM).partition(".")
    tags = [other.partition(".")[2] for other in timm().list_pretrained(f"{architecture}.*")] if tag else []
    if tag and tag not in tags:
        raise AblateError(f"model.backbone: {name}: {unknown_name('tag', tag, tags)}")


def timm_model(config: RetrievalConfig, **options: Any) -> nn.Module:
    """Return a model of timm for images of `data.size`. `options` are those of `timm.create_model`."""
    name = config.model.backbone.removeprefix(TIMM)
    cfg = timm().get_pretrained_cfg(name)
    if cfg is not None and cfg.fixed_input_size:
        options["img_size"] = config.data.size
    network: nn.Module = timm().create_model(name, **options)
    return network


def keep_resolution(network: Any, name: str) -> None:
    """Set the stride of the last stage to 1, in every module of its first block. The shapes of weights do not change.

    The libraries' own options are not used: they dilate the following convolutions too, which is another network.
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
    """Return the module that timm uses in a block of stride 1 in place of a pool of stride 2.

    That is the pool with stride 1 if it then keeps the size, and otherwise the identity.
    """
    if isinstance(pool, nn.AvgPool2d | nn.MaxPool2d) and pool.kernel_size == 3 and pool.padding == 1:
        pool.stride = 1
        return pool
    return nn.Identity()


def drop_stem_relu(network: nn.Module, name: str) -> None:
    """Remove the ReLU in a ResNet's stem, and no other ReLU."""
    modules = dict(network.named_modules())
    paths = [path for path in STEM_RELUS if isinstance(modules.get(path), nn.ReLU)]
    if not paths or "layer4" not in modules:
        raise AblateError(
            f"model.stem_relu: {name} has no stem like a ResNet's whose ReLU could be left out; "
            "set model.stem_relu to true"
        )
    parent, _, attribute = paths[0].rpartition(".")
    setattr(network.get_submodule(parent), attribute, nn.Identity())


def misfit(config: RetrievalConfig, why: object) -> AblateError:
    """Return the error for a backbone that does not accept images of `data.size`."""
    reason = str(why) or type(why).__name__
    return AblateError(
        f"model.backbone: {config.model.backbone} does not take images of data.size {list(config.data.size)} "
        f"({reason}); set data.size to a size that it takes, often [224, 224], or choose another backbone"
    )


@contextmanager
def without_needless_strides(network: nn.Module) -> Iterator[None]:
    """Set each stride to 1 that has no effect at the sizes of the images that the network sees inside the block.

    A convolution that gives one pixel along an axis gives the same one at any stride: the first. In bf16 on CPUs it
    nevertheless needs a stride of 1 there. With another stride, oneDNN 3.12 (torch 2.13) reads beyond its memory in
    the gradient of the weights, if there is one pixel before, and in the output itself on CPUs with AMX, if there are
    one or two. The weights then differ from run to run, or become NaN.
    """
    output_sizes: dict[nn.Conv2d, list[torch.Size]] = defaultdict(list)

    def note_size(module: nn.Conv2d, _: tuple[Tensor, ...], output: Tensor) -> None:
        output_sizes[module].append(output.shape[2:])

    strided = [each for each in network.modules() if isinstance(each, nn.Conv2d) and max(each.stride) > 1]
    hooks = [each.register_forward_hook(note_size) for each in strided]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    for module, sizes in output_sizes.items():
        height, width = (module.stride[axis] > 1 and all(size[axis] == 1 for size in sizes) for axis in (0, 1))
        module.stride = (1 if height else module.stride[0], 1 if width else module.stride[1])
        if height or width:
            module.register_forward_hook(partial(_keep_first_pixel, height, width))


def _keep_first_pixel(height: bool, width: bool, _: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Return the first row of an output (n, channels, height, width) if `height`, and its first column if `width`."""
    first = output[:, :, : 1 if height else None, : 1 if width else None]
    return first.contiguous(memory_format=torch.channels_last)
