"""Backbones: ResNets of torchvision and SE-ResNets of timm, as feature maps without a head."""

from collections import OrderedDict
from typing import Any

from torch import nn

from ablate.train.config.retrieval import Model
from ablate.train.vision import torchvision

SE = "se_"
HEADS = ("avgpool", "fc", "global_pool", "last_linear")


def backbone(config: Model) -> nn.Sequential:
    """Maps images (n, 3, h, w) to features (n, width, h / 32, w / 32), or h / 16, w / 16 at last stride 1.

    Submodules keep their library's names, so its state dicts fit. The weights are not yet of use.
    """
    whole = se_resnet(config.backbone) if config.backbone.startswith(SE) else resnet(config.backbone)
    stages = nn.Sequential(OrderedDict((name, stage) for name, stage in whole.named_children() if name not in HEADS))
    if config.last_stride == 1:
        keep_resolution(stages)
    if not config.stem_relu:
        drop_stem_relu(stages)
    return stages


def resnet(name: str) -> nn.Module:
    """A whole ResNet of torchvision, with its head."""
    network: nn.Module = torchvision().models.get_model(name, weights=None)
    return network


def se_resnet(name: str, pretrained: bool = False) -> nn.Module:
    """A whole SE-ResNet of timm, with its head; the Caffe-like one of the log, which timm calls legacy."""
    torchvision()  # timm imports it too, and needs it importable.
    import timm

    network: nn.Module = timm.create_model(f"legacy_{name.replace('_', '', 1)}", pretrained=pretrained)
    return network


def width(stages: Any) -> int:
    """Channels of the last stage's output."""
    block = list(stages.layer4.children())[-1]
    convolutions = [module for name, module in block.named_children() if name.startswith("conv")]
    return int(convolutions[-1].out_channels)


def keep_resolution(stages: Any) -> None:
    """Sets the last stage's stride to 1, wherever its first block has it; the weights' shapes stay.

    Not the libraries' own options, which dilate the following convolutions too: that is another network.
    """
    for module in next(stages.layer4.children()).modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)


def drop_stem_relu(stages: Any) -> None:
    """Takes the ReLU out of the stem, in torchvision's layout or in timm's."""
    stem = getattr(stages, "layer0", stages)
    name = "relu1" if hasattr(stages, "layer0") else "relu"
    assert isinstance(getattr(stem, name), nn.ReLU)
    setattr(stem, name, nn.Identity())
