"""Where trials run: each executor asks for jobs, runs them, and says what becomes of them."""

from ablate.run.executors.inline import run_inline
from ablate.run.executors.processes import run_in_processes

EXECUTORS = {"inline": run_inline, "processes": run_in_processes}

__all__ = ["EXECUTORS"]
