"""What the configs are made of: strict sections, bounded numbers, and faults between two keys."""

import math
import re
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class OutsideIdentity:
    """Marks a field that says where or how a trial runs: at most the last bits of what comes out depend on it."""


class ConfigClash(NamedTuple):
    """Values that are fine one by one and not together: their keys, the worst first, and what to do."""

    keys: tuple[str, ...]
    message: str


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _all_finite(value: Any) -> Any:
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError("finite numbers")
        parts += part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
    return value


Finite = AfterValidator(_all_finite)
"""For free-form values: numbers in them, however deep, are finite, as JSON knows no others."""

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
ListOf = BeforeValidator(_as_tuple)


class Section(BaseModel):
    """Strict and frozen: an unknown key or a value of another type is a fault, a boolean is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _known_device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ValueError("auto, cpu, cuda, or cuda:N")
    return name


class Runtime(Section):
    """How a trial is run; recorded, outside the identity."""

    threads: Annotated[AtLeastOne, OutsideIdentity] = Field(
        1, description="CPU threads of a trial; results may differ in the last bits with another number."
    )
    device: Annotated[str, AfterValidator(_known_device), OutsideIdentity] = Field(
        "auto", description="auto, cpu, cuda, or cuda:N."
    )
    compile: Annotated[Literal["none", "default", "reduce-overhead"], OutsideIdentity] = Field(
        "none",
        description="Mode of torch.compile for the backbone; reduce-overhead uses CUDA graphs. Results may differ in "
        "the last bits from those without.",
    )
    checkpoint_seconds: Annotated[NotNegative, OutsideIdentity] = Field(
        60.0, description="Seconds between two checkpoints of a training; 0: one after every step."
    )
    stall_seconds: Annotated[Positive, OutsideIdentity] = Field(
        900.0,
        description="Seconds without a sign of progress after which a trial's worker is taken for hung and killed; its "
        "trial goes on from its checkpoint.",
    )
    trials_per_gpu: Annotated[AtLeastOne, OutsideIdentity] = Field(
        1,
        description="Trials that share one GPU; recorded, as it is a circumstance of timings and, on some devices, of "
        "last bits.",
    )
