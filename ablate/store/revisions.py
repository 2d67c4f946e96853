"""Which revision a store is at, and bringing it to the newest: never beneath a runner that is at work on it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from ablate.errors import StoreError
from ablate.store.queue.process_identity import is_gone
from ablate.store.schema import RUNNING

VERSION_TABLE = "ablate_alembic_version"
VIEW = "results"
REVISIONS = ("0001", "0002", "0003", "0004")
"""The migrations that this version knows, oldest first; kept here so that a look at a store loads no alembic."""

SILENCE_SECONDS = 10.0
"""A runner renews its leases every few seconds; one that has not in this time is not at work."""

Read = Callable[[], AbstractContextManager[Connection]]


def revision(connection: Connection, name: str) -> str | None:
    """The store's revision, of whatever version; None for a database that is no store yet."""
    looking = inspect(connection)
    if not looking.has_table(VERSION_TABLE):
        if looking.has_table(VIEW) or VIEW in looking.get_view_names():
            raise StoreError(f"{name}: has a table {VIEW!r} of its own, which a store needs; name another with --store")
        return None
    return stamp(connection)


def stamp(connection: Connection) -> str | None:
    """The revision that is written in a store."""
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return found


def refuse_newer(found: str | None, name: str) -> None:
    if found is not None and found not in REVISIONS:
        raise StoreError(
            f"{name}: written by a newer version of ablate (store revision {found}, this version knows "
            f"{REVISIONS[-1]}); upgrade ablate, or name another store with --store"
        )


def refuse_beneath_runners(read: Read, found: str, name: str) -> None:
    """StoreError where runners of the store's older version are at work on it."""
    before = _running(read, found)
    deadline = time.monotonic() + SILENCE_SECONDS
    while before and time.monotonic() < deadline:
        time.sleep(0.5)
        now = _running(read, found)
        if alive := sorted({owner for lease, (owner, beats) in now.items() if _beat(before, lease, beats)}):
            raise StoreError(
                f"{name}: the store is of an older version of ablate, and runners of that version are at work on it: "
                f"{', '.join(alive)}; let them finish, or stop them (Ctrl-C), and give the same command again"
            )
        before = {lease: seen for lease, seen in before.items() if lease in now}


Leases = dict[str, tuple[str, Any]]
"""{lease: (owner, what changes with every beat)}."""


def _beat(before: Leases, lease: str, beats: object) -> bool:
    """Whether a runner has shown life; a lease that is new does."""
    return lease not in before or before[lease][1] != beats


def _running(read: Read, found: str) -> Leases:
    """The trainings that run, but for those of dead processes of this machine."""
    process, beats = ("NULL", "heartbeat") if found == REVISIONS[0] else ("process", "beats")
    query = f"SELECT lease, owner, {process} AS process, {beats} AS beats FROM ablate_trainings WHERE state = :running"
    with read() as connection:
        rows = connection.execute(text(query), {"running": RUNNING})
        return {row.lease: (row.owner, row.beats) for row in rows if not is_gone(row.process)}


def migrate(connection: Connection, name: str) -> None:
    """Brings the store to the newest revision, in a transaction that no other process migrates beside."""
    from alembic import command
    from alembic.config import Config

    if revision(connection, name) == REVISIONS[-1]:
        return  # another process was faster
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, "head")
