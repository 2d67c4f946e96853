"""The notes about the options of a script: real scripts, run by this Python with the watch on PYTHONPATH."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.run.checking import watched
from ablate.run.checking.script_notes import ParsedOptions, ScriptNotes, read_notes
from ablate.run.checking.watched import sitecustomize
from ablate.trainers.function.config.watched_config import WATCH

FOLDER = Path(watched.__file__).parent
PARSER = """
import argparse, sys
parser = argparse.ArgumentParser(prog="train.py")
parser.add_argument("--lr", type=float)
parser.add_argument("--lr-decay", type=float)
parser.add_argument("-d", "--dropout", type=float)
"""
PARSE = PARSER + "args = parser.parse_args()\n"
SWALLOW = PARSER + "args, rest = parser.parse_known_args()\n"
GIVEN = ("--lr", "0.1", "--lr-decay=2", "--dropout", "0.5")


def run(script: str, *arguments: str, more_paths: str = "", ends_with: int = 0) -> tuple[ScriptNotes, str]:
    """Run a script. Return its notes and its output."""
    notes = Path("notes")
    notes.mkdir(exist_ok=True)
    for path in notes.iterdir():
        path.unlink()
    Path("train.py").write_text(script)
    paths = os.pathsep.join(filter(None, [str(FOLDER), more_paths]))
    environment = {**os.environ, WATCH: str(notes.absolute()), "PYTHONPATH": paths}
    command = [sys.executable, "train.py", *arguments]
    end = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert end.returncode == ends_with, end.stderr
    return read_notes(notes), end.stdout


def parsed(script: str, *arguments: str) -> ParsedOptions:
    """Run a script that parses once, and return the notes about that."""
    (one,) = run(script, *arguments)[0].parsed
    return one


def test_the_variable_has_one_name() -> None:
    assert sitecustomize.WATCH == WATCH


def test_the_file_is_for_python_3_8() -> None:
    path = Path(sitecustomize.__file__)
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_options_given_and_read() -> None:
    one = parsed(PARSE + "print(args.lr)", *GIVEN)
    assert one.script == "train.py"
    assert one.given == {"lr": "--lr", "lr_decay": "--lr-decay", "dropout": "--dropout"}
    assert set(one.options) == {"-h", "--help", "--lr", "--lr-decay", "-d", "--dropout"}
    assert (one.read, one.left, one.replaced) == (frozenset({"lr"}), (), frozenset())


def test_an_option_may_be_abbreviated_or_left_out() -> None:
    one = parsed(PARSE, "--drop", "0.1", "--lr", "1")
    assert one.given == {"dropout": "--drop", "lr": "--lr"}


@pytest.mark.parametrize(
    "use",
    [
        "vars(args)",
        "args.__dict__",
        "dict(**vars(args))",
        "import copy; copy.copy(args)",
        "import copy; copy.deepcopy(args)",
        "import pickle; pickle.loads(pickle.dumps(args))",
        "'lr' in args",
        "args == argparse.Namespace()",
        "args._get_kwargs()",
        "[getattr(args, name) for name in ('lr', 'lr_decay', 'dropout')]",
        "[hasattr(args, name) for name in ('lr', 'lr_decay', 'dropout')]",
        "import operator; operator.attrgetter('lr', 'lr_decay', 'dropout')(args)",
    ],
)
def test_an_option_that_might_be_read_counts_as_read(use: str) -> None:
    assert parsed(PARSE + use, *GIVEN).read == {"lr", "lr_decay", "dropout"}


@pytest.mark.parametrize("use", ["print(args)", "str(args)", "f'{args}'", "isinstance(args, argparse.Namespace)"])
def test_printing_is_no_use(use: str) -> None:
    assert parsed(PARSE + use, *GIVEN).read == frozenset()


def test_a_forked_process_reads_too() -> None:
    reader = "import os\nif os.fork() == 0:\n    args.lr\n    os._exit(0)\nos.wait()\nargs.dropout"
    assert parsed(PARSE + reader, *GIVEN).read == {"lr", "dropout"}


def test_a_value_that_is_replaced_before_it_is_read() -> None:
    one = parsed(PARSE + "args.lr = 3\nargs.dropout = args.dropout * 2\nprint(args.lr, args.dropout)", *GIVEN)
    assert (one.read, one.replaced) == ({"dropout"}, {"lr"})


def test_options_that_are_left_over() -> None:
    one = parsed(SWALLOW + "print(len(rest), rest)\nif rest: print('ignored')", "--droput", "1", "-x", "-3")
    assert one.left == ("--droput", "-x")
    assert not one.is_rest_used


@pytest.mark.parametrize(
    "use",
    [
        *("list(rest)", "[*rest]", "print(*rest)", "' '.join(rest)", "[] + rest", "rest + []", "rest[0]"),
        *("'--x' in rest", "parser.parse_known_args(rest)", "for each in rest: pass", "a = []; a.extend(rest)"),
    ],
)
def test_a_use_of_what_is_left_over(use: str) -> None:
    notes, _ = run(SWALLOW + use, "--droput", "1")
    assert notes.parsed[0].is_rest_used


def test_subcommands() -> None:
    script = PARSER + "train = parser.add_subparsers(dest='command').add_parser('train')\n"
    script += "train.add_argument('--width')\nargs = parser.parse_args()\nprint(args.width)"
    one = parsed(script, "--lr", "1", "train", "--width", "2")
    assert (dict(one.given), one.read) == ({"lr": "--lr", "width": "--width"}, {"width"})


def test_an_error_of_the_parser() -> None:
    (error,) = run(PARSE, "--droput", "0.1", ends_with=2)[0].errors
    assert (error.script, error.message) == ("train.py", "unrecognized arguments: --droput 0.1")
    assert "--dropout" in error.options


def test_parsers_of_libraries_are_left_out(tmp_path: Path) -> None:
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "library.py").write_text(PARSER + "def parse(): return parser.parse_args()")
    notes, _ = run("import library; print(library.parse().lr)", *GIVEN, more_paths=str(library))
    assert notes == ScriptNotes()


def test_another_sitecustomize_still_runs(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sitecustomize.py").write_text("import sys; sys.set_int_max_str_digits(5000)")
    script = PARSE + "import sitecustomize; print(sys.get_int_max_str_digits(), sitecustomize.__file__)"
    notes, output = run(script, "--lr", "1", more_paths=str(tmp_path / "other"))
    assert output.split() == ["5000", str(tmp_path / "other" / "sitecustomize.py")]
    assert len(notes.parsed) == 1


def test_nothing_changes_without_the_variable() -> None:
    script = PARSE + "print(args, argparse.ArgumentParser.parse_known_args.__module__)"
    Path("train.py").write_text(script)
    environment = {name: value for name, value in os.environ.items() if name != WATCH}
    environment["PYTHONPATH"] = str(FOLDER)
    command = [sys.executable, "train.py"]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    assert output == "Namespace(lr=None, lr_decay=None, dropout=None) argparse\n"


def test_a_folder_for_notes_that_is_gone_does_not_disturb_the_script(tmp_path: Path) -> None:
    Path("train.py").write_text(PARSE + "print(args.lr)")
    environment = {**os.environ, WATCH: str(tmp_path / "gone"), "PYTHONPATH": str(FOLDER)}
    command = [sys.executable, "train.py", "--lr", "1"]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert (output.stdout, output.stderr) == ("1.0\n", "")
