"""The JSON Schema for editors accepts every file that the program accepts, and refuses common slips."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ablate.study.reading.nodes import parse, read_file
from ablate.study.reading.schema import json_schema
from tests.conftest import Ablate
from tests.support.paths import ROOT, STUDIES

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
FILES = [*sorted(STUDIES.glob("*.yaml")), *sorted((ROOT / "studies").glob("*.yaml"))]


def as_json(value: Any) -> Any:
    """Return the values as an editor reads them: keys are text."""
    if isinstance(value, dict):
        return {str(key): as_json(inner) for key, inner in value.items()}
    return [as_json(inner) for inner in value] if isinstance(value, list) else value


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["title"] == "ablate study file"


def test_the_command_prints_it(ablate: Ablate) -> None:
    printed = ablate("schema")
    assert printed.code == 0
    assert json.loads(printed.out) == SCHEMA


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_studies_are_valid(path: Path) -> None:
    assert list(VALIDATOR.iter_errors(as_json(read_file(path).plain()))) == []


HEAD = "study: demo\ntrainer: simulated\nfactors: {a: {sets: settings.a, levels: [off, on]}}\n"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("design: [{rows: {x: {}}}]", True),
        ("search: {space: {a: {low: 0, high: 1}}}", True),
        ("search: {space: {a: {low: 0, high: 1, step: 0.1}, base: {low: 1e-3, high: 1, log: true}}}", True),
        ("search: {space: {a: {choices: [off, on]}}, from: {}, sampler: gp, pruner: median, metric: top5}", True),
        ("search: {space: {a: {choices: [1, x]}}, from: plain, pruner: null, metric: [top1, top10], hours: 0.5}", True),
        ("search: {space: {a: {low: 0}}}", False),
        ("search: {space: {a: {high: 0}}}", False),
        ("search: {space: {a: {}}}", False),
        ("search: {space: {a: {low: 0, high: 1, choices: [1, 2]}}}", False),
        ("search: {space: {a: {low: 0, choices: [1, 2]}}}", False),
        ("search: {space: {a: {low: 0, high: 1, step: 0}}}", False),
        ("search: {space: {a: {choices: [on]}}}", False),
        ("search: {space: {a: {choices: [1, [2]]}}}", False),
        ("search: {space: {}}", False),
        ("search: {space: {a: {low: 0, high: 1}}, sampler: tpa}", False),
        ("search: {space: {a: {low: 0, high: 1}}, pruner: mean}", False),
        ("search: {space: {a: {low: 0, high: 1}}, metric: top2}", False),
        ("search: {space: {a: {low: 0, high: 1}}, metric: [top1, top1]}", False),
        ("search: {space: {a: {low: 0, high: 1}}, trials: 0}", False),
        ("search: {space: {a: {low: 0, high: 1}}, hours: 0}", False),
        ("search: {space: {a: {low: 0, high: 1}}, finalists: {seeds: 0}}", False),
        ("design: [{grid: {a: [on]}, from: {}}]", True),
        ("alpha: 0.05", False),
        ("design: [{rows: {x: {}}, grid: {a: [on]}}]", False),
        ("design: [{add_one: {from: {}}, from: {}}]", False),
        ("design: [{gird: {a: [on]}}]", False),
        ("design: [{pairs: {from: {}}}]", False),
        ("design: [{fractional: {from: {}, factors: [a]}}]", False),
        ("design: [{fractional: {from: {}, factors: [a], resolution: 3, generators: [B=A]}}]", False),
        ("design: [{fractional: {from: {}, factors: [a], resolution: 6}}]", False),
        ("design: [{rows: {x: {}}}]\nexclude: {a: on}", False),
        ("design: [{rows: {x: {}}}]\nrequire: [{if: {a: on}}]", False),
        ("design: [{rows: {x: {}}}]\nfamily: [[x]]", False),
        ("design: [{rows: {x: {}}}]\ngroups: {g: []}", False),
    ],
)
def test_slips_are_refused(text: str, valid: bool) -> None:
    assert VALIDATOR.is_valid(as_json(parse(HEAD + text, "study.yaml").plain())) == valid
