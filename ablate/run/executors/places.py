"""The places of workers. A worker that dies is replaced; a place where one training after another fails is closed."""

from dataclasses import dataclass

from ablate.run.devices import Slot
from ablate.store.schema import DIVERGED, DONE, FAILED, PRUNED
from ablate.text import plural
from ablate.trainers.gpus import VISIBLE

MOST_FAILURES = 3
"""Trainings in a row that may fail on one worker: perhaps its GPU is at fault. Then it is stopped, unless it is the
last one."""

SUCCESSES = (DONE, DIVERGED, PRUNED)
"""The ends of a training that show that its worker works. A training that was killed or interrupted shows nothing."""


@dataclass(eq=False)
class WorkerPlace:
    """The place of one worker after another."""

    number: int
    """Its number, from 1."""
    slot: Slot
    """The variables of the worker's environment."""
    failures: int = 0
    """The number of trainings that have failed here since the last success."""

    @property
    def is_failing(self) -> bool:
        return self.failures >= MOST_FAILURES

    def count(self, state: str) -> None:
        """Count the end of a training."""
        if state == FAILED:
            self.failures += 1
        elif state in SUCCESSES:
            self.failures = 0

    def closing_words(self, left: int) -> str:
        """Return the message if the worker is stopped, and `left` others go on."""
        gpu = f" (GPU {self.slot[VISIBLE]})" if VISIBLE in self.slot else ""
        return (
            f"worker {self.number}{gpu} is stopped: its last {self.failures} trainings failed; "
            f"{plural(left, 'worker')} {'goes' if left == 1 else 'go'} on; `ablate status` shows the reasons"
        )
