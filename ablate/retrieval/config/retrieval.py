"""The config of the trainer `retrieval`: the space that the seed log is one point of, quirks included."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ablate.retrieval.config.available import pml_losses, timm_models
from ablate.trainers.config import (
    AtLeastOne,
    AtLeastTwo,
    ConfigClash,
    Count,
    Finite,
    ListOf,
    NotNegative,
    OutsideIdentity,
    Positive,
    Rate,
    Runtime,
    Section,
)

BACKBONES = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("wide_resnet50_2", "wide_resnet101_2"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *("se_resnet18", "se_resnet34", "se_resnet50", "se_resnet101", "se_resnet152"),
)

TIMM, PML = "timm/", "pml/"
NO_FILE = ("none", "imagenet")
"""Values of `model.pretrained` that are no path."""


def _off_as_none(value: Any) -> Any:
    return None if value is False else value


def _known_backbone(name: str) -> str:
    """The name as the identity has it: one of ours, or `timm/...` for any other that timm registers."""
    if name in BACKBONES:
        return name
    architecture = name.removeprefix(TIMM).partition(".")[0]  # what follows a dot names pretrained weights
    if architecture not in timm_models():
        others = [f"{TIMM}{other}" for other in get_close_matches(architecture, timm_models())]
        near = [*get_close_matches(name, BACKBONES), *others] or BACKBONES
        raise ValueError(f"a backbone like {', '.join(near)}, or {TIMM} and the name of any timm model")
    return TIMM + name.removeprefix(TIMM)


def _known_metric(name: str) -> str:
    if name == "triplet" or (name.removeprefix(PML) in pml_losses() and name.startswith(PML)):
        return name
    if not pml_losses():
        raise ValueError("triplet; pml/NAME as well once `pip install 'ablate-study[pml]'` has brought its losses")
    near = get_close_matches(name.removeprefix(PML), pml_losses()) or ["CircleLoss", "MultiSimilarityLoss"]
    raise ValueError(f"triplet, or a loss of pytorch-metric-learning like {', '.join(PML + each for each in near)}")


class Data(Section):
    """Which images are trained and tested on."""

    name: str = Field("emoji", description="Data set, by its name.")
    root: Annotated[Annotated[str, Field(min_length=1)] | None, OutsideIdentity] = Field(
        None, description="Folder that holds the data set; null: where the data set expects itself to be."
    )
    size: Annotated[tuple[AtLeastOne, AtLeastOne], ListOf] = Field(
        (64, 64), description="Height and width, in pixels, to which every image is resized (aspect not kept)."
    )


class Model(Section):
    """The network: a backbone, global average pooling, a neck, and a classifier without bias."""

    backbone: Annotated[str, AfterValidator(_known_backbone)] = Field(
        "resnet18",
        description="A ResNet of torchvision; se_resnet18/34/50/101/152 (timm's legacy SE-ResNets, as in the log); "
        "or timm/NAME, any model of timm (those that are no ResNets need last_stride 2).",
    )
    last_stride: Literal[1, 2] = Field(
        1, description="Stride of the backbone's last stage (`layer4`); 2 is how libraries build it."
    )
    stem_relu: bool = Field(True, description="Whether the stem has its ReLU; the log's ResNet-50 lacked it.")
    pretrained: Annotated[str, Field(min_length=1)] = Field(
        "none", description="Initial weights of the backbone: none, imagenet, or the path of a state dict."
    )
    pretrained_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 that the file of a path must have; filled in when a trial is planned."
    )
    neck: Literal["bn", "none"] = Field(
        "bn", description="What stands between feature and classifier: a batch norm with its bias held at 0, or none."
    )
    bn_grouping: Literal["per_role", "fused"] = Field(
        "per_role",
        description="Whose statistics batch norms use in training: those of each role of the quadruplets, as four "
        "forward passes would, or those of the whole batch.",
    )


class Loss(Section):
    """omega · metric term + (1 − omega) · classification term."""

    metric: Annotated[str, AfterValidator(_known_metric)] = Field(
        "triplet", description="The metric term: triplet, or pml/NAME, a loss of pytorch-metric-learning over items."
    )
    metric_options: Annotated[dict[str, Any], Finite] = Field({}, description="Arguments of a pml/NAME loss, by name.")
    omega: Rate = Field(0.9, description="Weight of the metric term; the classification term has the rest.")
    margin: NotNegative = Field(0.3, description="Margin of the triplet term, in units of its distance.")
    normalize_features: bool = Field(
        False, description="Whether features are L2-normalised before the metric term, in training."
    )
    distance: Literal["squared", "euclidean"] = Field(
        "squared", description="Distance of the triplet term: squared Euclidean, or its root."
    )
    mining: Literal["given", "batch-hard"] = Field(
        "given",
        description="Triplets: those that the quadruplets give; or, for every image, its farthest of the same item and "
        "its nearest of another in the batch.",
    )
    target: Literal["category", "item"] = Field("category", description="Classes of the classification term.")
    unused_classes: Count = Field(
        0, description="Classes of the classifier that no image has; the log's had one, number 0 of its categories."
    )
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Share of the target spread evenly over all classes, as in torch."
    )


class RandomErasing(Section):
    """A rectangle of the image replaced by a constant."""

    p: Rate = Field(0.5, description="Probability that an image is erased.")
    area: Annotated[tuple[Rate, Rate], ListOf] = Field((0.02, 0.4), description="Range of the erased share.")
    aspect: Annotated[tuple[Positive, Positive], ListOf] = Field((0.3, 1 / 0.3), description="Range of height / width.")
    aspect_law: Literal["linear", "log"] = Field(
        "linear", description="Law of height / width: uniform, as in the log, or log-uniform, as in torchvision."
    )
    fill: Literal["raw_mean", "zero"] = Field(
        "raw_mean",
        description="What is filled in after normalisation: ImageNet's raw mean, as in the log, or 0, the mean colour.",
    )

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        for name in ("area", "aspect"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: the range {low} to {high} is upside down")
        return self


class Augment(Section):
    """What is done to training images, after resizing."""

    flip: Rate = Field(0.5, description="Probability of a horizontal flip.")
    pad: Count = Field(10, description="Zero padding on every side, in pixels, before a random crop to size.")
    random_erasing: Annotated[RandomErasing | None, BeforeValidator(_off_as_none)] = Field(
        None, description="Random erasing, after normalisation; null: off."
    )


class Batch(Section):
    """A step's images."""

    sampling: Literal["quadruplets", "pk"] = Field(
        "quadruplets", description="How a step's images are drawn: quadruplets, or P items with K images each."
    )
    quadruplets: AtLeastTwo = Field(  # batch norms have no variance of one
        64, description="Quadruplets a step: shop and user image of one item, and of another of its category."
    )
    drawn_once: Count = Field(
        0,
        description="Quadruplets drawn once and then seen round after round, each in another order, as in the log; "
        "0: new ones at every step.",
    )
    items: AtLeastTwo = Field(64, description="Different items a step, with pk sampling: its P.")
    images: AtLeastTwo = Field(4, description="Images of each item, with pk sampling: its K.")


class Schedule(Section):
    """Steps, optimiser, and learning rate as a function of the step."""

    steps: Count = Field(25000, description="Optimiser steps; 0 evaluates the untrained network.")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="Adam, AdamW, or SGD with momentum.")
    lr: Positive = Field(1e-4, description="Learning rate after warm-up.")
    weight_decay: NotNegative = Field(
        5e-4, description="L2 penalty of every trainable weight: added to the gradient; decoupled with adamw."
    )
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.9, description="Momentum of sgd.")
    decay: Literal["milestones", "cosine"] = Field(
        "milestones", description="How the learning rate falls: by gamma at milestones, or as a half cosine to 0."
    )
    milestones: Annotated[tuple[Count, ...], ListOf] = Field(
        (12000, 20000), description="Steps after which the learning rate is multiplied by gamma."
    )
    gamma: Positive = Field(0.1, description="Factor of the learning rate at each milestone.")
    warmup_steps: Count = Field(0, description="Steps of warm-up of the learning rate; 0: none.")
    warmup_start: Rate = Field(0.01, description="Factor of the learning rate at the first warm-up step.")
    warmup_shape: Literal["linear", "constant"] = Field(
        "linear", description="How that factor becomes 1: rising with each step, or at once when warm-up ends."
    )


class Whitening(Section):
    """PCA whitening, fitted on the embeddings of training images, evenly spaced, 4096 at most."""

    dimensions: AtLeastOne = Field(128, description="Leading components that are kept.")


class QueryExpansion(Section):
    """Average query expansion: a query is searched for together with what it finds."""

    k: AtLeastOne = Field(10, description="Nearest gallery entries that are averaged with the query.")
    alpha: NotNegative = Field(
        3.0, description="Power of their similarity that is their weight; 0: all weigh as much as the query."
    )


class Rerank(Section):
    """k-reciprocal re-ranking: who has the same neighbours is near."""

    k1: AtLeastOne = Field(20, description="Neighbours among which k-reciprocal ones are looked for.")
    k2: AtLeastOne = Field(
        6, description="Neighbours, itself the first of them, over which encodings are averaged; 1: none are."
    )
    weight: Rate = Field(0.3, description="Weight of the original distance, lambda; the Jaccard distance has the rest.")


class Evaluate(Section):
    """How a trained network is tested; trials that differ only here share one training."""

    neck: Literal["before", "after"] = Field("before", description="Embedding: before or after the neck.")
    flip: bool = Field(False, description="Whether an image's features are averaged with those of its mirror image.")
    whitening: Annotated[Whitening | None, BeforeValidator(_off_as_none)] = Field(
        None, description="PCA whitening of the embeddings; null: off."
    )
    query_expansion: Annotated[QueryExpansion | None, BeforeValidator(_off_as_none)] = Field(
        None, description="Average query expansion; null: off."
    )
    rerank: Annotated[Rerank | None, BeforeValidator(_off_as_none)] = Field(
        None, description="k-reciprocal re-ranking; null: off."
    )
    scope: Literal["category", "all"] = Field(
        "category", description="Gallery searched: items of the query's category, or all."
    )
    cameras: Literal["other", "all"] = Field(
        "other",
        description="Which gallery images of the query's item count: those of other cameras, while those of its own "
        "camera are left out of its ranking, or all; no difference where a set has no cameras.",
    )
    detections: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="Path of a JSON file of detected boxes, on which the test split is tested instead of the annotated "
        "ones; null: on the annotated ones.",
    )
    detections_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 that this file must have; filled in when a trial is planned."
    )


class RetrievalConfig(Section):
    """Trainer `retrieval`: a network trained for image retrieval across two domains."""

    data: Data = Data()
    model: Model = Model()
    loss: Loss = Loss()
    augment: Augment = Augment()
    batch: Batch = Batch()
    schedule: Schedule = Schedule()
    amp: Literal["none", "bf16", "fp16"] = Field("bf16", description="Mixed precision; fp16 needs CUDA.")
    runtime: Runtime = Runtime()
    evaluate: Evaluate = Evaluate()

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        """All clashes as one error of type `clash`, so that whoever reports it can place each at its keys."""
        found = list(self._clashes())
        if found:
            text = "; ".join(clash.message for clash in found)
            raise PydanticCustomError("clash", "{text}", {"text": text, "clashes": found})
        return self

    def _clashes(self) -> Iterator[ConfigClash]:
        """Keys that only make sense with another's value."""
        if self.batch.sampling == "pk" and self.model.bn_grouping == "per_role":
            yield ConfigClash(
                ("batch.sampling", "model.bn_grouping"),
                "pk sampling has no roles; set model.bn_grouping: fused, or batch.sampling: quadruplets",
            )
        if self.loss.metric == "triplet":
            if self.batch.sampling == "pk" and self.loss.mining == "given":
                yield ConfigClash(
                    ("batch.sampling", "loss.mining", "loss.metric"),
                    "pk sampling gives no triplets; set loss.mining: batch-hard, or batch.sampling: quadruplets",
                )
            if self.loss.metric_options:
                yield ConfigClash(
                    ("loss.metric_options", "loss.metric"),
                    "the triplet term has no options; its keys are loss.margin, loss.distance and loss.mining",
                )
        elif self.loss.mining != "given":
            yield ConfigClash(
                ("loss.mining", "loss.metric"),
                f"mining is the triplet term's; {self.loss.metric} takes all pairs; set loss.mining: given",
            )
        if self.loss.metric == "pml/SmoothAPLoss" and self.batch.sampling == "quadruplets":
            yield ConfigClash(
                ("loss.metric", "batch.sampling"),
                "it wants as many images of each item, and quadruplets may repeat one; set batch.sampling: pk",
            )
        if self.amp == "fp16" and self.runtime.device == "cpu":
            yield ConfigClash(("amp", "runtime.device"), "fp16 needs a CUDA device; set amp to bf16 or none")
        if self.model.pretrained_sha256 and self.model.pretrained in NO_FILE:
            yield ConfigClash(
                ("model.pretrained_sha256", "model.pretrained"),
                "there is no file to have that hash; set model.pretrained to its path, or leave the hash out",
            )
        if self.evaluate.detections_sha256 and self.evaluate.detections is None:
            yield ConfigClash(
                ("evaluate.detections_sha256", "evaluate.detections"),
                "there is no file to have that hash; set evaluate.detections to its path, or leave the hash out",
            )
        if self.model.neck == "none" and self.evaluate.neck == "after":
            yield ConfigClash(
                ("evaluate.neck", "model.neck"), "there is no neck to be after; set evaluate.neck: before"
            )
