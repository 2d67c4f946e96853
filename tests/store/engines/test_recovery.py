"""A store that is deleted, moved or replaced while it is in use: noticed, and all that it held is in another file."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.errors import StoreError, StoreGoneError
from ablate.store import Store, open_store
from ablate.store.engines import recovery
from tests.support.store.store_rows import add, keys


def file_of(store: Store) -> Path:
    assert store.path is not None
    return store.path


def remove(path: Path) -> None:
    for name in ("", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)


def rescued(path: Path, number: str = "") -> Path:
    return path.with_name(f"ablate.rescued{number}.db")


def test_what_is_as_it_was_passes(store: Store) -> None:
    add(store, "a")
    store.check()
    shutil.copy(file_of(store), file_of(store).with_name("copy.db"))
    with sqlite3.connect(file_of(store)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    add(store, "b")
    store.check()


def test_a_deleted_file_is_saved_with_what_was_written_last(store: Store) -> None:
    path = file_of(store)
    add(store, "a")
    remove(path)
    with pytest.raises(StoreGoneError, match=r"was deleted.*all that it held is now in .*rescued\.db.*To go on"):
        add(store, "b")
    assert keys(rescued(path)) == ["a", "b"]
    assert not path.exists()


def test_what_is_written_after_it_was_saved_is_saved_too(store: Store) -> None:
    path = file_of(store)
    remove(path)
    with pytest.raises(StoreGoneError):
        store.check()
    assert keys(rescued(path)) == []
    with pytest.raises(StoreGoneError):
        add(store, "late")
    assert keys(rescued(path)) == ["late"]
    assert not rescued(path, "-2").exists()


def test_the_same_store_goes_on_once_it_is_moved_back(store: Store) -> None:
    path = file_of(store)
    add(store, "a")
    path.unlink()  # its side files stay: what another store must not take for its own
    with pytest.raises(StoreGoneError):
        add(store, "b")
    assert [entry.name for entry in path.parent.iterdir()] == ["ablate.rescued.db"]
    rescued(path).rename(path)
    again = open_store(str(path))
    add(again, "c")
    again.check()
    again.close()
    assert keys(path) == ["a", "b", "c"]


def test_a_deleted_folder_is_made_again(store: Store) -> None:
    path = file_of(store)
    add(store, "a")
    shutil.rmtree(path.parent)
    with pytest.raises(StoreGoneError, match="was deleted"):
        store.check()
    assert keys(rescued(path)) == ["a"]


def test_where_the_folder_cannot_be_made_again_another_serves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(store)
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(recovery.tempfile, "tempdir", str(elsewhere))
    add(store, "a")
    shutil.rmtree(path.parent)
    path.parent.write_text("a file where the folder was")
    with pytest.raises(StoreGoneError, match=r"elsewhere/ablate\.rescued\.db"):
        store.check()
    assert keys(elsewhere / "ablate.rescued.db") == ["a"]


def test_a_moved_folder_is_whole_where_it_is(store: Store) -> None:
    path = file_of(store)
    add(store, "a")
    moved = path.parent.rename(path.parent.with_name("moved"))
    with pytest.raises(StoreGoneError):
        add(store, "b")
    assert keys(rescued(path)) == ["a", "b"]
    assert keys(moved / "ablate.db") == ["a", "b"]


def test_nothing_is_overwritten(store: Store) -> None:
    path = file_of(store)
    rescued(path).write_text("precious")
    rescued(path, "-2").write_text("too")
    add(store, "a")
    remove(path)
    with pytest.raises(StoreGoneError, match=r"rescued-3\.db"):
        store.check()
    assert keys(rescued(path, "-3")) == ["a"]
    assert (rescued(path).read_text(), rescued(path, "-2").read_text()) == ("precious", "too")


def test_a_store_that_takes_its_place_is_left_alone(store: Store) -> None:
    path = file_of(store)
    add(store, "a")
    remove(path)
    new = open_store(str(path))
    add(new, "n")
    with pytest.raises(StoreGoneError, match="was replaced by another file"):
        add(store, "b")
    store.close()
    add(new, "o")
    new.check()
    new.close()
    assert keys(path) == ["n", "o"]
    assert keys(rescued(path)) == ["a", "b"]


def test_a_new_store_is_not_made_while_changes_of_another_lie_there(store: Store) -> None:
    path = file_of(store)
    add(store, "a")
    path.unlink()
    with pytest.raises(StoreError, match=r"ablate\.db-wal: has the latest changes of a store that was deleted"):
        open_store(str(path))
    with pytest.raises(StoreGoneError):
        store.check()
    assert keys(rescued(path)) == ["a"]
    open_store(str(path)).close()


@pytest.mark.parametrize("name", ["-wal", "-shm"])
def test_a_part_that_is_deleted_is_noticed(store: Store, name: str) -> None:
    path = file_of(store)
    add(store, "a")
    Path(f"{path}{name}").unlink()
    with pytest.raises(StoreGoneError, match=rf"ablate\.db{name}, a part of the store, was deleted"):
        add(store, "b")
    assert keys(rescued(path)) == ["a", "b"]


def test_no_connection_makes_an_empty_file(store: Store) -> None:
    path = file_of(store)
    add(store, "a")
    store.engine.dispose()  # so that the next transaction needs a new connection
    remove(path)
    with pytest.raises(StoreGoneError, match="was deleted"):
        add(store, "b")
    assert not path.exists()
    assert keys(rescued(path)) == ["a"]


RUNNER = """
import sys
from ablate.errors import StoreGoneError
from ablate.store import open_store
from tests.support.store.store_rows import add
store = open_store(sys.argv[1])
add(store, sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
try:
    store.check()
except StoreGoneError as gone:
    print(gone)
"""


@pytest.mark.slow
def test_runners_that_lose_one_store_save_it_each_and_leave_the_next_alone(tmp_path: Path) -> None:
    path = tmp_path / "ablate.db"
    command = [sys.executable, "-c", RUNNER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    runners = [subprocess.Popen([*command, key], **pipes) for key in "abc"]  # type: ignore[call-overload]
    for runner in runners:
        assert runner.stdout.readline() == "ready\n"
    remove(path)
    new = open_store(str(path))
    add(new, "n")
    for runner in runners:
        runner.stdin.write("\n")
        runner.stdin.flush()
    told = [runner.communicate(timeout=60)[0] for runner in runners]
    assert all("was replaced by another file" in words for words in told)
    add(new, "o")
    new.check()
    new.close()
    assert keys(path) == ["n", "o"]
    assert [keys(rescued(path, number)) for number in ("", "-2", "-3")] == [["a", "b", "c"]] * 3
