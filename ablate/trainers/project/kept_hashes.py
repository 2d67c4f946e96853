"""Facts about files that are kept between processes, in the user's cache folder, so that unchanged files are not read.

A file counts as unchanged if its inode, size and times are those of the time when it was read. A file that has just
been changed is not kept: a second change in the same tick of the clock could not be seen. The cache can be deleted at
any time. If it cannot be read or written, everything works without it.
"""

import json
import os
import tempfile
import time
from collections.abc import Container
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from ablate.filesystem import open_regular

SETTLED_SECONDS = 2.0
"""Seconds since the last change of a file after which it is kept. Times of some file systems are whole seconds."""
UNUSED_SECONDS = 90 * 86400.0
"""Seconds after which a kept file that was not written again is removed."""

Version = list[int] | str
"""Changes with the content of a file or folder."""


class FileChangedError(OSError):
    """A file that was changed while it was read."""


def version_of(status: os.stat_result) -> list[int]:
    """Return the numbers by which a changed file is noticed."""
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def is_settled(status: os.stat_result, moment: float) -> bool:
    """Return True if the last change of a file was so long before a moment that each later change shows in its times.

    `moment`: seconds since the epoch, not later than the time when its status was read.
    """
    return moment - max(status.st_mtime, status.st_ctime) > SETTLED_SECONDS


def hash_of_version(path: str, status: os.stat_result) -> str:
    """Return the sha256 (hex) of a file. FileChangedError if it is not the same before and after; OSError as usual."""
    with open_regular(Path(path)) as file:
        digest = sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        if version_of(os.fstat(file.fileno())) != version_of(status):
            raise FileChangedError
    return digest.hexdigest()


class KeptFacts:
    """{path: fact} of one group of files. A fact is plain: numbers, text, lists."""

    def __init__(self, file: Path | None) -> None:
        """`file`: keeps the group; None if nothing can be kept."""
        self.file = file
        self.facts: dict[str, list[Any]] = _read(file) if file else {}
        self.is_changed = False

    def get(self, path: str, version: Version) -> Any:
        """Return the fact about this version of a file; None if it is not there."""
        kept = self.facts.get(path)
        return kept[1] if isinstance(kept, list) and len(kept) == 2 and kept[0] == version else None

    def put(self, path: str, version: Version, fact: Any) -> None:
        """Keep the fact about a version of a file."""
        self.facts[path] = [version, fact]
        self.is_changed = True

    def forget_others(self, paths: Container[str]) -> None:
        """Keep the facts about these files only."""
        kept = {path: fact for path, fact in self.facts.items() if path in paths}
        self.is_changed |= len(kept) < len(self.facts)
        self.facts = kept

    def save(self) -> None:
        """Write the group if it was changed. If two processes write at the same time, one of them wins."""
        if not self.file or not self.is_changed:
            return
        self.is_changed = False
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_unused(self.file.parent)
            _write_aside(self.file, json.dumps(self.facts, separators=(",", ":")))
        except (OSError, ValueError):
            return


def kept_facts(name: str) -> KeptFacts:
    """Return the facts of the group with this name. Each process reads them once."""
    folder = _cache_folder()
    return _group(folder / f"{sha256(os.fsencode(name)).hexdigest()[:32]}.json" if folder else None, name)


@lru_cache
def _group(file: Path | None, name: str) -> KeptFacts:
    return KeptFacts(file)


def _cache_folder() -> Path | None:
    """Return the folder of this cache by the XDG Base Directory Specification; None if there is no home folder."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(given) if given.startswith("/") else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "ablate" / "file-hashes"


def _read(file: Path) -> dict[str, list[Any]]:
    try:
        facts = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _write_aside(file: Path, text: str) -> None:
    """Write a file under another name first, so that no process ever reads a part of it."""
    number, aside = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(aside).replace(file)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _remove_unused(folder: Path) -> None:
    for path in folder.iterdir():
        if time.time() - path.stat().st_mtime > UNUSED_SECONDS:
            path.unlink(missing_ok=True)
