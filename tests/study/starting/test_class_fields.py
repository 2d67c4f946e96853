"""Tests of the fields of typed configs, against the real classes; and of HfArgumentParser's options."""

import dataclasses
from pathlib import Path
from typing import Any

from ablate.study.starting.scanning.class_fields import class_fields, hugging_face_options
from tests.support.project.source_text import names_after, source_of

DATACLASSES = """
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Optional
class Kind(Enum):
    mlp = "mlp"
    cnn = "cnn"
@dataclass
class Model:
    depth: int = 3
    kind: Kind = Kind.cnn
@dataclass
class Base:
    steps: int = 10
    lr: float = 1
@dataclass
class Config(Base):
    lr: float = field(default=0.1, metadata={"help": "the step"})
    model: Model = field(default_factory=Model)
    norm: Literal["batch", "layer"] = "batch"
    limit: Optional[int] = None
    layers: list[int] = field(default_factory=lambda: [1, 2])
    augment: bool = False
"""
PYDANTIC = """
from pydantic import BaseModel, Field
class Config(BaseModel):
    name: str
    path: str = Field(...)
    lr: float = Field(0.1, gt=0, description="the step")
    depth: int = 3
"""
HUGGING_FACE = """
from dataclasses import dataclass, field
from transformers import HfArgumentParser, TrainingArguments
@dataclass
class ModelArguments:
    model_name: str = field(metadata={"help": "the model"})
    dropout: float = field(default=0.1)
parser = HfArgumentParser((ModelArguments, TrainingArguments))
"""


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """The values of an object of a dataclass, by dotted names."""
    values: dict[str, Any] = {}
    for each in dataclasses.fields(value):
        inner = getattr(value, each.name)
        nested = flat(inner, f"{prefix}{each.name}.") if dataclasses.is_dataclass(inner) else {}
        values |= nested or {f"{prefix}{each.name}": getattr(inner, "value", inner)}
    return values


def test_fields_of_dataclasses(tmp_path: Path) -> None:
    options = class_fields(source_of(DATACLASSES, tmp_path), "Config")
    real = flat(names_after(DATACLASSES)["Config"]())
    assert {option.name: option.default for option in options} == real
    choices = {option.name: option.choices for option in options if option.choices}
    assert choices == {"model.kind": ("mlp", "cnn"), "norm": ("batch", "layer")}
    assert next(option.help for option in options if option.name == "lr") == "the step"


def test_fields_of_models(tmp_path: Path) -> None:
    options = {option.name: option for option in class_fields(source_of(PYDANTIC, tmp_path), "Config")}
    real: Any = names_after(PYDANTIC)["Config"].model_fields
    assert list(options) == list(real)
    assert {name for name, option in options.items() if option.is_required} == {"name", "path"}
    assert (options["lr"].default, options["lr"].help, options["depth"].default) == (0.1, "the step", 3)


def test_a_class_in_itself_ends(tmp_path: Path) -> None:
    source = source_of("class Node(Node):\n    next: Node = None\n    lr: float = 0.1\n", tmp_path)
    assert {option.name.rpartition(".")[2] for option in class_fields(source, "Node")} == {"lr"}


def test_options_of_hugging_face(tmp_path: Path) -> None:
    options = {option.flag: option for option in hugging_face_options(source_of(HUGGING_FACE, tmp_path)).options}
    assert {"--model_name", "--dropout", "--seed", "--output_dir", "--learning_rate"} <= options.keys()
    assert options["--model_name"].is_required
    assert options["--learning_rate"].default == 5e-5
