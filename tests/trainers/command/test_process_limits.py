"""Limits of a script: time, silence, memory, and a request to stop."""

import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.trainers.command.process import EndedBy
from ablate.trainers.command.watch.signs import SignsOfLife
from tests.support.command.watched_scripts import LIMITS, marked, new_mark, output, python, run

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('set', flush=True); "
SAVES = """
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(75)
signal.signal(signal.SIGTERM, save)
print("set", flush=True)
time.sleep(60)
"""


def is_set() -> bool:
    """Return True once the script has set its handler."""
    return b"set" in output()


def test_a_script_that_reaches_its_time_limit_is_terminated() -> None:
    end = run(["sleep", "60"], replace(LIMITS, timeout=0.4))
    assert (end.exit_code, end.ended_by) == (-signal.SIGTERM, EndedBy.TIMEOUT)
    assert 0.4 <= end.seconds < 5


def test_a_script_that_ignores_the_request_is_killed_after_the_time_of_grace() -> None:
    end = run(python(STUBBORN + "time.sleep(60)"), replace(LIMITS, grace=0.3), stopping=is_set)
    assert (end.exit_code, end.ended_by, end.orphans) == (-signal.SIGKILL, EndedBy.STOP, 0)
    assert 0.3 <= end.seconds < 5


def test_a_script_may_save_itself_when_a_stop_is_requested() -> None:
    end = run(python(SAVES), stopping=is_set)
    assert (end.exit_code, end.ended_by) == (75, EndedBy.STOP)
    assert output() == b"set\nsaved\n"
    assert end.seconds < 2, "nothing waits for the rest of the time of grace"


def test_a_script_below_a_shell_may_save_itself_too() -> None:
    """The shell dies of SIGTERM at once."""
    slow = SAVES.replace("def save(*_):", "def save(*_):\n    time.sleep(0.3)")
    end = run(["sh", "-c", '"$@"; true', "sh", *python(slow)], stopping=is_set)
    assert (end.exit_code, end.orphans) == (-signal.SIGTERM, 0)
    assert output() == b"set\nsaved\n"


def test_a_script_that_hangs_in_silence_is_terminated() -> None:
    signs: list[float] = []
    end = run(["sleep", "60"], replace(LIMITS, stall_seconds=0.5), on_sign=lambda: signs.append(1))
    assert end.ended_by == EndedBy.STALL
    assert 0.5 < end.seconds < 5
    assert signs == []


@pytest.mark.parametrize(
    "sign",
    [
        "print('.', end='', flush=True)",
        "os.makedirs('a/b', exist_ok=True); open('a/b/file', 'a').write('.')",
        pytest.param("os.close(os.open(f'a-{i}', os.O_CREAT))", marks=pytest.mark.slow),
    ],
    ids=["output", "deep file", "new files"],
)
def test_a_script_with_signs_of_life_may_take_its_time(sign: str) -> None:
    """It runs for longer than the limit of silence, and than any of its signs."""
    signs: list[float] = []
    code = f"import os, time\nfor i in range(9): {sign}; time.sleep(0.1)"
    end = run(python(code), replace(LIMITS, stall_seconds=0.7), on_sign=lambda: signs.append(1))
    assert (end.exit_code, end.ended_by) == (0, EndedBy.ITSELF)
    assert end.seconds > 0.9
    assert 2 <= len(signs) <= 5


def test_a_folder_with_more_files_than_are_looked_at_shows_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablate.trainers.command.watch.signs.MOST_ENTRIES", 0)
    folder = tmp_path / "folder"
    folder.mkdir()
    with (tmp_path / "log").open("w") as log:
        signs = SignsOfLife(log.fileno(), folder, stall_seconds=0.04)
        time.sleep(0.02)
        assert not signs.look(0)
        (folder / "new").touch()
        time.sleep(0.02)
        assert signs.look(0)


def test_time_in_which_this_process_did_not_run_is_no_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspended worker goes on with a script that was suspended too."""
    now = time.monotonic()
    with (tmp_path / "log").open("w") as log:
        signs = SignsOfLife(log.fileno(), tmp_path, stall_seconds=60)
        monkeypatch.setattr(time, "monotonic", lambda: now + 3600)
        assert not signs.look(0)
    assert not signs.has_stalled


@on_linux
def test_a_script_that_reaches_its_memory_limit_is_terminated_with_all_its_processes() -> None:
    """Each of three processes is below the limit."""
    mark = new_mark()
    code = "import os, time; os.fork(); os.fork(); x = b'1' * (40 << 20); time.sleep(60)"
    end = run(python(code, mark), replace(LIMITS, memory=100 << 20))
    assert (end.exit_code, end.ended_by) == (-signal.SIGTERM, EndedBy.MEMORY)
    assert marked(mark) == set()


@on_linux
@pytest.mark.slow
def test_memory_that_processes_share_counts_once() -> None:
    """As the worker processes of a data loader share all that their parent had when it forked them."""
    code = "import os, time; x = b'1' * (60 << 20); os.fork(); os.fork(); time.sleep(0.9)"
    end = run(python(code), replace(LIMITS, memory=150 << 20))
    assert (end.exit_code, end.ended_by) == (0, EndedBy.ITSELF)
