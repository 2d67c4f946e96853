"""The section `schedule`: steps, optimiser, and learning rate."""

from typing import Annotated, Literal

from pydantic import Field

from ablate.trainers.config import Count, ListOf, NotNegative, Positive, Rate, Section


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
