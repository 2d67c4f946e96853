"""The queue: claims trainings, hands them to an executor, records what comes back. The only writer of results."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ablate.errors import StoreError
from ablate.run.executors import EXECUTORS
from ablate.run.job import Job, Report
from ablate.store import Store, plans, work
from ablate.store.schema import QUEUED, RUNNING
from ablate.study.trial import Trial
from ablate.train.interface import Outcome, Progress

BEAT_SECONDS = 4.0
WAIT_SECONDS = 0.5


class Observer(Protocol):
    """Who is told what happens, a training at a time; `key` is its training key."""

    def started(self, key: str) -> None: ...

    def progressed(self, key: str, progress: Progress) -> None: ...

    def ended(self, key: str, reason: str | None) -> None: ...

    def waiting(self, elsewhere: int) -> None: ...


@dataclass
class Dispatch:
    """Runs a set of trials on a store; `claims` is what is running now."""

    store: Store
    trials: Sequence[Trial]
    observer: Observer
    executor: str
    workers: int
    claims: dict[str, work.Claim] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.of_training: dict[str, list[Trial]] = {}
        for trial in self.trials:
            same = self.of_training.setdefault(trial.training_key, [])
            if trial.key not in {other.key for other in same}:
                same.append(trial)

    def run(self) -> Mapping[str, str]:
        """Runs what is queued and waits for what others hold; {training key: done or failed}."""
        beating = _Heartbeat(self.store, self.claims)
        beating.start()
        try:
            while True:
                states = self._states()
                if QUEUED in states.values():
                    self._execute([key for key, state in states.items() if state == QUEUED])
                elif RUNNING in states.values():
                    self.observer.waiting(sum(state == RUNNING for state in states.values()))
                    time.sleep(WAIT_SECONDS)
                else:
                    return states
        finally:
            beating.stop()
            self._release_all()

    def _states(self) -> dict[str, str]:
        """The trainings' states in the order of the plan, after abandoned ones have been freed."""
        with self.store.write() as connection:
            work.free_abandoned(connection)
            found = plans.training_states(connection, set(self.of_training))
        return {key: found[key] for key in self.of_training}

    def _execute(self, queued: Sequence[str]) -> None:
        waiting = iter(queued)
        workers = min(self.workers, len(queued))
        EXECUTORS[self.executor](lambda: self._next(waiting), self.observer.progressed, self._report, workers)

    def _next(self, waiting: Iterator[str]) -> Job | None:
        """The next training that nobody else has taken meanwhile."""
        for key in waiting:
            with self.store.write() as connection:
                held = work.claim(connection, key)
            if held is not None:
                self.claims[key] = held
                self.observer.started(key)
                same = self.of_training[key]
                configs = [trial.config for trial in same]
                folder = str(self.store.folder.absolute() / "checkpoints" / key)
                return Job(key, same[0].training.trainer, configs, same[0].seed, held.attempt, folder)
        return None

    def _report(self, key: str, report: Report) -> None:
        held = self.claims[key]
        with self.store.write() as connection:
            if report.outcome is None:
                reason = report.reason or "no reason given"
                kept = work.fail(connection, held, reason, report.traceback, report.seconds)
            else:
                results = self._results(key, report.outcome)
                environment, curve = report.outcome.environment, report.outcome.curve
                kept = work.record(connection, held, results, report.seconds, environment, curve)
        del self.claims[key]
        self.observer.ended(key, report.reason if kept else "its lease was lost; another runner has it")

    def _results(self, key: str, outcome: Outcome) -> dict[str, list[work.SplitResult]]:
        return {
            trial.key: [work.of_ranks(split, ranks, one.gallery[split]) for split, ranks in one.ranks.items()]
            for trial, one in zip(self.of_training[key], outcome.evaluations, strict=True)
        }

    def _release_all(self) -> None:
        """What is still claimed when a run is interrupted goes back to the queue."""
        for held in list(self.claims.values()):
            with self.store.write() as connection:
                work.release(connection, held, "interrupted")
            del self.claims[held.key]


class _Heartbeat(threading.Thread):
    """Renews the leases of what runs, from a thread of its own: a step may take longer than a lease."""

    def __init__(self, store: Store, claims: Mapping[str, work.Claim]) -> None:
        super().__init__(daemon=True)
        self.store, self.claims = store, claims
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(BEAT_SECONDS):
            leases = [held.lease for held in list(self.claims.values())]
            if leases:
                # a store that is locked now may not be at the next beat, well before the lease ends
                with contextlib.suppress(StoreError), self.store.write() as connection:
                    work.beat(connection, leases)

    def stop(self) -> None:
        self.over.set()
        self.join()
