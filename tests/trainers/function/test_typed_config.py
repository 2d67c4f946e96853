"""The type of a function's argument `config`: every fault of a config at once, before anything is queued."""

from pathlib import Path

import pytest

from ablate.errors import AblateError
from tests.support.trainers.own_script import one_row, project, ran, values

TYPES = """
from dataclasses import dataclass, field
from typing import Literal, Optional
from pydantic import BaseModel, field_validator, model_validator
@dataclass
class Model:
    depth: int = 3
    kind: Literal["a", "b"] = "a"
@dataclass
class Data:
    lr: float
    size: int
    model: Optional[Model] = None
class Net(BaseModel):
    lr: float
    depth: int = 3
    @field_validator("depth")
    @classmethod
    def odd(cls, value):
        if value % 2 == 0: raise ValueError("depth must be odd, as the stem is one layer")
        return value
    @model_validator(mode="after")
    def fits(self):
        if self.depth > 5: raise ValueError("lr and depth do not fit")
        return self
class Strict(Net):
    model_config = {"extra": "forbid"}
"""


@pytest.mark.parametrize(
    ("annotation", "config", "expected"),
    [
        (
            "Data",
            "{lr: fast, model: {depht: 4, kind: c}, sise: 1}",
            [
                "config.model.depht: unknown key 'depht'; did you mean 'depth'? known: depth, kind",
                "config.sise: unknown key 'sise'; did you mean 'size'? known: lr, size, model",
                "config.lr: found 'fast'; input should be a valid number, unable to parse string as a number",
                "config.size: it is missing, and its type has no default",
                "config.model.kind: found 'c'; input should be 'a' or 'b'",
            ],
        ),
        (
            "Strict",
            "{lr: 0.1, depth: 4, deep: 1}",
            [
                "config.deep: unknown key 'deep'; did you mean 'depth'? known: lr, depth",
                "config.depth: found 4; depth must be odd, as the stem is one layer",
            ],
        ),
        ("Net", "{lr: 0.1, depth: 7}", ["config: lr and depth do not fit"]),
    ],
)
def test_all_faults_of_a_typed_config_are_reported_at_once(
    tmp_path: Path, annotation: str, config: str, expected: list[str]
) -> None:
    train = f"{TYPES}\ndef main(config: {annotation}, seed):\n    return {{'acc': 0.5}}"
    study = project(tmp_path, one_row(config), train=train)
    with pytest.raises(AblateError) as caught:
        ran(study)
    assert sorted(str(caught.value).splitlines()) == sorted(expected)


def test_the_type_of_a_function_that_trains_only_has_no_section_evaluate(tmp_path: Path) -> None:
    train = (
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n    lr: float\n"
        "def main(config: Config, run):\n    run.progress(1, 1, loss=0.25)\n"
        "def test(config, run):\n    run.examples('acc', [1, 0]); return {}"
    )
    text = one_row("{lr: 0.1, evaluate: {crops: 1}}").replace("main}", "main, evaluate: train.py:test}")
    study = project(tmp_path, text, train=train)
    assert ran(study).failed == 0
    assert values(study) == {"only": {0: 0.5}}
