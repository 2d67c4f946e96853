"""Parts of the trainers' configs: strict sections, bounded numbers, and the section `runtime` of every trainer."""

import math
import re
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class OutsideIdentity:
    """Marks a field that says where or how a trial runs: at most the last bits of a result depend on it."""


class LocalPath(NamedTuple):
    """Marks a field of a section that holds the path of a file or folder.

    A relative path is searched next to the study file, and then in the working directory.
    """

    words: tuple[str, ...] = ()
    """Values that are no path."""


class ConfigClash(NamedTuple):
    """Values that are valid one by one and not together."""

    keys: tuple[str, ...]
    """Dotted keys of the values; the first is the one to blame."""
    message: str
    """The reason, and what to do."""


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def whole(value: Any) -> Any:
    """Return a float without a fraction, such as 1e3, as a whole number, and any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _off_as_none(value: Any) -> Any:
    return None if value is False else value


def _all_finite(value: Any) -> Any:
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError("finite numbers")
        parts += part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
    return value


def _known_device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ValueError("auto, cpu, cuda, or cuda:N")
    return name


Finite = AfterValidator(_all_finite)
"""Refuses numbers in a free-form value, however deep, that are not finite: JSON has no form for them."""

ListOf = BeforeValidator(_as_tuple)
"""Accepts a list for a tuple."""

OffAsNone = BeforeValidator(_off_as_none)
"""Accepts `off` for null."""

AsWhole = BeforeValidator(whole)
"""Accepts 1e3 for a whole number. It stands after the bounds of a number, so that the schema shows these."""

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=0), AsWhole]
AtLeastOne = Annotated[int, Field(ge=1), AsWhole]
AtLeastTwo = Annotated[int, Field(ge=2), AsWhole]


BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
"""{unit of a size: bytes}."""
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?B)", re.IGNORECASE)


def _bytes(value: Any) -> Any:
    size = SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if size is not None:
        return int(float(size[1]) * BYTES[size[2].upper()])
    if (isinstance(value, int) and not isinstance(value, bool)) or value is None:
        return value
    raise ValueError("a size such as 8GB or 500MB")


Size = Annotated[int, Field(ge=1), BeforeValidator(_bytes, json_schema_input_type=int | str)]
"""A number of bytes; text such as 8GB is accepted."""


class Section(BaseModel):
    """Strict and frozen: an unknown key or a value of another type is a fault, and a boolean is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Runtime(Section):
    """How a trial is run. These keys are recorded, and are outside the identity."""

    threads: Annotated[AtLeastOne, OutsideIdentity] = Field(
        1, description="CPU threads of a trial; results may differ in the last bits with another number."
    )
    device: Annotated[str, AfterValidator(_known_device), OutsideIdentity] = Field(
        "auto", description="auto, cpu, cuda, or cuda:N."
    )
    checkpoint_seconds: Annotated[NotNegative, OutsideIdentity] = Field(
        60.0, description="Seconds between two checkpoints of a training; 0: one after every step."
    )
    stall_seconds: Annotated[Positive, OutsideIdentity] = Field(
        900.0,
        description="Seconds without a sign of progress after which a trial's worker is taken for hung and killed; its "
        "trial goes on from its checkpoint.",
    )
    memory: Annotated[Size | None, OutsideIdentity] = Field(
        None,
        description="Memory of a trial, such as 8GB: there are no more workers than fit into the machine's memory, and "
        "a script of yours that takes more is ended.",
    )
    trials_per_gpu: Annotated[AtLeastOne, OutsideIdentity] = Field(
        1,
        description="Trials that share one GPU; recorded, as timings depend on it, and on some devices the last bits.",
    )


class TrainerConfig(Section):
    """The whole config of a trainer. Study files have `runtime` at top level, and all other keys under `config`."""

    runtime: Runtime = Runtime()
