"""The fingerprint of data that a study file declares: by the content of the files, or by their sizes and times."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import Literal

from ablate.errors import DataError
from ablate.filesystem import expanded, is_folder, path_fault, reach_fault, stat_or_none
from ablate.text import MOST_FAULTS
from ablate.trainers.project.folders import ListedFile, listing, nearest_name
from ablate.trainers.project.kept_hashes import KeptFacts, hash_of_version, is_settled, kept_facts, version_of
from ablate.trainers.project.patterns import is_pattern
from ablate.trainers.project.syntax import DIGITS

MOST_KEPT = 100_000
"""Files of one folder whose hashes are kept one by one. Of more, only the hash of the whole folder is kept."""
WHOLE = "hashes of whole folders of data"
"""The group of kept facts for folders."""


@dataclass(frozen=True)
class DataEntry:
    """A data file or folder that a study file declares."""

    path: str
    """Relative to the study file's folder, or absolute."""
    by: Literal["content", "time"] = "content"
    """`time`: by the size and the time of the last change of each file, which needs no reading."""


def data_fingerprint(folder: Path, entries: Sequence[DataEntry]) -> str | None:
    """Return the hash of all declared data (20 hex digits), or None if there are none; DataError with every fault.

    It does not depend on the paths of the data, as these differ between machines, but on the names below a folder and
    on the order of the entries. By content, files are read once and their hashes kept in the user's cache.
    """
    digest = sha256()
    faults: list[str] = []
    for entry in entries:
        files = _Data(folder, entry)
        digest.update(f"{entry.by} {files.digest()}\n".encode())
        faults += files.faults
    if faults:
        more = [f"data: {len(faults) - MOST_FAULTS} more files are faulty"] if len(faults) > MOST_FAULTS else []
        raise DataError("\n".join([*faults[:MOST_FAULTS], *more]))
    return digest.hexdigest()[:DIGITS] if entries else None


class _Data:
    """The files of one entry."""

    def __init__(self, folder: Path, entry: DataEntry) -> None:
        self.folder, self.entry = folder, entry
        self.path = str(folder.resolve() / expanded(entry.path))
        self.faults: list[str] = []
        self.moment = time.time()
        self.is_folder = is_folder(Path(self.path))
        try:
            self.files = self._files()
        except OSError as error:
            self.files = []
            self._add_fault(f"{error.filename or self.path} cannot be read ({error.strerror})")

    def digest(self) -> str:
        """Return the hash of the files; an empty text if there are faults."""
        if self.faults:
            return ""
        if self.entry.by == "time":
            return self._hash(file.status and [file.status.st_size, file.status.st_mtime_ns] for file in self.files)
        whole = kept_facts(WHOLE)
        version = self._hash(file.status and version_of(file.status) for file in self.files)
        digest = whole.get(self.path, version)
        if isinstance(digest, str):
            return digest
        digest = self._content()
        if not self.faults and all(file.status is None or is_settled(file.status, self.moment) for file in self.files):
            whole.put(self.path, version, digest)
            whole.save()
        return digest

    def _files(self) -> list[ListedFile]:
        """Return the files in the order of their names; OSError if one cannot be reached."""
        if fault := path_fault(self.entry.path):
            self._add_fault(f"{fault}; write the path of a file or folder")
            return []
        if self.is_folder:
            files = sorted(listing(self.path), key=lambda file: os.fsencode(file.name))
            if not files:
                self._add_fault("there is no file in this folder; correct the path, or fetch the data first")
            return files
        status = stat_or_none(Path(self.path))
        if status is None:
            self._add_fault(self._absence())
        elif not S_ISREG(status.st_mode):
            self._add_fault("it is a pipe or a device; write the path of a file or folder")
        return [ListedFile("", self.path, status)]

    def _content(self) -> str:
        """Return the hash of the content of all files, each of which is read unless its hash is kept."""
        is_kept = self.is_folder and len(self.files) <= MOST_KEPT
        kept = kept_facts(f"data {self.path}") if is_kept else KeptFacts(None)
        digest = self._hash(self._contents(kept))
        kept.forget_others({file.path for file in self.files})
        kept.save()
        return digest

    def _contents(self, kept: KeptFacts) -> Iterator[str | None]:
        for file in self.files:
            try:
                digest = file.status and self._content_of(file.path, file.status, kept)
            except OSError as error:
                digest = None
                reason = error.strerror or "it changes while it is read; wait until the data are complete"
                self._add_fault(f"{file.name or 'it'} cannot be read ({reason})")
            yield digest

    def _content_of(self, path: str, status: os.stat_result, kept: KeptFacts) -> str:
        version = version_of(status)
        digest = kept.get(path, version)
        if not isinstance(digest, str):
            digest = hash_of_version(path, status)
            if is_settled(status, self.moment):
                kept.put(path, version, digest)
        return digest

    def _hash(self, facts: Iterable[object]) -> str:
        """Return the hash of the names of the files and a fact about each."""
        digest = sha256(b"folder\n" if self.is_folder else b"file\n")
        for file, fact in zip(self.files, facts, strict=True):
            digest.update(os.fsencode(file.name) + f"\0{fact}\n".encode())
        return digest.hexdigest()

    def _absence(self) -> str:
        path = Path(self.path)
        if fault := reach_fault(path):
            return f"it cannot be reached ({fault})"
        if is_pattern(self.entry.path):
            return "no file has this path, and patterns are not read here; write the folder, which stands for all in it"
        near = nearest_name(path)
        meant = f"did you mean {near!r}?" if near else "correct the path, or fetch the data first"
        return f"it is neither a file nor a folder in {self.folder}; {meant}"

    def _add_fault(self, fault: str) -> None:
        self.faults.append(f"data: {self.entry.path}: {fault}")
