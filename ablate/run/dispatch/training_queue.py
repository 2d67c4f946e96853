"""The trainings of one run: the trials that each stands for, its last known state, and the ones that may be free."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field

from ablate.store import Connection, Store, plans
from ablate.store.queue import claims
from ablate.store.queue.claims import Claim
from ablate.store.schema import DIVERGED, DONE, FAILED, PRUNED, QUEUED
from ablate.study.config_keys import Config
from ablate.study.trials.identity import Trial

SETTLED = (DONE, FAILED, DIVERGED, PRUNED)
"""States in which a training has ended for this run."""

WINDOW = 100
"""Trainings whose state is read at once while looking for a free one."""


@dataclass
class TrainingQueue:
    """The trainings of this run, as far as this runner knows them; the store has the last word at each claim."""

    trials: dict[str, list[Trial]] = field(default_factory=dict)
    """{training key: the trials that share it}."""
    states: dict[str, str] = field(default_factory=dict)
    """{training key: the state that was last read or written}, in the order of the plan."""
    candidates: deque[str] = field(default_factory=deque)
    """Keys of trainings that may be free to claim."""

    def add(self, trials: Iterable[Trial]) -> None:
        """Add trials; the next look or claim shows whether their trainings are free."""
        for trial in trials:
            same = self.trials.setdefault(trial.training_key, [])
            if trial.key not in {other.key for other in same}:
                same.append(trial)
            self.states[trial.training_key] = QUEUED

    def offer(self, trials: Iterable[Trial]) -> None:
        """Add trials that a search has just proposed, as candidates for the next claim."""
        new = list(trials)
        self.add(new)
        self.candidates.extend(dict.fromkeys(trial.training_key for trial in new))

    def claim_next(self, store: Store, checkpoint_step: Callable[[str], int]) -> Claim | None:
        """Claim the first candidate that no other runner has taken; None if none is left.

        `checkpoint_step` returns the step of a training's newest checkpoint.
        """
        while self.candidates:
            with store.write() as connection:
                key = self.candidates.popleft()
                claim = claims.claim(connection, key, checkpoint_step(key))
                if claim is not None:
                    return claim
                self._skip_claimed(connection)
        return None

    def _skip_claimed(self, connection: Connection) -> None:
        """Drop the candidates that another runner, which is at work, has reached before."""
        window = [self.candidates.popleft() for _ in range(min(WINDOW, len(self.candidates)))]
        self.candidates.extendleft(reversed(claims.queued(connection, window)))

    def refresh(self, connection: Connection, running: Set[str], requeue_pruned: bool) -> None:
        """Read the states of unsettled trainings that are not `running` here; those that are queued become candidates.

        `requeue_pruned`: run what another runner's search has pruned, as this run needs its result.
        """
        states = plans.training_states(connection, self.unsettled() - running)
        done = [trial for key, state in states.items() if state == DONE for trial in self.trials[key]]
        states |= dict.fromkeys(plans.queue_unevaluated(connection, done), QUEUED)
        if requeue_pruned:
            pruned = [key for key, state in states.items() if state == PRUNED]
            claims.queue_pruned(connection, pruned)
            states |= dict.fromkeys(pruned, QUEUED)
        self.states |= states
        self.candidates.extend(key for key in self.states if states.get(key) == QUEUED)

    def unsettled(self) -> set[str]:
        """Return the keys of trainings that have not ended for this run, as far as is known."""
        return {key for key, state in self.states.items() if state not in SETTLED}

    def count(self, state: str) -> int:
        return list(self.states.values()).count(state)

    def configs(self, key: str) -> Sequence[Config]:
        """Return the configs that a training is evaluated under. They are equal except for `evaluate`.

        The trials may differ in keys that nothing reads. The first one's values are used for all.
        """
        same = self.trials[key]
        first = same[0].config
        return [first | {name: trial.config[name] for name in ("evaluate",) if name in first} for trial in same]
