"""A copy of a search for Optuna's dashboard: a journal beside the store, written and never read back.

It is made anew whenever a search goes on, so that nothing is lost with it.
"""

import fcntl
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from ablate.adaptive.search.optuna_sampler import frozen
from ablate.store.searches import Candidate
from ablate.study.search_space.space import SearchSpec


class DashboardExport:
    """Holds the journal of one search while it lives. Where another runner of the search holds it, nothing is written.

    OSError where the folder cannot be written.
    """

    def __init__(self, folder: Path, study: str, profile: str, search: SearchSpec) -> None:
        self.search, self.path = search, folder / f"{study}.{profile}.journal"
        folder.mkdir(parents=True, exist_ok=True)
        self.storage: JournalStorage | None = None
        self.trouble: OSError | None = None
        self.count = 0
        self.lock: IO[bytes] = self.path.with_suffix(".held").open("wb")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for old in (self.path, Path(f"{self.path}.lock")):  # the latter is left behind by a runner that was killed
            old.unlink(missing_ok=True)
        self.storage = JournalStorage(JournalFileBackend(str(self.path)))
        made = optuna.create_study(
            storage=self.storage, study_name=f"{study} ({profile})", directions=["maximize"] * len(search.metrics)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            made.set_metric_names([f"validation {metric}" for metric in search.metrics])
        self.id = self.storage.get_study_id_from_name(made.study_name)

    def take(self, known: Mapping[int, Candidate]) -> None:
        """Writes the candidates that have ended, in the order of their numbers, up to the first that has not.

        Nothing more after it could not be written once: `trouble`.
        """
        try:
            while self.storage and (row := known.get(self.count)) is not None and row.told is not None:
                self.storage.create_new_trial(self.id, frozen(row, self.search))
                self.count += 1
        except OSError as error:
            self.storage, self.trouble = None, error

    def close(self) -> None:
        self.lock.close()
