"""The file that a store was opened in: noticing that it was deleted or replaced, and saving what it held."""

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


@dataclass(eq=False)
class OpenFile:
    """The file that was opened to write, whatever lies at its path later.

    `parts`: the paths of the file and its side files, `known`: what lay there; `anchor` keeps that reachable.
    """

    path: Path
    anchor: sqlite3.Connection
    known: tuple[FileId | None, ...]
    parts: tuple[Path, ...]
    gone: bool = False
    saved: Path | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def connect(self) -> sqlite3.Connection:
        connection = connect_to_write(self.path)
        self.check()
        return connection

    def check(self) -> None:
        """StoreGoneError, and a copy in another file, if what is open here is not what others find at the path."""
        with self.lock:
            if wrong := self._wrong():
                raise StoreGoneError(f"{self.path}: {wrong}; {self._rescue()}")

    def close(self) -> None:
        """Closes the file, but for one that is gone: SQLite would remove the side files that now lie at its path."""
        if not self.gone:
            self.anchor.close()

    def _wrong(self) -> str | None:
        file, *sides = map(_id, self.parts)
        if file != self.known[0]:
            happened = "was deleted or moved away" if file is None else "was replaced by another file"
            return f"the store {happened} while it was in use"
        for part, side, known in zip(self.parts[1:], sides, self.known[1:], strict=True):
            if known is not None and side != known:
                return f"{part.name}, a part of the store, was deleted or replaced while it was in use"
        return None

    def _rescue(self) -> str:
        """Saves all that the open file holds, again if it was saved before, and says where it is now."""
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
        """Until the process ends: not even the interpreter closes what is referred to once too often."""
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
        """Removes our own side files from beside the path, where the next store would take them for its own."""
        if _id(self.path) == self.known[0]:
            return
        self.anchor.execute("PRAGMA wal_checkpoint(FULL)")  # for a store that was only moved
        for side, known in zip(self.parts[1:], self.known[1:], strict=True):
            if known is not None and _id(side) == known:
                side.unlink()


def open_file(path: Path) -> OpenFile:
    """Opens a file to write, and makes it where there is none."""
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
    """A file that was not there: several runners save one store at once."""
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
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
