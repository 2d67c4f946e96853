"""Scripts and functions that are stopped by a request, or that stop by themselves and continue later."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ablate.trainers.declared import script
from tests.conftest import Ablate
from tests.support.command.watched_scripts import DAEMON, marked, new_mark, wait_until
from tests.support.command_line import start
from tests.support.scripts.script_study import ROW, ends, run_folders, states, values, write_command, write_function

pytestmark = pytest.mark.slow  # seconds each: real scripts through whole runs

INLINE = ("--executor", "inline", *ROW)
GRACE = {"ablate.trainers.declared.script.GRACE_SECONDS": 0.5}
STUBBORN = f"""
import signal, sys, time
{DAEMON}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
mark = sys.argv[-1]
session(mark)
daemon(mark)
print("ready", flush=True)
time.sleep(100)
"""
"""A script that ignores SIGTERM, with a process in another session and a daemon without an environment."""
RESUMES = """
import os, pathlib, signal, sys, time
state = pathlib.Path(os.environ["ABLATE_DIR"]) / "state"
step = int(pathlib.Path(sys.argv[sys.argv.index("--resume") + 1]).read_text()) if "--resume" in sys.argv else 0
print("from", step, flush=True)
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while step < 12:
    step += 1
    <work>
    if stop or step in <saves>:
        state.write_text(str(step))
        sys.exit(<code>)
print("acc:", step / 24)
"""
"""A script of twelve steps that saves its step, and continues from it."""
RESUME = 'resume: {args: [--resume, "${dir}/state"], if: state}'


def resuming(work: str = "pass", saves: str = "()", code: int = 75) -> str:
    return RESUMES.replace("<work>", work).replace("<saves>", saves).replace("<code>", str(code))


def interrupted(runner: "subprocess.Popen[str]", times: int = 1) -> str:
    """Press Ctrl-C in the runner's terminal some times. Return what it prints, once it has ended."""
    for _ in range(times):
        runner.send_signal(signal.SIGINT)
        time.sleep(0.3)
    _, err = runner.communicate(timeout=60)
    assert runner.returncode == 130, err
    assert "Traceback" not in err
    return err


@pytest.mark.slow
def test_a_script_that_ignores_sigterm_is_killed_at_its_time_limit(
    ablate: Ablate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "GRACE_SECONDS", 0.5)
    mark = new_mark()
    write_command(STUBBORN, command=f'["${{python}}", train.py, {mark}]', trainer="timeout: 1s")
    assert ablate("run", "study.yaml", *INLINE).code == 1
    assert [state for state, _ in ends()] == ["failed"]
    assert ends()[0][1].startswith("no result within 1 s, so the script was ended; give it more time by `timeout:`")
    assert marked(mark) == set()


@pytest.mark.slow
@pytest.mark.parametrize("options", [(*INLINE,), ("--workers", 1, *ROW)], ids=["inline", "worker"])
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_a_script_that_ignores_signals(tmp_path: Path, times: int, options: tuple[object, ...]) -> None:
    mark = new_mark()
    write_command(STUBBORN, command=f'["${{python}}", train.py, {mark}]')
    runner = start("run", "study.yaml", *options, folder=tmp_path, constants=GRACE)
    wait_until(lambda: len(marked(mark)) == 3)
    err = interrupted(runner, times)
    wait_until(lambda: not marked(mark), seconds=5)
    assert "interrupted; finished results are kept, and the same command continues" in err
    assert [state for state, _ in ends()] == ["interrupted"]
    assert set(states()) == {"queued"}


@pytest.mark.slow
def test_ctrl_c_lets_a_script_save_and_the_next_run_continues(ablate: Ablate, tmp_path: Path) -> None:
    write_command(resuming("print(step, flush=True); time.sleep(0.2)"), trainer=RESUME)
    runner = start("run", "study.yaml", "--workers", 1, *ROW, folder=tmp_path)
    wait_until(lambda: Path("results/runs").exists() and any(log.stat().st_size > 20 for log in logs()))
    interrupted(runner)
    saved = int((run_folders()[0] / "state").read_text())
    assert 0 < saved < 12
    assert ablate("run", "study.yaml", *INLINE).code == 0
    assert logs()[1].read_text().splitlines()[0] == f"from {saved}"
    assert [state for state, _ in ends()] == ["interrupted", "done"]
    assert values() == [0.5]


def logs() -> list[Path]:
    """Return the logs of all attempts."""
    return sorted(Path("results/runs").glob("*/attempt-*.log"))


def test_exit_75_runs_a_script_again_from_its_state(ablate: Ablate) -> None:
    write_command(resuming(saves="(3, 7)"), trainer=RESUME)
    assert ablate("run", "study.yaml", *INLINE).code == 0
    assert [log.read_text().split()[:2] for log in logs()] == [["from", "0"], ["from", "3"], ["from", "7"]]
    assert [state for state, _ in ends()] == ["interrupted", "interrupted", "done"]
    assert values() == [0.5]


def test_exit_75_without_a_saved_state_is_a_failure(ablate: Ablate) -> None:
    write_command("raise SystemExit(75)")
    assert ablate("run", "study.yaml", *INLINE).code == 1
    ((state, reason),) = ends()
    assert state == "failed"
    assert reason.startswith(f"exit code 75 requests another attempt, but no file in {run_folders()[0].absolute()} was")
    assert "; save the state in ${dir} before" in reason


@pytest.mark.parametrize("resume", ["", RESUME])
def test_exit_75_for_ever_ends(ablate: Ablate, resume: str) -> None:
    write_command(resuming(saves="range(100)"), trainer=resume)
    Path("train.py").write_text(Path("train.py").read_text().replace("step += 1", "step = 1"))
    assert ablate("run", "study.yaml", *INLINE).code == 1
    *requests, (state, reason) = ends()
    assert (len(requests), state) == (19, "failed")
    assert "so ended 20 attempts in a row, each within 1 s and without progress; see that each continues" in reason
    assert reason.endswith("attempt-20.log")


def test_a_script_that_saves_nothing_new_starts_again(ablate: Ablate) -> None:
    """Without `resume:`, or without its file, the arguments are those of the first attempt."""
    write_command(resuming(saves="(3,)", code=9), trainer='resume: {args: [--resume, "${dir}/state"], if: nothing}')
    assert ablate("run", "study.yaml", *INLINE).code == 1
    assert ablate("run", "study.yaml", *INLINE, "--retry-failed").code == 1
    assert [log.read_text().split()[:2] for log in logs()] == [["from", "0"], ["from", "0"]]


STOPPABLE = """
import time

def main(lr, seed, run):
    state = run.dir / "state"
    step = int(state.read_text()) if state.exists() else 0
    print("from", step, flush=True)
    while step < 12:
        step += 1
        run.progress(step, 12)
        time.sleep(0.2)
        if run.should_stop():
            state.write_text(str(step))
            return
    return {"acc": step / 24}
"""


@pytest.mark.slow
def test_ctrl_c_lets_a_function_save_and_the_next_run_continues(ablate: Ablate, tmp_path: Path) -> None:
    write_function(STOPPABLE)
    runner = start("run", "study.yaml", "--workers", 1, *ROW, folder=tmp_path)
    wait_until(lambda: Path("results/runs").exists() and any(log.stat().st_size for log in logs()))
    time.sleep(0.5)
    interrupted(runner)
    saved = int((run_folders()[0] / "state").read_text())
    assert 0 < saved < 12
    assert ablate("run", "study.yaml", *INLINE).code == 0
    assert logs()[1].read_text().splitlines()[0] == f"from {saved}"
    assert [state for state, _ in ends()] == ["interrupted", "done"]
    assert values() == [0.5]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_of_processes_of_a_function_end(ablate: Ablate, method: str) -> None:
    """A function takes SIGTERM as a request. The processes that it forks end at it, as pools are ended so."""
    write_function(
        "import multiprocessing, time\n\ndef work(x):\n    time.sleep(0.1 if x else 1000)\n    return x\n\n"
        "def main(lr, seed):\n"
        f"    with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
        "        pool.apply_async(work, (0,))\n"
        "        return {'acc': pool.apply(work, (1,)) / 2}\n",
        trainer="timeout: 30s",
    )
    assert ablate("run", "study.yaml", *INLINE).code == 0
    assert values() == [0.5]


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux's /proc")
def test_a_script_that_changes_its_process_group_leaves_nothing(ablate: Ablate) -> None:
    mark = new_mark()
    write_command(
        f"import os, subprocess, sys\n{DAEMON}\nos.setpgid(0, 0) if os.getpgrp() != os.getpid() else None\n"
        "child = os.fork()\nif child == 0:\n    os.setpgid(0, 0)\n    session(sys.argv[-1])\n"
        "    import time; time.sleep(100)\n"
        "daemon(sys.argv[-1])\nimport time; time.sleep(0.1)\nprint('acc: 0.5')\n",
        command=f'["${{python}}", train.py, {mark}]',
    )
    assert ablate("run", "study.yaml", "--workers", 1, *ROW).code == 0
    assert values() == [0.5]
    assert marked(mark) == set()
    assert os.getpgrp() != 0
