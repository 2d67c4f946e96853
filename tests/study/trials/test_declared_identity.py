"""The identity of trainings by a user's script: what makes a result stale, and what does not."""

from pathlib import Path

import pytest

import ablate
from tests.support.trainers.own_script import SCRIPT, STUDY, project, ran, store_of, values

EXPECTED = {
    "baseline": {0: 0.53, 1: 0.531},
    "lr=0.2": {0: 0.54, 1: 0.541},
    "depth=4": {0: 0.55, 1: 0.551},
}


def states(study: Path) -> set[str]:
    return {item.state for item in ablate.plan_study(study, store_of(study)).trials}


def changes(study: Path) -> set[str]:
    plan = ablate.plan_study(study, store_of(study))
    return {change.text for item in plan.trials if item.older for change in item.older.changes}


def warnings(study: Path) -> tuple[str, ...]:
    return tuple(ablate.plan_study(study, store_of(study)).warnings)


def test_a_command_is_run_once_for_each_row_and_seed(tmp_path: Path) -> None:
    study = project(tmp_path)
    assert (ran(study).ran, values(study)) == (6, EXPECTED)
    assert ran(study).ran == 0


def test_an_edited_script_makes_results_stale_and_a_comment_does_not(tmp_path: Path) -> None:
    study = project(tmp_path)
    ran(study)
    project(tmp_path, train=SCRIPT.replace("import argparse", "# a comment\nimport argparse"))
    assert states(study) == {"done"}
    project(tmp_path, train=SCRIPT.replace("0.5 +", "0.6 +"))
    assert (states(study), changes(study)) == ({"stale"}, {"code: train.py changed"})
    assert ran(study).ran == 6
    assert values(study)["baseline"][0] == 0.63


def test_programs_and_paths_of_another_machine_do_not_count(tmp_path: Path) -> None:
    study = project(tmp_path)
    ran(study)
    for program in ("python3", "/usr/bin/python3", '"${python}", -u', "uv, run, python"):
        project(tmp_path, STUDY.replace('"${python}"', program))
        assert states(study) == {"done"}, program
    project(tmp_path, STUDY.replace('["${python}", train.py', f'["${{python}}", {tmp_path}/train.py'))
    assert states(study) == {"done"}


def test_arguments_of_the_command_count(tmp_path: Path) -> None:
    study = project(tmp_path)
    ran(study)
    project(tmp_path, STUDY.replace("--seed,", "--epochs, 3, --seed,"))
    assert (states(study), changes(study)) == ({"stale"}, {"code: arguments of the command changed"})


def test_declared_data_count(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    photo = tmp_path / "photos" / "one.txt"
    photo.write_text("one", encoding="utf-8")
    text = STUDY.replace("trainer: {", "trainer: {data: [photos], ")
    study = project(tmp_path, text)
    ran(study)
    assert states(study) == {"done"}
    photo.write_text("two", encoding="utf-8")
    assert states(study) == {"stale"}
    assert next(iter(changes(study))).startswith("data: its content changed")


def test_a_changed_place_of_a_metric_is_read_again_without_training(tmp_path: Path) -> None:
    train = SCRIPT + "open('count.txt', 'a').write('x')\nprint('other:', args.seed / 10)\n"
    study = project(tmp_path, train=train)
    ran(study)
    project(tmp_path, STUDY.replace("stdout:acc: ", "stdout:other: "), train=train)
    assert changes(study) == {"evaluate.metrics.acc.origin: stdout:acc: ([0-9.a-z-]+) -> stdout:other: ([0-9.a-z-]+)"}
    assert ran(study).ran == 6
    assert values(study)["baseline"] == {0: 0.0, 1: 0.1}
    assert (tmp_path / "count.txt").read_text(encoding="utf-8") == "x" * 6


def test_scripts_of_two_studies_with_equal_configs_are_told_apart(tmp_path: Path) -> None:
    study = project(tmp_path)
    ran(study)
    other = tmp_path / "other"
    other.mkdir()
    second = project(other, STUDY.replace("study: own", "study: second"), train=SCRIPT.replace("0.5 +", "0.7 +"))
    plan = ablate.plan_study(second, store_of(study))
    assert {item.state for item in plan.trials} == {"pending"}


def test_a_corrected_place_of_a_metric_needs_no_request_and_no_training(tmp_path: Path) -> None:
    train = SCRIPT + "open('count.txt', 'a').write('x')\n"
    study = project(tmp_path, STUDY.replace("stdout:acc: ", "stdout:ack: "), train=train)
    assert ran(study).failed == 6
    project(tmp_path, train=train)
    assert states(study) == {"pending"}
    assert ran(study).failed == 0
    assert values(study) == EXPECTED
    assert (tmp_path / "count.txt").read_text(encoding="utf-8") == "x" * 6


def test_a_run_reports_results_that_it_makes_again(tmp_path: Path) -> None:
    study = project(tmp_path)
    ran(study)
    project(tmp_path, train=SCRIPT.replace("0.5 +", "0.6 +"))
    shown: list[str] = []
    observer = ablate.Observer()
    observer.message = shown.append  # type: ignore[method-assign]
    ran(study, observer=observer)
    assert shown == [
        "note: 6 results are stale and are trained again (code: train.py changed); --accept-stale keeps them"
    ]


@pytest.mark.slow
def test_outputs_that_lack_a_metric_are_not_read_for_ever(tmp_path: Path) -> None:
    study = project(tmp_path)
    ran(study)
    other = STUDY.replace("stdout:acc: ", "stdout:other: ")
    project(tmp_path, other)
    assert ran(study).failed == 6
    assert ran(study, retry_failed=True).failed == 6
    train = SCRIPT + "print('other:', args.seed / 10)\n"
    project(tmp_path, other, train=train)
    assert ran(study).failed == 0
    assert values(study)["baseline"] == {0: 0.0, 1: 0.1}


def test_settings_that_the_command_names_count(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "train.toml").write_text("a = 1", encoding="utf-8")
    base = tmp_path / "conf" / "base.yaml"
    base.write_text("lr: 1", encoding="utf-8")
    train = SCRIPT.replace("args = p", "for name in 'abc': parser.add_argument('--' + name)\nargs = p")
    named = f"train.py, --a, conf/base.yaml, --b=train.toml, --c={base}"
    study = project(tmp_path, STUDY.replace("train.py", named), train=train)
    ran(study)
    assert (states(study), warnings(study)) == ({"done"}, ())
    base.write_text("lr: 2", encoding="utf-8")
    assert changes(study) == {"code: conf/base.yaml changed"}
    base.write_text("lr: 1", encoding="utf-8")
    assert states(study) == {"done"}
    (tmp_path / "train.toml").write_text("a = 2", encoding="utf-8")
    assert changes(study) == {"code: train.toml changed"}


def test_other_files_that_the_command_or_the_config_names_are_warned_of(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.json"):
        (tmp_path / name).write_text("1", encoding="utf-8")
    text = STUDY.replace("train.py,", "train.py, --data=a.csv, --out, c.json,").replace(
        "depth: 2}", "depth: 2, set: b.csv}"
    )
    study = project(tmp_path, text)
    named = [warning.partition(", and no change in it")[0] for warning in warnings(study)]
    assert named == ["config.set names 'b.csv'", "the command names '--data=a.csv'", "the command names 'c.json'"]
    listed = text.replace("trainer: {", "trainer: {data: [a.csv, b.csv, c.json], ")
    assert warnings(project(tmp_path, listed)) == ()


def test_another_file_in_the_command_counts(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("1", encoding="utf-8")
    train = SCRIPT.replace("args = p", "parser.add_argument('--data')\nargs = p")
    study = project(tmp_path, STUDY.replace("train.py,", "train.py, --data, a.csv,"), train=train)
    ran(study)
    project(tmp_path, STUDY.replace("train.py,", "train.py, --data, b.csv,"), train=train)
    assert changes(study) == {"code: arguments of the command changed"}
    project(tmp_path, STUDY.replace("train.py,", f"train.py, --data, {tmp_path}/a.csv,"), train=train)
    assert (states(study), changes(study)) == ({"done"}, set())
