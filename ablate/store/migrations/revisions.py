"""The revision of a store, and its migration to the newest one: never while a runner is working on it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

from ablate.errors import StoreError
from ablate.store.migrations.views import VIEWS
from ablate.store.queue.process_identity import is_gone
from ablate.store.schema import RUNNING, metadata

VERSION_TABLE = "ablate_alembic_version"
REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""The migrations that this version has, oldest first. Listed here so that opening a store does not import alembic."""

SILENCE_SECONDS = 10.0
"""A runner renews its leases every few seconds; one that has not renewed any in this time is not working."""

Read = Callable[[], AbstractContextManager[Connection]]


def revision(connection: Connection, name: str) -> str | None:
    """Return the store's revision, also one of a newer version; None for a database without a store."""
    inspector = inspect(connection)
    if not inspector.has_table(VERSION_TABLE):
        for view in VIEWS:
            if inspector.has_table(view) or view in inspector.get_view_names():
                needs = f"{name}: has a table {view!r} of its own, which a store needs"
                raise StoreError(f"{needs}; name another with --store")
        return None
    return stamp(connection)


def stamp(connection: Connection) -> str | None:
    """Return the revision that is written in a store."""
    written: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return written


def refuse_newer(stored: str | None, name: str) -> None:
    """Raise StoreError for a store of a newer version of ablate."""
    if stored is not None and stored not in REVISIONS:
        raise StoreError(
            f"{name}: written by a newer version of ablate (store revision {stored}, this version knows "
            f"{REVISIONS[-1]}); upgrade ablate, or name another store with --store"
        )


def refuse_beneath_runners(read: Read, stored: str, name: str) -> None:
    """Raise StoreError if runners of the store's older version are working on it."""
    before = _running(read, stored)
    deadline = time.monotonic() + SILENCE_SECONDS
    while before and time.monotonic() < deadline:
        time.sleep(0.5)
        now = _running(read, stored)
        if alive := sorted({owner for lease, (owner, beats) in now.items() if _beat(before, lease, beats)}):
            raise StoreError(
                f"{name}: the store is of an older version of ablate, and runners of that version are at work on it: "
                f"{', '.join(alive)}; let them finish, or stop them (Ctrl-C), and give the same command again"
            )
        before = {lease: renewal for lease, renewal in before.items() if lease in now}


Leases = dict[str, tuple[str, Any]]
"""{lease: (owner, a value that changes with every renewal)}."""


def _beat(before: Leases, lease: str, beats: object) -> bool:
    """Return True if a lease was renewed, or is new."""
    return lease not in before or before[lease][1] != beats


def _running(read: Read, stored: str) -> Leases:
    """Return the leases of trainings that run, without those of dead processes of this machine."""
    process, beats = ("NULL", "heartbeat") if stored == REVISIONS[0] else ("process", "beats")
    query = f"SELECT lease, owner, {process} AS process, {beats} AS beats FROM ablate_trainings WHERE state = :running"
    with read() as connection:
        rows = connection.execute(text(query), {"running": RUNNING})
        return {row.lease: (row.owner, row.beats) for row in rows if not is_gone(row.process)}


def migrate(connection: Connection, name: str) -> None:
    """Bring the store to the newest revision, in a transaction during which no other process does so.

    A new store is made from the schema at once: migrating an empty one through all revisions takes ten times as long.
    """
    stored = revision(connection, name)
    if stored == REVISIONS[-1]:
        return  # another process was faster
    if stored is None:
        _create(connection)
    else:
        upgrade(connection, "head")


def _create(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    for view in VIEWS.values():
        connection.execute(text(view))
    version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
    version.create(connection)
    connection.execute(version.insert().values(version_num=REVISIONS[-1]))


def upgrade(connection: Connection, revision: str) -> None:
    """Run the migrations from the store's revision up to another one, or to the newest: "head"."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, revision)
