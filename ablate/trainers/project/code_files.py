"""Files of code, each read once and kept in the user's cache: their hashes, and the facts about those of Python."""

import ast
import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from ablate.filesystem import read_regular
from ablate.trainers.project.imports.source import SourceFacts, code_version, source_facts
from ablate.trainers.project.kept_hashes import hash_of_version, is_settled, kept_facts, version_of
from ablate.trainers.project.syntax import DIGITS

PYTHON = {".py", ".pyw"}
"""Ends of the names of Python files."""
LONGEST_SCRIPT = 1_000_000
"""Bytes of a file without an ending that may be a script."""
SHEBANG = re.compile(rb"#!.*")


class FileFacts(NamedTuple):
    """The facts about one file of code."""

    hash: str
    source: SourceFacts | None
    """Those of a Python file; None for any other."""


class CodeFiles:
    """The files of code of one project."""

    def __init__(self, folder: Path) -> None:
        self.kept = kept_facts(f"code {code_version()} {folder}")
        self.read: dict[Path, FileFacts] = {}
        self.unreadable: dict[Path, str] = {}
        """{file that could not be read: why}."""

    def facts(self, path: Path) -> FileFacts | None:
        """Return the facts about a file; None if it cannot be read."""
        if path not in self.read and path not in self.unreadable:
            try:
                self.read[path] = self._facts(path)
            except OSError as error:
                self.unreadable[path] = error.strerror or "it changes while it is read"
        return self.read.get(path)

    def source(self, path: Path) -> SourceFacts | None:
        """Return the facts about a Python file; None for another file, and if it cannot be read."""
        facts = self.facts(path)
        return facts.source if facts else None

    def save(self) -> None:
        """Keep the facts for later processes."""
        self.kept.save()

    def _facts(self, path: Path) -> FileFacts:
        moment = time.time()
        status = path.stat()
        version = version_of(status)
        try:
            digest, source = self.kept.get(str(path), version)
            return FileFacts(str(digest), None if source is None else SourceFacts.from_plain(source))
        except (TypeError, ValueError):  # it is not kept, or what is kept is damaged
            facts = _read(path, status)
        if is_settled(status, moment):
            self.kept.put(str(path), version, facts)
        return facts


def _read(path: Path, status: os.stat_result) -> FileFacts:
    if path.suffix in PYTHON or (not path.suffix and status.st_size <= LONGEST_SCRIPT):
        content = read_regular(path)
        if path.suffix in PYTHON or _is_python(content):
            source = source_facts(content)
            return FileFacts(source.hash, source)
    return FileFacts(hash_of_version(str(path), status)[:DIGITS], None)


def _is_python(content: bytes) -> bool:
    """Return True for the content of a script in Python, by its first line or, if that names no program, its syntax."""
    first = SHEBANG.match(content)
    if first:
        return b"python" in first[0]
    try:
        return bool(ast.parse(content).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
