"""What a store meets in the world: full and read-only disks, locks, damage. A message, and nothing recorded is lost."""

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ablate.errors import StoreBusyError, StoreError, StoreFullError
from ablate.store import Store, find_store
from ablate.store.engines import network_filesystem, sqlite
from tests.support.store.disks import Disk
from tests.support.store.store_rows import add, keys, opened, read


def add_many(store: Store, recorded: list[str], many: int = 1000) -> None:
    """Adds until that is done or fails; `recorded` has what the store has."""
    for number in range(len(recorded), len(recorded) + many):
        add(store, f"{number:05}")
        recorded.append(f"{number:05}")


def test_a_full_disk_keeps_what_is_recorded_and_goes_on_when_there_is_room(disk: Disk) -> None:
    path = disk.path / "ablate.db"
    store = opened(path)
    disk.fill(leave=20_000)
    recorded: list[str] = []
    with pytest.raises(StoreFullError, match="no room is left where the store lies; make room and run again"):
        add_many(store, recorded)
    assert recorded
    with pytest.raises(StoreFullError):
        add(store, "again")
    store.check()  # a full disk is no other store
    assert read(path) == recorded
    disk.empty()
    add(store, "room")
    store.close()
    assert keys(path) == [*recorded, "room"]


@pytest.mark.parametrize("room", range(0, 200_000, 20_480))
def test_a_store_is_made_whole_or_not_at_all(disk: Disk, room: int) -> None:
    path = disk.path / "ablate.db"
    disk.fill(leave=room)
    try:
        opened(path).close()
    except StoreFullError:
        assert find_store(str(path)) is None
    disk.empty()
    add(opened(path), "a")
    assert keys(path) == ["a"]


@pytest.mark.parametrize("room", range(0, 50_000, 12_288))
def test_a_store_on_a_full_disk_is_read_and_told_to_be_full(disk: Disk, room: int) -> None:
    path = disk.path / "ablate.db"
    with closing(opened(path)) as store:
        add(store, "a")
    disk.fill(leave=room)
    assert read(path) == ["a"]
    recorded = ["a"]
    with pytest.raises(StoreFullError), closing(opened(path)) as store:
        add_many(store, recorded)
    assert read(path) == sorted(recorded)
    disk.empty()
    with closing(opened(path)) as store:
        add(store, "c")
    assert keys(path) == sorted([*recorded, "c"])


def test_many_changes_beneath_a_reader_may_fill_the_disk(disk: Disk) -> None:
    """SQLite's index of the changes, mapped into memory, grows just as the last page of the disk is taken."""
    disk.resize("24m")
    path = disk.path / "ablate.db"
    store = opened(path)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM ablate_trainings").fetchall()
    changes, frame, frames_to_a_page = Path(f"{path}-wal"), 4120, 4062
    recorded: list[str] = []
    while changes.stat().st_size < frame * (frames_to_a_page - 30):
        add_many(store, recorded, 1)
    disk.fill(leave=100_000)
    with pytest.raises(StoreFullError):
        add_many(store, recorded)
    reader.close()
    disk.empty()
    add(store, "x")
    store.close()
    assert keys(path) == [*recorded, "x"]


def test_a_read_only_disk_is_read_and_not_written(disk: Disk) -> None:
    path = disk.path / "ablate.db"
    with closing(opened(path)) as store:
        add(store, "a")
    disk.make_read_only()
    assert read(path) == ["a"]
    with pytest.raises(StoreError, match="mounted read-only"):
        add(opened(path), "b")
    with pytest.raises(StoreError, match="mounted read-only"):
        opened(disk.path / "new.db")
    with pytest.raises(StoreError, match=r"folder/new\.db: cannot be made: Read-only file system"):
        opened(disk.path / "folder" / "new.db")


KILLED = """
import os, sys
from pathlib import Path
from tests.support.store.store_rows import add
from tests.support.store.store_rows import opened
store = opened(Path(sys.argv[1]))
add(store, "a")
os.kill(os.getpid(), 9)
"""


def test_changes_of_a_killed_runner_are_not_passed_over(disk: Disk) -> None:
    path = disk.path / "ablate.db"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)]).returncode == -9
    disk.make_read_only()
    assert read(path) == ["a"]
    disk.make_writable()
    Path(f"{path}-shm").unlink()
    disk.make_read_only()
    with pytest.raises(StoreError, match="mounted read-only; mount it to write"):
        read(path)
    disk.make_writable()
    assert read(path) == ["a"]


def test_a_disk_that_becomes_read_only_is_told_and_goes_on_when_it_is_not(disk: Disk) -> None:
    path = disk.path / "ablate.db"
    store = opened(path)
    add(store, "a")
    disk.make_read_only()
    store.engine.dispose()  # so that the next transaction needs a new connection
    with pytest.raises(StoreError, match="mounted read-only"):
        add(store, "b")
    disk.make_writable()
    add(store, "c")
    store.close()
    assert keys(path) == ["a", "c"]


AS_NOBODY = """
import os, sys
from pathlib import Path
from tests.support.store.store_rows import add
from tests.support.store.store_rows import opened, read
from ablate.errors import StoreError
path = Path(sys.argv[1])
add(opened(path), "a")
path.parent.chmod(int(sys.argv[2], 8))
path.chmod(int(sys.argv[3], 8))
os.setgid(65534); os.setuid(65534)
for step in (lambda: print(*read(path)), lambda: add(opened(path), "b")):
    try:
        step()
    except StoreError as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("folder", "file", "reading", "writing"),
    [
        ("755", "666", "a", "the store is read-only; make it and its folder writable"),
        ("777", "644", "a", "the store is read-only; make it and its folder writable"),
        ("777", "600", "cannot be read: no permission", "cannot be read: no permission"),
        ("777", "444", "a", "the store is read-only; make it writable (chmod u+w)"),
        ("777", "666", "a", ""),
    ],
)
def test_permissions(folder: str, file: str, reading: str, writing: str) -> None:
    with tempfile.TemporaryDirectory() as place:  # others may not enter pytest's own folders
        Path(place).chmod(0o755)
        path = Path(place) / "results" / "ablate.db"
        command = [sys.executable, "-c", AS_NOBODY, path, folder, file]
        first, *second = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    assert reading in first
    assert writing in "".join(second)
    assert bool(writing) == bool(second)


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Another program keeps the file for itself for a while."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    ending = threading.Timer(seconds, lambda: other.execute("COMMIT"))
    ending.start()
    yield
    ending.join()
    other.close()


@pytest.mark.slow
def test_a_lock_is_waited_for_and_readers_are_not_held_up(store: Store) -> None:
    assert store.path is not None
    add(store, "a")
    with locked(store.path, 2):
        started = time.monotonic()
        assert read(store.path) == ["a"]
        assert time.monotonic() - started < 1
        add(store, "b")
        assert time.monotonic() - started > 1
    assert read(store.path) == ["a", "b"]


@pytest.mark.slow
def test_a_lock_of_more_than_thirty_seconds_is_waited_for(store: Store) -> None:
    assert store.path is not None
    with locked(store.path, 35):
        add(store, "a")
    assert read(store.path) == ["a"]


@pytest.mark.slow
def test_a_lock_that_does_not_end_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.path is not None
    monkeypatch.setattr(sqlite, "WAIT_TO_WRITE", 0.5)
    store.engine.dispose()
    with locked(store.path, 2), pytest.raises(StoreBusyError, match="another program has locked the store"):
        add(store, "a")
    store.check()


WAITING = """
import sys, threading, signal, os
from pathlib import Path
from tests.support.store.store_rows import add
from tests.support.store.store_rows import opened
store = opened(Path(sys.argv[1]))
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it for what runs in the background
print("ready", flush=True)
sys.stdin.readline()
threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    add(store, "a")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.slow
def test_a_wait_for_a_lock_can_be_interrupted(store: Store) -> None:
    assert store.path is not None
    command = [sys.executable, "-c", WAITING, store.path]
    waiting = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "ready\n"
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    out, _ = waiting.communicate("\n", timeout=60)  # while the lock is held
    assert out == "interrupted\n"
    other.close()


@pytest.mark.slow
def test_a_store_in_the_older_journal_is_waited_for_by_readers(store: Store) -> None:
    assert store.path is not None
    add(store, "a")
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    with locked(store.path, 2):
        assert read(store.path) == ["a"]


def test_a_damaged_file_is_told(store: Store) -> None:
    path = store.path
    assert path is not None
    for number in range(200):
        add(store, f"{number:03}")
    store.close()
    whole = path.read_bytes()
    damages = random.Random(0)
    told = []
    for _ in range(100):
        at, length = damages.randrange(100, len(whole)), damages.choice((16, 512, 4096))
        damaged = whole[:at] + damages.randbytes(length) + whole[at + length :]
        path.write_bytes(damages.choice((damaged, damaged, whole[:at])))
        try:
            read(path)
            add(opened(path), "x")
        except StoreError as error:
            told.append(str(error))
    assert len(told) > 10
    assert all("ablate.db: " in words for words in told)


def test_a_value_that_cannot_be_read_is_damage(store: Store) -> None:
    from ablate.store import plans

    with store.write() as connection:
        connection.exec_driver_sql("INSERT INTO ablate_plans VALUES (1, 's', 'p', '{\"a', 1, 0)")
    with pytest.raises(StoreError, match="the file is damaged"), store.read() as connection:
        plans.read_plan(connection, "s", "p")


def test_a_mistake_of_our_own_is_no_damage(store: Store) -> None:
    with pytest.raises(KeyError), store.read():
        raise KeyError


@pytest.mark.parametrize(
    ("mounts", "told"),
    [
        ("server:/home /home nfs4 rw 0 0\n", True),
        ("//server/share /home/my\\040work cifs rw 0 0\n", True),
        ("host: /home fuse.sshfs rw 0 0\n/dev/sda /home/my\\040work ext4 rw 0 0\n", False),
        ("/dev/sda /home ext4 rw 0 0\nserver:/home /home nfs rw 0 0\n", True),
        ("server:/homes /homes nfs rw 0 0\n", False),
        ("", False),
    ],
)
def test_a_network_file_system_is_warned_of(tmp_path: Path, mounts: str, told: bool) -> None:
    listed = tmp_path / "mounts"
    listed.write_text("/dev/root / ext4 rw 0 0\n" + mounts)
    found = network_filesystem.warning(Path("/home/my work/results/ablate.db"), listed)
    assert bool(found) == told
    if found:
        assert "several machines need PostgreSQL" in found


def test_this_machines_own_mounts_can_be_read(store: Store) -> None:
    assert store.warning() is None or "network" in str(store.warning())
