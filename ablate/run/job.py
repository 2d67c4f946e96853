"""What crosses from the queue to where a trial runs, and back: plain values that pickle."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ablate.train.interface import Outcome, Progress


@dataclass(frozen=True)
class Job:
    """One training with the configs that it is evaluated under; they differ in `evaluate` only.

    `checkpoints` is the folder of its checkpoints.
    """

    key: str
    trainer: str
    configs: Sequence[Mapping[str, Any]]
    seed: int
    attempt: int
    checkpoints: str


State = Literal["done", "failed", "lost", "interrupted"]


@dataclass(frozen=True)
class Report:
    """How a job ended: `done` with an outcome; or with a reason: `failed`, with a traceback; `interrupted`, as it was
    asked to stop; `lost`, as its worker died or hung, which only an executor can say.
    """

    state: State
    seconds: float
    outcome: Outcome | None = None
    reason: str | None = None
    traceback: str = ""


NextJob = Callable[[], Job | None]
"""Gives the next job to whoever is free; None when there is none."""

OnProgress = Callable[[str, Progress], None]
OnReport = Callable[[str, Report], None]
"""Called with the job's key."""
