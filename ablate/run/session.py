"""Runs what was prepared, watched; and adds up how that went, as a run with looks does it several times."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import typer

from ablate.cli.live import watch
from ablate.run.devices import Slot
from ablate.run.dispatch import Dispatcher
from ablate.run.planning import PreparedRun
from ablate.run.signals import interruptible
from ablate.store import Store

SETTLED = ("done", "failed")


@dataclass
class Work:
    """`before` and `states`: {training key: how it stood when it was first asked for, and how it stands now}."""

    store: Store
    executor: str
    slots: Sequence[Slot]
    before: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    kept: int = 0

    def __call__(self, prepared: PreparedRun) -> None:
        """KeyboardInterrupt if it was asked to stop before everything was done or had failed."""
        self._tell_accepted(prepared)
        self.before = {**prepared.before, **self.before}
        shown = [item.trial for item in prepared.selected if item.trial.training_key in prepared.before]
        with interruptible() as asked, watch(shown, prepared.before, prepared.expected) as observer:
            states = Dispatcher(self.store, prepared.trials, observer, self.executor, self.slots, asked).run()
        self.states |= states
        if asked.is_set() and not set(states.values()) <= set(SETTLED):
            raise KeyboardInterrupt

    @property
    def ran(self) -> int:
        return sum(state not in SETTLED for state in self.before.values())

    @property
    def failed(self) -> list[str]:
        return [key for key, state in self.states.items() if state == "failed"]

    @property
    def failed_before(self) -> int:
        """How many of the failed had failed in an earlier run already."""
        return sum(self.before[key] == "failed" for key in self.failed)

    def _tell_accepted(self, prepared: PreparedRun) -> None:
        kept = sum(item.state == "accepted" for item in prepared.selected)
        if kept > self.kept:
            text = f"{kept} stale result{'s' if kept > 1 else ''} kept as accepted; `ablate plan` says why"
            typer.echo(text, err=True)
        self.kept = kept
