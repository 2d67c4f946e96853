"""A PostgreSQL server of the tests' own: Debian's binaries in a temporary folder, on a free port of the loopback."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

USER = "tester"
LOCKED, PASSWORD = "locked", "open sesame"  # a user who needs a password
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=50")
START_SECONDS = 60


@dataclass
class Server:
    """`binaries`: the folder of PostgreSQL's programs; `folder`: where the databases lie; `account`: who runs it."""

    binaries: Path
    folder: Path
    account: str
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        self.folder.chmod(0o700)
        shutil.chown(self.folder, self.account)
        options = [
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
            f"--username={USER}",
        ]
        subprocess.run(
            [*self._as_account(), self.binaries / "initdb", *options, self._data()], check=True, capture_output=True
        )
        access = self._data() / "pg_hba.conf"
        access.write_text(f"host all {LOCKED} 127.0.0.1/32 scram-sha-256\n{access.read_text()}")

    def start(self) -> None:
        """Starts, unless it runs, on the port of the last time, or on a free one; to be called in the main thread.

        The server ends with the thread that started it: what the kernel calls a parent here is a thread.
        """
        if self.process is not None and self.process.poll() is None:
            return
        for _ in range(5):
            self.port = self.port or _free_port()
            settings = [
                f"port={self.port}",
                "listen_addresses=127.0.0.1",
                f"unix_socket_directories={self.folder}",
                *FAST,
            ]
            options = [word for setting in settings for word in ("-c", setting)]
            command = [*self._as_account(), self.binaries / "postgres", "-D", self._data(), *options]
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")
            if self._answers():
                return
            self.port = 0
        raise RuntimeError((self.folder / "log").read_text(errors="replace"))

    def stop(self) -> None:
        """Ends all connections at once, and the server."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)
        self.process = None

    def url(self, database: str, user: str = USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def new_database(self) -> str:
        name = f"t{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def _data(self) -> Path:
        return self.folder / "data"

    def _as_account(self) -> list[str]:
        """PostgreSQL refuses to run as root; and it has to end with the process that started it, however that ends."""
        words = ["setpriv", "--pdeathsig", "INT"]
        if os.getuid() == 0:
            words += [f"--reuid={self.account}", f"--regid={self.account}", "--clear-groups"]
        return words

    def _answers(self) -> bool:
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        self.process.kill()
        self.process.wait()
        return False


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs until the end, whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="ablate-postgres-"))
    made = Server(_binaries(), folder, _account())
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server of this test process; without PostgreSQL, CI fails, and others skip with the reason."""
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with serving() as started:
        yield started


@pytest.fixture
def postgres(server: Server) -> Iterator[str]:
    """The URL of a new, empty database. A test may stop the server."""
    server.start()
    name = server.new_database()
    yield server.url(name)
    server.start()
    server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def missing() -> str | None:
    """Why no server can be started here."""
    if not (_binaries() / "postgres").exists():
        return "no PostgreSQL on this machine: apt-get install postgresql"
    try:
        pwd.getpwnam(_account())
    except KeyError:
        return f"PostgreSQL does not run as root, and there is no user {_account()!r}"
    return None


def _binaries() -> Path:
    """Debian keeps each version's programs in a folder of its own, outside PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    found = shutil.which("postgres")
    return installed[-1].parent if installed else Path(found or "/nowhere/postgres").parent


def _account() -> str:
    return "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
