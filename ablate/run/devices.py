"""What each worker has for itself: a GPU where there are any."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablate.errors import AblateError
from ablate.study.trials.identity import Trial
from ablate.trainers.registry import TRAINERS

Slot = Mapping[str, str]
"""The variables of a worker's environment that differ from the runner's."""

VISIBLE = "CUDA_VISIBLE_DEVICES"


def slots(trials: Sequence[Trial], workers: int | None) -> list[Slot]:
    """One a worker for these trials. By default as many as GPUs, or as cores / threads allow.

    AblateError where more workers are asked for than may share the GPUs.
    """
    runtimes = [trial.config["runtime"] for trial in trials]
    device: str = runtimes[0]["device"]
    share: int = runtimes[0]["trials_per_gpu"]
    on_gpus = TRAINERS[trials[0].training.trainer].uses_gpus and any(each["device"] != "cpu" for each in runtimes)
    gpus = visible_gpus() if on_gpus else []
    if not gpus:
        threads: int = max(each["threads"] for each in runtimes)
        return [{}] * (workers or max(1, len(os.sched_getaffinity(0)) // threads))
    named = ":" in device  # the config itself says which GPU
    places: list[Slot] = [{}] if named else [{VISIBLE: gpu} for gpu in gpus]
    if workers is not None and workers > len(places) * share:
        raise AblateError(
            f"--workers {workers}: {len(places)} GPU(s) with {share} trial(s) each make {len(places) * share}; "
            f"to share a GPU, --set runtime.trials_per_gpu={-(-workers // len(places))}"
        )
    return (places * share)[:workers]


def visible_gpus() -> list[str]:
    """The GPUs that a process here may use, as CUDA names them; found without CUDA, which is slow to start."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        chosen = [name.strip() for name in named.split(",")]
        return [name for name in chosen if name and name != "-1"]
    devices = Path("/dev").glob("nvidia[0-9]*")
    return sorted((path.name.removeprefix("nvidia") for path in devices), key=int)
