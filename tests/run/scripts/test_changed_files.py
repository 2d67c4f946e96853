"""Files that the user edits while a study runs: no trial counts that ran with other code than its identity names."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.trainers.declared import planned_files
from tests.conftest import Ablate
from tests.support.scripts.script_study import ends, states, values, write_command, write_function

pytestmark = pytest.mark.slow  # seconds each: real scripts through whole runs

EDITED = """
import os, pathlib, sys
def edit(attempt):
    \"\"\"The user edits a file while this trial, the second that begins, is running.\"\"\"
    mark = pathlib.Path("began")
    mark.write_text(mark.read_text() + "x" if mark.exists() else "x")
    if len(mark.read_text()) == 2:
        EDIT
"""
SCRIPT = "import edited\nedited.edit(1)\nimport net\nprint('acc:', net.VALUE)\n"


def write(edit: str, **options: str) -> None:
    """Write a study of four trials whose second one makes an edit."""
    Path("edited.py").write_text(EDITED.replace("EDIT", edit))
    Path("net.py").write_text("VALUE = 0.5\n")
    Path("data.csv").write_text("1\n")
    write_command(SCRIPT, seeds=2, **options)


def run_again(ablate: Ablate) -> str:
    """Run the study, which an edit ends, and return the message; then run it again, to its end."""
    first = ablate("run", "study.yaml", "--executor", "inline")
    assert first.code == 2
    again = ablate("run", "study.yaml", "--executor", "inline")
    assert again.code == 0, again.err
    return first.err.splitlines()[-1]


def test_code_that_changes_while_scripts_start_gives_no_result(ablate: Ablate) -> None:
    write('pathlib.Path("net.py").write_text("VALUE = 0.75\\n")')
    message = run_again(ablate)
    assert message == (
        "net.py was changed while the script was starting, so its result was not kept. Run again; `ablate plan "
        "study.yaml` shows the results that are stale now"
    )
    assert [state for state, _ in ends()] == ["done", "interrupted", *["done"] * 4]
    assert values() == [0.75] * 4, "that of the old code is no result of this plan"


def test_code_that_changes_later_is_noticed_at_the_next_trial(ablate: Ablate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned_files, "IMPORT_SECONDS", -1000.0)
    write('pathlib.Path("net.py").write_text("VALUE = 0.75\\n")', trainer="files: [train.py, net.py]")
    assert run_again(ablate).startswith("net.py was changed during the run, so no further training was started. Run ")
    assert [state for state, _ in ends()] == ["done", "done", "interrupted", *["done"] * 4]
    assert values() == [0.75] * 4


@pytest.mark.parametrize(
    "edit",
    [
        'pathlib.Path("net.py").write_text("# a comment\\nVALUE = 0.5\\n")',
        'os.utime("net.py")',
        'pathlib.Path("other.py").write_text("")',
        'pathlib.Path("net.py").rename("x"); pathlib.Path("x").rename("net.py")',
    ],
)
def test_an_edit_that_changes_nothing_ends_nothing(ablate: Ablate, edit: str) -> None:
    write(edit)
    assert ablate("run", "study.yaml", "--executor", "inline").code == 0
    assert states() == ["done"] * 4


def test_a_script_that_is_deleted(ablate: Ablate) -> None:
    write('pathlib.Path("train.py").unlink()')
    first = ablate("run", "study.yaml", "--executor", "inline")
    assert first.code == 2
    assert "train.py was changed during the run, so no further training was started" in first.err
    assert [state for state, _ in ends()] == ["done", "done", "interrupted"]
    again = ablate("run", "study.yaml", "--executor", "inline")
    assert (again.code, "found 'train.py', and there is no such file" in again.err) == (2, True)
    Path("train.py").write_text(SCRIPT)
    assert ablate("run", "study.yaml", "--executor", "inline").code == 0
    assert states() == ["done"] * 4, "the file is the old one again, and so is the identity of its trials"


def test_data_that_change(ablate: Ablate) -> None:
    write('pathlib.Path("data.csv").write_text("2\\n")', trainer="data: [data.csv]")
    assert run_again(ablate).startswith("data.csv was changed during the run, so no further training was started. Run ")
    assert [state for state, _ in ends()] == ["done", "done", "interrupted", *["done"] * 4]


def test_large_data_are_not_looked_at_before_each_trial(ablate: Ablate, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []

    def slow(folder: Path, entries: object) -> str | None:
        looks.append(folder)
        time.sleep(0.12)
        return known(folder, entries)

    known: Callable[..., str | None] = planned_files.data_fingerprint
    monkeypatch.setattr(planned_files, "data_fingerprint", slow)
    write("pass", trainer="data: [{path: data.csv, by: time}]")
    assert ablate("run", "study.yaml", "--executor", "inline").code == 0
    assert len(looks) == 1, "the next look would be after twelve seconds"


def test_a_function_whose_module_changes(ablate: Ablate) -> None:
    Path("net.py").write_text("VALUE = 0.5\n")
    write_function(
        "import pathlib\nimport net\n\ndef main(lr, seed):\n"
        '    if seed == 1:\n        pathlib.Path("net.py").write_text("VALUE = 0.75\\n")\n'
        '    return {"acc": net.VALUE}\n',
        seeds=2,
    )
    assert run_again(ablate).startswith("net.py was changed while the script was starting")


@pytest.mark.slow
def test_workers_that_train_finish_and_the_others_wait(ablate: Ablate) -> None:
    """Two workers; the edit comes while one of them trains for longer than it starts."""
    script = (
        "import os, sys, time, pathlib\nseed = sys.argv[-1]\n"
        'if seed == "0": time.sleep(3)\n'
        'if seed == "1": time.sleep(1); pathlib.Path("net.py").write_text("VALUE = 0.75")\n'
        "print('acc: 0.5')\nif False: import net"
    )
    Path("net.py").write_text("VALUE = 0.5")
    os.utime("net.py", (0, 0))
    write_command(script, seeds=4)
    result = ablate("run", "study.yaml", "--only", "baseline", "--workers", 2)
    assert result.code == 2
    assert "net.py was changed while the script was starting" in result.err
    assert {state for state, _ in ends()} == {"interrupted"}
    assert len(ends()) == 2
