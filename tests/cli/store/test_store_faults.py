"""Stores that fail beneath a run: a message, exit code 2, and the same command goes on from all that was recorded."""

import random
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ablate.store.migrations.revisions import VERSION_TABLE
from tests.conftest import Ablate, Result
from tests.support.command_line import query, start, wait_for
from tests.support.paths import SIMULATED
from tests.support.store.disks import Disk
from tests.support.store.postgres import Server

OPTIONS = ("--seeds", 5, "--set", "config.seconds=0.5")
TRAININGS = 20
RECORDED = "SELECT count(*) FROM ablate_attempts WHERE state = 'done'"
TWICE = "SELECT training_key FROM ablate_attempts WHERE state = 'done' GROUP BY training_key HAVING count(*) > 1"
SEVERAL = "SELECT 1 FROM ablate_attempts WHERE state = 'done' AND id > 3"


PATIENCE = {
    "ablate.run.dispatch.retry.DEADLINE_SECONDS": 20,
    "ablate.run.dispatch.retry.PAUSE_SECONDS": 1,
    "ablate.store.engines.sqlite.WAIT_TO_WRITE": 40,
    "ablate.store.queue.lease_expiry.LEASE_SECONDS": 5,
    "ablate.run.dispatch.heartbeat.BEAT_SECONDS": 1.3,
}
"""A third of the times of a run: how long it waits for its store, and how long its leases last."""


def run(folder: Path, *words: object) -> subprocess.Popen[str]:
    return start("run", SIMULATED, *OPTIONS, "--workers", 2, *words, folder=folder, constants=PATIENCE)


def end(running: subprocess.Popen[str], seconds: float = 240) -> Result:
    try:
        _, err = running.communicate(timeout=seconds)
    finally:
        running.kill()
    assert "Traceback" not in err
    return Result(running.returncode, "", err)


def done(path: str) -> int:
    (found,) = query("SELECT count(*) FROM results WHERE state = 'done'", path)
    return int(str(found[0]))


def goes_on(ablate: Ablate, path: str, earlier: int) -> None:
    """The same command finishes the study, without running again what was recorded."""
    assert done(path) == earlier
    again = ablate("run", SIMULATED, *OPTIONS, "--workers", 2, "--store", path)
    assert again.code == 0, again.err
    assert done(path) == TRAININGS
    assert query(TWICE, path) == []
    assert f"{TRAININGS - earlier} of {TRAININGS} trainings run" in again.err


def remove(folder: Path) -> None:
    """Deletes a folder that others go on writing into: out of their way first."""
    away = folder.rename(folder.with_name("away"))
    shutil.rmtree(away, ignore_errors=True)


@pytest.mark.service
@pytest.mark.slow
@pytest.mark.parametrize("whole", [True, False], ids=["folder", "file"])
def test_a_store_that_is_deleted(ablate: Ablate, tmp_path: Path, whole: bool) -> None:
    running = run(tmp_path)
    wait_for(SEVERAL)
    if whole:
        remove(tmp_path / "results")
    else:
        Path("results/ablate.db").unlink()
    ended = end(running)
    assert ended.code == 2
    assert "was deleted or moved away while it was in use" in ended.err
    assert "ablate.rescued.db" in ended.err
    assert not Path("results/ablate.db").exists()
    earlier = done("results/ablate.rescued.db")
    assert earlier >= 3
    Path("results/ablate.rescued.db").rename("results/ablate.db")
    goes_on(ablate, "results/ablate.db", earlier)


@pytest.mark.service
@pytest.mark.slow
def test_a_store_that_is_deleted_beneath_two_runs_and_made_anew_by_a_third(ablate: Ablate, tmp_path: Path) -> None:
    first, second = run(tmp_path), run(tmp_path)
    wait_for(SEVERAL)
    remove(tmp_path / "results")
    third = run(tmp_path)
    assert (end(first).code, end(second).code, end(third).code) == (2, 2, 0)
    assert done("results/ablate.db") == TRAININGS
    for name in ("ablate.rescued.db", "ablate.rescued-2.db"):
        earlier = done(f"results/{name}")
        assert earlier >= 3
        goes_on(ablate, f"results/{name}", earlier)


@pytest.mark.slow
def test_a_disk_that_is_full_for_a_while(ablate: Ablate, tmp_path: Path, disk: Disk) -> None:
    store = f"{disk.path}/ablate.db"
    running = run(tmp_path, "--store", store)
    wait_for_done(store, 3)
    disk.fill()
    time.sleep(4)
    disk.empty()
    ended = end(running)
    assert ended.code == 0, ended.err
    assert "no room is left where the store lies; make room" in ended.err
    assert "trying again" in ended.err
    assert done(store) == TRAININGS
    assert query(TWICE, store) == []


@pytest.mark.slow
def test_a_disk_that_stays_full(ablate: Ablate, tmp_path: Path, disk: Disk) -> None:
    store = f"{disk.path}/ablate.db"
    running = run(tmp_path, "--store", store)
    wait_for_done(store, 3)
    disk.fill()
    ended = end(running)
    assert ended.code == 2
    assert "no room is left where the store lies; make room and run again" in ended.err
    assert ablate("status", "--store", store).code == 0
    assert ablate("run", SIMULATED, *OPTIONS, "--store", store).code == 2
    disk.empty()
    goes_on(ablate, store, done(store))


@pytest.mark.service
@pytest.mark.slow
def test_a_store_that_another_program_locks_for_longer_than_a_lease(ablate: Ablate, tmp_path: Path) -> None:
    running = run(tmp_path)
    wait_for(SEVERAL)
    other = sqlite3.connect("results/ablate.db", isolation_level=None, timeout=60)
    other.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    assert "running" in ablate("status").out
    assert time.monotonic() - started < 10, "readers are not held up"
    time.sleep(12)
    assert running.poll() is None
    other.execute("COMMIT")
    other.close()
    assert end(running).code == 0
    assert done("results/ablate.db") == TRAININGS
    assert query(TWICE) == []


@pytest.mark.service
@pytest.mark.slow
def test_a_store_that_another_version_migrates(ablate: Ablate, tmp_path: Path) -> None:
    running = run(tmp_path)
    wait_for(SEVERAL)
    (before,) = query(f"SELECT version_num FROM {VERSION_TABLE}")
    stamp(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    ended = end(running, seconds=90)
    assert ended.code == 2
    assert f"another version of ablate has migrated the store, from revision {before[0]} to 9999" in ended.err
    again = ablate("run", SIMULATED)
    assert (again.code, "written by a newer version" in again.err) == (2, True)
    stamp(f"UPDATE {VERSION_TABLE} SET version_num = '{before[0]}'")
    goes_on(ablate, "results/ablate.db", done("results/ablate.db"))


def stamp(sql: str) -> None:
    with closing(sqlite3.connect("results/ablate.db", timeout=60)) as connection, connection:
        connection.execute(sql)


def wait_for_done(path: str, many: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if done(path) >= many:
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.1)
    raise AssertionError("nothing done")


def test_a_read_only_store_is_told_at_once(ablate: Ablate, disk: Disk) -> None:
    store = f"{disk.path}/ablate.db"
    assert ablate("run", SIMULATED, "--executor", "inline", "--store", store).code == 0
    disk.make_read_only()
    refused = ablate("run", SIMULATED, "--seeds", 4, "--store", store)
    assert refused.code == 2
    assert "mounted read-only" in refused.err
    assert "12 done" in ablate("status", "--store", store).out
    assert ablate("report", "--store", store, "--format", "csv").code == 0


def test_a_full_disk_is_told_at_once(ablate: Ablate, disk: Disk) -> None:
    disk.fill()
    refused = ablate("run", SIMULATED, "--store", f"{disk.path}/ablate.db")
    assert refused.code == 2
    assert "no room is left" in refused.err


@pytest.mark.slow
@pytest.mark.parametrize("command", [("run", SIMULATED), ("plan", SIMULATED), ("status",), ("report",)])
def test_a_damaged_store_never_gives_a_traceback(ablate: Ablate, command: tuple[object, ...]) -> None:
    """`ablate` raises what is no message."""
    ablate("run", SIMULATED, "--executor", "inline")
    path = Path("results/ablate.db")
    whole = path.read_bytes()
    damages = random.Random(str(command))
    codes = set()
    for _ in range(15):
        at, length = damages.randrange(100, len(whole)), damages.choice((64, 4096))
        damaged = whole[:at] + damages.randbytes(length) + whole[at + length :]
        path.write_bytes(damages.choice((damaged, whole[:at])))
        for side in ("-wal", "-shm"):
            Path(f"{path}{side}").unlink(missing_ok=True)
        codes.add(ablate(*command).code)
    assert codes <= {0, 1, 2}
    assert 2 in codes


@pytest.mark.slow
def test_two_runs_share_a_study_on_a_server(ablate: Ablate, tmp_path: Path, postgres: str) -> None:
    first, second = run(tmp_path, "--store", postgres), run(tmp_path, "--store", postgres)
    assert (end(first).code, end(second).code) == (0, 0)
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT count(*) FROM results WHERE state = 'done'").fetchall() == [(TRAININGS,)]
        assert connection.execute(TWICE.replace("training_key FROM", "1 FROM")).fetchall() == []
        assert connection.execute("SELECT count(DISTINCT owner) FROM ablate_attempts").fetchall() == [(2,)]
    assert f"{TRAININGS} done" in ablate("status", "--store", postgres).out
    assert ablate("report", "--store", postgres).code == 0


@pytest.mark.slow
def test_a_server_that_is_restarted(ablate: Ablate, tmp_path: Path, server: Server, postgres: str) -> None:
    running = run(tmp_path, "--store", postgres)
    wait_for_server(postgres)
    server.stop()
    time.sleep(4)
    server.start()
    ended = end(running)
    assert ended.code == 0, ended.err
    assert "trying again" in ended.err
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT count(*) FROM results WHERE state = 'done'").fetchall() == [(TRAININGS,)]
        assert connection.execute(TWICE.replace("training_key FROM", "1 FROM")).fetchall() == []


@pytest.mark.slow
def test_a_server_that_stays_away(ablate: Ablate, tmp_path: Path, server: Server, postgres: str) -> None:
    running = run(tmp_path, "--store", postgres)
    wait_for_server(postgres)
    server.stop()
    ended = end(running)
    assert ended.code == 2
    assert "no server answers there" in ended.err
    refused = ablate("status", "--store", postgres)
    assert (refused.code, "no server answers there" in refused.err) == (2, True)
    server.start()
    again = ablate("run", SIMULATED, *OPTIONS, "--workers", 2, "--store", postgres)
    assert again.code == 0, again.err
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT count(*) FROM results WHERE state = 'done'").fetchall() == [(TRAININGS,)]
        assert connection.execute(TWICE.replace("training_key FROM", "1 FROM")).fetchall() == []


def wait_for_server(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with psycopg.connect(url) as connection:
                if connection.execute(RECORDED).fetchall()[0][0] >= 3:
                    return
        except psycopg.Error:
            pass
        time.sleep(0.2)
    raise AssertionError("nothing done")
