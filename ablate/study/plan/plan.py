"""Wanted trials against what the store has: done, stale and why, shared, pending. Pure: the records are passed in."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from ablate.study.trials.identity import Trial

DONE, FAILED, RUNNING = "done", "failed", "running"
PENDING = "pending"
SHARED = "shared"
STALE = "stale"
ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class PreviousResult:
    """A trial that the same words of a study file once meant, with a result, and what has changed since."""

    key: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class StoredRecords:
    """What the store knows of some trials.

    `states`: {training key: state}; `finished`: trials that have a result; `older`: {trial key: the latest older
    result} of those that have none; `accepted`: {trial key: the result that somebody kept in its place}.
    """

    states: Mapping[str, str] = field(default_factory=dict)
    finished: Set[str] = frozenset()
    older: Mapping[str, PreviousResult] = field(default_factory=dict)
    accepted: Mapping[str, PreviousResult] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """A trial and how it stands: done, failed, running, accepted, stale, pending, or shared.

    Shared: its training is an earlier trial's as well, or finished, and only the evaluation is left. `older`: the
    result that it had before something changed. `trained`: its training is finished.
    """

    trial: Trial
    state: str
    older: PreviousResult | None = None
    trained: bool = False

    @property
    def to_run(self) -> bool:
        return self.state in (PENDING, SHARED, STALE)

    @property
    def key(self) -> str:
        """The trial whose result stands for this one."""
        return self.older.key if self.older and self.state == ACCEPTED else self.trial.key


def resolve(trials: Sequence[Trial], records: StoredRecords) -> list[PlannedTrial]:
    """How each trial stands."""
    seen: set[str] = set()
    planned = []
    for trial in trials:
        older = records.accepted.get(trial.key) or records.older.get(trial.key)
        state = _state(trial, records)
        trained = records.states.get(trial.training_key) == DONE
        if state == PENDING and (trained or trial.training_key in seen):
            state = SHARED
        seen.add(trial.training_key)
        planned.append(PlannedTrial(trial, state, None if state == DONE else older, trained))
    return planned


def _state(trial: Trial, records: StoredRecords) -> str:
    if trial.key in records.finished:
        return DONE
    if trial.key in records.accepted:
        return ACCEPTED
    state = records.states.get(trial.training_key)
    if state in (RUNNING, FAILED):
        return state
    return STALE if trial.key in records.older else PENDING
