"""One call of `run_study` or `search_study`: prepared trainings are dispatched, and their ends are added up."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ablate.run.devices import Slot
from ablate.run.dispatch.dispatcher import Dispatcher
from ablate.run.dispatch.signals import interruptible
from ablate.run.dispatch.wiring_watch import WiringWatch
from ablate.run.observer import Observer, RunOutline
from ablate.run.preparation import PreparedRun
from ablate.store import Store
from ablate.store.schema import DIVERGED, DONE, FAILED
from ablate.study.plan.trial_states import ACCEPTED
from ablate.study.trials.identity import Trial

SETTLED = (DONE, FAILED, DIVERGED)
"""States in which a training of a study's rows has ended."""


@dataclass
class Session:
    """Runs prepared trainings on a store, once or several times, and remembers how each began and ended."""

    store: Store
    executor: str
    """A key of EXECUTORS."""
    slots: Sequence[Slot]
    """The environment of each worker."""
    observer: Observer
    before: dict[str, str] = field(default_factory=dict)
    """{training key: its state when it was first requested}."""
    states: dict[str, str] = field(default_factory=dict)
    """{training key: its state now}."""
    noted: list[str] = field(default_factory=list)
    """The notes of prepared plans that were reported."""
    findings: set[object] = field(default_factory=set)
    """The subjects of warnings about results that were reported."""
    accepted: int = 0
    """Stale results that were kept, at the last call of `run`."""

    def run(self, prepared: PreparedRun) -> None:
        """Run what was prepared, until everything is done, has failed or has diverged.

        Raises KeyboardInterrupt if a stop was requested before that.
        """
        self._report_accepted(prepared)
        self._report_notes(prepared)
        self.before = {**prepared.before, **self.before}
        with interruptible() as stop_requested, self.observer.dispatching(outline(prepared)) as observer:
            watch = WiringWatch(self.store, prepared.plan, self.findings)
            dispatcher = Dispatcher(
                self.store, prepared.trials, observer, self.executor, self.slots, stop_requested, watch=watch
            )
            states = dispatcher.run()
        for finding in watch.over():
            self.observer.message(f"warning: {finding}")
        self.states |= states
        if stop_requested.is_set() and not set(states.values()) <= set(SETTLED):
            raise KeyboardInterrupt

    @property
    def ran(self) -> int:
        """The number of trainings that had not ended when they were requested."""
        return sum(state not in SETTLED for state in self.before.values())

    @property
    def failed(self) -> list[str]:
        """The keys of failed trainings."""
        return [key for key, state in self.states.items() if state == FAILED]

    @property
    def diverged(self) -> int:
        """The number of trainings that have diverged, in this run or an earlier one."""
        return sum(state == DIVERGED for state in self.states.values())

    @property
    def failed_before(self) -> int:
        """The number of failed trainings that had failed in an earlier run already."""
        return sum(self.before[key] == FAILED for key in self.failed)

    def _report_notes(self, prepared: PreparedRun) -> None:
        """Report what the plan replaces and leaves out, each sentence once."""
        for note in prepared.notes:
            if note not in self.noted:
                self.noted.append(note)
                self.observer.message(f"note: {note}")

    def _report_accepted(self, prepared: PreparedRun) -> None:
        accepted = sum(item.state == ACCEPTED for item in prepared.selected)
        if accepted > self.accepted:
            results = f"{accepted} stale result{'s' if accepted > 1 else ''}"
            self.observer.message(f"{results} kept as accepted; `ablate plan` shows what has changed since")
        self.accepted = accepted


def outline(prepared: PreparedRun) -> RunOutline:
    """Return the trainings of a prepared run, as an observer is shown them."""
    trials = [item.trial for item in prepared.selected if item.trial.training_key in prepared.before]
    return RunOutline(training_labels(trials), prepared.before, prepared.expected)


def training_labels(trials: Sequence[Trial]) -> dict[str, str]:
    """Return {training key: label}.

    The label is that of its first row, with the number of other rows that share the training, and the seed if the
    trials have several.
    """
    has_seeds = len({trial.seed for trial in trials}) > 1
    by_training: dict[str, list[Trial]] = {}
    for trial in trials:
        by_training.setdefault(trial.training_key, []).append(trial)
    return {key: _label(same, has_seeds) for key, same in by_training.items()}


def _label(same: Sequence[Trial], has_seeds: bool) -> str:
    names = list(dict.fromkeys(trial.label for trial in same))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}" + (f", seed {same[0].seed}" if has_seeds else "")
