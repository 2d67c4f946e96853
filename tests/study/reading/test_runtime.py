"""`runtime` stands at top level; files that have it under `config` keep working."""

from pathlib import Path

import jsonschema
import pytest

from ablate.errors import StudyError
from ablate.study.reading.nodes import parse
from ablate.study.reading.schema import json_schema
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import Trial, trials

HEAD = "study: demo\ntrainer: simulated\ndesign: [{rows: {one: {}}}]\n"
NEW, OLD = "runtime: {threads: 2, stall_seconds: 5}\n", "config: {runtime: {threads: 2, stall_seconds: 5}}\n"


def of(tmp_path: Path, text: str, profile: str | None = None, *settings: str) -> Trial:
    path = tmp_path / "study.yaml"
    path.write_text(HEAD + text)
    (trial,) = trials(read_study(path, profile, settings))
    return trial


@pytest.mark.parametrize("text", [NEW, OLD])
def test_both_places_are_the_same(tmp_path: Path, text: str) -> None:
    trial, plain = of(tmp_path, text), of(tmp_path, "")
    assert trial.config == plain.config | {"runtime": plain.config["runtime"] | {"threads": 2, "stall_seconds": 5.0}}
    assert trial.training.config["runtime"] == {}
    assert (trial.key, trial.training_key, trial.declared) == (plain.key, plain.training_key, plain.declared)


@pytest.mark.parametrize("text", [NEW, OLD])
@pytest.mark.parametrize("over", [NEW, OLD])
@pytest.mark.parametrize("setting", ["runtime.threads=4", "config.runtime.threads=4"])
def test_layers_win_in_their_order_wherever_each_writes_it(tmp_path: Path, text: str, over: str, setting: str) -> None:
    written = f"{text}profiles: {{more: {{{over.strip().replace('threads: 2', 'threads: 3')}}}}}\n"
    assert of(tmp_path, written).config["runtime"]["threads"] == 2
    assert of(tmp_path, written, "more").config["runtime"]["threads"] == 3
    assert of(tmp_path, written, "more", setting).config["runtime"]["threads"] == 4
    assert of(tmp_path, written, "more", setting).config["runtime"]["stall_seconds"] == 5


@pytest.mark.parametrize("setting", ["runtime.threads=4", "config.runtime.threads=4"])
def test_a_factor_that_varies_a_key_makes_it_part_of_the_identity(tmp_path: Path, setting: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "study: demo\ntrainer: simulated\nfactors: {threads: {sets: runtime.threads, levels: [1, 2]}}\n"
        "design: [{grid: {threads: [1, 2]}}]\n"
    )
    one, two = trials(read_study(path, None, [setting]))
    assert (one.training.config["runtime"], two.training.config["runtime"]) == ({"threads": 1}, {"threads": 2})
    assert one.training_key != two.training_key


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "runtime: {thread: 2}\n",
            "study.yaml:4: runtime.thread: unknown key 'thread'; did you mean 'threads'? known: threads, ",
        ),
        (
            "config: {runtime: {thread: 2}}\n",
            "study.yaml:4: config.runtime.thread: unknown key 'thread'; did you mean 'threads'? known: ",
        ),
        ("runtime: {threads: 0}\n", "study.yaml:4: runtime.threads: found 0; accepted: at least 1"),
        ("config: {runtime: {threads: 0}}\n", "study.yaml:4: runtime.threads: found 0; accepted: at least 1"),
        ("runtime: 2\n", "study.yaml:4: runtime: found 2; accepted: a mapping"),
        (NEW + OLD, "study.yaml:5: config.runtime: `runtime` is at top level too; write all its keys there"),
        ("runtime:\n  threads: 1\nconfig: {runtime: null}\n", "study.yaml:6: config.runtime: `runtime` is at top"),
    ],
)
def test_faults_name_the_key_and_its_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(StudyError) as caught:
        of(tmp_path, text)
    (found,) = caught.value.faults
    assert found.removeprefix(f"{tmp_path}/").startswith(fault)


def test_a_clash_with_a_key_of_it_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    text = "study: demo\ndesign: [{rows: {one: {}}}]\nconfig: {amp: fp16}\nruntime: {device: cpu}\n"
    path.write_text(text)
    with pytest.raises(StudyError, match=r"study.yaml:3: config\.amp: fp16 needs a CUDA device"):
        read_study(path)


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [(NEW, True), (OLD, True), ("runtime: {thread: 2}\n", False), ("runtime: {compile: default}\n", False)],
)
def test_the_schema_knows_both_places(text: str, is_valid: bool) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid(parse(HEAD + text, "study.yaml").plain()) == is_valid
    of_networks = HEAD.replace("trainer: simulated\n", "") + "runtime: {compile: default}\n"
    assert validator.is_valid(parse(of_networks, "study.yaml").plain())
