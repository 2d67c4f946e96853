"""Where trials run."""

from ablate.run.executors.inline import Inline
from ablate.run.executors.processes import Processes

EXECUTORS = {"processes": Processes, "inline": Inline}
"""Each is made with the slots to fill, a callable to tell progress to, and one that says whether to stop."""

__all__ = ["EXECUTORS"]
