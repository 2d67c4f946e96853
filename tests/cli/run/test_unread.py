"""Factors that nothing reads: warnings before anything runs, one training, no verdict."""

import json
from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.command_line import query

INERT = """\
study: inert
config:
  data: {name: emoji, size: [16, 16]}
  model: {backbone: timm/test_resnet, last_stride: 2}
  augment: {pad: 1}
  batch: {quadruplets: 2}
  schedule: {steps: 3, decay: cosine, warmup_start: 0.5}
  amp: none
factors:
  momentum: {sets: schedule.momentum, levels: [0.9, 0.1]}
  gamma: {sets: schedule.gamma, levels: [0.1, 0.5]}
  milestones: {sets: schedule.milestones, levels: {early: [1], late: [2]}}
design: [{add_one: {from: {}}}]
seeds: 2
"""


@pytest.mark.slow
def test_a_plan_names_each_factor_that_nothing_reads_and_trains_once(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "inert.yaml").write_text(INERT)
    plan = ablate("plan", tmp_path / "inert.yaml")
    lines = plan.err.splitlines()
    for key, reason, name, row in [
        ("momentum", "schedule.optimizer is adam", "momentum", "momentum=0.1"),
        ("gamma", "schedule.decay is cosine", "gamma", "gamma=0.5"),
        ("milestones", "schedule.decay is cosine", "milestones", "milestones=late"),
    ]:
        expected = f"schedule.{key} is not read: {reason}; factor '{name}' changes nothing in row '{row}'"
        assert f"warning: {expected}" in lines
    assert "warning: schedule.warmup_start is not read in any row: schedule.warmup_steps is 0" in lines
    assert "4 rows × 2 seeds: 8 trials, 2 trainings" in plan.out


@pytest.mark.network
def test_a_report_gives_no_verdict_on_a_factor_that_nothing_read(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "inert.yaml").write_text(INERT)
    assert ablate("run", tmp_path / "inert.yaml", "--executor", "inline").code == 0
    assert query("SELECT count(*) FROM ablate_trainings") == [(2,)]
    report = json.loads(ablate("report", "--format", "json").out)
    for one in (*report["contrasts"], *report["effects"]):
        assert (one["verdict"], one["effect_pp"], one["p"]) == ("not_estimable", None, None)
        assert one["untested"]["why"] == "not_read"
        assert one["untested"]["reasons"]
    assert "nothing read this factor (schedule.optimizer is adam): not tested" in " ".join(ablate("report").out.split())
    assert report["suggestions"] == []


def test_a_search_of_what_nothing_reads_is_refused(ablate: Ablate, tmp_path: Path) -> None:
    space = "search: {space: {schedule.momentum: {low: 0.1, high: 0.9}}, trials: 2}\n"
    (tmp_path / "search.yaml").write_text(INERT.partition("factors:")[0] + space)
    place = "search.space.schedule.momentum: nothing reads it, as schedule.optimizer is adam"
    planned = ablate("plan", tmp_path / "search.yaml").err
    assert "warning: search.space: schedule.momentum is not read: schedule.optimizer is adam; until then" in planned
    refused = ablate("search", tmp_path / "search.yaml")
    assert refused.code == 2
    assert place in refused.err
    optimizer = space.replace("}, trials", ", schedule.optimizer: {choices: [adam, sgd]}}, trials")
    (tmp_path / "search.yaml").write_text(INERT.partition("factors:")[0] + optimizer)
    assert "search.space" not in ablate("plan", tmp_path / "search.yaml").err, "SGD reads it"


def test_a_factor_that_one_level_of_another_switches_off(ablate: Ablate, tmp_path: Path) -> None:
    """Under Adam the two momenta are one training. The effect of momentum is that under SGD."""
    grid = """\
factors:
  optimizer: {sets: schedule.optimizer, levels: [adam, sgd]}
  momentum: {sets: schedule.momentum, levels: [0.9, 0.1]}
design: [{grid: {optimizer: [adam, sgd], momentum: [0.9, 0.1]}}]
seeds: 2
"""
    (tmp_path / "grid.yaml").write_text(INERT.partition("factors:")[0] + grid)
    plan = ablate("plan", tmp_path / "grid.yaml")
    assert "4 rows × 2 seeds: 8 trials, 6 trainings" in plan.out
    changed = "factor 'momentum' changes nothing in row 'momentum=0.1'"
    assert f"schedule.momentum is not read: schedule.optimizer is adam; {changed}" in plan.err


@pytest.mark.network
def test_rows_with_equal_results_are_named_and_have_no_verdict_of_absence(ablate: Ablate, tmp_path: Path) -> None:
    """Margins so large that every triplet breaks them give the same gradients, though two trainings."""
    margins = (
        "factors:\n  margin: {sets: loss.margin, levels: [5000, 6000]}\ndesign: [{add_one: {from: {}}}]\nseeds: 2\n"
    )
    (tmp_path / "equal.yaml").write_text(INERT.partition("factors:")[0] + margins)
    assert "factor" not in ablate("run", tmp_path / "equal.yaml", "--executor", "inline").err
    assert query("SELECT count(*) FROM ablate_trainings") == [(4,)]
    report = json.loads(ablate("report", "--format", "json").out)
    assert report["findings"] == [
        "rows 1 (baseline) and 2 (margin=6000) have equal results, to the last bit, in every seed: margin does not "
        "reach the trainer, or changes nothing"
    ]
    for one in (*report["contrasts"], *report["effects"]):
        assert (one["verdict"], one["untested"]) == ("not_estimable", {"why": "equal_results", "reasons": []})


ALIKE = """\
factors:
  optimizer: {sets: schedule.optimizer, levels: [adam, adamw]}
  milestones: {sets: schedule.milestones, levels: {none: [], late: [9]}}
  margin: {sets: loss.margin, levels: [0.3, 0.2]}
design: [{add_one: {from: {}}}]
"""


def test_levels_that_act_alike_are_named(ablate: Ablate, tmp_path: Path) -> None:
    """Adam and AdamW without weight decay; milestones beyond the end. A margin acts."""
    config = INERT.partition("factors:")[0].replace("decay: cosine, warmup_start: 0.5", "weight_decay: 0.0")
    (tmp_path / "alike.yaml").write_text(config + ALIKE)
    plan = ablate("plan", tmp_path / "alike.yaml")
    for factor, row in (("optimizer", "optimizer=adamw"), ("milestones", "milestones=late")):
        sentence = f"factor '{factor}' changes nothing in row '{row}': its value acts like that of row 'baseline'"
        assert f"warning: {sentence}\n" in plan.err
    assert "'margin'" not in plan.err
    assert "4 rows × 1 seed: 4 trials, 2 trainings" in plan.out


def test_what_a_file_says_anyway_and_defaults_need_no_warning(ablate: Ablate, tmp_path: Path) -> None:
    """Milestones that are none, all categories of one, and a network that is not trained on purpose."""
    text = "study: quiet\nconfig:\n  data: {size: [32, 32]}\n  schedule: {steps: 0, milestones: []}\n"
    text += "  evaluate: {cameras: all}\n  batch: {quadruplets: 8}\ndesign: [{rows: {one: {}}}]\n"
    (tmp_path / "quiet.yaml").write_text(text)
    assert ablate("plan", tmp_path / "quiet.yaml").err == ""
