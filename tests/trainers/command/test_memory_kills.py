"""The kernel's count of processes that it has killed for want of memory."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.trainers.command.watch.memory import CONTROL_GROUPS, kills_file, memory_kills
from tests.support.command.watched_scripts import python

VERSION_1 = "9:name=systemd:/\n4:cpu,memory:/job/7\n0::/\n"
VERSION_2 = "0::/user.slice/job 7\n"


@pytest.mark.parametrize(
    ("groups", "file"),
    [
        (VERSION_2, "user.slice/job 7/memory.events"),
        (VERSION_2, "memory.events"),
        (VERSION_1, "memory/job/7/memory.oom_control"),
        (VERSION_1, "memory/memory.oom_control"),
    ],
)
def test_the_count_is_in_the_own_group_or_at_the_top_of_a_container(tmp_path: Path, groups: str, file: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("oom 5\noom_kill 3\n")
    assert kills_file(groups, tmp_path) == tmp_path / file


def test_without_control_groups_there_is_no_count(tmp_path: Path) -> None:
    assert kills_file(VERSION_1 + VERSION_2, tmp_path) is None
    assert kills_file("", tmp_path) is None
    assert memory_kills() >= 0


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of 80 MB."""
    own = {line.split(":")[1]: line.split(":")[2] for line in Path("/proc/self/cgroup").read_text().splitlines()}
    if "memory" in own:
        folder, limit = (
            CONTROL_GROUPS / "memory" / own["memory"].lstrip("/") / f"ablate-{os.getpid()}",
            "limit_in_bytes",
        )
    else:
        folder, limit = CONTROL_GROUPS / own.get("", "").lstrip("/") / f"ablate-{os.getpid()}", "max"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"cannot make a control group: {error}")
    try:
        (folder / f"memory.{limit}").write_text(str(80 << 20))
    except OSError as error:
        folder.rmdir()
        pytest.skip(f"cannot limit a control group: {error}")
    yield folder
    for _ in range(100):  # its last process is the guard of the worker, which ends soon
        try:
            folder.rmdir()
            break
        except OSError:
            time.sleep(0.05)


@pytest.mark.service
def test_a_script_that_the_kernel_kills_for_want_of_memory_is_counted(group: Path) -> None:
    script = python("x = b'1' * (200 << 20); print('not killed')")
    code = (
        f"import os; open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
        "from tests.support.command.watched_scripts import run\n"
        f"end = run({script!r}); print(end.exit_code, end.ended_by, end.memory_kills)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "-9 itself 1\n"
