"""The queue: claims trainings, hands them to an executor, records what comes back. The only writer of results."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from ablate.errors import StoreError, StoreGoneError
from ablate.run.devices import Slot
from ablate.run.executors import EXECUTORS
from ablate.run.heartbeat import Heartbeat
from ablate.run.job import Executor, Job, JobReport
from ablate.run.retry import PATIENCE_SECONDS, patiently
from ablate.store import Store, plans
from ablate.store.queue import claims as work
from ablate.store.queue.lease_expiry import LeaseWatch
from ablate.store.schema import DONE, FAILED, INTERRUPTED, PRUNED, QUEUED, RUNNING
from ablate.store.search_progress import save_interim
from ablate.study.trials.identity import Trial
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import Evaluation, Interim, Outcome, Progress

WAIT_SECONDS = 0.5
RELEASE_SECONDS = 5.0
LOOK_SECONDS = 1.0
"""Between two looks at what others hold, and at what has become free."""

SETTLED = (DONE, FAILED, PRUNED)

WINDOW = 100
"""Trainings that a look for a free one asks about at once."""


class Observer(Protocol):
    """Who is told what happens, a training at a time; `key` is its training key.

    `pruned`: it was stopped early, as not worth more. `requeued`: it goes back to the queue, for its worker died or it
    was interrupted, and will start again, perhaps elsewhere. `counted`: how many of those asked for are done and
    failed, other runners' included. `stopping`: the first Ctrl-C. `said`: a warning in words.
    """

    def started(self, key: str) -> None: ...

    def progressed(self, key: str, progress: Progress) -> None: ...

    def ended(self, key: str, reason: str | None) -> None: ...

    def pruned(self, key: str, reason: str) -> None: ...

    def requeued(self, key: str, reason: str) -> None: ...

    def waiting(self, elsewhere: int) -> None: ...

    def counted(self, done: int, failed: int) -> None: ...

    def stopping(self) -> None: ...

    def said(self, text: str) -> None: ...


class TrialSupply(Protocol):
    """Trials that are only known once others have ended; each is in the store before it is handed out.

    `watches`: whether it judges them on their way.
    """

    watches: bool

    def more(self) -> Sequence[Trial]:
        """What to run next, where there is room for one; nothing, for now or for good."""

    def is_over(self) -> bool:
        """Whether `more` has nothing for good, as it found when it was last asked."""

    def ended(self, key: str) -> None:
        """A training of those that were handed out runs no more: done, failed, pruned, or another runner's."""

    def is_worth(self, key: str, interim: Interim) -> bool:
        """Whether to go on with a training that stands like this."""


@dataclass
class Dispatcher:
    """Runs a set of trials on a store until each is done or failed, or until it is asked to stop.

    `claims` is what is running now, and `reached` how far it is; `states`: how each training stands, as far as is
    known; `todo`: what may be free. A `supply` adds trials as room appears; it watches them, and may prune them.
    """

    store: Store
    trials: Sequence[Trial]
    observer: Observer
    executor: str
    slots: Sequence[Slot]
    asked: threading.Event = field(default_factory=threading.Event)
    supply: TrialSupply | None = None
    claims: dict[str, work.Claim] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.of_training: dict[str, list[Trial]] = {}
        self.states: dict[str, str] = {}
        self.todo: deque[str] = deque()
        self._add(self.trials)
        self.reached: dict[str, Progress] = {}
        self.watch = LeaseWatch()
        self.looked = -LOOK_SECONDS

    def _add(self, trials: Sequence[Trial]) -> None:
        """Trials of one training share it; whether it is free, the next look or claim tells."""
        for trial in trials:
            same = self.of_training.setdefault(trial.training_key, [])
            if trial.key not in {other.key for other in same}:
                same.append(trial)
            self.states[trial.training_key] = QUEUED

    def run(self) -> Mapping[str, str]:
        """{training key: done, failed or pruned}; `asked` to stop, some are queued, or running with another runner."""
        heart = Heartbeat(self.store, self.claims, self.reached)
        executor = EXECUTORS[self.executor](self.slots, self._progressed, self.asked.is_set, self._is_worth)
        heart.start()
        try:
            self._loop(executor, heart)
        except StoreError:
            self._let_save(executor)
            raise
        finally:
            executor.close()
            heart.stop()
            releasing = threading.Thread(target=self._release_all, daemon=True)
            releasing.start()
            releasing.join(RELEASE_SECONDS)  # where the store is locked, the next run frees what is left
        return self.states

    def _loop(self, executor: Executor, heart: Heartbeat) -> None:
        told = False
        while True:
            if heart.trouble:
                raise heart.trouble
            self._drop(executor, heart.lost)
            if self.asked.is_set() and not told:
                self.observer.stopping()
                told = True
            self._patiently(self._look)
            self._patiently(partial(self._feed, executor))
            if not self.claims and (told or self._is_settled()):
                return
            for key, report in executor.reports(WAIT_SECONDS):
                self._patiently(partial(self._report, key, report))

    def _progressed(self, key: str, progress: Progress) -> None:
        self.reached[key] = progress
        self.observer.progressed(key, progress)

    def _is_worth(self, key: str, interim: Interim) -> bool:
        """Writes how a watched training stands, and asks whether to go on with it; yes, where that cannot be."""
        with contextlib.suppress(StoreError), self.store.write() as connection:  # if it is gone, others say so
            save_interim(connection, key, interim)
        return self.supply is None or self.supply.is_worth(key, interim)

    def _feed(self, executor: Executor) -> None:
        while executor.has_room() and not self.asked.is_set():
            job = self._next() or self._supplied()
            if job is None:
                return
            executor.submit(job)

    def _supplied(self) -> Job | None:
        """The next of what the supply adds."""
        added = self.supply.more() if self.supply else ()
        self._add(added)
        self.todo.extend(dict.fromkeys(trial.training_key for trial in added))
        return self._next() if added else None

    def _next(self) -> Job | None:
        """The next training that nobody else has taken meanwhile."""
        held = None
        while self.todo and held is None:
            with self.store.write() as connection:
                key = self.todo.popleft()
                held = work.claim(connection, key, self._reached(key))
                if held is None:  # another runner is at work: find where it has not been yet
                    some = [self.todo.popleft() for _ in range(min(WINDOW, len(self.todo)))]
                    self.todo.extendleft(reversed(work.queued(connection, some)))
        if held is None:
            return None
        self.claims[held.key] = held
        self.observer.started(held.key)
        return self._job(held)

    def _look(self) -> None:
        """Frees what is abandoned, and looks for more to do where all is taken; at most once in a while."""
        if time.monotonic() - self.looked < LOOK_SECONDS:
            return
        with self.store.write() as connection:
            self.watch.free(connection, self._reached)
            if not self.todo:
                found = plans.training_states(connection, self._open() - set(self.claims))
                ended = [trial for key, state in found.items() if state == DONE for trial in self.of_training[key]]
                found |= dict.fromkeys(plans.queue_unevaluated(connection, ended), QUEUED)
                if self.supply is None:  # what another runner's search has pruned meanwhile is wanted here
                    pruned = [key for key, state in found.items() if state == PRUNED]
                    work.queue_pruned(connection, pruned)
                    found |= dict.fromkeys(pruned, QUEUED)
                self.states |= found
                self.todo.extend(key for key in self.states if found.get(key) == QUEUED)  # in the plan's order
                known = list(self.states.values())
                if self.supply is None:  # else nobody knows yet how many there will be
                    self.observer.counted(known.count(DONE), known.count(FAILED))
        self.looked = time.monotonic()

    def _open(self) -> set[str]:
        """What is neither done, failed nor pruned, as far as is known."""
        return {key for key, state in self.states.items() if state not in SETTLED}

    def _is_settled(self) -> bool:
        elsewhere = len(self._open()) - len(self.todo)
        if elsewhere and not self.todo:
            self.observer.waiting(elsewhere)
        return not elsewhere and not self.todo and (self.supply is None or self.supply.is_over())

    def _job(self, held: work.Claim) -> Job:
        first = self.of_training[held.key][0]
        configs = [trial.config for trial in self.of_training[held.key]]
        stall: float = first.config["runtime"]["stall_seconds"]
        folder = str(self._checkpoints(held.key).folder)
        watched = self.supply is not None and self.supply.watches
        return Job(held.key, first.training.trainer, configs, first.seed, held.attempt, folder, stall, watched)

    def _report(self, key: str, report: JobReport) -> None:
        held, state, reason = self.claims[key], report.state, report.reason
        with self.store.write() as connection:
            if report.outcome is not None:
                results = self._results(key, report.outcome)
                environment, curve = report.outcome.environment, report.outcome.curve
                kept = work.record(connection, held, results, report.seconds, environment, curve)
            elif state == FAILED:
                kept = work.fail(connection, held, reason, report.traceback, report.seconds)
            elif state == PRUNED:
                kept = work.prune(connection, held, reason, report.seconds)
            elif state in work.BLAME:
                if (made := self.reached.get(key)) is not None:
                    work.note(connection, held, made.step, made.steps)
                lost = work.lose(connection, held, state, reason, self._reached(key))
                kept, (state, reason) = lost is not None, lost or (state, reason)
            else:
                kept = work.release(connection, held, reason)
        del self.claims[key]
        self._settle(key, state if kept else RUNNING, reason if kept else "another runner has its lease")

    def _settle(self, key: str, state: str, reason: str) -> None:
        """Takes note of how a training stands now that it is not ours any more."""
        self.reached.pop(key, None)
        self.states[key] = QUEUED if state == INTERRUPTED else state
        if self.supply:
            self.supply.ended(key)
        if state == PRUNED:
            self.observer.pruned(key, reason)
            return
        if state in SETTLED:
            self.observer.ended(key, reason if state == FAILED else None)
            return
        self.observer.requeued(key, reason)
        if state == QUEUED:
            self.todo.append(key)

    def _results(self, key: str, outcome: Outcome) -> dict[str, list[work.SplitResult]]:
        return {
            trial.key: [_split_result(one, split) for split in one.ranks]
            for trial, one in zip(self.of_training[key], outcome.evaluations, strict=True)
        }

    def _patiently(self, change: Callable[[], None]) -> None:
        patiently(change, self.observer.said, self.asked.is_set)

    def _drop(self, executor: Executor, lost: set[str]) -> None:
        """Stops what runs under a lease that another runner has taken away: its result would be refused."""
        for key, held in list(self.claims.items()):
            if held.lease in lost:
                executor.drop(key)
                del self.claims[key]
                self._settle(key, RUNNING, "another runner has its lease")
        lost.clear()

    def _let_save(self, executor: Executor) -> None:
        """Lets what runs save itself before a run ends that cannot go on; what a store that is gone hears is saved."""
        self.asked.set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        can_record = True
        while executor.is_busy() and time.monotonic() < deadline:
            for key, report in executor.reports(WAIT_SECONDS):
                try:
                    if can_record:
                        self._report(key, report)
                except StoreError as error:
                    can_record = isinstance(error, StoreGoneError)

    def _release_all(self) -> None:
        """What is still claimed when a run is interrupted goes back to the queue."""
        for held in list(self.claims.values()):
            with contextlib.suppress(StoreError), self.store.write() as connection:  # else the next run frees it
                work.release(connection, held, "interrupted")
            del self.claims[held.key]

    def _checkpoints(self, key: str) -> Checkpoints:
        return Checkpoints(Path(self.store.folder).absolute() / "checkpoints" / key, key)

    def _reached(self, key: str) -> int:
        return self._checkpoints(key).reached()


def _split_result(evaluation: Evaluation, split: str) -> work.SplitResult:
    found = evaluation.precision.get(split)
    precisions = {} if found is None else {work.MAP: found.average, work.MAP_AT_R: found.at_r}
    return work.of_ranks(split, evaluation.ranks[split], evaluation.gallery[split], precisions)
