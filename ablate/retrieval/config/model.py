"""The section `model`: the network."""

from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ablate.retrieval.config.available import timm_models
from ablate.retrieval.libraries import LIBRARIES
from ablate.trainers.config import LocalPath, Section

BACKBONES = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("wide_resnet50_2", "wide_resnet101_2"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *("se_resnet18", "se_resnet34", "se_resnet50", "se_resnet101", "se_resnet152"),
)
"""Backbones that need no prefix."""

FEATURE_WIDTHS = {name: 512 if name.endswith(("resnet18", "resnet34")) else 2048 for name in BACKBONES}
"""{backbone: width of its features}. Widths of other models are only known once they are built."""

TIMM = "timm/"
"""Prefix of a model of timm."""

NO_FILE = ("none", "imagenet")
"""Values of `model.pretrained` that are no path."""


def _known_backbone(name: str) -> str:
    """Return the name as the identity of a trial has it: one of BACKBONES, or `timm/NAME`."""
    if name in BACKBONES:
        return name
    architecture = name.removeprefix(TIMM).partition(".")[0]  # the part after a dot names pretrained weights
    if architecture not in timm_models():
        others = [f"{TIMM}{other}" for other in get_close_matches(architecture, timm_models())]
        near = ", ".join([*get_close_matches(name, BACKBONES), *others] or BACKBONES)
        if not timm_models():
            raise ValueError(f"a backbone like {near}; timm/NAME as well once `{LIBRARIES.command}` has brought timm")
        raise ValueError(f"a backbone like {near}, or {TIMM} and the name of any timm model")
    return TIMM + name.removeprefix(TIMM)


class Model(Section):
    """The network: a backbone, global average pooling, a neck, and a classifier without bias."""

    backbone: Annotated[str, AfterValidator(_known_backbone)] = Field(
        "resnet18",
        description="A ResNet of torchvision; se_resnet18/34/50/101/152 (timm's legacy SE-ResNets, as in the log); "
        "or timm/NAME, any model of timm (those that are no ResNets need last_stride 2).",
    )
    last_stride: Literal[1, 2] = Field(
        1, description="Stride of the backbone's last stage (`layer4`); libraries build it with 2."
    )
    stem_relu: bool = Field(True, description="On: the stem has its ReLU. The log's ResNet-50 lacked it.")
    pretrained: Annotated[str, Field(min_length=1), LocalPath(NO_FILE)] = Field(
        "none",
        description="Initial weights of the backbone: none, imagenet, or the path of a state dict, relative to the "
        "study file or else to the working directory.",
    )
    pretrained_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 that the file of a path must have; filled in when a trial is planned."
    )
    neck: Literal["bn", "none"] = Field(
        "bn", description="Layer between feature and classifier: a batch norm with its bias held at 0, or none."
    )
    bn_grouping: Literal["per_role", "fused"] = Field(
        "per_role",
        description="Statistics that batch norms use in training: those of each role of the quadruplets, as in four "
        "forward passes, or those of the whole batch.",
    )
