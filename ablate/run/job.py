"""The values that cross from the queue to a worker and back. They are plain, so that they pickle."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ablate.measurement import Interim, Result
from ablate.trainers.protocol import Progress

OUTDATED = "outdated"
"""The end of a job whose code or data have changed since its trials were planned."""


@dataclass(frozen=True)
class Job:
    """One training, with every config that it is evaluated under."""

    key: str
    """The training key."""
    trainer: str
    """The trainer's name in the registry, or the kind of the declared one."""
    configs: Sequence[Mapping[str, Any]]
    """Full configs, one a trial; they differ in `evaluate` only."""
    seed: int
    attempt: int
    """1 for the first attempt at this training."""
    checkpoints: str
    """The folder of its checkpoints; of a declared trainer, of all its files."""
    stall_seconds: float
    """Seconds without a sign of progress after which the worker counts as hung."""
    watched: bool = False
    """True if intermediate results are sent to the search's pruner, which may end the training early."""
    options: Mapping[str, Any] | None = None
    """The options of a trainer that a study file declares; None of one in the registry."""
    earlier_seconds: float = 0.0
    """The time of the earlier attempts from which this one continues."""


@dataclass(frozen=True)
class JobReport:
    """The end of a job."""

    state: str
    """The end in one word.

    - `done`: it has its results.
    - `failed`: it raised.
    - `diverged`: a value is not finite.
    - `lost`: it was killed, or its worker died or hung.
    - `abandoned`: its worker was killed before it began.
    - `interrupted`: it saved a checkpoint and stopped, on request or by itself.
    - `pruned`: it was ended early, and saved.
    - `outdated`: its code or data have changed.
    """
    seconds: float
    results: Sequence[Result] | None = None
    """A result for each config, if it is done; if it has diverged, those that were measured. Otherwise None."""
    reason: str = ""
    """Why it is not done."""
    traceback: str = ""
    """The traceback, if the trainer raised; the last lines of output, if a script of the user failed."""


OnProgress = Callable[[str, Progress], None]
"""Called with the training key and the step that was reached."""

OnInterim = Callable[[str, Interim], bool]
"""Called with the key of a watched training, which waits for the answer: True to continue, False to end it early."""

OnMessage = Callable[[str], None]
"""Called with a piece of news about the workers, one line of text."""


class Executor(Protocol):
    """A place where jobs run. Every submitted job gives one report, unless it is dropped or the executor is closed."""

    def has_room(self) -> bool:
        """Return True if another job can be submitted now."""

    def is_busy(self) -> bool:
        """Return True if a job runs."""

    def submit(self, job: Job) -> None:
        """Start a job."""

    def reports(self, seconds: float) -> Iterable[tuple[str, JobReport]]:
        """Return (training key, report) of the jobs that have ended.

        Waits for the first at most `seconds`, unless jobs run in this process.
        """

    def drop(self, key: str) -> None:
        """Stop a job without a report."""

    def close(self) -> None:
        """Stop all jobs."""
