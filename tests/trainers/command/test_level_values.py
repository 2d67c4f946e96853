"""Tests of the values that the levels of a study give to the arguments of its command, in real trainings."""

import json
from pathlib import Path

from tests.conftest import Ablate

SCRIPT = """
import json, os, pathlib, sys
pathlib.Path(os.environ["ABLATE_RESULT"]).write_text(json.dumps({"acc": 0.5}))
print(json.dumps(sys.argv[1:]))
"""
STUDY = """
study: erase
trainer: {command: ["${python}", train.py, "${args}"]}
metrics: {acc: {better: higher, unit: "%"}}
config: {erase: null, model: {depth: 3}}
factors:
  erasing: {sets: erase, levels: {off: null, on: {p: 0.5}}}
design: [{add_one: {from: {}}}]
seeds: 1
"""


def test_a_mapping_as_a_level_is_one_argument(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "study.yaml").write_text(STUDY)
    assert ablate("run", "study.yaml", "--executor", "inline").code == 0
    logs = sorted(path.read_text() for path in tmp_path.glob("results/**/attempt-*.log"))
    assert [json.loads(log) for log in logs] == [
        ["--erase", '{"p":0.5}', "--model.depth", "3"],
        ["--model.depth", "3"],
    ]


def test_a_key_with_the_name_of_a_placeholder_is_a_fault(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "study.yaml").write_text(STUDY.replace("{erase: null,", "{erase: null, seed: 3,"))
    result = ablate("plan", "study.yaml")
    assert result.code == 2
    assert "study.yaml:5: config.seed: 'seed' is no key of a config: the seed is a channel of its own" in result.err
