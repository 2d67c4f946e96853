"""The plan of a study: its trials, which are done, and how long the rest takes. Nothing runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_if_any, write_fault
from ablate.run.devices import slots
from ablate.run.request import StudyRequest, checked_request, read_source
from ablate.study.model import Study
from ablate.study.plan.time_estimate import TimeEstimate, Times, estimate, shapes_to_run
from ablate.study.plan.trial_states import PlannedTrial, StoredRecords, resolve

if TYPE_CHECKING:
    from ablate.store import Store


@dataclass(frozen=True)
class StudyPlan:
    """The trials of a study that are selected, with the state of each in the store."""

    request: StudyRequest
    trials: Sequence[PlannedTrial]
    """The selected trials, in the order of the study's rows."""
    workers: int
    """The number of workers that a run would have on this machine, or that was requested."""
    time: TimeEstimate
    """The time that a run would take with these workers, from finished trainings of the same shape."""
    looks_taken: tuple[int, ...] = ()
    """The seeds of each look that was taken."""
    family_ended: str | None = None
    """Why the family of the taken looks has ended, so that a new one begins; None if it has not."""

    @property
    def study(self) -> Study:
        return self.request.study

    @property
    def unprepared(self) -> list[str]:
        """Why the content of some rows' data is not known yet, and what prepares them; each reason once."""
        return self.request.unprepared

    @property
    def warnings(self) -> tuple[str, ...]:
        """Values of the study file that are valid but hardly meant."""
        return self.request.warnings


def plan_study(
    study: Study | Path | str,
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    profile: str | None = None,
    settings: Sequence[str] = (),
    seeds: str | int | None = None,
    only: Sequence[str] = (),
    workers: int | None = None,
) -> StudyPlan:
    """Return the trials of a study with their states, such as done, failed, diverged, running or pending.

    `study` is a study file or a Study; `profile`, `KEY=VALUE` `settings` and `seeds` change a file as they do for
    `ablate plan`. `only` selects rows by label or pattern. The store is only read, and need not exist. Trials whose
    data are not prepared yet are pending. Raises AblateError for everything that a run refuses, except that libraries
    that are not installed are a warning.
    """
    request = checked_request(read_source(study, profile, settings, seeds), only)
    opened = store_if_any(store)
    if fault := write_fault(store):
        request = replace(request, warnings=(*request.warnings, fault))
    looks_taken: tuple[int, ...] = ()
    family_ended = None
    if opened is not None and not any(trial.unprepared for trial in request.trials):
        request, looks_taken, family_ended = _with_looks(opened, request, seeds)
    if opened is not None:
        request = _with_note(opened, request)
    planned, times = _states_and_times(opened, request)
    count = len(slots(request.selected, workers))
    return StudyPlan(request, planned, count, estimate(planned, times, count), looks_taken, family_ended)


def is_study_file(study: Path | str) -> bool:
    """Return True for the path of a study file, False for the name of a study."""
    return Path(study).suffix in (".yaml", ".yml")


def _with_note(store: "Store", request: StudyRequest) -> StudyRequest:
    """Return the request with a warning if a run would replace the plan of another file."""
    from ablate.run.replaced_plan import other_file
    from ablate.store.plans import read_document

    study = request.study
    with store.read() as connection:
        note = other_file(read_document(connection, study.name, study.profile), study)
    return replace(request, warnings=(*request.warnings, note)) if note else request


def _with_looks(
    store: "Store", request: StudyRequest, seeds: str | int | None
) -> tuple[StudyRequest, tuple[int, ...], str | None]:
    """Return the request with the seeds that looks gave each row, the seeds of the looks, and why a family ended."""
    from ablate.adaptive.looks.taken_looks import check_seeds, read_schedule, study_with_looks

    study = study_with_looks(store, request.study)
    if study is None:
        return request, (), None
    check_seeds(request.study, seeds)
    are_declared = bool(request.study.looks)
    schedule = read_schedule(store, study, request.source.place, are_declared=are_declared)
    labels = {trial.label for trial in request.selected}
    planned = schedule.trials(schedule.is_due(until_decided=False))
    selected = [trial for trial in planned if trial.label in labels]
    request = replace(request, study=schedule.study, trials=planned, selected=selected)
    return request, tuple(look.seeds for look in schedule.taken), schedule.why


def _states_and_times(store: "Store | None", request: StudyRequest) -> tuple[list[PlannedTrial], Times]:
    """Return the state of each selected trial, and the times of finished trainings of the same shapes."""
    if store is None:
        return resolve(request.selected, StoredRecords()), {}
    from ablate.store.plans import check_origin
    from ablate.store.trial_records import read_records, read_times

    with store.read() as connection:
        check_origin(connection, request.study.name, imported=False)
        planned = resolve(request.selected, read_records(connection, request.selected))
        return planned, read_times(connection, shapes_to_run(planned))
