"""Refuses trainings whose code or data are not those of their identity: the user has changed a file during the run."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ablate.errors import DataError
from ablate.filesystem import stat_or_none
from ablate.text import listed
from ablate.trainers.project.data import DataEntry, data_fingerprint
from ablate.trainers.project.unchanged import VerifiedFiles
from ablate.trainers.protocol import Outdated

IMPORT_SECONDS = 60.0
"""Seconds from the start of a script within which it has read its code. Later changes do not reach it."""
MOST_LOAD = 0.01
"""The greatest part of the time that may go into slow looks at data: a folder may hold a million files."""
QUICK_SECONDS = 0.1
"""The longest time of a look at data that is taken before each training."""


@dataclass(frozen=True)
class PlannedFiles:
    """The code and the data of a study as they were when its trials were planned."""

    folder: Path
    """The folder of the study file."""
    code: Mapping[str, str] = field(default_factory=dict)
    """{path of a file: its hash}."""
    data: Sequence[tuple[DataEntry, str]] = ()
    """The declared data, each with its fingerprint."""

    def check(self) -> None:
        """Raise Outdated if a file is another one now."""
        code = _shown(_verified.changed(self.folder, self.code, time.time()), self.folder)
        if changed := [*code, *self._other_data()]:
            raise Outdated(f"{_changes(changed)} during the run, so no further training was started")

    def check_since(self, began: float) -> None:
        """Raise Outdated if code has changed while a script that began then was reading it.

        `began`: seconds since the epoch. An edit during the rest of a long training costs no result.
        """
        changed = _verified.changed(self.folder, self.code, time.time())
        if early := _shown((path for path in changed if _changed_at(path) <= began + IMPORT_SECONDS), self.folder):
            raise Outdated(f"{_changes(early)} while the script was starting, so its result was not kept")

    def _other_data(self) -> Iterator[str]:
        """Yield the data that have changed, as far as there is time for a look at them."""
        for entry, fingerprint in self.data:
            began = time.monotonic()
            if began >= _data_due.get(entry, 0.0):
                if _fingerprint(self.folder, entry) != fingerprint:
                    yield entry.path
                took = time.monotonic() - began
                _data_due[entry] = began + (took / MOST_LOAD if took > QUICK_SECONDS else 0.0)


_verified = VerifiedFiles()
_data_due: dict[DataEntry, float] = {}
"""{data: when to look at them again, by the monotonic clock}."""


def _fingerprint(folder: Path, entry: DataEntry) -> str | None:
    try:
        return data_fingerprint(folder, [entry])
    except DataError:
        return None


def _changed_at(path: Path) -> float:
    """Return when a file was last written, replaced or renamed; infinity if it is not there."""
    status = stat_or_none(path)
    return max(status.st_ctime, status.st_mtime) if status else float("inf")


def _shown(paths: Iterable[Path], folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path) for path in paths]


def _changes(names: Sequence[str]) -> str:
    return f"{listed(names)} {'was' if len(names) == 1 else 'were'} changed"
