"""The SQLite file of an open store: noticing that it was deleted or replaced, and saving its content."""

import ctypes
import sqlite3
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ablate.errors import StoreGoneError
from ablate.store.engines.sqlite import SIDES, connect_to_write, is_there, make_folder

FileId = tuple[int, int]
"""(device, inode)."""


@dataclass(eq=False)
class OpenFile:
    """The file that was opened to write. Another file may lie at its path later."""

    path: Path
    anchor: sqlite3.Connection
    """A connection that keeps the file readable after it was deleted."""
    ids: tuple[FileId | None, ...]
    """The identities of the files at `parts` when they were opened; None for a missing file."""
    parts: tuple[Path, ...]
    """The paths of the file and of its side files."""
    gone: bool = False
    """True after the file was found to be deleted or replaced."""
    saved: Path | None = None
    """The file to which the content was saved."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def connect(self) -> sqlite3.Connection:
        """Open another connection to the file. StoreGoneError if it was deleted or replaced."""
        connection = connect_to_write(self.path)
        self.check()
        return connection

    def check(self) -> None:
        """Raise StoreGoneError and save a copy if the open file is no longer the one at the path."""
        with self.lock:
            if wrong := self._wrong():
                raise StoreGoneError(f"{self.path}: {wrong}; {self._rescue()}")

    def close(self) -> None:
        """Close the file, unless it is gone: SQLite would remove the side files of the file that replaced it."""
        if not self.gone:
            self.anchor.close()

    def _wrong(self) -> str | None:
        """Return a sentence if the file or a side file was deleted or replaced, otherwise None."""
        file, *sides = map(_id, self.parts)
        if file != self.ids[0]:
            happened = "was deleted or moved away" if file is None else "was replaced by another file"
            return f"the store {happened} while it was in use"
        for part, side, opened in zip(self.parts[1:], sides, self.ids[1:], strict=True):
            if opened is not None and side != opened:
                return f"{part.name}, a part of the store, was deleted or replaced while it was in use"
        return None

    def _rescue(self) -> str:
        """Save the content of the open file, again if it was saved before. Return the message with its new place."""
        self._keep_open()
        try:
            self.saved = self._save()
        except (OSError, sqlite3.Error) as error:
            return f"what it held could not be saved: {error}"
        with suppress(OSError, sqlite3.Error):
            self._tidy()
        others = " and ".join(map(str, self.parts))
        return (
            f"all that it held is now in {self.saved}. To go on: remove {others} where they are there, "
            f"move {self.saved} to {self.path}, and give the same command again"
        )

    def _keep_open(self) -> None:
        """Keep the connection open until the process ends: with a reference too many, Python never closes it."""
        if not self.gone:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.anchor))
        self.gone = True

    def _save(self) -> Path:
        if self.saved is not None and self.saved.exists():
            return _copy(self.anchor, self.saved)
        for folder in (self.path.parent, Path(tempfile.gettempdir())):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                new = _new_file(folder / self.path.name)
            except OSError as error:
                problem = error
                continue
            try:
                return _copy(self.anchor, new)
            except sqlite3.Error as error:
                new.unlink()
                problem = OSError(str(error))
        raise problem

    def _tidy(self) -> None:
        """Remove the side files of the lost file, which the next store at the path would take for its own."""
        if _id(self.path) == self.ids[0]:
            return
        self.anchor.execute("PRAGMA wal_checkpoint(FULL)")  # if the file was moved, it gets the latest changes
        for side, opened in zip(self.parts[1:], self.ids[1:], strict=True):
            if opened is not None and _id(side) == opened:
                side.unlink()


def open_file(path: Path) -> OpenFile:
    """Open a file to write; create it if there is none."""
    make_folder(path)
    anchor = connect_to_write(path, make=not is_there(path))
    anchor.execute("SELECT count(*) FROM sqlite_master").fetchall()
    parts = (path, *(Path(f"{path}{name}") for name in SIDES))
    return OpenFile(path, anchor, tuple(map(_id, parts)), parts)


def _copy(source: sqlite3.Connection, path: Path) -> Path:
    target = sqlite3.connect(path)
    try:
        source.backup(target)
    finally:
        target.close()
    return path


def _new_file(path: Path) -> Path:
    """Create a file with a new name and return it. Several runners may save one store at the same time."""
    for number in count(1):
        name = f"{path.stem}.rescued{'' if number == 1 else f'-{number}'}{path.suffix}"
        try:
            path.with_name(name).touch(exist_ok=False)
        except FileExistsError:
            continue
        return path.with_name(name)
    raise AssertionError


def _id(path: Path) -> FileId | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino
