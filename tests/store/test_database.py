"""Opening a store: what is made, what is migrated, what is refused and left as it was."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ablate.errors import StoreError
from ablate.store import Store, database, find_store, open_store, require_store
from ablate.store.schema import metadata
from tests.conftest import on_both_engines


@on_both_engines
def test_a_new_store_is_what_the_schema_says(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": database.VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_sqlite_is_set_up_for_safety(store: Store) -> None:
    with store.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1}


def test_every_table_is_prefixed_but_for_the_views(store: Store) -> None:
    with store.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").scalars()
        assert {name for name in names if not name.startswith("ablate_")} == {"results", "metrics"}


def test_reading_makes_nothing(tmp_path: Path) -> None:
    assert find_store(str(tmp_path / "none" / "ablate.db")) is None
    assert list(tmp_path.iterdir()) == []


def test_several_runners_make_one_store(tmp_path: Path) -> None:
    path = str(tmp_path / "results" / "ablate.db")
    with ThreadPoolExecutor(6) as runners:
        made = list(runners.map(lambda _: open_store(path), range(6)))
    for store in made:
        store.check()


def test_a_store_shares_a_database_with_others(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE studies (x INTEGER)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('theirs')")
    assert find_store(str(path)) is None
    open_store(str(path)).close()
    assert sqlite3.connect(path).execute("SELECT version_num FROM alembic_version").fetchall() == [("theirs",)]


@pytest.mark.parametrize("write", [True, False])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and no database at all")
    with pytest.raises(StoreError, match=r"notes\.txt: is no store"):
        (open_store if write else find_store)(str(path))
    assert path.read_text() == "these are my notes, and no database at all"
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("write", [True, False])
def test_a_damaged_database_is_said_to_be_damaged(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "ablate.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(StoreError, match=r"ablate\.db"):
        (open_store if write else find_store)(str(path))
    assert path.read_bytes() == b"SQLite format 3\0" + b"\xff" * 5000


@pytest.mark.parametrize("write", [True, False])
def test_a_database_with_results_of_its_own_is_left_alone(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE results (x INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a table 'results' of its own"):
        (open_store if write else find_store)(str(path))
    assert path.read_bytes() == before


def test_a_path_is_a_path_whatever_is_in_it(tmp_path: Path) -> None:
    open_store(str(tmp_path / "q?x#y.db")).close()
    assert (tmp_path / "q?x#y.db").exists()


def test_a_read_only_store_can_be_read_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "ablate.db"
    made = open_store(str(path))
    made.close()
    path.chmod(stat.S_IRUSR)
    with pytest.raises(StoreError, match="read-only"):
        open_store(str(path))
    reading = require_store(str(path))
    with reading.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM results").scalar() == 0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nosuch://host/db", "nosuch"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite://", "in memory"),
        ("http:///x", "http"),
    ],
)
def test_urls_that_are_no_store(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        open_store(url)


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        find_store(str(tmp_path))
