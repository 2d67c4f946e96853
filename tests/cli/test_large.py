"""A plan of a hundred thousand trials, as a process of its own: how long it takes, and how much memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

STUDIES = {
    "simulated": ["settings.a", "settings.b", "settings.c", "settings.d", "settings.e"],
    "retrieval": ["loss.margin", "loss.omega", "schedule.lr", "augment.flip", "evaluate.scope"],
}
LEVELS = {"schedule.lr": [(1 + n) * 1e-4 for n in range(20)], "evaluate.scope": ["category", "all"]}
TENTHS = [n / 10 for n in range(10)]


def study(trainer: str) -> str:
    keys = dict(zip("abcde", STUDIES[trainer], strict=True))
    levels = {name: LEVELS.get(key, TENTHS) for name, key in keys.items()}
    if trainer == "retrieval":
        levels["a"] = [n / 100 for n in range(25)]
    factors = "".join(f"  {name}: {{sets: {key}, levels: {levels[name]}}}\n" for name, key in keys.items())
    return f"study: large\ntrainer: {trainer}\nfactors:\n{factors}design: [{{grid: {levels}}}]\n".replace("'", "")


@pytest.mark.slow
@pytest.mark.parametrize("trainer", STUDIES)
def test_a_hundred_thousand_trials_are_planned_in_ten_seconds_and_500_mb(trainer: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(study(trainer))
    with (tmp_path / "out").open("w+") as out:
        running = subprocess.Popen([sys.executable, "-m", "ablate", "plan", path], stdout=out, cwd=tmp_path)
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        told = out.read()
    assert running.returncode == 0
    assert "100000 rows × 1 seed: 100000 trials, " in told
    assert used.ru_utime + used.ru_stime < 10, "seconds of one core, which a busy machine gives later"
    assert used.ru_maxrss / 1024 < 500
