"""Scripts that fill the disk of their results, that print 100 MB, or that fail every time, through whole runs."""

import re
from pathlib import Path

import pytest

from ablate.run.dispatch import retry
from ablate.store.queue import lease_expiry
from tests.conftest import Ablate
from tests.support.scripts.script_study import ROW, ends, run_folders, values, write_command
from tests.support.store.disks import Disk

pytestmark = pytest.mark.slow  # seconds each: real scripts through whole runs

STORE = "disk/results/ablate.db"

FILLS = """
import os
if not os.path.exists("room"):
    with open(os.environ["ABLATE_DIR"] + "/model.bin", "wb", buffering=0) as file:
        while True:
            file.write(bytes(100_000))
print("acc: 0.5")
"""


def test_a_full_disk_is_named_and_once_there_is_room_the_study_goes_on(
    ablate: Ablate, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "DEADLINE_SECONDS", 2.0)
    monkeypatch.setattr(retry, "PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(lease_expiry, "LEASE_SECONDS", 3.0)  # this process has the lease, and is not dead
    write_command(FILLS)
    result = ablate("run", "study.yaml", "--executor", "inline", *ROW, "--store", STORE)
    assert result.code == 2
    assert (
        "no room is left where the store lies; make room and run again: nothing that is recorded is lost" in result.err
    )
    Path("room").touch()
    (model,) = disk.path.rglob("model.bin")
    model.unlink()
    assert ablate("run", "study.yaml", "--executor", "inline", *ROW, "--store", STORE).code == 0
    assert values(store=STORE) == [0.5]
    assert ends(STORE)[-1] == ("done", "")


def test_output_of_100_megabytes_is_read_and_kept(ablate: Ablate) -> None:
    line = "step 100, loss 0.123456789, this line of output has a hundred characters with the one at its end: +"
    write_command(
        f"import sys\nfor _ in range(1000):\n    sys.stdout.write({line!r} '\\n' * 1000)\nprint('acc: 0.25')\n"
    )
    assert ablate("run", "study.yaml", "--executor", "inline", *ROW).code == 0
    assert values() == [0.25]
    assert (run_folders()[0] / "attempt-1.log").stat().st_size > 100_000_000
    assert "25.00" in ablate("report", "--format", "markdown").out


def test_three_failures_in_a_row_stop_a_worker_and_the_rest_is_run(ablate: Ablate) -> None:
    write_command("raise RuntimeError('no such layer')", seeds=4)
    result = ablate("run", "study.yaml", "--workers", 2)
    assert result.code == 1
    stopped = r"worker \d is stopped: its last 3 trainings failed; 1 worker goes on; `ablate status` shows the reasons"
    assert len(re.findall(stopped, result.err)) == 1
    assert [state for state, _ in ends()] == ["failed"] * 8
    assert "RuntimeError: no such layer" in ablate("status").out
