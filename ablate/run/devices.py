"""The environment of each worker: a GPU of its own, or a share of one, if the machine has GPUs."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.errors import AblateError
from ablate.study.trials.identity import Trial
from ablate.trainers.gpus import VISIBLE, visible_gpus

Slot = Mapping[str, str]
"""The environment variables of a worker that differ from the runner's."""


def slots(trials: Sequence[Trial], workers: int | None) -> list[Slot]:
    """Return the environment of each worker that runs these trials.

    `workers` is their number. By default it is the number of GPUs times `trials_per_gpu`; without GPUs the number of
    cores divided by the threads of a trial, as far as there is memory. Raises AblateError if more workers are requested
    than may share the GPUs.
    """
    runtimes = [trial.config["runtime"] for trial in trials]
    device: str = runtimes[0]["device"]
    share: int = runtimes[0]["trials_per_gpu"]
    entry = trials[0].entry
    uses_gpus = entry is not None and entry.uses_gpus
    on_gpus = uses_gpus and any(each["device"] != "cpu" for each in runtimes)
    gpus = visible_gpus() if on_gpus else []
    if not gpus:
        return [{}] * (workers or _default_workers(runtimes))
    is_named = ":" in device  # the config itself names a GPU, such as cuda:1
    environments: list[Slot] = [{}] if is_named else [{VISIBLE: gpu} for gpu in gpus]
    if workers is not None and workers > len(environments) * share:
        raise AblateError(
            f"--workers {workers}: {len(environments)} GPU(s) with {share} trial(s) each make "
            f"{len(environments) * share}; "
            f"to share a GPU, --set runtime.trials_per_gpu={-(-workers // len(environments))}"
        )
    return (environments * share)[:workers]


def _default_workers(runtimes: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of workers for which there are cores, and memory if trials declare how much they need."""
    threads: int = max(each["threads"] for each in runtimes)
    workers = len(os.sched_getaffinity(0)) // threads
    if memory := max(each.get("memory") or 0 for each in runtimes):
        workers = min(workers, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // memory)
    return max(1, workers)
