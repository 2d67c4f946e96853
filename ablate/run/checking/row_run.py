"""One brief run of a row for a check: in this process, with a folder of its own, and nothing of it in the store."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ablate.measurement import TEST, Measurement
from ablate.run.checking import watched
from ablate.run.checking.script_notes import ScriptNotes, read_notes
from ablate.run.checking.working_folder import Versions, changed_files, versions
from ablate.run.devices import Slot
from ablate.run.job import Job, JobReport
from ablate.run.training_runner import run_job
from ablate.store.schema import DONE, FAILED
from ablate.study.config_keys import Config
from ablate.study.model import Study
from ablate.trainers.declared.attempt import FINISHED
from ablate.trainers.declared.entry import DeclaredEntry
from ablate.trainers.declared.reasons import without_log
from ablate.trainers.function.config.watched_config import WATCH
from ablate.trainers.measuring.reader import Readings, read_measurements
from ablate.trainers.measuring.seen import SeenValue, seen_values
from ablate.trainers.protocol import Progress


@dataclass(frozen=True)
class RowRun:
    """One training of a check, and all that it left."""

    label: str
    seed: int
    config: Config
    report: JobReport
    folder: Path
    """The folder of the training. It is removed unless the training failed."""
    measurements: tuple[Measurement, ...]
    """The values of the metrics, without costs of a script."""
    readings: Readings | None = None
    """The metrics of a declared trainer; None of another one."""
    has_ended_well: bool = False
    """True if the script ended with exit code 0, whatever it measured."""
    seen: tuple[SeenValue, ...] = ()
    """All numbers in its outputs."""
    notes: ScriptNotes = field(default_factory=ScriptNotes)
    changed: frozenset[str] = frozenset()
    """The files that it changed in its working directory, if that is not its own folder."""

    @property
    def is_done(self) -> bool:
        """True if it ended well, with a finite value of each metric."""
        return self.report.state == DONE

    @property
    def log(self) -> Path:
        """The output of a script. It is kept if the training failed."""
        return self.folder / "attempt-1.log"

    @property
    def reason(self) -> str:
        """Why it has no result."""
        if self.readings is not None and self.has_ended_well and self.readings.missing:
            return "; ".join(f"{name} is missing: {reason}" for name, reason in self.readings.missing.items())
        return without_log(self.report.reason)

    @property
    def values(self) -> Mapping[str, float]:
        """{metric: value on test data}."""
        return {one.metric: one.value for one in self.measurements if one.split == TEST}


@dataclass
class RowRunner:
    """Runs rows of one study, one after another."""

    study: Study
    folder: Path
    """A temporary folder."""
    results: Path
    """The folder of the store, in which other runs may write meanwhile."""
    slot: Slot
    """The environment of a worker."""
    stopping: threading.Event
    announce: Callable[[str], None]
    """Receives a line of text before each training."""
    runs: list[RowRun] = field(default_factory=list)
    started: int = 0
    """Trainings that were begun, those that were repeated included."""

    def run(self, label: str, config: Config, seed: int) -> RowRun:
        """Train once; KeyboardInterrupt if a stop was requested.

        A function gets a watched config. If it fails, that may be the reason, so it runs again with a plain one.
        """
        self.announce(f"training {len(self.runs) + 1}: row {label!r}, seed {seed}")
        run = self._run(label, config, seed, is_watched=True)
        if run.report.state == FAILED and run.notes.keys:
            run = self._run(label, config, seed, is_watched=False)
        self.runs.append(run)
        return run

    def _run(self, label: str, config: Config, seed: int, is_watched: bool) -> RowRun:
        self.started += 1
        folder, notes = self.folder / f"training-{self.started}", self.folder / f"notes-{self.started}"
        notes.mkdir()
        before, began = self._versions(folder), time.time()
        with _environment({**self.slot, **(_watching(notes) if is_watched else {})}):
            report = run_job(self._job(folder, config, seed), _ignore, self.stopping.is_set)
        if self.stopping.is_set():
            raise KeyboardInterrupt
        run = self._row_run(label, config, seed, report, folder, notes, began, before)
        if report.state != FAILED:
            shutil.rmtree(folder, ignore_errors=True)
        return run

    def _job(self, folder: Path, config: Config, seed: int) -> Job:
        entry = self.study.entry
        options = entry.options
        return Job(folder.name, self.study.trainer, [config], seed, 1, str(folder), 0.0, options=options)

    def _row_run(
        self,
        label: str,
        config: Config,
        seed: int,
        report: JobReport,
        folder: Path,
        notes: Path,
        began: float,
        before: Versions,
    ) -> RowRun:
        entry = self.study.entry
        if not isinstance(entry, DeclaredEntry):
            measured = report.results[0].measurements if report.results else ()
            return RowRun(label, seed, config, report, folder, tuple(measured))
        outputs = entry.outputs(folder, began)
        readings = read_measurements(entry.metric_sources, outputs)
        return RowRun(
            label,
            seed,
            config,
            report,
            folder,
            readings.measurements,
            readings,
            (folder / FINISHED).exists(),
            seen_values(outputs),
            read_notes(notes),
            changed_files(before, self._versions(folder)),
        )

    def _versions(self, folder: Path) -> Versions:
        """Return the versions of the files in the working directory of a training; none if it is its own folder."""
        entry = self.study.entry
        if not isinstance(entry, DeclaredEntry):
            return {}
        cwd = entry.working_folder(folder)
        return {} if cwd == folder else versions(cwd, self.results)


def _ignore(progress: Progress) -> None:
    """Take no note of progress."""


def _watching(notes: Path) -> dict[str, str]:
    """Return the environment in which the Pythons of a script note which settings they read."""
    own = str(Path(watched.__file__).parent)
    before = os.environ.get("PYTHONPATH")
    return {WATCH: str(notes), "PYTHONPATH": f"{own}{os.pathsep}{before}" if before else own}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables meanwhile. Processes that are started inherit them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
