"""Where trials run."""

from collections.abc import Callable, Sequence

from ablate.run.executors.inline import Inline
from ablate.run.executors.processes import Processes
from ablate.run.job import Executor, OnProgress
from ablate.run.slots import Slot

__all__ = ["EXECUTORS"]

MakeExecutor = Callable[[Sequence[Slot], OnProgress, Callable[[], bool]], Executor]
"""From the slots to fill, whom to tell of progress, and what says whether to stop."""

EXECUTORS: dict[str, MakeExecutor] = {"processes": Processes, "inline": Inline}
