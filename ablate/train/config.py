"""The typed configs of the built-in trainers: every value that a study file can set, with its meaning.

This module is read by the study side, so it imports no torch. A field that cannot change a result is
annotated with `OutsideIdentity` and leaves a trial's identity alone.
"""

import math
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator


class OutsideIdentity:
    """Marks a field that says where or how fast a trial runs, never what comes out of it."""


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _off_as_none(value: Any) -> Any:
    return None if value is False else value


BACKBONES = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("wide_resnet50_2", "wide_resnet101_2"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *("se_resnet18", "se_resnet34", "se_resnet50", "se_resnet101", "se_resnet152"),
)


def _known_backbone(name: str) -> str:
    if name not in BACKBONES:
        near = get_close_matches(name, BACKBONES, cutoff=0.5) or BACKBONES
        raise ValueError(f"a backbone like {', '.join(near)}")
    return name


Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
ListOf = BeforeValidator(_as_tuple)


class Section(BaseModel):
    """Strict and frozen: an unknown key or a value of another type is a fault, a boolean is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


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
    """The network: a backbone, global average pooling, and the BN-neck."""

    backbone: Annotated[str, AfterValidator(_known_backbone)] = Field(
        "resnet18", description="A ResNet of torchvision, or se_resnet18/34/50/101/152."
    )
    last_stride: Literal[1, 2] = Field(1, description="Stride of the backbone's last stage.")
    stem_relu: bool = Field(True, description="Whether the stem has its ReLU; the log's ResNet-50 lacked it.")
    pretrained: str = Field("none", description="Initial weights: none, imagenet, or the path of a state dict.")


class Loss(Section):
    """omega · triplet + (1 − omega) · cross-entropy over categories."""

    omega: Rate = Field(0.9, description="Weight of the triplet term; the classification term has the rest.")
    margin: Annotated[float, Field(ge=0.0)] = Field(
        0.3, description="Margin of the triplet term, in units of squared Euclidean distance."
    )
    normalize_features: bool = Field(
        False, description="Whether features are L2-normalised before the triplet term, in training."
    )
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Share of the target spread evenly over all categories, as in torch."
    )


class RandomErasing(Section):
    """A rectangle of the image replaced by a constant."""

    p: Rate = Field(0.5, description="Probability that an image is erased.")
    area: Annotated[tuple[Rate, Rate], ListOf] = Field((0.02, 0.4), description="Range of the erased share.")
    aspect: Annotated[tuple[Positive, Positive], ListOf] = Field(
        (0.3, 1 / 0.3), description="Range of height / width, drawn uniformly (not log-uniformly)."
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

    quadruplets: Annotated[int, Field(ge=2)] = Field(  # batch norms have no variance of one
        64, description="Quadruplets a step: shop and user image of one item, and of another of its category."
    )


class Schedule(Section):
    """Steps and learning rate; Adam."""

    steps: Count = Field(25000, description="Optimiser steps; 0 evaluates the untrained network.")
    lr: Positive = Field(1e-4, description="Learning rate after warm-up.")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(5e-4, description="L2 penalty, coupled as in Adam.")
    milestones: Annotated[tuple[Count, ...], ListOf] = Field(
        (12000, 20000), description="Steps after which the learning rate is multiplied by gamma."
    )
    gamma: Positive = Field(0.1, description="Factor of the learning rate at each milestone.")
    warmup_steps: Count = Field(0, description="Steps of linear warm-up of the learning rate; 0: none.")
    warmup_start: Rate = Field(0.01, description="Factor of the learning rate at the first warm-up step.")


class Runtime(Section):
    """How a trial is run; recorded, outside the identity."""

    threads: Annotated[AtLeastOne, OutsideIdentity] = Field(
        1, description="CPU threads of a trial; results may differ in the last bits with another number."
    )
    device: Annotated[str, OutsideIdentity] = Field("auto", description="auto, cpu, cuda, or cuda:N.")


class Evaluate(Section):
    """How a trained network is tested; trials that differ only here share one training."""

    neck: Literal["before", "after"] = Field("before", description="Embedding: before or after the neck's BN.")
    scope: Literal["category", "all"] = Field(
        "category", description="Gallery searched: items of the query's category, or all."
    )


class RetrievalConfig(Section):
    """Trainer `retrieval`: a BN-neck network trained for image retrieval across two domains."""

    data: Data = Data()
    model: Model = Model()
    loss: Loss = Loss()
    augment: Augment = Augment()
    batch: Batch = Batch()
    schedule: Schedule = Schedule()
    amp: Literal["none", "bf16", "fp16"] = Field("bf16", description="Mixed precision; fp16 needs CUDA.")
    runtime: Runtime = Runtime()
    evaluate: Evaluate = Evaluate()


class SimulatedEffect(Section):
    """A change in the expected top-1 rate, or in a run's spread, when all of `when` hold."""

    when: dict[str, Any] = Field({}, description="Settings that must all have these values.")
    pp: float = Field(0.0, description="Expected change, in percentage points.")
    seed_sd_pp: Annotated[float, Field(ge=0.0)] | None = Field(
        None, description="SD of a run's own shift in place of the config's, in percentage points."
    )
    peak: dict[str, float] = Field({}, description="Where a smooth effect is largest: numeric settings.")
    width: dict[str, Positive] = Field({}, description="SD of the smooth effect's bell along each setting of peak.")

    @model_validator(mode="after")
    def _bell_is_complete(self) -> Self:
        if set(self.peak) != set(self.width):
            raise ValueError("peak and width over the same settings")
        return self


class SimulatedConfig(Section):
    """Trainer `simulated`: trains nothing and draws per-query hits with known true effects."""

    queries: AtLeastOne = Field(1000, description="Queries of the test split, and of the validation split.")
    base: Rate = Field(0.27, description="Expected top-1 rate with no effect active.")
    seed_sd_pp: Annotated[float, Field(ge=0.0)] = Field(
        0.3, description="SD of a run's own shift (each row and seed), in percentage points."
    )
    shared_seed_sd_pp: Annotated[float, Field(ge=0.0)] = Field(
        0.2, description="SD of the shift that all rows of one seed share, in percentage points."
    )
    tails: Literal["normal", "t5"] = Field("normal", description="Law of the shifts.")
    discordance: Rate = Field(
        0.16, description="Share of queries on which two runs of equal rate disagree; at most 2·base·(1−base)."
    )
    seconds: Annotated[float, Field(ge=0.0), OutsideIdentity] = Field(
        0.0, description="How long a trial pretends to work."
    )
    fail: Annotated[Rate, OutsideIdentity] = Field(
        0.0, description="Probability that an attempt raises, drawn anew for each attempt."
    )
    settings: dict[str, Any] = Field({}, description="Whatever factors set.")
    effects: Annotated[tuple[SimulatedEffect, ...], ListOf] = Field((), description="The true effects.")
    runtime: Runtime = Runtime()

    @field_validator("settings")
    @classmethod
    def _settings_are_finite(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if any(isinstance(value, float) and not math.isfinite(value) for value in settings.values()):
            raise ValueError("finite numbers")
        return settings

    @model_validator(mode="after")
    def _discordance_is_possible(self) -> Self:
        most = 2 * self.base * (1 - self.base)
        if self.discordance > most + 1e-12:
            raise ValueError(f"a discordance of at most 2·base·(1−base) = {most:.6g}")
        return self


@dataclass(frozen=True)
class TrainerEntry:
    """A trainer by name: its config, and where its function is. What that module imports decides its results."""

    config: type[Section]
    entry: str


TRAINERS = {
    "retrieval": TrainerEntry(RetrievalConfig, "ablate.train.retrieval:train"),
    "simulated": TrainerEntry(SimulatedConfig, "ablate.train.simulated:train"),
}
