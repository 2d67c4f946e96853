"""How many trials run at once where nobody says how many."""

import os
from collections.abc import Sequence
from pathlib import Path

from ablate.study.trial import Trial


def default_workers(selected: Sequence[Trial]) -> int:
    """One a GPU, where there are GPUs and the trainer can use one; otherwise cores / threads."""
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    runtime = selected[0].config.get("runtime", {})
    if gpus and selected[0].training.trainer == "retrieval" and runtime.get("device") != "cpu":
        return gpus
    threads: int = runtime.get("threads", 1)
    return max(1, len(os.sched_getaffinity(0)) // threads)
