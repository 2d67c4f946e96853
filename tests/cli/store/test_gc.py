"""`ablate gc`: checkpoints that nothing needs go, all else stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.trainers.checkpoints import Checkpoints
from tests.conftest import Ablate
from tests.support.command_line import INLINE, query, training
from tests.support.paths import SIMULATED

FOLDER = Path("results/checkpoints")


@pytest.fixture
def folders(ablate: Ablate, tmp_path: Path) -> dict[str, str]:
    """{what it is: its training}: of finished, failed, waiting and forgotten trainings, each with a checkpoint."""
    path = tmp_path / "study.yaml"
    path.write_text(SIMULATED.read_text().replace("plain: {}", "plain: {}\n      gone: {warmup: on}"))
    ablate("run", path, *INLINE, "--seeds", 1, "--only", "plain")
    ablate("run", path, *INLINE, "--seeds", 1, "--only", "normalized", "--set", "config.fail=1")
    kinds = {"done": "plain", "failed": "normalized", "waiting": "erasing=on", "gone": "gone"}
    found = {kind: training(label) for kind, label in kinds.items()}
    ablate("run", SIMULATED, *INLINE, "--seeds", 1, "--only", "plain")
    for key in found.values():
        Checkpoints(FOLDER / key, key).save(3, bytes(500_000))
    return found


def left() -> set[str]:
    return {path.name for path in FOLDER.iterdir()}


def test_it_keeps_what_is_unfinished_and_in_a_plan(ablate: Ablate, folders: dict[str, str]) -> None:
    assert left() == set(folders.values())
    results = query("SELECT * FROM ablate_measurements")
    told = ablate("gc", "--dry-run")
    assert told.out.startswith("would remove the checkpoints of 2 trainings, 1.0 MB\n")
    assert left() == set(folders.values())
    told = ablate("gc")
    assert told.code == 0
    assert told.out.splitlines() == [
        "removed the checkpoints of 2 trainings, 1.0 MB",
        "kept the checkpoints of 2 trainings that a plan or a search waits for",
    ]
    assert "is trained again" in told.err
    assert left() == {folders["failed"], folders["waiting"]}
    assert query("SELECT * FROM ablate_measurements") == results
    assert ablate("gc").out.startswith("no checkpoints to remove\n")


def test_a_running_training_keeps_its_checkpoints_in_any_case(ablate: Ablate, folders: dict[str, str]) -> None:
    query(f"UPDATE ablate_trainings SET state = 'running' WHERE key = '{folders['gone']}'")
    ablate("gc")
    assert folders["gone"] in left()


def test_what_the_store_does_not_know_is_left_alone(ablate: Ablate, folders: dict[str, str]) -> None:
    for name in ("notes", "0123456789abcdef0123"):
        (FOLDER / name).mkdir()
        (FOLDER / name / "file").write_text("mine")
    told = ablate("gc").out
    assert "left alone in results/checkpoints, as another store may know them: 2 (0123456789abcdef0123, notes)" in told
    assert {"notes", "0123456789abcdef0123"} < left()


def test_parts_of_dead_writers_go_and_those_of_living_ones_stay(ablate: Ablate, folders: dict[str, str]) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead, alive = (FOLDER / folders["waiting"] / f"000000004.{pid}.part" for pid in (child.pid, os.getpid()))
    for part in (dead, alive):
        part.write_bytes(b"torn")
    assert "1 unfinished file" in ablate("gc").out
    assert (dead.exists(), alive.exists()) == (False, True)


def test_no_store_and_no_checkpoints(ablate: Ablate) -> None:
    assert ablate("gc").code == 2
    ablate("run", SIMULATED, *INLINE, "--seeds", 1)
    assert ablate("gc").out == "no checkpoints to remove\n"
