"""Where trials run."""

from collections.abc import Callable, Sequence

from ablate.run.devices import Slot
from ablate.run.executors.inline import InlineExecutor
from ablate.run.executors.processes import ProcessExecutor
from ablate.run.job import Executor, OnInterim, OnProgress

__all__ = ["EXECUTORS"]

MakeExecutor = Callable[[Sequence[Slot], OnProgress, Callable[[], bool], OnInterim], Executor]
"""From the slots to fill, whom to tell of progress, what says whether to stop, and who judges what is watched."""

EXECUTORS: dict[str, MakeExecutor] = {"processes": ProcessExecutor, "inline": InlineExecutor}
