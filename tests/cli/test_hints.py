"""Commands in messages can be typed as they stand: with the study, the store and the profile that were given."""

import re
import shlex
from pathlib import Path

import pytest

from ablate.cli.hints import _without_password
from tests.conftest import Ablate
from tests.support.command_line import INLINE

STUDY = """\
study: demo
trainer: simulated
config: {queries: 5000}
factors:
  margin: {sets: settings.margin, levels: [0.3, 0.2]}
design: [{add_one: {from: {}}}]
profiles: {quick: {seeds: 1}}
"""

FAILING = STUDY.replace("queries: 5000", "queries: 5000, fail: 1.0")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "my studies").mkdir()
    path = tmp_path / "my studies" / "demo.yaml"
    path.write_text(STUDY)
    return path


def typed(ablate: Ablate, command: str) -> int:
    """Type a command as it stands in a message; return its exit code."""
    words = shlex.split(command)
    assert words[0] == "ablate"
    return ablate(*words[1:]).code


@pytest.mark.slow
def test_the_next_command_repeats_what_was_given(ablate: Ablate, study: Path) -> None:
    result = ablate("run", study, "--store", "my store.db", "--profile", "quick", *INLINE)
    assert result.err.splitlines()[-1] == "next: ablate report demo --store 'my store.db' --profile quick"
    assert typed(ablate, result.err.splitlines()[-1].removeprefix("next: ")) == 0


def test_defaults_and_variables_are_not_repeated(ablate: Ablate, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATE_STORE", "variable.db")
    assert ablate("run", study, *INLINE).err.splitlines()[-1] == "next: ablate report demo"


def test_failed_trials_are_found_and_run_again_by_the_commands_of_the_message(ablate: Ablate, study: Path) -> None:
    study.write_text(FAILING)
    result = ablate("run", study, "--store", "x.db", "--set", "delta=0.4", "--only", "margin*", *INLINE)
    assert result.code == 1
    status, again = re.findall(r"`(ablate [^`]+)`", result.err.splitlines()[-1])
    assert status == "ablate status demo --store x.db"
    assert again == f"ablate run '{study}' --retry-failed --store x.db --set delta=0.4 --only 'margin*'"
    assert typed(ablate, status) == 0
    assert typed(ablate, again) == 1


def test_status_says_where_the_tracebacks_are(ablate: Ablate, study: Path) -> None:
    study.write_text(FAILING)
    ablate("run", study, "--store", "x.db", *INLINE)
    short = ablate("status", "demo", "--store", "x.db")
    assert "Traceback" not in short.out
    assert "`ablate status demo --traceback --store x.db` prints the traceback or the last output of each" in short.err
    whole = ablate("status", "demo", "--traceback", "--store", "x.db").out
    assert whole.count("Traceback (most recent call last):") == 1, "the same traceback once"
    assert "SimulatedError: simulated failure of attempt 1" in whole


def test_errors_repeat_the_store(ablate: Ablate) -> None:
    told = ablate("report", "--store", "x.db").err
    assert told.startswith("x.db: no store there yet; ")


@pytest.mark.parametrize("words", [("status",), ("reset", "baseline")], ids=["status", "reset"])
def test_a_file_in_place_of_a_name_is_recognized(ablate: Ablate, study: Path, words: tuple[str, ...]) -> None:
    ablate("run", study, *INLINE)
    result = ablate(words[0], study, *words[1:])
    assert result.code == 2
    assert f"found the file '{study}'; accepted: the name of a study in the store; did you mean 'demo'?" in result.err


def test_a_name_in_place_of_a_file_is_recognized(ablate: Ablate, study: Path) -> None:
    study.rename("demo.yaml")
    result = ablate("run", "demo")
    assert result.code == 2
    assert "demo: no such file in " in result.err
    assert "did you mean demo.yaml?" in result.err


def test_a_file_that_was_not_run_yet_is_said_so(ablate: Ablate, study: Path) -> None:
    ablate("run", study, *INLINE)
    other = study.with_name("other.yaml")
    other.write_text(STUDY.replace("study: demo", "study: other"))
    assert "'other' is not in it yet: `ablate run" in ablate("status", other).err


def test_hints_show_no_password(ablate: Ablate) -> None:
    result = ablate("status", "--store", "postgresql://user:secret@127.0.0.1:1/x")
    assert result.code == 2
    assert "secret" not in result.err
    assert _without_password("postgresql://user:secret@127.0.0.1:1/x") == "postgresql://user:***@127.0.0.1:1/x"
    assert "secret" not in str(_without_password("postgresql://h/x?password=secret"))
    assert _without_password("sqlite:///my store.db") == "sqlite:///my store.db"
    assert _without_password("mysql://user:secret@h/x") is None
