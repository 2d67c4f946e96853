"""A store on a PostgreSQL server, through psycopg 3."""

from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from ablate.errors import StoreError, unknown_name

LOCK = 0x61626C617465
"""The advisory lock of transactions that migrate a store or save a plan in it: 'ablate' in ASCII."""

PATIENT = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "keepalives_idle": 15, "keepalives_interval": 5}
"""Time limits by which a server that has disappeared is noticed, in the units of libpq: seconds, and milliseconds for
`tcp_user_timeout`."""


LOCK_SECONDS = 60
"""Seconds that a statement waits for a lock before it fails."""

DRIVERS = ("psycopg", "psycopg2")
REMEDY = "`pip install 'ablate-study[postgres]'`, or `pip install 'psycopg[binary]'`"


def engine(url: URL) -> Engine:
    """Return an engine for a PostgreSQL URL. StoreError if the driver cannot be imported."""
    options = {name: value for name, value in PATIENT.items() if name not in url.query}
    driver = _driver(url.drivername.partition("+")[2])
    try:
        made = create_engine(
            url.set(drivername=f"postgresql+{driver}"),
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            connect_args={"application_name": "ablate", **options},
        )
    except ImportError as error:
        raise StoreError(f"--store: the Python package {driver} cannot be used: {error}; {REMEDY}") from None
    event.listen(made, "connect", _limit_waits)
    return made


def _limit_waits(connection: Any, record: object) -> None:
    """Limit the wait for locks, so that a lock that is never released ends in an error message."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    connection.commit()


def wait_for_turn(connection: Connection) -> None:
    """Wait until no other transaction holds the advisory lock, and hold it until the end of this one."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def _driver(named: str) -> str:
    """Return the driver that a URL names, or the first one that is installed."""
    if named and named not in DRIVERS:
        raise StoreError(f"--store: {unknown_name('driver', named, DRIVERS)}")
    installed = next((driver for driver in ((named,) if named else DRIVERS) if find_spec(driver)), None)
    if installed is None:
        raise StoreError(f"--store: PostgreSQL needs the Python package {named or DRIVERS[0]}; {REMEDY}")
    return installed
