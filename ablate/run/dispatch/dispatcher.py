"""The loop of a run: claim trainings, hand them to the workers, and write what comes back."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ablate.errors import AblateError, StoreError, StoreGoneError
from ablate.measurement import Interim
from ablate.run.devices import Slot
from ablate.run.dispatch.heartbeat import Heartbeat
from ablate.run.dispatch.recording import TAKEN, record_report
from ablate.run.dispatch.requeue_limit import RequeueLimit
from ablate.run.dispatch.retry import DEADLINE_SECONDS, retry_with_deadline
from ablate.run.dispatch.training_queue import SETTLED, TrainingQueue
from ablate.run.dispatch.wiring_watch import WiringWatch
from ablate.run.executors import EXECUTORS
from ablate.run.job import OUTDATED, Executor, Job, JobReport
from ablate.run.observer import Observer
from ablate.store import Store
from ablate.store.queue import claims
from ablate.store.queue.claims import Claim
from ablate.store.queue.lease_expiry import LeaseWatch
from ablate.store.schema import DIVERGED, DONE, FAILED, INTERRUPTED, PRUNED, QUEUED
from ablate.store.search_progress import save_interim
from ablate.study.trials.identity import Trial
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.protocol import Progress

WAIT_SECONDS = 0.5
"""How long the loop waits for a report before it looks at everything else."""

RELEASE_SECONDS = 5.0
"""How long the end of a run waits for the store to take claims back; a locked store is left to the next run."""

LOOK_SECONDS = 1.0
"""Time between two looks at the leases of other runners and at trainings that have become free."""


class TrialSupply(Protocol):
    """Trials that become known only after others have ended. Each is in the store before it is returned."""

    watches: bool
    """True if the supply judges trainings by their intermediate results."""

    def more(self) -> Sequence[Trial]:
        """Return the trials to run next, called when a worker is free; empty if there are none for now or for good."""

    def is_over(self) -> bool:
        """Return True if `more`, at its last call, had nothing for good."""

    def ended(self, key: str) -> None:
        """A training that was returned no longer runs here: it has ended, waits again, or is another runner's."""

    def is_worth(self, key: str, interim: Interim) -> bool:
        """Return True if the training should continue after this intermediate result."""


@dataclass
class Dispatcher:
    """Runs trials on a store until each has ended for good, or until a stop is requested."""

    store: Store
    trials: Sequence[Trial]
    observer: Observer
    executor: str
    """A key of EXECUTORS."""
    slots: Sequence[Slot]
    """The environment of each worker."""
    stop_requested: threading.Event = field(default_factory=threading.Event)
    supply: TrialSupply | None = None
    """Adds trials when a worker is free, and may end them early."""
    watch: WiringWatch | None = None
    """Compares the results that come in."""

    def __post_init__(self) -> None:
        self.queue = TrainingQueue()
        self.queue.add(self.trials)
        self.running: dict[str, Claim] = {}
        self.progress: dict[str, Progress] = {}
        self.lease_watch = LeaseWatch()
        self.requeue_limit = RequeueLimit()
        self.looked_at = -LOOK_SECONDS
        self.outdated = ""

    def run(self) -> Mapping[str, str]:
        """Return {training key: done, failed, diverged or pruned}.

        After a requested stop, some are still queued, or running with another runner.
        """
        heartbeat = Heartbeat(self.store, self.running, self.progress)
        executor = EXECUTORS[self.executor](
            self.slots, self._progressed, self.stop_requested.is_set, self._is_worth, self.observer.message
        )
        heartbeat.start()
        try:
            self._loop(executor, heartbeat)
        except StoreError:
            self._let_workers_save(executor)
            raise
        finally:
            executor.close()
            heartbeat.stop()
            releasing = threading.Thread(target=self._release_all, daemon=True)
            releasing.start()
            releasing.join(RELEASE_SECONDS)
        if self.outdated:
            raise AblateError(f"{self.outdated}. Run again; `ablate plan` shows the results that are stale now")
        return self.queue.states

    def _loop(self, executor: Executor, heartbeat: Heartbeat) -> None:
        is_stopping = False
        while True:
            if heartbeat.error:
                raise heartbeat.error
            self._drop(executor, heartbeat.lost)
            if self.stop_requested.is_set() and not is_stopping:
                self.observer.stopping()
                is_stopping = True
            self._retry(self._look)
            self._retry(partial(self._feed, executor))
            if not self.running and (is_stopping or self.outdated or self._is_settled()):
                return
            for key, report in executor.reports(WAIT_SECONDS):
                if report.state == OUTDATED:
                    self.outdated, report = report.reason, replace(report, state=INTERRUPTED)
                elif not self.stop_requested.is_set():
                    report = self.requeue_limit.judged(key, report, self._counted_step)
                self._retry(partial(self._record, key, report))

    def _look(self) -> None:
        """Free abandoned trainings; if no candidate is left, look for trainings that have become free.

        At most once every LOOK_SECONDS.
        """
        if time.monotonic() - self.looked_at < LOOK_SECONDS:
            return
        with self.store.write() as connection:
            self.lease_watch.free(connection, self._checkpoint_step)
            if not self.queue.candidates:
                self.queue.refresh(connection, set(self.running), requeue_pruned=self.supply is None)
                if self.supply is None:  # a search reports its own counts, as it adds trials
                    done, failed, diverged = map(self.queue.count, (DONE, FAILED, DIVERGED))
                    self.observer.counted(done, failed, len(self.queue.states), diverged)
        self.looked_at = time.monotonic()

    def _feed(self, executor: Executor) -> None:
        """Start jobs until every worker has one, no training is free, a stop is requested, or code has changed."""
        while executor.has_room() and not self.stop_requested.is_set() and not self.outdated:
            claim = self._next_claim()
            if claim is None:
                return
            self.running[claim.key] = claim
            self.observer.started(claim.key)
            executor.submit(self._job(claim))

    def _next_claim(self) -> Claim | None:
        """Claim the next free training; if there is none, the next that the supply adds."""
        claim = self.queue.claim_next(self.store, self._checkpoint_step)
        if claim is not None or self.supply is None:
            return claim
        self.queue.offer(self.supply.more())
        return self.queue.claim_next(self.store, self._checkpoint_step)

    def _job(self, claim: Claim) -> Job:
        first = self.queue.trials[claim.key][0]
        entry = first.entry
        return Job(
            claim.key,
            first.training.trainer,
            self.queue.configs(claim.key),
            first.seed,
            claim.attempt,
            str(self._checkpoints(claim.key).folder),
            first.config["runtime"]["stall_seconds"] + (entry.stall_margin if entry else 0.0),
            options=entry.options if entry else None,
            watched=self.supply is not None and self.supply.watches,
            earlier_seconds=claim.earlier_seconds,
        )

    def _is_settled(self) -> bool:
        """Return True if nothing is left to do, for this runner or others; report what others hold."""
        elsewhere = len(self.queue.unsettled()) - len(self.queue.candidates)
        if elsewhere and not self.queue.candidates:
            self.observer.waiting(elsewhere)
        return not elsewhere and not self.queue.candidates and (self.supply is None or self.supply.is_over())

    def _progressed(self, key: str, progress: Progress) -> None:
        self.progress[key] = progress
        self.observer.progressed(key, progress)

    def _is_worth(self, key: str, interim: Interim) -> bool:
        """Store a watched training's intermediate result, and return the supply's judgement on it."""
        with contextlib.suppress(StoreError), self.store.write() as connection:  # a lost store ends the run elsewhere
            save_interim(connection, key, interim)
        return self.supply is None or self.supply.is_worth(key, interim)

    def _record(self, key: str, report: JobReport) -> None:
        with self.store.write() as connection:
            state, reason = record_report(
                connection,
                self.running[key],
                self.queue.trials[key],
                report,
                self.progress.get(key),
                self._checkpoint_step,
            )
        self._settle(key, state, reason)
        if state == DONE and self.watch is not None:
            for finding in self.watch.ended([trial.key for trial in self.queue.trials[key]]):
                self.observer.message(f"warning: {finding}")

    def _settle(self, key: str, state: str, reason: str) -> None:
        """Note the state of a training that no longer runs here, and pass it on to the supply and the observer."""
        del self.running[key]
        self.progress.pop(key, None)
        self.queue.states[key] = QUEUED if state == INTERRUPTED else state
        if self.supply:
            self.supply.ended(key)
        if state == PRUNED:
            self.observer.pruned(key, reason)
        elif state == DIVERGED:
            self.observer.diverged(key, reason)
        elif state in SETTLED:
            self.observer.ended(key, reason if state == FAILED else None)
        else:
            self.observer.requeued(key, reason)
            if (state, reason) != TAKEN:  # it waits again, after all others
                self.queue.candidates.append(key)

    def _retry(self, change: Callable[[], None]) -> None:
        retry_with_deadline(change, self.observer.message, self.stop_requested.is_set)

    def _drop(self, executor: Executor, lost: set[str]) -> None:
        """Stop jobs whose lease another runner has taken: the store would refuse their results."""
        for key, claim in list(self.running.items()):
            if claim.lease in lost:
                executor.drop(key)
                self._settle(key, *TAKEN)
        lost.clear()

    def _let_workers_save(self, executor: Executor) -> None:
        """Let running jobs save checkpoints before the run ends with a StoreError, for at most DEADLINE_SECONDS.

        Results are still written if possible: also to a store that was replaced, whose open file is rescued.
        """
        self.stop_requested.set()
        deadline = time.monotonic() + DEADLINE_SECONDS
        can_record = True
        while executor.is_busy() and time.monotonic() < deadline:
            for key, report in executor.reports(WAIT_SECONDS):
                try:
                    if can_record:
                        self._record(key, report)
                except StoreError as error:
                    can_record = isinstance(error, StoreGoneError)

    def _release_all(self) -> None:
        """Give back what is still claimed when a run is interrupted."""
        for claim in list(self.running.values()):
            with contextlib.suppress(StoreError), self.store.write() as connection:  # else the next run frees it
                claims.release(connection, claim, "interrupted")
            del self.running[claim.key]

    def _checkpoints(self, key: str) -> Checkpoints:
        entry = self._entry(key)
        folder = entry.outputs_folder if entry else TrainerEntry.outputs_folder
        return Checkpoints(Path(self.store.folder).absolute() / folder / key, key)

    def _checkpoint_step(self, key: str) -> int:
        folder = self._checkpoints(key)
        entry = self._entry(key)
        return entry.reached(folder.folder) if entry else folder.reached()

    def _counted_step(self, key: str) -> int:
        """Return the step of the newest checkpoint; 0 if the trainer does not count steps."""
        entry = self._entry(key)
        return 0 if entry and not entry.counts_steps else self._checkpoint_step(key)

    def _entry(self, key: str) -> TrainerEntry[Any] | None:
        """Return the trainer of a training; None if the training is not this run's."""
        return self.queue.trials[key][0].entry if key in self.queue.trials else None
