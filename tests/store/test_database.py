"""Opening a store: what is made, what is migrated, what is refused and left as it was."""

import sqlite3
import stat
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ablate.errors import StoreError
from ablate.store import Store, database, open_store
from ablate.store.schema import metadata
from tests.conftest import on_both_engines


@on_both_engines
def test_a_new_store_is_what_the_schema_says(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": database.VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == database.REVISIONS


def test_sqlite_is_set_up_for_safety(store: Store) -> None:
    with store.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1}


def test_every_table_is_prefixed_but_for_the_view(store: Store) -> None:
    with store.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").scalars()
        assert {name for name in names if not name.startswith("ablate_")} == {"results"}


OLD = (
    "INSERT INTO ablate_plans VALUES (1, 's', 'p', '{}', true, 1.5)",
    "INSERT INTO ablate_rows VALUES (1, 1, 0, 'row', 'a', NULL, '{}', NULL)",
    "INSERT INTO ablate_trainings VALUES ('t', 'simulated', '{}', 0, NULL, '{}', 'done', 1, NULL, NULL, NULL)",
    "INSERT INTO ablate_trials VALUES ('e', 't', '{}')",
    "INSERT INTO ablate_cells VALUES (1, 0, 'e')",
    "INSERT INTO ablate_attempts VALUES (7, 't', 1, 'done', NULL, NULL, 'host:1', 1.0, 2.5, 1.25, '{}', '[]')",
    "INSERT INTO ablate_results VALUES ('e', 'test', 7, 8, 20, NULL)",
    "INSERT INTO ablate_hits VALUES ('e', 'test', 1, 3)",
)
"""A finished trial, as the first revision kept it."""


@on_both_engines
def test_a_store_of_the_first_revision_is_migrated_with_what_it_holds(store: Store) -> None:
    as_of_old(store, "0001", *OLD)
    again = open_store(store.url, write=True)
    assert again is not None
    with again.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": database.VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        found = connection.exec_driver_sql("SELECT state, top1, top5, seconds FROM results").all()
    assert found == [("done", 0.375, None, 1.25)]
    assert type(found[0].top1) is float
    again.close()


def as_of_old(store: Store, revision: str, *statements: str) -> None:
    """Brings an empty store back to an older revision, and fills it."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW results")
        metadata.drop_all(connection)
        connection.exec_driver_sql(f"DROP TABLE {database.VERSION_TABLE}")
        config = Config()
        config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
        config.attributes.update(connection=connection, version_table=database.VERSION_TABLE)
        command.upgrade(config, revision)
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_reading_makes_nothing(tmp_path: Path) -> None:
    assert open_store(str(tmp_path / "none" / "ablate.db")) is None
    assert list(tmp_path.iterdir()) == []


def test_a_store_shares_a_database_with_others(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE studies (x INTEGER)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('theirs')")
    assert open_store(str(path)) is None
    assert open_store(str(path), write=True) is not None
    assert sqlite3.connect(path).execute("SELECT version_num FROM alembic_version").fetchall() == [("theirs",)]


@pytest.mark.parametrize("write", [True, False])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and no database at all")
    with pytest.raises(StoreError, match=r"notes\.txt: is no store"):
        open_store(str(path), write)
    assert path.read_text() == "these are my notes, and no database at all"
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("write", [True, False])
def test_a_damaged_database_is_said_to_be_damaged(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "ablate.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(StoreError, match=r"ablate\.db"):
        open_store(str(path), write)
    assert path.read_bytes() == b"SQLite format 3\0" + b"\xff" * 5000


@pytest.mark.parametrize("write", [True, False])
def test_a_newer_store_is_left_alone(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "ablate.db"
    made = open_store(str(path), write=True)
    assert made is not None
    made.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {database.VERSION_TABLE} SET version_num = '9999'")
    connection.execute("PRAGMA journal_mode=DELETE")  # so that opening it to write would show in its bytes
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer version.*9999.*upgrade"):
        open_store(str(path), write)
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [True, False])
def test_a_database_with_results_of_its_own_is_left_alone(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE results (x INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a table 'results' of its own"):
        open_store(str(path), write)
    assert path.read_bytes() == before


def test_a_path_is_a_path_whatever_is_in_it(tmp_path: Path) -> None:
    assert open_store(str(tmp_path / "q?x#y.db"), write=True) is not None
    assert (tmp_path / "q?x#y.db").exists()


def test_a_read_only_store_can_be_read_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "ablate.db"
    made = open_store(str(path), write=True)
    assert made is not None
    made.close()
    path.chmod(stat.S_IRUSR)
    with pytest.raises(StoreError, match="read-only"):
        open_store(str(path), write=True)
    reading = open_store(str(path))
    assert reading is not None
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
        open_store(url, write=True)


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        open_store(str(tmp_path))
