"""Checking a study before it is run: one row is trained, and nothing is written into the store."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.api.stores import DEFAULT_STORE, StoreOrUrl
from ablate.filesystem import expanded
from ablate.run.devices import slots
from ablate.run.request import StudyRequest, read_source, request_to_run
from ablate.study.config_keys import flattened
from ablate.study.model import Study

if TYPE_CHECKING:
    from ablate.run.checking.remark import Remark
    from ablate.run.checking.row_run import RowRun
    from ablate.run.checking.undeclared import UndeclaredNumber

FULL = "each training takes its full time, unless a profile of the study makes it short (--profile NAME)"
FOLDER = "ablate-check-"
"""The beginning of the name of the temporary folder."""


@dataclass(frozen=True)
class StudyCheck:
    """All that the check of a study showed."""

    request: StudyRequest
    run: "RowRun"
    """The first training: its end, its metrics, and all numbers that it left."""
    trainings: int
    """The number of trainings."""
    advice: Sequence[str]
    """The remedies for options that the script refused, a sentence each."""
    undeclared: Sequence["UndeclaredNumber"]
    """The numbers that the script left and that no declared metric is read from."""
    remarks: Sequence["Remark"]
    """Sentences about settings that arrive or do not, and about files that trainings overwrite."""
    logs: Sequence[Path]
    """The logs of trainings that failed, in a temporary folder; it is removed if there are none."""
    with_factors: bool
    """True if the factors were checked too."""
    is_interrupted: bool
    """True if Ctrl-C ended a training after the first one."""

    @property
    def study(self) -> Study:
        return self.request.study

    @property
    def findings(self) -> int:
        """The number of things that are wrong."""
        missing = len(self.run.readings.missing) if self.run.readings and self.run.has_ended_well else 0
        return (missing or int(not self.run.is_done)) + sum(remark.is_fault for remark in self.remarks)


def check_study(
    study: Study | Path | str,
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    profile: str | None = None,
    settings: Sequence[str] = (),
    row: str | None = None,
    factors: bool = False,
    report: Callable[[str], None] = lambda text: None,
) -> StudyCheck:
    """Train one row of a study, and find metrics that cannot be read and settings that do not reach the trainer.

    `study` is a study file or a Study; `profile` and `KEY=VALUE` `settings` change a file as they do for `ablate run`.
    `row` is the label of the row, or a pattern; the first row that matches is trained, by default the first of all.
    A trainer of the user's own is trained a second time, with another seed. With `factors`, it is trained once more
    with the same seed, and once for each factor. `report` receives each warning, and a line before each training.

    Nothing is written into the store; files that other runs write next to it meanwhile are ignored. Raises AblateError
    for a study that cannot run, and KeyboardInterrupt if Ctrl-C ends the first training. If it ends a later one, the
    rest is not checked.
    """
    from ablate.run.checking.comparison import RowComparison
    from ablate.run.checking.factor_comparison import compared
    from ablate.run.checking.overwritten import overwritten_remarks
    from ablate.run.checking.row_run import RowRunner
    from ablate.run.checking.settings import advice, setting_remarks
    from ablate.run.checking.undeclared import undeclared_numbers
    from ablate.run.dispatch.signals import interruptible

    request = request_to_run(read_source(study, profile, settings), [row] if row else (), report)
    trial = request.selected[0]
    if request.study.declared_trainer and not profile:
        report(FULL)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER))
    runs: list[RowRun] = []
    try:
        with interruptible() as stopping:
            slot = slots(request.selected, 1)[0]
            runner = RowRunner(request.study, folder, _results(store), slot, stopping, report, runs)
            first = runner.run(trial.label, trial.config, trial.seed)
            comparison = RowComparison(runner, first)
            compared_remarks, is_interrupted = compared(comparison, request.trials, factors)
        keys = list(flattened(request.study.config))
        return StudyCheck(
            request,
            first,
            len(runs),
            advice(first, request.study, folder, keys),
            list(undeclared_numbers(first, request.study)),
            [
                *setting_remarks(runs, request.study, folder, keys),
                *compared_remarks,
                *overwritten_remarks(runs, _reads_files(request.study)),
            ],
            [run.log for run in runs if run.log.exists()],
            factors,
            is_interrupted,
        )
    finally:
        if not any(run.log.exists() for run in runs):
            shutil.rmtree(folder, ignore_errors=True)


def _results(store: StoreOrUrl) -> Path:
    """Return the folder of a store."""
    if not isinstance(store, Path | str):
        return Path(store.folder).absolute()
    path = str(store).removeprefix("sqlite:///")
    return Path(expanded(path if "://" not in path else DEFAULT_STORE.removeprefix("sqlite:///"))).absolute().parent


def _reads_files(study: Study) -> bool:
    """Return True if a metric of a trainer of the user's own may be read from a file that its script writes."""
    origins = [str(source.get("origin", "")) for source in study.entry.sources.values()]
    return any(not origin.startswith(("stdout:", "json:")) for origin in origins)
