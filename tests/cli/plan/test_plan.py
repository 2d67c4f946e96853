"""`ablate plan`: what a run would do, and what it warns of."""

import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.paths import BNNECK, SIMULATED, STUDIES


def test_it_shows_rows_and_counts_and_makes_nothing(ablate: Ablate, tmp_path: Path) -> None:
    result = ablate("plan", BNNECK)
    assert result.code == 0
    lines = result.out.splitlines()
    assert sum(line.startswith("  pending") for line in lines) == 10
    assert lines[-2] == "9 rows and 1 reference × 1 seed: 10 trials, 10 trainings, of which 10 to run"
    assert lines[-1].startswith("time unknown for 10 trainings of ")
    assert list(tmp_path.iterdir()) == []


SPACE = "{margin: {low: 0.05, high: 1}, base: {low: 0.2, high: 0.4, step: 0.1}, normalization: {choices: [off, on]}}"


def test_a_setting_that_a_search_sets_is_not_unheard(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    head = "study: demo\ntrainer: simulated\nconfig: {effects: [{peak: {margin: 0.3}, width: {margin: 0.2}, pp: 3}]}\n"
    path.write_text(head + "search: {space: {settings.margin: {low: 0.05, high: 1}}}\n")
    assert ablate("plan", path).err == ""
    path.write_text(head + "search: {space: {settings.margn: {low: 0.05, high: 1}}}\n")
    assert (
        "an effect depends on the setting 'margin', which nothing sets; did you mean 'margn'? set are: margn"
        in ablate("plan", path).err
    )


def test_it_says_what_a_search_would_do(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    head = """\
study: demo
trainer: simulated
factors:
  margin: {sets: settings.margin, levels: [0.3]}
  normalization: {sets: settings.normalization, levels: [off, on]}
"""
    path.write_text(head + f"search:\n  space: {SPACE}\n")
    out = ablate("plan", path).out
    assert "  pending    baseline\n" in out
    assert "1 row × 1 seed: 1 trial, 1 training, of which 1 to run" in out
    told = " ".join(out.split())
    assert told.endswith(
        "search: margin 0.05 to 1, base 0.2 to 0.4 by 0.1, normalization off|on; tpe for top1, 40 trials, "
        "then 3 finalists and the baseline with 5 seeds: up to 60 trainings"
    )
    path.write_text(
        f"{head}search:\n  space: {SPACE}\n  sampler: random\n  pruner: median\n  hours: 1.5\n  metric: top5\n"
        "  finalists: {top: 1, seeds: 2}\n"
    )
    assert " ".join(ablate("plan", path).out.split()).endswith(
        "random with median pruning for top5, 1.5 hours, "
        "then 1 finalist and the baseline with 2 seeds: 4 trainings more"
    )
    path.write_text(f"{head}search:\n  space: {SPACE.replace('high: 1}', 'high: 1, step: 0.5}')}\n  sampler: grid\n")
    assert "; grid for top1, 12 trials, then" in " ".join(ablate("plan", path).out.split())


def test_it_tells_done_from_pending_and_shared(ablate: Ablate, tmp_path: Path) -> None:
    ablate("run", SIMULATED, "--executor", "inline", "--only", "plain", "--seeds", 2)
    path = tmp_path / "study.yaml"
    path.write_text(SIMULATED.read_text().replace("plain: {}", "plain: {}\n      again: {normalization: off}"))
    lines = ablate("plan", path).out.splitlines()
    assert "  2 done, 1 pending plain" in lines
    assert "  2 done, 1 shared again" in lines
    assert "  pending    normalized" in lines
    assert "5 rows × 3 seeds: 15 trials, 12 trainings (3 trials are free: a training is" in lines
    assert "  shared), of which 10 to run" in lines


def test_what_is_valid_and_hardly_meant_is_a_warning(ablate: Ablate) -> None:
    told = ablate("plan", BNNECK, "--set", "config.schedule.steps=20", "--set", "config.schedule.milestones=[10, 30]")
    assert told.code == 0
    assert "warning: milestones [30] are never reached: training ends at step 20 (9 rows)" in told.err
    assert "warning: a warm-up of 25 steps outlasts the 20 steps of training (4 rows)" in told.err


def test_a_setting_that_a_factor_overrides_is_a_warning(ablate: Ablate) -> None:
    told = ablate("plan", BNNECK, "--set", "config.loss.margin=0.7")
    assert "warning: config.loss.margin 0.7 has no effect: factor 'margin' sets loss.margin" in told.err
    assert "no effect" not in ablate("plan", BNNECK, "--set", "config.loss.margin=0.3").err


def test_an_effect_of_a_setting_that_nothing_sets_is_a_warning(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SIMULATED.read_text().replace("when: {erasing: on}", "when: {random_erasing: on}"))
    told = ablate("plan", path).err
    assert "an effect depends on the setting 'random_erasing', which nothing sets; did you mean 'erasing'? set" in told
    assert "warning" not in ablate("plan", SIMULATED).err


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("onn", "erasing = onn, which no row has, so it never acts; did you mean on? rows have: off, on"),
        ("yes", "erasing = yes, which no row has, so it never acts; rows have: off, on"),
        ("'on'", "erasing = 'on', which no row has, so it never acts; "),
        ("1", "erasing = 1, which no row has, so it never acts; rows have: off, on"),
    ],
)
def test_an_effect_of_a_level_that_no_row_has_is_a_warning(
    ablate: Ablate, tmp_path: Path, value: str, told: str
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SIMULATED.read_text().replace("when: {erasing: on}", f"when: {{erasing: {value}}}"))
    result = ablate("plan", path)
    assert (result.code, result.err.count("warning: ")) == (0, 1)
    assert f"warning: an effect depends on {told}" in result.err


def test_warnings_are_about_the_selected_rows(ablate: Ablate) -> None:
    told = ablate("plan", BNNECK, "--set", "config.schedule.steps=20", "--only", "baseline 1*").err
    assert "warm-up" not in told


def test_the_expected_time_comes_from_finished_trainings_of_the_same_shape(ablate: Ablate, tmp_path: Path) -> None:
    long = ("--set", "config.seconds=7200")
    ablate("run", SIMULATED, "--executor", "inline", "--seeds", 1)
    with sqlite3.connect("results/ablate.db") as connection:
        connection.execute("UPDATE ablate_attempts SET seconds = 3900")
    told = " ".join(ablate("plan", SIMULATED, "--workers", 2).out.split())
    assert told.endswith("about 4 h 20 min with 2 workers, from 4 finished trainings of the same shape")
    told = " ".join(ablate("plan", SIMULATED, "--workers", 1, "--only", "plain").out.split())
    assert told.endswith("about 2 h 10 min with 1 worker, from 4 finished trainings of the same shape")
    told = " ".join(ablate("plan", SIMULATED, *long).out.split())
    assert "about" not in told, "seconds are outside the identity: what is done is done"
    path = tmp_path / "study.yaml"
    grown = SIMULATED.read_text().replace("factors:", "factors:\n  size: {sets: queries, levels: [1000, 2000]}")
    path.write_text(grown.replace("plain: {}", "plain: {}\n      large: {size: 2000}"))
    told = " ".join(ablate("plan", path).out.split())
    assert "; time unknown for 3 trainings of 1 shape" in told
    assert ablate("plan", SIMULATED, "--workers", 0).code == 2


def test_a_row_that_differs_only_in_the_evaluation_is_free(ablate: Ablate) -> None:
    told = " ".join(ablate("plan", STUDIES / "tiny.yaml").out.split())
    assert "4 trials, 3 trainings (1 trial is free: a training is shared), of which 3 to run" in told
