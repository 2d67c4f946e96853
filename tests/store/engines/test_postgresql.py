"""A store on a PostgreSQL server: what is told when it cannot be used, and what goes on when it comes back."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from ablate.errors import StoreBusyError, StoreError
from ablate.store import Store, find_store, open_store
from ablate.store.engines import postgresql
from tests.support.store.postgres import LOCKED, PASSWORD, Server, serving

NOWHERE = "postgresql://somebody:secret@127.0.0.1:1/x"


def opened(url: str) -> Store:
    return open_store(url)


@pytest.fixture
def locked(server: Server) -> Iterator[str]:
    """A user who needs a password and may make no tables."""
    server.execute(f"CREATE ROLE {LOCKED} LOGIN PASSWORD '{PASSWORD}'")
    yield LOCKED
    server.execute(f"DROP ROLE {LOCKED}")


def test_reading_makes_nothing(server: Server, postgres: str) -> None:
    assert find_store(postgres) is None
    with opened(postgres).read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM results").scalar() == 0
    assert find_store(postgres) is not None


def test_the_short_name_of_the_scheme_will_do(postgres: str) -> None:
    assert opened(postgres.replace("postgresql", "postgres")).url == postgres


def test_it_shares_a_database_with_tables_of_others(postgres: str, server: Server) -> None:
    foreign = ("alembic_version (version_num text)", "studies (x int)", "trials (x int)", "plans (x int)")
    database = postgres.rpartition("/")[2]
    server.execute(*(f"CREATE TABLE {table}" for table in foreign), database=database)
    server.execute("INSERT INTO alembic_version VALUES ('theirs')", database=database)
    with opened(postgres).read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == ["theirs"]
        names = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").scalars()
        own = [name for name in names if not name.startswith("ablate_")]
    assert sorted(own) == ["alembic_version", "plans", "studies", "trials"]


def test_a_schema_of_its_own_is_named_in_the_url(postgres: str, server: Server) -> None:
    database = postgres.rpartition("/")[2]
    server.execute("CREATE TABLE results (x int)", "CREATE SCHEMA mine", database=database)
    with pytest.raises(StoreError, match="a table 'results' of its own"):
        open_store(postgres)
    with opened(f"{postgres}?options=-csearch_path%3Dmine").read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM mine.results").scalar() == 0


def test_a_server_that_is_not_there(server: Server) -> None:
    with pytest.raises(StoreBusyError, match="no server answers there"):
        open_store(NOWHERE)
    with pytest.raises(StoreError, match="there is no such host"):
        find_store("postgresql://somebody:secret@no.such.host.invalid/x")


def test_a_database_that_is_not_there(server: Server) -> None:
    with pytest.raises(StoreError, match=r"no such database.*createdb"):
        open_store(server.url("nosuch"))


@pytest.mark.parametrize("user", [LOCKED, f"{LOCKED}:wrong", "nobody"])
def test_a_user_whom_the_server_does_not_let_in(server: Server, postgres: str, locked: str, user: str) -> None:
    with pytest.raises(StoreError, match=r"does not let this user in.*PGPASSWORD"):
        open_store(server.url(postgres.rpartition("/")[2], user))


def test_a_user_who_may_make_no_tables(server: Server, postgres: str, locked: str) -> None:
    url = server.url(postgres.rpartition("/")[2], f"{locked}:{PASSWORD.replace(' ', '%20')}")
    with pytest.raises(StoreError, match=r"lacks a permission.*GRANT CREATE"):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    [
        NOWHERE,
        "postgresql://somebody@127.0.0.1:1/x?password=secret",
        "postgresql://somebody:secret@127.0.0.1:port/x",
        "postgresql://somebody:the/secret@127.0.0.1:1/x",
        "postgresql://somebody:the@secret@127.0.0.1:1/x",
        "postgresql://somebody:secret@127.0.0.1:1/x?nosuch=1",
        "mysql://somebody:secret@127.0.0.1:1/x",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    with pytest.raises(StoreError) as raised:
        open_store(url)
    assert "secret" not in str(raised.value)
    assert "--store" in str(raised.value) or "127.0.0.1" in str(raised.value)


def test_a_store_shows_no_password(server: Server, postgres: str, locked: str) -> None:
    database = postgres.rpartition("/")[2]
    server.execute(f"GRANT CREATE ON SCHEMA public TO {locked}", database=database)
    store = opened(server.url(database, f"{locked}:{PASSWORD.replace(' ', '%20')}"))
    assert f"{locked}:***@" in store.url
    assert PASSWORD.split()[1] not in repr(store)
    store.close()
    server.execute(f"DROP OWNED BY {locked}", database=database)


def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as where it is not installed
    with pytest.raises(StoreError, match=r"psycopg.*pip install 'ablate-study\[postgres\]'"):
        find_store(NOWHERE)
    with pytest.raises(StoreError, match=r"unknown driver 'psycop'; did you mean 'psycopg'\? known: psycopg, psycopg2"):
        find_store("postgresql+psycop://somebody@127.0.0.1:1/x")


def test_two_runners_make_one_store(postgres: str) -> None:
    made: list[Store] = []
    makers = [threading.Thread(target=lambda: made.append(opened(postgres))) for _ in range(6)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(made) == 6


def test_what_asks_to_be_alone_waits_for_its_turn(postgres: str) -> None:
    first, second = opened(postgres), opened(postgres)
    seen: list[str] = []

    def wait() -> None:
        with second.write(alone=True):
            seen.append("second")

    with first.write(alone=True):
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.5)
        with second.write():  # who does not ask for it waits for nobody
            seen.append("third")
        seen.append("first")
    waiting.join()
    assert seen == ["third", "first", "second"]


def test_a_reading_sees_one_moment_and_writes_nothing(postgres: str) -> None:
    store = opened(postgres)
    count = "SELECT count(*) FROM ablate_trainings"
    insert = (
        "INSERT INTO ablate_trainings (key, trainer, config, seed, code, state, attempts, beats) "
        "VALUES ('k', 't', '{}', 0, '{}', 'queued', 0, 0)"
    )
    with store.read() as reading:
        assert reading.exec_driver_sql(count).scalar() == 0
        with store.write() as writing:
            writing.exec_driver_sql(insert)
        assert reading.exec_driver_sql(count).scalar() == 0
    with store.read() as reading:
        assert reading.exec_driver_sql(count).scalar() == 1
    with pytest.raises(StoreError, match="read-only"), store.read() as reading:
        reading.exec_driver_sql(insert.replace("'k'", "'l'"))


def write_while_it_stops(store: Store, server: Server) -> None:
    with store.write() as connection:
        server.stop()
        connection.exec_driver_sql("SELECT 1")


def test_a_restarted_server_is_found_again(server: Server, postgres: str) -> None:
    store = opened(postgres)
    with pytest.raises(StoreBusyError, match="nothing that is recorded is lost"):
        write_while_it_stops(store, server)
    with pytest.raises(StoreBusyError, match="no server answers there"), store.read():
        pass
    store.check()  # a server that is away is no other store
    server.start()
    with store.write() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ablate_trials").scalar() == 0


def test_a_connection_that_was_ended_while_idle_is_not_noticed(server: Server, postgres: str) -> None:
    store = opened(postgres)
    server.stop()
    server.start()
    with store.write() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ablate_trials").scalar() == 0


def test_guarded_updates_see_what_others_have_committed(postgres: str) -> None:
    with opened(postgres).write() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
        assert connection.exec_driver_sql("SHOW application_name").scalar() == "ablate"


def test_the_lock_is_the_projects_name() -> None:
    assert postgresql.LOCK.to_bytes(6, "big") == b"ablate"


@pytest.mark.slow
def test_a_server_ends_with_the_process_that_started_it() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with serving() as started:
            assert started.process is not None
            os.write(writing, f"{started.process.pid} {started.folder}".encode())
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    process, folder = os.read(reading, 1000).decode().split()
    deadline = time.monotonic() + 20
    while alive(int(process)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(int(process))
    shutil.rmtree(folder)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
