"""Running a study: the trials that the store lacks, or look after look."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_write
from ablate.errors import AblateError
from ablate.run.devices import slots
from ablate.run.observer import Observer
from ablate.run.request import StudyRequest, read_source, request_to_run
from ablate.study.model import Study
from ablate.study.trials.identity import Trial

if TYPE_CHECKING:
    from ablate.run.preparation import PreparedRun
    from ablate.run.session import Session


@dataclass(frozen=True)
class RunSummary:
    """The end of a run."""

    study: str
    """The study's name."""
    states: Mapping[str, str]
    """{training key: done, failed or diverged} of the trainings that were requested."""
    ran: int
    """Trainings that ran, here or with other runners; the others had ended before."""
    failed: int
    """Trainings that have failed."""
    failed_before: int
    """Trainings among `failed` that failed in an earlier run, and were not tried again."""
    seconds: float
    looks: str = ""
    """The verdicts after the last look, in words; empty if none was taken."""
    place: str = ""
    """The path of the study file; the study's name if it was not read from a file."""
    overrides: tuple[str, ...] = ()
    """The `KEY=VALUE` options that changed the file for this run."""
    diverged: int = 0
    """Trainings that have diverged, in this run or an earlier one. They are an outcome, and not among `failed`."""


def run_study(
    study: Study | Path | str,
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    profile: str | None = None,
    settings: Sequence[str] = (),
    seeds: str | int | None = None,
    only: Sequence[str] = (),
    until_decided: bool = False,
    workers: int | None = None,
    executor: str | None = None,
    retry_failed: bool = False,
    accept_stale: bool = False,
    observer: Observer | None = None,
) -> RunSummary:
    """Run the trials of a study that the store lacks, until each is done, has failed or has diverged.

    `study` is a study file or a Study; `profile`, `KEY=VALUE` `settings` and `seeds` change a file as they do for
    `ablate run`. `only` selects rows by label or pattern. `until_decided`: look after look, with more seeds for rows
    with an open verdict. `workers`: worker processes, by default as many as GPUs or cores allow. `executor`:
    `processes`, or `inline` for this process. `retry_failed`: run failed trials again. `accept_stale`: keep stale
    results, and record that. `observer` receives the events; by default none does.

    Raises AblateError for a request that cannot be carried out, and KeyboardInterrupt if a stop was requested by
    Ctrl-C: finished results are kept, and the same call continues.
    """
    started = time.monotonic()
    observer = observer or Observer()
    _check_until_decided(until_decided, only, seeds)
    request = request_to_run(read_source(study, profile, settings, seeds), only, observer.message)
    session = open_session(store, request.selected, workers, executor, observer)
    if with_looks := _study_with_looks(session, request, until_decided, seeds):
        looks = _follow_looks(session, request, with_looks, until_decided, retry_failed, accept_stale)
    else:
        looks = ""
        session.run(_prepare(session, request, retry_failed, accept_stale))
    return RunSummary(
        request.study.name,
        session.states,
        session.ran,
        len(session.failed),
        session.failed_before,
        time.monotonic() - started,
        looks,
        request.source.place,
        request.source.overrides,
        session.diverged,
    )


def open_session(
    store: StoreOrUrl, trials: Sequence[Trial], workers: int | None, executor: str | None, observer: Observer
) -> "Session":
    """Choose the executor and the environment of its workers for these trials, and open the store to write."""
    from ablate.run.executors import choose_executor  # here, so that a fault in the request is reported fast
    from ablate.run.session import Session

    executor = choose_executor(executor, workers)
    environments = slots(trials, 1 if executor == "inline" else workers)
    opened = store_to_write(store)
    if warning := opened.warning():
        observer.message(f"warning: {warning}")
    return Session(opened, executor, environments, observer)


def _check_until_decided(until_decided: bool, only: Sequence[str], seeds: object) -> None:
    """Raise AblateError for options that cannot be combined with looks."""
    if until_decided and only:
        raise AblateError(
            "--only cannot be combined with --until-decided, which judges all rows together; leave out --only"
        )
    if until_decided and seeds is not None:
        advice = "leave out --seeds, and declare other looks in the file, as `seeds: {looks: [2, 3, 5, 7, 10]}`"
        raise AblateError(f"--until-decided gives each row the seeds of declared looks; {advice}")


def _study_with_looks(
    session: "Session", request: StudyRequest, until_decided: bool, seeds: str | int | None
) -> Study | None:
    """Return the study with its looks; None if it has none. Report looks that its file does not declare."""
    from ablate.adaptive.looks.taken_looks import check_seeds, study_with_looks

    study = request.study
    looked = study_with_looks(session.store, study, until_decided)
    if looked is None or study.looks:
        return looked
    check_seeds(study, seeds)
    why = "the default; the file declares none" if until_decided else "as in earlier runs of this study"
    numbers = ", ".join(map(str, looked.looks))
    session.observer.message(f"Interim looks at {numbers} seeds a row ({why}). The file's `seeds` is not used.")
    return looked


def _prepare(session: "Session", request: StudyRequest, retry_failed: bool, accept_stale: bool) -> "PreparedRun":
    from ablate.run.preparation import prepare

    return prepare(
        session.store,
        request.study,
        request.trials,
        request.selected,
        request.source.overrides,
        retry_failed=retry_failed,
        accept_stale=accept_stale,
    )


def _follow_looks(
    session: "Session",
    request: StudyRequest,
    study: Study,
    until_decided: bool,
    retry_failed: bool,
    accept_stale: bool,
) -> str:
    """Run the study look by look; return the verdicts after the last look in words, or nothing if none was taken."""
    from ablate.adaptive.looks.driver import LookRequest, follow, summary  # here: its analysis takes long to import

    look_request = LookRequest(request.source, study, until_decided, request.selected_rows, retry_failed, accept_stale)
    schedule = follow(session.store, look_request, session.run, session.observer.message)
    return summary(schedule, until_decided) if schedule.taken else ""
