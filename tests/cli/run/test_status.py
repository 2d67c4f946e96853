"""`ablate status` about trainings without a result: reasons of several sentences, logs, and the last output."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.store import open_store
from ablate.store.queue import claims
from ablate.trainers.declared.reasons import log_of, with_log, without_log
from tests.conftest import Ablate
from tests.support.command_line import INLINE, query
from tests.support.paths import SIMULATED

REASON = (
    "exit code 1: the script ended with an error. KeyError: 'momentum', in train.py, line 31. The study file sets no "
    "`config.momentum`: add it there, with the value that the script expects."
)
OUTPUT = "\n".join(f"step {step}/5000: loss {1 / step:.4f}" for step in range(1, 51))
WIDTH = 80


def log(number: int) -> str:
    return f"results/runs/{number:020x}/attempt-1.log"


@pytest.fixture
def failed(ablate: Ablate) -> Ablate:
    """`ablate`, with a store in which three trainings have failed as a script does, and the others wait."""
    ablate("run", SIMULATED, *INLINE, "--only", "normalized")
    keys = [key for (key,) in query("SELECT key FROM ablate_trainings WHERE state = 'queued' ORDER BY key LIMIT 3")]
    store = open_store("results/ablate.db")
    for number, key in enumerate(keys):
        with store.write() as connection:
            claim = claims.claim(connection, str(key))
            assert claim is not None
            claims.fail(connection, claim, with_log(REASON, log(number)), OUTPUT, 1.0)
    store.close()
    return ablate


def test_a_long_reason_is_printed_once_and_each_log_in_its_place(failed: Ablate) -> None:
    out = failed("status").out
    assert out.count(REASON) == 1, "in a pipe it is whole"
    assert out.count(": as ") == 2
    lines = out.splitlines()
    logs = [line for line in lines if line.startswith("    log: ")]
    assert sorted(logs) == [f"    log: {log(number)}" for number in range(3)]
    assert "step 50" not in out


def test_the_last_output_is_printed_on_request(failed: Ablate) -> None:
    assert "prints the traceback or the last output of each" in failed("status").err
    whole = failed("status", "--traceback")
    assert whole.err == ""
    assert [f"    {line}" for line in OUTPUT.splitlines()] == whole.out.splitlines()[-50:], "the same output once"


def test_on_a_terminal_the_reason_is_folded_between_words(failed: Ablate) -> None:
    lines = on_terminal("status").splitlines()
    assert max(map(len, lines)) < WIDTH
    begin = next(at for at, line in enumerate(lines) if line.startswith("  failed "))
    end = next(at for at, line in enumerate(lines) if line.startswith("    log: "))
    assert end - begin > 1
    assert " ".join(" ".join(lines[begin:end]).split()).endswith(REASON)
    assert all(line.startswith("    ") for line in lines[begin + 1 : end])


def test_many_trials_are_listed_by_reason_the_most_frequent_first(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text(SIMULATED.read_text().replace("seeds: 3", "seeds: 9"))
    ablate("run", path, *INLINE, "--set", "config.fail=1", "--only", "plain")
    query("UPDATE ablate_attempts SET reason = 'a rare one' || char(10) || 'log: x.log'")
    ablate("run", path, *INLINE, "--set", "config.fail=1")
    lines = ablate("status").out.splitlines()
    assert lines[1] == "  failed   27, such as normalized, seed 0: SimulatedError: simulated failure of attempt 1"
    assert lines[2:] == ["  failed   9, such as plain, seed 0: a rare one", "    log: x.log"]


def on_terminal(*words: str) -> str:
    """Return what `ablate` prints on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(WIDTH), "TERM": "dumb"}
    command = [sys.executable, "-m", "ablate", *words]
    ran = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 65536):
            parts.append(part)
    except OSError:  # the end of a terminal's output
        pass
    finally:
        os.close(ours)
        ran.wait(60)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("reason", [REASON, "two\nlines", "", "log: not a path of ours"])
def test_a_reason_and_its_log_are_told_apart(reason: str) -> None:
    assert (without_log(reason), log_of(reason)) == (reason, "")
    whole = with_log(reason, "results/runs/x/attempt-2.log")
    assert (without_log(whole), log_of(whole)) == (reason, "results/runs/x/attempt-2.log")
