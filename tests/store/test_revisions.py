"""Stores of other versions: migrated, refused, or left, but never changed beneath a runner that is at work."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from ablate.errors import StoreError, StoreGoneError
from ablate.packed_arrays import deflate, pack, unpack
from ablate.store import Store, database, find_store, open_store
from ablate.store.examples import read_artifact, read_examples
from ablate.store.migrations import revisions
from ablate.store.queue import claims, process_identity
from ablate.store.results import StoredValue, read_trials
from ablate.store.schema import metadata
from ablate.store.search_progress import read_interims
from tests.conftest import on_both_engines


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == database.REVISIONS


@on_both_engines
def test_a_new_store_is_made_as_the_migrations_make_it(store: Store) -> None:
    with store.read() as connection:
        new = structure_of(connection)
    as_of_old(store, "0001")
    with open_store(store.url).read() as connection:
        migrated = structure_of(connection)
    assert new == migrated


def structure_of(connection: Connection) -> dict[str, object]:
    """Return what makes up each table and view of a store.

    The order of a table's columns and the names that PostgreSQL gives to foreign keys are left out.
    """
    found = inspect(connection)
    parts = (found.get_indexes, found.get_unique_constraints, found.get_check_constraints)
    tables = {
        name: (
            sorted(str(sorted(column.items())) for column in found.get_columns(name)),
            sorted(found.get_pk_constraint(name)["constrained_columns"]),
            sorted(str(sorted((key | {"name": None}).items())) for key in found.get_foreign_keys(name)),
            [sorted(str(sorted(each.items())) for each in part(name)) for part in parts],
        )
        for name in found.get_table_names()
    }
    return tables | {name: found.get_view_definition(name) for name in found.get_view_names()}


@pytest.mark.parametrize("write", [True, False])
def test_a_newer_store_is_left_alone(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "ablate.db"
    made = open_store(str(path))
    made.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {database.VERSION_TABLE} SET version_num = '9999'")
    connection.execute("PRAGMA journal_mode=DELETE")  # so that opening it to write would show in its bytes
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer version.*9999.*upgrade"):
        (open_store if write else find_store)(str(path))
    assert path.read_bytes() == before


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
    again = open_store(store.url)
    with again.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": database.VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        found = connection.exec_driver_sql("SELECT state, top1, top5, seconds FROM results").all()
    assert found == [("done", 0.375, None, 1.25)]
    assert type(found[0].top1) is float
    again.close()


OLD_3 = (
    "INSERT INTO ablate_plans VALUES (1, 's', 'p', '{}', false, 1.5)",
    "INSERT INTO ablate_rows VALUES (1, 1, 0, 'row', 'a', NULL, '{}', NULL)",
    "INSERT INTO ablate_trainings (key, trainer, config, seed, code, state, attempts, beats) "
    "VALUES ('t', 'retrieval', '{}', 0, '{}', 'done', 1, 0)",
    "INSERT INTO ablate_attempts (id, training_key, number, state, owner, resumed_at, started, ended, seconds) "
    "VALUES (7, 't', 1, 'done', 'host:1', 0, 1.0, 2.5, 1.25)",
    "INSERT INTO ablate_trials (key, training_key, evaluate, attempt_id) VALUES ('e', 't', '{}', 7)",
    "INSERT INTO ablate_cells (row_id, seed, trial_key, stale) VALUES (1, 0, 'e', false)",
    "INSERT INTO ablate_results (trial_key, attempt_id, split, queries, gallery) VALUES ('e', 7, 'test', 8, 20)",
    "INSERT INTO ablate_hits (trial_key, attempt_id, split, k, hits) VALUES ('e', 7, 'test', 1, 3)",
)
"""The same, as the third revision kept it."""


@on_both_engines
def test_what_was_recorded_before_precisions_were_has_none(store: Store) -> None:
    as_of_old(store, "0003", *OLD_3)
    again = open_store(store.url)
    with again.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": database.VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        found = connection.exec_driver_sql("SELECT state, top1, seconds, map, map_at_r FROM results").all()
        reading = read_trials(connection, {"e"})["e"]
    assert found == [("done", 0.375, 1.25, None, None)]
    assert reading.values == {"top1": StoredValue(0.375, 8)}
    assert reading.sizes == {"queries": 8, "gallery": 20}
    again.close()


RANKS = np.array([1, 3, 0, 7, 200, 1, 10, 0], dtype=np.uint32)
AVERAGE = np.array([1, 0.5, 0, 0.25, 0.01, 1, 0.125, 0], dtype=np.float32)


@on_both_engines
def test_hits_ranks_precisions_and_interims_become_measurements(store: Store) -> None:
    as_of_old(store, "0004", *OLD_3)
    of_trial = {"trial": "e", "attempt": 7, "split": "test"}
    with store.engine.begin() as connection:
        for statement, values in (
            ("UPDATE ablate_results SET ranks = :ranks", {"ranks": pack(RANKS)}),
            ("UPDATE ablate_hits SET hits = 2", {}),
            ("INSERT INTO ablate_hits VALUES (:trial, :attempt, :split, 10, 5)", of_trial),
            (
                "INSERT INTO ablate_precisions VALUES (:trial, :attempt, :split, 'map', 0.375, :blob)",
                {**of_trial, "blob": deflate(AVERAGE)},
            ),
            (
                "INSERT INTO ablate_precisions VALUES (:trial, :attempt, :split, 'map_at_r', 0.25, :blob)",
                {**of_trial, "blob": deflate(AVERAGE[:0])},
            ),
            ("INSERT INTO ablate_interims VALUES ('t', 3, 1, 2, 8)", {}),
        ):
            connection.execute(text(statement), values)
    again = open_store(store.url)
    with again.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": database.VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        reading = read_trials(connection, {"e"})["e"]
        metrics = ("top1", "top10", "map", "map_at_r")
        examples = {name: dict(read_examples(connection, {"e"}, name)).get("e") for name in metrics}
        ranks = read_artifact(connection, "e", "ranks/test")
        interims = read_interims(connection, {"t"})
        view = "SELECT study, label, seed, trial, state, split, metric, value, n FROM metrics ORDER BY metric"
        lines = connection.exec_driver_sql(view).all()
    assert reading.values == {
        "top1": StoredValue(0.25, 8),
        "top10": StoredValue(0.625, 8),
        "map": StoredValue(0.375, 8),
        "map_at_r": StoredValue(0.25, 8),
    }
    assert {name: None if one is None else one.tolist() for name, one in examples.items()} == {
        "top1": [1, 0, 0, 0, 0, 1, 0, 0],
        "top10": [1, 1, 0, 1, 0, 1, 1, 0],
        "map": AVERAGE.tolist(),
        "map_at_r": None,
    }
    assert ranks is not None
    assert unpack(ranks).tolist() == RANKS.tolist()
    assert interims == {"t": {0.3: {"top1": 0.25}}}
    assert [tuple(line) for line in lines] == [
        ("s", "a", 0, "e", "done", "test", "map", 0.375, 8),
        ("s", "a", 0, "e", "done", "test", "map_at_r", 0.25, 8),
        ("s", "a", 0, "e", "done", "test", "top1", 0.25, 8),
        ("s", "a", 0, "e", "done", "test", "top10", 0.625, 8),
    ]
    again.close()


def as_of_old(store: Store, revision: str, *statements: str) -> None:
    """Brings an empty store back to an older revision, and fills it."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW results")
        connection.exec_driver_sql("DROP VIEW metrics")
        metadata.drop_all(connection)
        connection.exec_driver_sql(f"DROP TABLE {database.VERSION_TABLE}")
        revisions.upgrade(connection, revision)
        for statement in statements:
            connection.exec_driver_sql(statement)


RUNNING = (
    "INSERT INTO ablate_trainings VALUES ('t', 'simulated', '{}', 0, NULL, '{}', 'running', 1, 'lease', 'host:1', 1.0)"
)


@contextmanager
def beating(store: Store, statement: str) -> Iterator[None]:
    """A runner that renews its lease."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.3):
            with store.write() as connection:
                connection.exec_driver_sql(statement)

    beats = threading.Thread(target=beat)
    beats.start()
    yield
    over.set()
    beats.join()


@pytest.mark.slow
@on_both_engines
def test_no_store_is_migrated_beneath_a_runner(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    as_of_old(store, "0001", RUNNING)
    monkeypatch.setattr(revisions, "SILENCE_SECONDS", 2)
    words = r"older version of ablate, and runners of that version are at work on it: host:1; let them finish"
    with (
        beating(store, "UPDATE ablate_trainings SET heartbeat = heartbeat + 1"),
        pytest.raises(StoreError, match=words),
    ):
        open_store(store.url)
    with store.engine.connect() as connection:
        assert revisions.stamp(connection) == "0001"
    started = time.monotonic()
    open_store(store.url).close()
    assert time.monotonic() - started > 2, "a runner is not gone because its store was looked at once"


@on_both_engines
def test_whose_runner_is_dead_is_migrated_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = process_identity.process().split()[0]
    running = (
        "INSERT INTO ablate_trainings (key, trainer, config, seed, code, state, attempts, beats, lease, owner, process)"
        f" VALUES ('t', 's', '{{}}', 0, '{{}}', 'running', 1, 0, 'lease', 'host:1', '{machine} 1 1')"
    )
    with store.write() as connection:
        connection.exec_driver_sql(running)
    monkeypatch.setattr(revisions, "SILENCE_SECONDS", 600)
    revisions.refuse_beneath_runners(store.read, "0002", store.url)


@on_both_engines
def test_a_runner_notices_that_its_store_was_migrated(store: Store) -> None:
    store.check()
    with store.write() as connection:
        connection.exec_driver_sql(f"UPDATE {revisions.VERSION_TABLE} SET version_num = '0009'")
    words = r"another version of ablate has migrated the store, from revision \d+ to 0009, while it was in use"
    with pytest.raises(StoreGoneError, match=words):
        store.check()


@on_both_engines
def test_that_the_store_was_migrated_explains_a_statement_that_fails(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE ablate_trainings RENAME COLUMN beats TO pulse")
        connection.exec_driver_sql(f"UPDATE {revisions.VERSION_TABLE} SET version_num = '0009'")
    with pytest.raises(StoreGoneError, match="another version of ablate has migrated"), store.write() as connection:
        claims.beat(connection, ["lease"])
