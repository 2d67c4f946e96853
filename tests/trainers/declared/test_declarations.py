"""The declaration of a trainer in a study file: its keys, its config, and every fault with its place."""

from pathlib import Path

import pytest

import ablate
from ablate.trainers.declared.spec import seconds_of
from tests.support.study_text import faults, read
from tests.support.trainers.own_script import STUDY, project

COMMAND = 'command: ["${python}", train.py, "${args}", --seed, "${seed}"]'


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("30s", 30),
        ("10m", 600),
        ("1.5h", 5400),
        ("1d", 86400),
        ("2 h", 7200),
        ("", None),
        ("2 min", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            COMMAND,
            'command: "python train.py --lr ${lr}"',
            "study.yaml:3: trainer.command: found one text; write",
        ),
        (COMMAND, "command: []", "study.yaml:3: trainer.command: found []; accepted: at least one entry"),
        (COMMAND, f"{COMMAND}, function: train.py:main", "trainer: found both command and function"),
        (COMMAND, "comand: [python]", "trainer: unknown key 'comand'; did you mean 'command'?"),
        ("{" + COMMAND + "}", "command", "trainer: found 'command', which is a key of the trainer"),
        ("{" + COMMAND + "}", "nosuch", "trainer: unknown trainer 'nosuch'"),
        (COMMAND, f"{COMMAND}, timeout: 2 hours", "trainer.timeout: found '2 hours'; accepted: a time above 0"),
        (COMMAND, f"{COMMAND}, timeout: 0", "trainer.timeout: found 0; accepted: a time above 0"),
        (COMMAND, f"{COMMAND}, flies: [a]", "trainer.flies: unknown key 'flies'; did you mean 'files'?"),
        (COMMAND, f"{COMMAND}, resume: {{args: [a]}}", "trainer.resume: 'if' is missing"),
        (
            COMMAND,
            f"{COMMAND}, data: [{{path: a, by: size}}]",
            "trainer.data[0].by: found 'size'; accepted: 'content' or 'time'",
        ),
        (COMMAND, f"{COMMAND}, data: [3]", "trainer.data[0]: found 3; accepted: a path, or {path: ..., by: time}"),
        (
            COMMAND,
            f"{COMMAND}, cwd: nowhere",
            "study.yaml:3: trainer.cwd: found 'nowhere', and there is no such folder in",
        ),
        ("${seed}", "${sed}", "known: lr, depth, args, seed, dir, python, config.json, config.yaml, config.toml"),
        (
            "{sets: lr, levels: [0.1, 0.2]}",
            "[0.1, 0.2]",
            "factors.lr: found [0.1, 0.2]; accepted: a mapping like {sets: KEY,",
        ),
        ("train.py", "trian.py", "trainer.command[1]: found 'trian.py', and there is no such file in"),
        ("${seed}", "${sede}", "trainer.command[4]: unknown placeholder ${sede}; did you mean 'seed'?"),
        ("lr: 0.1,", "lr: 0.1, seed: 1,", "seed is a channel of its own"),
        ("lr: 0.1,", "lr: 0.1, a.b: 1,", "config.a.b: found the key 'a.b'; accepted: keys without spaces, dots"),
        ("lr: 0.1,", "lr: 0.1, model_dump: 1,", "the key 'model_dump' is used by this program"),
        ("lr: 0.1,", "lr: .nan,", "config.lr: found nan; accepted: finite numbers"),
        ("sets: lr", "sets: rl", "factors.lr.sets: unknown config key 'rl'; known: depth, lr,"),
        ("examples:", "examples:", ""),
    ],
)
def test_each_fault_has_its_place(tmp_path: Path, before: str, after: str, words: str) -> None:
    project(tmp_path)
    if words:
        assert words in "\n".join(faults(tmp_path, STUDY.replace(before, after)))
    else:
        read(tmp_path, STUDY)


def test_the_config_must_be_there(tmp_path: Path) -> None:
    project(tmp_path)
    text = "\n".join(faults(tmp_path, STUDY.replace("config: {lr: 0.1, depth: 2}\n", "")))
    assert "config: missing; list the settings of the script with their usual values, like `config: {lr: ..." in text


def test_a_rate_without_its_unit_is_warned_about(tmp_path: Path) -> None:
    project(tmp_path)
    text = STUDY.replace('unit: "%", ', "") + "delta: 0.01\n"
    warnings = "".join(read(tmp_path, text).warnings)
    assert 'acc has no unit; if its values are rates in [0, 1], write `unit: "%"`' in warnings
    assert read(tmp_path, STUDY).warnings == ()


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    project(tmp_path)
    text = STUDY.replace("train.py", "trian.py").replace("sets: lr", "sets: rl").replace("([0-9", "[0-9")
    assert len(faults(tmp_path, text)) == 3


def test_only_a_function_gives_examples_without_a_file(tmp_path: Path) -> None:
    project(tmp_path)
    text = STUDY.replace('"%",', '"%", examples: run.examples,')
    assert "only a function can call `run.examples`" in "\n".join(faults(tmp_path, text))


def test_a_key_that_the_file_does_not_have_is_misspelt(tmp_path: Path) -> None:
    project(tmp_path)
    text = STUDY + "profiles: {quick: {config: {detph: 1}}}\n"
    assert "config.detph: unknown config key 'detph'; did you mean 'depth'?" in "\n".join(faults(tmp_path, text))
    given = faults(tmp_path, STUDY, settings=["config.rl=1"])
    assert given == ["--set: config.rl: unknown config key 'rl'; known: lr, depth"]
    assert read(tmp_path, STUDY, settings=["config.lr=1"]).config["lr"] == 1


def test_keys_may_have_the_names_that_scripts_use(tmp_path: Path) -> None:
    project(tmp_path)
    keys = "learning-rate: 0.1, copy: on, json: {schema: a}, model_name_or_path: x, free: {}, evaluate: 3"
    study = read(tmp_path, STUDY.replace("{lr: 0.1,", "{" + f"lr: 0.1, {keys},"))
    assert study.entry.config().model_dump()["learning-rate"] == 0.1
    factor = "  name: {sets: json.schema, levels: [a, b]}\n  any: {sets: free.new.key, levels: [2, 1]}\ndesign"
    study = read(tmp_path, STUDY.replace("{lr: 0.1,", "{" + f"lr: 0.1, {keys},").replace("design", factor))
    assert len(study.rows) == 5


def test_values_that_the_command_does_not_pass_are_warned_about(tmp_path: Path) -> None:
    study = project(tmp_path, STUDY.replace('"${args}", --seed, "${seed}"', '--lr, "${lr}"'))
    warnings = ablate.plan_study(study).warnings
    assert "the command passes no depth to the script; write ${args} or ${depth}" in warnings
    assert any(warning.startswith("the command passes no seed to the script") for warning in warnings)
    project(tmp_path, study.read_text(encoding="utf-8"), train="import os\nopen(os.environ['ABLATE_CONFIG'])")
    assert ablate.plan_study(study).warnings == ()
    assert ablate.plan_study(project(tmp_path)).warnings == ()


def test_a_search_is_scored_by_validation_data_only(tmp_path: Path) -> None:
    project(tmp_path)
    search = "search: {space: {lr: {low: 0.1, high: 0.3}}, trials: 3, pruner: median}\n"
    text = "\n".join(faults(tmp_path, STUDY + search))
    assert "study.yaml:11: search: acc is not known to be measured on validation data" in text
    assert "search.pruner: a command reports no results before its end" in text
    assert read(tmp_path, (STUDY + search).replace(", pruner: median", "").replace('"%",', '"%", split: validation,'))
    project(tmp_path, train="def main(seed, run):\n    return {}")
    text = (STUDY + search).replace('"%",', '"%", split: validation,').replace(COMMAND, "function: train.py:main")
    assert read(tmp_path, text).search is not None
