"""Seeds and factors that do not reach the trainer: warnings during a run, and findings in every report."""

import json
import sys
from math import inf
from pathlib import Path

import pytest

from ablate.run.dispatch import wiring_watch
from ablate.trainers.registry import TRAINERS
from tests.conftest import Ablate
from tests.support.command_line import INLINE

STUDY = """\
study: wired
trainer: wiring
config: {settings: {lr: 0, hidden: 0, dropout: 0, ignores: IGNORED}}
factors:
  lr: {sets: settings.lr, levels: [0, 1]}
  hidden: {sets: settings.hidden, levels: [0, 1]}
  dropout: {sets: settings.dropout, levels: [0, 1]}
design: [{add_one: {from: {}}}]
seeds: 3
delta: 2
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(TRAINERS.entries, "wiring", "tests.support.wiring.trainer:WIRING")
    return tmp_path / "wired.yaml"


def warnings(err: str) -> list[str]:
    """The warnings of a run, without the counts that stand before them."""
    return [line.partition("warning: ")[2] for line in err.splitlines() if "warning: " in line]


@pytest.mark.slow
def test_a_factor_that_does_not_reach_the_trainer(ablate: Ablate, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring_watch, "LARGEST_SHARE", inf)
    file.write_text(STUDY.replace("IGNORED", "dropout"))
    err = ablate("run", file, *INLINE).err
    (warning,) = warnings(err)
    assert "[11/12] warning:" in err, "after the second seed of the row"
    assert warning.startswith("rows 'baseline' and 'dropout=1' have equal acc and loss in every seed so far")
    assert warning.endswith("dropout probably does not reach the trainer, or changes nothing that they show")
    report = json.loads(ablate("report", "--format", "json").out)
    (finding,) = report["findings"]
    assert finding.startswith("rows 1 (baseline) and 4 (dropout=1) have equal acc and loss in every seed (acc ")
    effects = {one["factor"]: one for one in report["effects"]}
    assert (effects["dropout"]["verdict"], effects["dropout"]["effect"]) == ("undecided", 0.0)
    assert effects["dropout"]["p_equivalence_holm"] is None
    assert {effects[name]["p_equivalence_holm"] is None for name in ("lr", "hidden")} == {False}
    contrast = next(one for one in report["contrasts"] if one["to"] == "dropout=1" and one["from"] == "baseline")
    assert contrast["verdict"] == "undecided"
    assert ablate("run", file, *INLINE).err.count("warning") == 0, "nothing was trained, so nothing is new"


@pytest.mark.slow
def test_every_format_has_the_finding(ablate: Ablate, file: Path) -> None:
    file.write_text(STUDY.replace("IGNORED", "dropout"))
    ablate("run", file, *INLINE)
    sentence = "dropout probably does not reach the trainer, or changes nothing that they show"
    for form in ("terminal", "markdown", "latex", "json"):
        assert sentence in " ".join(ablate("report", "--format", form).out.split()), form
    for form in ("csv", "log"):
        assert sentence in ablate("report", "--format", form).err, form
    shown = " ".join(ablate("report").out.split())
    assert "dropout 0 → 1 equal in every seed" in shown.replace("+0.00 ", "")
    assert "Undecided, as the results are equal in every seed, which shows neither an effect nor its absence" in shown


def test_a_seed_that_does_not_reach_the_trainer(ablate: Ablate, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring_watch, "LARGEST_SHARE", inf)
    file.write_text(STUDY.replace("IGNORED", "seed"))
    err = ablate("run", file, *INLINE).err
    (warning,) = warnings(err)
    assert "[3/12] warning:" in err, "after the third seed of the first row"
    assert warning.startswith("seeds 0–2 have equal acc and loss in every row so far (acc ")
    assert "the seed probably does not reach the trainer" in warning
    report = json.loads(ablate("report", "--format", "json").out)
    assert len(report["findings"]) == 1
    assert {one["verdict"] for one in report["effects"]} == {"undecided"}
    assert {one["p"] for one in report["effects"]} == {None}


@pytest.mark.slow
def test_a_trial_that_is_trained_again_with_another_result(ablate: Ablate, file: Path) -> None:
    file.write_text(STUDY.replace("IGNORED", "all"))
    assert warnings(ablate("run", file, *INLINE).err) == []
    before = json.loads(ablate("report", "--format", "json").out)
    assert before["findings"] == []
    ablate("reset", "wired", "lr=1", "--seed", 1)
    (warning,) = warnings(ablate("run", file, *INLINE).err)
    assert warning.startswith("row 'lr=1', seed 1: trained twice with other results (")
    report = json.loads(ablate("report", "--format", "json").out)
    (finding,) = report["findings"]
    assert finding.startswith("row 2 (lr=1), seed 1: trained twice with other results (")
    then, now = (one["rows"][1]["metrics"]["loss"]["values"][1] for one in (before, report))
    assert f"loss {then:.4g} then {now:.4g}" in finding
    assert finding.endswith("the seed does not decide all of a result")
    text = " ".join(ablate("report").out.split())
    assert "The seed does not decide all of a result: 1 trial trained twice with other results (see Findings)." in text


def test_a_trial_that_is_trained_again_with_the_same_result(ablate: Ablate, file: Path) -> None:
    file.write_text(STUDY.replace("IGNORED", "null"))
    ablate("run", file, *INLINE)
    ablate("reset", "wired", "*")
    assert warnings(ablate("run", file, *INLINE).err) == []
    assert json.loads(ablate("report", "--format", "json").out)["findings"] == []


def test_results_of_an_earlier_run_are_compared_too(ablate: Ablate, file: Path) -> None:
    file.write_text(STUDY.replace("IGNORED", "dropout"))
    assert warnings(ablate("run", file, *INLINE, "--seeds", 1).err) != [], (
        "of two metrics one seed is enough, at the end"
    )
    (warning,) = warnings(ablate("run", file, *INLINE).err)
    assert "rows 'baseline' and 'dropout=1'" in warning


SCRIPT = """\
import argparse, json, os, random

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--seed", type=int)
options, _ = parser.parse_known_args()
chance = random.Random(repr([options.lr, SEED]))
with open(os.environ["ABLATE_RESULT"], "w") as file:
    json.dump({"acc": round((330 + 9 * options.lr + chance.gauss(0, 2)) // 1 / 360, 4), "loss": chance.random()}, file)
"""
COMMAND = """\
study: script
trainer: {command: [PYTHON, train.py, "${args}", --seed, "${seed}"]}
metrics: {acc: {better: higher, unit: "%", from: "result:acc"}, loss: {better: lower, from: "result:loss"}}
config: {lr: 0.1, dropout: 0.1}
factors: {lr: {sets: lr, levels: [0.1, 0.9]}, dropout: {sets: dropout, levels: [0.1, 0.5]}}
design: [{add_one: {from: {}}}]
seeds: 3
"""


@pytest.mark.slow
def test_a_script_that_swallows_an_option(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT.replace("SEED", "options.seed"))
    (tmp_path / "study.yaml").write_text(COMMAND.replace("PYTHON", sys.executable))
    (warning,) = warnings(ablate("run", tmp_path / "study.yaml", "--workers", 2).err)
    assert "rows 'baseline' and 'dropout=0.5' have equal acc and loss" in warning
    advice = "see that `command` passes dropout (${args} or ${dropout}), and that the script reads it"
    assert warning.endswith(f"dropout probably does not reach the trainer, or changes nothing that they show; {advice}")
    report = json.loads(ablate("report", "--format", "json").out)
    assert [one.endswith(advice) for one in report["findings"]] == [True]


@pytest.mark.slow
def test_a_script_that_ignores_its_seed(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT.replace("SEED", "options.lr"))
    (tmp_path / "study.yaml").write_text(COMMAND.replace("PYTHON", sys.executable))
    found = warnings(ablate("run", tmp_path / "study.yaml", "--workers", 2).err)
    advice = "see that `command` passes ${seed}, and that the script seeds everything random with it"
    assert [one.endswith(advice) for one in found].count(True) == 1
    report = json.loads(ablate("report", "--format", "json").out)
    assert {one["verdict"] for one in report["contrasts"]} <= {"undecided", "confounded"}
