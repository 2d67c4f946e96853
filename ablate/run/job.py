"""What crosses from the queue to where a trial runs, and back: plain values that pickle."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ablate.trainers.protocol import Interim, Outcome, Progress


@dataclass(frozen=True)
class Job:
    """One training with the configs that it is evaluated under; they differ in `evaluate` only.

    `checkpoints` is the folder of its checkpoints; after `stall_seconds` without progress it is taken for hung.
    `watched`: whether it is shown on its way, and may be ended early.
    """

    key: str
    trainer: str
    configs: Sequence[Mapping[str, Any]]
    seed: int
    attempt: int
    checkpoints: str
    stall_seconds: float
    watched: bool = False


@dataclass(frozen=True)
class JobReport:
    """How a job ended: `done` with an outcome, or with a reason and, where there is one, a traceback.

    `failed`: it raised; `lost`: its worker died or hung; `abandoned`: its worker was killed before it began;
    `interrupted`: it was asked to stop, and saved; `pruned`: it was ended early, and saved.
    """

    state: str
    seconds: float
    outcome: Outcome | None = None
    reason: str = ""
    traceback: str = ""


OnProgress = Callable[[str, Progress], None]
"""Called with the job's key."""

OnInterim = Callable[[str, Interim], bool]
"""Called with a watched job's key, which waits meanwhile; whether it is to go on."""


class Executor(Protocol):
    """Where jobs run. Each that is submitted gives one report, unless it is dropped or the executor closed."""

    def has_room(self) -> bool: ...

    def is_busy(self) -> bool: ...

    def submit(self, job: Job) -> None: ...

    def reports(self, seconds: float) -> Iterable[tuple[str, JobReport]]:
        """What has ended, with the jobs' keys; waits for that, `seconds` at most unless jobs run in this process."""

    def drop(self, key: str) -> None:
        """Stops a job whose report nobody wants any more."""

    def close(self) -> None:
        """Stops whatever runs."""
