"""Scripts that end in every way, by the command `ablate run`: the state, the reason, the remedy and the log of each."""

import os
import time

import pytest

from tests.conftest import Ablate
from tests.support.scripts.script_study import ROW, ends, run_folders, values, write_command

pytestmark = pytest.mark.slow  # seconds each: real scripts through whole runs

INLINE = ("--executor", "inline", *ROW)
IN_DIR = 'import os; out = open(os.environ["ABLATE_DIR"] + "/metrics.json", "w")\n'


def only_end(ablate: Ablate) -> tuple[str, str]:
    """Run the study in `study.yaml`, and return the state and the reason of its only attempt, without the log's path.

    The log is there, and the command shows its path.
    """
    result = ablate("run", "study.yaml", *INLINE)
    ((state, reason),) = ends()
    reason, _, log = reason.partition("\nlog: ")
    if log:
        assert log == str(run_folders()[0].absolute() / "attempt-1.log")
        assert os.path.exists(log)  # noqa: PTH110
        assert log in result.err
        assert log in ablate("status").out
    if state != "done":
        assert reason in " ".join(ablate("status").out.split())
    assert result.code == (1 if state == "failed" else 0)
    return state, reason


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("pass", "acc is missing: no line of the output matches `acc: ([0-9.]+)`; the script printed nothing"),
        ("print('loss: 0.3')", "exit code 0, but acc is missing: no line of the output matches"),
        ("print('accuracy: 0.3')", "seen: accuracy = 0.3, which `from: 'stdout:accuracy: ([-+.0-9eE]+)'` reads"),
        ("print('acc: 3.5')", 'its value is 3.5, but a metric with the unit "%" is a rate from 0 to 1'),
        ("raise ValueError('wrong shape (3, 4)')", "exit code 1: ValueError: wrong shape (3, 4)"),
        ("import sys; sys.exit(3)", "exit code 3: it printed nothing"),
        ("import sys; sys.exit('no data')", "exit code 1: no data"),
        ("import os; os._exit(300 % 256)", "exit code 44: it printed nothing"),
        ("import os; os.kill(os.getpid(), 11)", "the script crashed by SIGSEGV, in compiled code"),
        ("import os; os.abort()", "the script crashed by SIGABRT, in compiled code"),
        ("raise MemoryError", "out of memory: MemoryError; use a smaller batch or model"),
        ("raise RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')", "out of memory: RuntimeError: CUDA"),
        (
            "raise OSError(28, 'No space left on device')",
            "a disk is full: OSError: [Errno 28] No space left",
        ),
        ("print('acc: 0.5'); raise SystemExit(2)", "exit code 2: acc: 0.5"),
    ],
)
def test_a_failure_has_a_reason(ablate: Ablate, script: str, words: str) -> None:
    write_command(script)
    state, reason = only_end(ablate)
    assert state == "failed"
    assert words in reason


def test_a_crash_in_compiled_code_shows_the_line_of_the_script(ablate: Ablate) -> None:
    write_command("import ctypes\n\nctypes.string_at(0)")
    assert only_end(ablate)[0] == "failed"
    assert 'train.py", line 3 in <module>' in (run_folders()[0] / "attempt-1.log").read_text()
    assert 'train.py", line 3 in <module>' in ablate("status", "--traceback").out


@pytest.mark.parametrize("value", ["nan", "-inf", "Infinity", "NaN"])
def test_a_value_that_is_not_finite_is_an_outcome(ablate: Ablate, value: str) -> None:
    write_command(f"print('acc: {value}')")
    assert only_end(ablate) == ("diverged", f"acc is {value}")
    assert "1 diverged" in ablate("status").out
    report = ablate("report").out
    assert f"Diverged: baseline, seed 0: acc is {value}." in report
    assert "0 of 1, 1 diverged" in report
    assert "1 of them diverged; nothing to run" in ablate("run", "study.yaml", *INLINE).err


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('{"acc": 0.', "metrics.json is not JSON: Expecting ',' delimiter at line 1, column 10"),
        ("", "metrics.json is empty"),
        ("\\0\\0\\0", "metrics.json is not JSON"),
        ('{"acc": "0.5?"}', "the value is the text '0.5?', not a number"),
        ('{"acc": null}', "acc"),
        ("[" * 100_000, "metrics.json"),
    ],
)
def test_a_torn_or_wrong_result_is_no_result(ablate: Ablate, written: str, words: str) -> None:
    write_command(f"{IN_DIR}out.write('''{written}''')", source="metrics.json:acc")
    state, reason = only_end(ablate)
    assert state == "failed"
    assert words in reason


def test_a_torn_result_by_its_variable_is_no_result(ablate: Ablate) -> None:
    write_command("""import os; open(os.environ["ABLATE_RESULT"], "w").write('{"acc": 0.')""", source="")
    state, reason = only_end(ablate)
    assert (state, "result.json is not JSON" in reason) == ("failed", True)


def test_silence_ends_a_script(ablate: Ablate) -> None:
    write_command("import time; time.sleep(100)", runtime="stall_seconds: 0.3")
    began = time.monotonic()
    state, reason = only_end(ablate)
    assert time.monotonic() - began < 30
    assert state == "failed"
    assert reason.startswith(
        "no output and no changed file in ${dir} for 0.3 s, so the script was taken for hung and ended; "
    )
    assert reason.endswith("write `runtime: {stall_seconds: 1.2}`")


@pytest.mark.parametrize("sign", ["print(i, flush=True)", 'open(os.environ["ABLATE_DIR"] + f"/{i}", "w")'])
def test_a_script_that_gives_signs_of_life_may_take_its_time(ablate: Ablate, sign: str) -> None:
    write_command(
        f"import os, time\nfor i in range(6):\n    {sign}\n    time.sleep(0.15)\nprint('acc: 0.5')",
        runtime="stall_seconds: 0.6",
    )
    assert only_end(ablate)[0] == "done"


def test_a_time_limit_ends_a_script(ablate: Ablate) -> None:
    write_command("import time\nwhile True:\n    print('x', flush=True)\n    time.sleep(0.05)", trainer="timeout: 0.3s")
    state, reason = only_end(ablate)
    assert state == "failed"
    assert reason == (
        "no result within 0.3 s, so the script was ended; give it more time by `timeout:` of the trainer, or less to do"
    )


def test_a_memory_limit_ends_a_script(ablate: Ablate) -> None:
    script = "import time\nkept = b'x' * 200_000_000\ntime.sleep(60)\nprint('acc: 0.5')"
    write_command(script, runtime="memory: 100MB")
    state, reason = only_end(ablate)
    assert state == "failed"
    assert reason.startswith("out of memory: the script used more than 100 MB, so it was ended; allow more by ")


def test_a_script_that_is_killed_each_time_fails_in_the_end(ablate: Ablate) -> None:
    write_command("import os; os.kill(os.getpid(), 9)")
    assert ablate("run", "study.yaml", *INLINE).code == 1
    *lost, (state, reason) = ends()
    assert [each for each, _ in lost] == ["lost"] * 4
    assert state == "failed"
    assert reason.startswith("the script was killed by SIGKILL; perhaps the machine ran out of memory; so ended 5 atte")
    assert reason.endswith("attempt-5.log")


def test_a_script_that_is_killed_once_runs_again(ablate: Ablate) -> None:
    write_command(
        "import os\nif os.environ['ABLATE_ATTEMPT'] == '1':\n    os.kill(os.getpid(), 9)\nprint('acc: 0.5')",
    )
    assert ablate("run", "study.yaml", *INLINE).code == 0
    assert [state for state, _ in ends()] == ["lost", "done"]
    assert values() == [0.5]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("[nosuchprogram, train.py]", "trainer.command: there is no program 'nosuchprogram' on this machine"),
        ('["${python}", trian.py]', "there is no such file in"),
    ],
)
def test_a_program_that_is_not_there_is_a_fault_before_anything_runs(ablate: Ablate, command: str, words: str) -> None:
    write_command("print('acc: 0.5')", command=command)
    result = ablate("run", "study.yaml", *INLINE)
    assert result.code == 2
    assert words in result.err


@pytest.mark.parametrize(
    ("first_line", "mode", "words"),
    [
        ("#!/bin/sh", 0o644, "./train.py: Permission denied; make it executable (chmod +x), or put its interpreter"),
        ("# no interpreter", 0o755, "./train.py: Exec format error; put its interpreter in front of it"),
        ("#!/no/such/shell", 0o755, "./train.py: No such file or directory; it is there, but the interpreter"),
    ],
)
def test_a_script_that_cannot_be_started(ablate: Ablate, first_line: str, mode: int, words: str) -> None:
    write_command(f"{first_line}\necho acc: 0.5\n", command="[./train.py]")
    os.chmod("train.py", mode)  # noqa: PTH101
    state, reason = only_end(ablate)
    assert state == "failed"
    assert reason.startswith(f"the script cannot be started: {words}")


def test_an_argument_that_is_too_long_names_the_way_by_a_file(ablate: Ablate) -> None:
    write_command("print('acc: 0.5')", config=f"lr: 0.1, text: {'x' * 200_000}")
    state, reason = only_end(ablate)
    assert state == "failed"
    assert "Argument list too long; an argument may have 128 kB; give large values in a file: ${config.json}" in reason
    write_command(
        "import json, sys; print('acc:', len(json.load(open(sys.argv[1]))['text']) / 400_000)",
        config=f"lr: 0.1, text: {'x' * 200_000}",
        command='["${python}", train.py, "${config.json}"]',
    )
    assert ablate("run", "study.yaml", *INLINE).code == 0
    assert values() == [0.5]
