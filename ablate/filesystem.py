"""Files and folders: looking at paths without errors, writes that survive a crash, and a lock between processes."""

import errno
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from stat import S_ISDIR, S_ISREG

MOST_LETTERS = 100
"""Letters of a name that become a part of a path."""


def expanded(path: str) -> str:
    """Return a path from a file, a variable or an option with the home folder in place of `~` or `~USER`.

    A shell expands only what is typed without quotes. An unknown user's `~NAME` stays as it is.
    """
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError:  # there is no such user, or no home folder
        return path


def exists(path: Path) -> bool:
    """Return True if the path leads to a file or a folder, directly or through links."""
    return stat_or_none(path) is not None


def is_file(path: Path) -> bool:
    """Return True if the path leads to a regular file, directly or through links."""
    status = stat_or_none(path)
    return status is not None and S_ISREG(status.st_mode)


def is_folder(path: Path) -> bool:
    """Return True if the path leads to a folder, directly or through links."""
    status = stat_or_none(path)
    return status is not None and S_ISDIR(status.st_mode)


def stat_or_none(path: Path) -> os.stat_result | None:
    """Return the status of a path, or None if the path cannot be reached.

    A path behind a locked folder, or with a name too long for the system, counts as missing. Python 3.11's
    `Path.exists` and similar methods raise most of these errors.
    """
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading.

    OSError, with the reason as `strerror`, for a path that leads to no such file: also for one that no file can have,
    for a folder, and for a pipe or a device, which could be read for ever.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would block
    except ValueError:
        raise OSError(errno.EINVAL, path_fault(str(path)) or "no file can have this path") from None
    mode = os.fstat(number).st_mode
    if S_ISREG(mode):
        return os.fdopen(number, "rb")
    os.close(number)
    if S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file; OSError as `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def file_word(name: str) -> str:
    """Return a name as a part of a path: `val-loss` for `val/loss`."""
    return re.sub(r"[^\w.-]", "-", name)[:MOST_LETTERS]


def file_hash(path: Path) -> str:
    """Return the sha256 (hex) of a regular file; OSError as `open_regular`."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path_fault(path: str) -> str | None:
    """Return the reason why no file can have this path, or None if a file can have it."""
    if not path:
        return "the path is empty"
    if "\0" in path:
        return "a path cannot hold a NUL character"
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return "a path cannot hold half of a character (a surrogate)"
    return None


def reach_fault(path: Path) -> str | None:
    """Return the reason why no file can be reached or made at a path, or None if one is there or could be.

    Missing folders are no fault. A name that is too long, a loop of links, a file in place of a folder and a locked
    folder are.
    """
    if fault := path_fault(str(path)):
        return fault
    try:
        path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror
    return None


def write_synced(path: Path, content: bytes) -> None:
    """Write a file. Once this returns, the content is on the disk and survives a crash of the machine."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk, so that creating, renaming and removing its files survives a crash."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def exclusive_lock(path: Path, notify: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock between processes while the block runs. The lock file is created here and removed afterwards.

    While another process holds the lock, this waits, after one message through `notify`. The lock ends when its
    process ends, for whatever reason. OSError if the file cannot be created.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _lock(file, path, notify) or _is_at(file, path):
                break
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # the process that held the lock has removed this file, so locking it excludes no process
    try:
        yield
    finally:
        try:
            path.unlink(missing_ok=True)
        finally:
            os.close(file)


def _lock(file: int, path: Path, notify: Callable[[str], None]) -> bool:
    """Wait for the lock. Return False if the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        notify(f"another process is doing the same work: waiting for it ({path})")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        notify(f"warning: no locks on this file system ({path}: {error.strerror}); prepare from one process at a time")
        return False
    return True


def _is_at(file: int, path: Path) -> bool:
    """Return True if the open file is the one that has this path now."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
