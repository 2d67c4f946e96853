"""A copy of a search for Optuna's dashboard: a journal file next to the store, written and never read back.

It is written again whenever a search continues, so deleting it loses nothing.
"""

import fcntl
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from ablate.adaptive.search.optuna_sampler import directions, frozen
from ablate.store.searches import Candidate
from ablate.study.search_space.space import SearchSpec


class DashboardExport:
    """Holds and writes the journal of one search. If another runner of the search holds it, nothing is written.

    Raises OSError if the folder cannot be written.
    """

    error: OSError | None
    """Set once a write has failed; nothing more is written then."""

    def __init__(self, folder: Path, study: str, profile: str, search: SearchSpec) -> None:
        self.search, self.path = search, folder / f"{study}.{profile}.journal"
        folder.mkdir(parents=True, exist_ok=True)
        self.storage: JournalStorage | None = None
        self.error = None
        self.count = 0
        self.lock: IO[bytes] = self.path.with_suffix(".held").open("wb")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for old in (self.path, Path(f"{self.path}.lock")):  # a runner that was killed leaves the latter behind
            old.unlink(missing_ok=True)
        self.storage = JournalStorage(JournalFileBackend(str(self.path)))
        made = optuna.create_study(
            storage=self.storage, study_name=f"{study} ({profile})", directions=directions(search)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            made.set_metric_names([f"validation {metric.name}" for metric in search.metrics])
        self.id = self.storage.get_study_id_from_name(made.study_name)

    def add(self, candidates: Mapping[int, Candidate]) -> None:
        """Write the candidates that have ended, {number: candidate}, in order, up to the first that has not."""
        try:
            while self.storage and (row := candidates.get(self.count)) is not None and row.told is not None:
                self.storage.create_new_trial(self.id, frozen(row, self.search))
                self.count += 1
        except OSError as error:
            self.storage, self.error = None, error

    def close(self) -> None:
        self.lock.close()
