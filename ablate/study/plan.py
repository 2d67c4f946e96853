"""Wanted trials against what the store has: done, shared, pending. Pure: the records are passed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablate.study.trial import Trial

DONE = "done"
PENDING = "pending"
SHARED = "shared"


@dataclass(frozen=True)
class PlannedTrial:
    """A trial and how it stands: done, failed, running, pending, or shared with an earlier one's training."""

    trial: Trial
    state: str


def resolve(trials: Sequence[Trial], states: Mapping[str, str], finished: set[str]) -> list[PlannedTrial]:
    """`states`: {training key: state} of the store; `finished`: trials that have a result."""
    trained: set[str] = set()
    planned = []
    for trial in trials:
        state = _state(trial, states, finished)
        if state == PENDING and trial.training_key in trained:
            state = SHARED
        trained.add(trial.training_key)
        planned.append(PlannedTrial(trial, state))
    return planned


def _state(trial: Trial, states: Mapping[str, str], finished: set[str]) -> str:
    if trial.key in finished:
        return DONE
    state = states.get(trial.training_key)
    return state if state in ("running", "failed") else PENDING
