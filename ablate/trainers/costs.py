"""The cost of a training, as metrics that every trial has: measured around the trainer, or by it.

They are on the split COST. Trials that share a training share its costs.
"""

from ablate.measurement import Direction, Display, Metric

_NOT_NEGATIVE = (0.0, float("inf"))


def _cost(name: str, title: str, unit: str, digits: int | None) -> Metric:
    display = Display(title, unit=unit, difference_unit=unit, digits=digits)
    return Metric(name, Direction.MINIMIZE, unit=unit, bounds=_NOT_NEGATIVE, display=display)


SECONDS = _cost("seconds", "seconds", "s", None)
"""The time in the trainer, from its call to its result, evaluations included. If the training continued from a
checkpoint, the time of its earlier attempts counts too."""
GPU_SECONDS = _cost("gpu_seconds", "GPU seconds", "s", None)
"""`seconds` times the number of GPUs on which the process had memory; left out without a GPU."""
PEAK_MEMORY = _cost("peak_memory", "peak memory", "MB", 0)
"""The most memory that the process had resident at once, in 10^6 bytes, during the last attempt."""
PEAK_GPU_MEMORY = _cost("peak_gpu_memory", "peak GPU memory", "MB", 0)
"""The most memory of tensors at once, in 10^6 bytes, added up over the GPUs, during the last attempt."""
PARAMETERS = _cost("parameters", "parameters", "", 0)
"""The number of trainable parameters, of trainers that count them."""

COSTS: tuple[Metric, ...] = (SECONDS, GPU_SECONDS, PEAK_MEMORY, PEAK_GPU_MEMORY, PARAMETERS)
"""The metrics of the split COST."""
COST_NAMES = frozenset(metric.name for metric in COSTS)
"""Their names."""
