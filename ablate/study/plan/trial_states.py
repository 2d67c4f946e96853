"""The state of each planned trial, compared with the records of the store. Pure: the records are passed in."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from ablate.study.plan.staleness_reasons import IdentityChange
from ablate.study.trials.identity import Trial

DONE, FAILED, DIVERGED, RUNNING = "done", "failed", "diverged", "running"
PENDING = "pending"
SHARED = "shared"
STALE = "stale"
ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class PreviousResult:
    """An earlier trial with a result and with the same declaration in the study file."""

    key: str
    """The earlier trial's key."""
    changes: tuple[IdentityChange, ...]
    """The differences between the earlier trial and the planned one."""


@dataclass(frozen=True)
class StoredRecords:
    """The records that the store has of some trials."""

    states: Mapping[str, str] = field(default_factory=dict)
    """{training key: state}."""
    finished: Set[str] = frozenset()
    """The keys of the trials that have a result."""
    unread: Set[str] = frozenset()
    """The keys of the trials that read a finished training in a new way: they are not in the store, and their trainer's
    metrics are declared by the study file."""
    older: Mapping[str, PreviousResult] = field(default_factory=dict)
    """{trial key: the latest earlier result}, for trials that have no result."""
    accepted: Mapping[str, PreviousResult] = field(default_factory=dict)
    """{trial key: the earlier result that a user accepted in its place}."""


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """A trial and its state."""

    trial: Trial
    state: str
    """Done, failed, diverged, running, accepted, stale, pending, or shared.

    Shared: only the evaluation is left, because the training is finished or is also the training of a trial before.
    """
    older: PreviousResult | None = None
    """The result that the trial had before something changed; None if there is none or if the trial is done."""
    trained: bool = False
    """True if the training is finished."""

    @property
    def to_run(self) -> bool:
        """True if a run has to train or evaluate the trial."""
        return self.state in (PENDING, SHARED, STALE)

    @property
    def key(self) -> str:
        """The key of the trial whose result stands for this one."""
        return self.older.key if self.older and self.state == ACCEPTED else self.trial.key


def resolve(trials: Sequence[Trial], records: StoredRecords) -> list[PlannedTrial]:
    """Return every trial with its state, in order."""
    trainings: set[str] = set()
    planned = []
    for trial in trials:
        older = None if trial.unprepared else records.accepted.get(trial.key) or records.older.get(trial.key)
        state = _state(trial, records)
        trained = records.states.get(trial.training_key) == DONE
        if state == PENDING and (trained or trial.training_key in trainings):
            state = SHARED
        trainings.add(trial.training_key)
        planned.append(PlannedTrial(trial, state, None if state == DONE else older, trained))
    return planned


def _state(trial: Trial, records: StoredRecords) -> str:
    if trial.key in records.finished:
        return DONE
    if trial.key in records.accepted:
        return ACCEPTED
    state = records.states.get(trial.training_key)
    if state == RUNNING or (state in (FAILED, DIVERGED) and trial.key not in records.unread):
        return state
    return STALE if trial.key in records.older and not trial.unprepared else PENDING
