"""The places where jobs run."""

from collections.abc import Callable, Sequence

from ablate.errors import AblateError, unknown_name
from ablate.run.devices import Slot
from ablate.run.executors.inline import InlineExecutor
from ablate.run.executors.processes import ProcessExecutor
from ablate.run.job import Executor, OnInterim, OnMessage, OnProgress

__all__ = ["EXECUTORS", "choose_executor"]

MakeExecutor = Callable[[Sequence[Slot], OnProgress, Callable[[], bool], OnInterim, OnMessage], Executor]
"""Makes an executor from the environment of each worker, the callback for progress, a function that returns True once
jobs must stop, the callback that judges intermediate results, and the one for news about workers."""

EXECUTORS: dict[str, MakeExecutor] = {"processes": ProcessExecutor, "inline": InlineExecutor}
"""{name of `--executor`: its class}."""


def choose_executor(name: str | None, workers: int | None) -> str:
    """Return the executor of this name, by default `processes`.

    Raises AblateError if there is none of that name, or if it cannot have this number of workers.
    """
    if name is not None and name not in EXECUTORS:
        raise AblateError(f"--executor: {unknown_name('executor', name, list(EXECUTORS))}")
    if name == "inline" and (workers or 1) > 1:
        raise AblateError("--executor inline runs one trial at a time; leave out --workers, or give 1")
    return name or "processes"
