"""What each worker has for itself: a GPU where there are any."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.errors import AblateError

Slot = Mapping[str, str]
"""The variables of a worker's environment that differ from the runner's."""

VISIBLE = "CUDA_VISIBLE_DEVICES"


def slots(configs: Sequence[Mapping[str, Any]], workers: int | None) -> list[Slot]:
    """One a worker for trials of these configs. By default as many as GPUs, or as cores / threads allow.

    AblateError where more workers are asked for than may share the GPUs.
    """
    runtime = configs[0].get("runtime", {})
    gpus = visible_gpus() if _may_use_gpus(configs) else []
    if not gpus:
        threads: int = max(config.get("runtime", {}).get("threads", 1) for config in configs)
        return [{}] * (workers or max(1, len(os.sched_getaffinity(0)) // threads))
    if ":" in runtime["device"]:
        gpus = gpus[:1]  # the config itself says which
    share: int = runtime["trials_per_gpu"]
    of_gpus: list[Slot] = [{} if ":" in runtime["device"] else {VISIBLE: gpu} for gpu in gpus]
    places = of_gpus * share
    if workers is not None and workers > len(places):
        raise AblateError(
            f"--workers {workers}: {len(gpus)} GPU(s) with {share} trial(s) each make {len(places)}; "
            f"to share a GPU, --set config.runtime.trials_per_gpu={-(-workers // len(gpus))}"
        )
    return places[:workers]


def visible_gpus() -> list[str]:
    """The GPUs that a process here may use, as CUDA names them; found without CUDA, which is slow to start."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        chosen = [name.strip() for name in named.split(",")]
        return [name for name in chosen if name and name != "-1"]
    devices = Path("/dev").glob("nvidia[0-9]*")
    return sorted((path.name.removeprefix("nvidia") for path in devices), key=int)


def _may_use_gpus(configs: Sequence[Mapping[str, Any]]) -> bool:
    return any(config.get("runtime", {}).get("device", "cpu") != "cpu" and "model" in config for config in configs)
