"""Help texts, and command lines that are not accepted."""

import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.paths import SIMULATED
from tests.support.quick_tier import commands

COMMANDS = sorted(commands())


@pytest.mark.parametrize("command", ["", "data", *COMMANDS])
def test_help_is_plain(ablate: Ablate, command: str) -> None:
    short, long = (ablate(*command.split(), option) for option in ("-h", "--help"))
    assert (short.code, short.out) == (0, long.out)
    assert max(map(len, short.out.splitlines())) <= 80
    assert short.out.isascii()
    assert not re.search(r"<[a-z ]+>|\bTEXT\b|\bINTEGER\b|\bRANGE\b|x>=|\[required\]|\{", short.out), "no types"
    assert "-h, --help" in short.out


@pytest.mark.parametrize("group", ["", "data"])
def test_summaries_end_without_a_dot_and_are_whole(ablate: Ablate, group: str) -> None:
    out = ablate(*group.split(), "-h").out
    summaries = re.split(r"\n  (?=[a-z]+ +[A-Z])", out.partition("-h, --help")[2])[1:]
    assert len(summaries) >= 2
    for summary in summaries:
        assert not re.search(r"\.\s*$|\.\.\.", summary.partition("\n\n")[0])


def test_the_commands_stand_in_the_order_of_a_study(ablate: Ablate) -> None:
    out = ablate("-h").out
    headings = [line.rstrip(":") for line in out.splitlines() if re.fullmatch(r"[A-Z][a-z ]+:", line)]
    assert headings[:2] == ["Options", "Run a study"]
    places = [out.index(f"\n  {name} ") for name in ("plan", "run", "status", "report", "search")]
    assert places == sorted(places)


def test_the_version(ablate: Ablate) -> None:
    assert re.fullmatch(r"ablate \d+\.\d+\.\d+\n", ablate("--version").out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "ablate: unknown command 'rnu'; did you mean 'run'? known: run, "),
        (
            ["study.yaml"],
            "ablate: found the file 'study.yaml' in place of a command; did you mean `ablate run study.yaml`?",
        ),
        (["data", "prepar"], "ablate data: unknown command 'prepar'; did you mean 'prepare'? known: list, prepare"),
        (["run"], "ablate run: STUDY.yaml is missing: the study file; `ablate run -h` shows how it is written"),
        (["compare", "ours"], "ablate compare: --against THEIRS is missing: the study to compare ours with; "),
        (["import"], "ablate import: PATH is missing: a file or a folder with results; "),
        (["reset", "demo"], "ablate reset: ROW... is missing: labels of rows, or patterns like 'margin=*'; "),
        (["run", "x.yaml", "--workers", "0"], "ablate run: --workers: found '0'; accepted: a whole number from 1"),
        (["run", "x.yaml", "--workers", "two"], "ablate run: --workers: found 'two'; accepted: a whole number from 1"),
        (
            ["plan", "x.yaml", "--workers", "1.5"],
            "ablate plan: --workers: found '1.5'; accepted: a whole number from 1",
        ),
        (["reset", "demo", "row", "--seed", "x"], "ablate reset: --seed: found 'x'; accepted: a whole number"),
        (
            ["data", "prepare", "csv", "--size", "a", "b"],
            "ablate data prepare: --size: found 'a'; accepted: whole numbers",
        ),
        (["run", "x.yaml", "--stor", "y"], "ablate run: unknown option '--stor'; did you mean '--store'? known: "),
        (["run", "x.yaml", "--store"], "--store has no value; write one after it"),
        (["status", "a", "b"], "ablate status: 'b' is too much; it takes STUDY; put a name with spaces in quotes"),
        (["schema", "x"], "ablate schema: 'x' is too much; it takes options only"),
        (["plan", "x.yaml", "--store"], "ablate plan: --store has no value; write one after it"),
        (
            ["data", "prepare", "csv", "--size", "16x16"],
            "--size takes 2 values with a space between them, --size H W: height and width in pixels",
        ),
        (["data", "prepare", "list.csv"], "did you mean `ablate data prepare csv --root list.csv --size 64 64`?"),
        (["run", "x.yaml", "--dry-run"], "unknown option '--dry-run'; `ablate plan` shows the trials and runs nothing"),
        (["plan", "x.yaml", "--until-decided"], "unknown option '--until-decided'; it is an option of `ablate run`; "),
        (
            ["report", "x", "--set", "a=1"],
            "it is an option of `ablate check`, `ablate plan`, `ablate run`, `ablate search`; known",
        ),
        (["run", "x.yaml", "--lr", "1"], "unknown option '--lr'; --set KEY=VALUE sets a key of the study file; known"),
        (["run", "x.yaml", "-j", "4"], "unknown option '-j'; --workers N is the number of processes; known: --store"),
        (["train", "x.yaml"], "ablate: unknown command 'train'; did you mean 'run'? known: run, plan"),
        (["first"], "ablate: unknown command 'first'; known: init, check, plan"),
        (["help"], "ablate: unknown command 'help'; did you mean `ablate -h`?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_a_message_like_the_others(ablate: Ablate, words: list[str], message: str) -> None:
    result = ablate(*words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert "Usage:" not in result.err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["x.yaml", "--set", "config.queries", "=", "100"], "--set config.queries=100"),
        (["--set", "config.queries", "=", "100", "x.yaml"], "--set config.queries=100"),
        (["x.yaml", "--set", "config.queries", "100"], "--set config.queries=100"),
        (["x.yaml", "--set", "config.queries=", "100"], "--set config.queries=100"),
        (["x.yaml", "--set", "seeds=[0,", "1]"], "--set 'seeds=[0, 1]'"),
        (["x.yaml", "seeds=3", "delta=2"], "--set seeds=3 --set delta=2"),
        (["x.yaml", "--seeds", "0", "1", "2"], "--seeds '[0, 1, 2]'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words_that_the_shell_cut_off_are_shown_as_they_are_typed(ablate: Ablate, words: list[str], meant: str) -> None:
    result = ablate("plan", *words)
    assert (result.code, result.out) == (2, "")
    assert f"`{meant}`" in result.err
    assert ablate("plan", SIMULATED, *shlex.split(meant)).code == 0


def test_a_study_without_its_ending_is_a_file_that_can_be_run(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text("study: first\n")
    assert "unknown command 'first'; did you mean `ablate run first.yaml`?" in ablate("first").err


def test_a_study_file_in_place_of_a_log_is_a_command_that_can_be_typed(ablate: Ablate) -> None:
    result = ablate("import", SIMULATED, "--study", "log")
    assert result.code == 2
    assert f"(a study file is run with `ablate run {SIMULATED}`)" in result.err


def test_a_program_without_words_shows_its_help(ablate: Ablate, tmp_path: Path) -> None:
    result = ablate()
    assert result.code == 2
    assert "Run a study:" in result.err
    assert list(tmp_path.iterdir()) == []
    assert ablate("plan", SIMULATED).code == 0
