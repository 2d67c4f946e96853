"""A plan of a hundred thousand trials, as a process of its own: how long it takes, and how much memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.study_text import filled

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
    return filled(
        "study: large\ntrainer: <trainer>\nfactors:\n<factors>design: [{grid: <levels>}]\n",
        trainer=trainer,
        factors=factors,
        levels=levels,
    ).replace("'", "")


MEASURE = """
import resource, subprocess, sys, time
code = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
before, total = time.process_time(), 0
for number in range(10_000_000):
    total += number
unit = time.process_time() - before
print((used.ru_utime + used.ru_stime) / unit, used.ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
"""Measured by a small process, because the memory of a parent counts in the peak of its child. The time is divided by
that of ten million additions in the same process: a slow or busy machine needs more of both.
"""


@pytest.mark.slow
@pytest.mark.parametrize("trainer", STUDIES)
def test_a_hundred_thousand_trials_are_planned_in_little_time_and_500_mb(trainer: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(study(trainer))
    command = [sys.executable, "-c", MEASURE, sys.executable, "-m", "ablate", "plan", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "100000 rows × 1 seed: 100000 trials, " in ended.stdout
    additions, kilobytes = map(float, ended.stderr.splitlines()[-1].split())  # after the warnings
    assert additions < 20, "times the ten million additions; ten seconds on a core that does them in half a second"
    assert kilobytes / 1024 < 500
