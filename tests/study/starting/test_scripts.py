"""Tests of first studies of scripts: the text that is written, and the guesses behind it."""

import textwrap
from pathlib import Path

import pytest
import yaml

from ablate.errors import AblateError
from ablate.study.reading.study_reader import read_study
from ablate.study.starting.draft import study_text
from ablate.study.starting.script_study import script_draft
from ablate.study.starting.shell_study import other_script_draft

NEWCOMER = """
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--hidden", type=int, default=32)
parser.add_argument("--dropout", type=float, default=0.0)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--augment", action="store_true")
args = parser.parse_args()
acc = 0.93
print(f"val_acc: {acc:.2f}")
json.dump({"val_acc": acc}, open("metrics.json", "w"))
"""
EXPECTED = """\
study: train
trainer:
  command: ["${python}", train.py, "${args:flags}", --seed, "${seed}"]
metrics:
  val_acc: {better: higher, unit: "%", from: 'stdout:val_acc: ([-+.0-9eE]+)'}
primary: val_acc
delta: 0.5
config: {lr: 0.01, hidden: 32, dropout: 0.0, augment: off}
factors:
  augment: {sets: augment, levels: [off, on]}
  dropout: {sets: dropout, levels: [0.0, 0.1]}
  lr: {sets: lr, levels: [0.01, 0.003]}
design:
  - add_one: {from: {}}
seeds: 5
"""


def draft_text(script: str, folder: Path, name: str = "train.py") -> str:
    (folder / name).write_text(textwrap.dedent(script))
    return study_text(script_draft(folder / name, "train", folder))


def without_comments(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))


def command_of(text: str) -> list[str]:
    return [str(item) for item in yaml.safe_load(text)["trainer"]["command"]]


def test_the_script_of_a_newcomer(tmp_path: Path) -> None:
    text = draft_text(NEWCOMER, tmp_path)
    assert without_comments(text) == EXPECTED
    assert len(EXPECTED.splitlines()) <= 15
    (tmp_path / "study.yaml").write_text(text)
    study = read_study(tmp_path / "study.yaml")
    assert [row.label for row in study.rows] == ["baseline", "augment=on", "dropout=0.1", "lr=0.003"]
    assert study.primary == "val_acc"


def test_results_under_a_fixed_name_need_a_folder_for_each_training(tmp_path: Path) -> None:
    script = NEWCOMER.replace("print(", "str(")
    text = draft_text(script, tmp_path)
    assert 'from: "metrics.json:val_acc"' in text
    assert yaml.safe_load(text)["trainer"]["cwd"] == "${dir}"


def test_a_script_that_writes_into_a_folder(tmp_path: Path) -> None:
    script = NEWCOMER.replace("args = ", 'parser.add_argument("--out-dir", default="runs")\nargs = ')
    script = script.replace('"metrics.json"', 'args.out_dir + "/metrics.json"')
    text = draft_text(script, tmp_path)
    assert command_of(text)[-4:] == ["--seed", "${seed}", "--out-dir", "${dir}"]
    assert 'from: "metrics.json:val_acc"' in text, "a file has all digits"


def test_subcommands_get_their_own_options(tmp_path: Path) -> None:
    script = """
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--save-dir")
    parser.add_argument("--gamma", type=float, default=0.1)
    commands = parser.add_subparsers()
    test = commands.add_parser("test")
    test.add_argument("--top", type=int, default=5)
    train = commands.add_parser("train")
    train.add_argument("data")
    train.add_argument("--lr", type=float, default=0.1)
    train.add_argument("-wd", type=float, default=0.01)
    train.add_argument("--seed", type=int)
    """
    text = draft_text(script, tmp_path)
    assert command_of(text)[2:] == [
        *("--save-dir", "${dir}", "train", "${data}", "${args}", "-wd", "${wd}", "--seed", "${seed}")
    ]  # fmt: skip
    assert yaml.safe_load(text)["config"] == {"data": "???", "lr": 0.1, "wd": 0.01}


@pytest.mark.parametrize(
    ("options", "style"),
    [
        (["--lr', type=float, default=0.1"], "${args}"),
        (["--aug', action='store_true'"], "${args:flags}"),
        (["--aug', action=argparse.BooleanOptionalAction, default=True"], "${args:flags+no}"),
        (["--aug', action='store_true'", "--ema', action=argparse.BooleanOptionalAction"], "${args:flags}"),
    ],
)  # fmt: skip
def test_the_style_fits_the_options(options: list[str], style: str, tmp_path: Path) -> None:
    calls = "".join(f"parser.add_argument('{option})\n" for option in options)
    assert style in command_of(draft_text(f"import argparse\nparser = argparse.ArgumentParser()\n{calls}", tmp_path))


def test_what_switches_cannot_write_stands_alone(tmp_path: Path) -> None:
    script = """
    import argparse
    def str2bool(text): return text == "true"
    parser = argparse.ArgumentParser()
    parser.add_argument("--aug", action="store_true")
    parser.add_argument("--bn", type=str2bool, default=True)
    parser.add_argument("--ema", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--mix", type=bool, default=False)
    """
    (tmp_path / "train.py").write_text(textwrap.dedent(script))
    draft = script_draft(tmp_path / "train.py", "train", tmp_path)
    assert command_of(study_text(draft))[2:] == ["${args:flags}", "--bn", "${bn}"]
    assert draft.left == ("--ema", "--mix")
    assert any("--mix (line 8) has `type=bool`" in work for work in draft.to_do)


def test_options_of_an_imported_module(tmp_path: Path) -> None:
    (tmp_path / "opts.py").write_text(NEWCOMER.partition("acc =")[0])
    (tmp_path / "loop.py").write_text("def loop(loss):\n    print('val loss', loss)\n")
    text = draft_text("from opts import args\nimport loop\nloop.loop(3)\n", tmp_path)
    assert "${args:flags}" in text
    assert "val_loss: {better: lower, from: 'stdout:val loss ([-+.0-9eE]+)'}" in text
    assert "delta: 0.01" in text


def test_a_script_without_anything(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("x = 1\n")
    draft = script_draft(tmp_path / "train.py", "train", tmp_path)
    work = " ".join(draft.to_do)
    assert all(part in work for part in ("ABLATE_CONFIG", "ABLATE_SEED", "no metric was recognised"))
    (tmp_path / "study.yaml").write_text(study_text(draft))
    assert [row.label for row in read_study(tmp_path / "study.yaml").rows] == ["baseline"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"def f(:\n  pass\n", r"train\.py:1: is not valid Python"),
        (b"x = 1\nprint 3\n", r"train\.py:2: is not valid Python: Missing parentheses.*\n    print 3"),
        (b"x = '\xff'\n", r"train\.py.*is not valid Python"),
        (b"x = 1\0", "is not valid Python"),
    ],
)
def test_a_script_that_is_no_python(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(content)
    with pytest.raises(AblateError, match=fault):
        script_draft(tmp_path / "train.py", "train", tmp_path)


def test_a_shell_script_that_gives_its_arguments_on(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(NEWCOMER)
    (tmp_path / "run.sh").write_text('#!/usr/bin/env bash\nset -e\nexec python -u train.py --threads 1 \\\n  "$@"\n')
    text = study_text(other_script_draft(tmp_path / "run.sh", "train", tmp_path))
    assert command_of(text) == ["bash", "run.sh", "${args:flags}", "--seed", "${seed}"]
    assert "config: {lr: 0.01, hidden: 32" in text


@pytest.mark.parametrize(
    ("name", "first", "program"), [("a.sh", "", "bash"), ("b", "#!/bin/zsh\n", "zsh"), ("c.R", "", "Rscript")]
)
def test_scripts_in_other_languages(name: str, first: str, program: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(f"{first}echo hello\n")
    draft = other_script_draft(tmp_path / name, "train", tmp_path)
    (tmp_path / "study.yaml").write_text(study_text(draft))
    read_study(tmp_path / "study.yaml")
    assert command_of(study_text(draft))[:2] == [program, name]
    assert draft.to_do
