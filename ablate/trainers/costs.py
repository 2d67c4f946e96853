"""The metrics of the training itself, whatever the trainer: its time, its memory, the size of its model."""

from ablate.measurement import Direction, Display, Metric

UNBOUNDED = (0.0, float("inf"))


def _cost(name: str, title: str, unit: str = "") -> Metric:
    shown = Display(title, unit=unit, difference_unit=unit)
    return Metric(name, Direction.MINIMIZE, unit=unit, bounds=UNBOUNDED, display=shown)


SECONDS = _cost("seconds", "seconds", "s")
"""The time of the training on the clock, all its attempts together."""
GPU_SECONDS = _cost("gpu_seconds", "GPU seconds", "s")
"""That time multiplied by the GPUs of the training."""
PEAK_MEMORY = _cost("peak_memory", "peak memory", "MB")
"""The largest memory of the training's process."""
PEAK_GPU_MEMORY = _cost("peak_gpu_memory", "peak GPU memory", "MB")
"""The largest memory of its tensors on a GPU."""
PARAMETERS = _cost("parameters", "parameters")
"""The number of trainable parameters of the model."""

COSTS: tuple[Metric, ...] = (SECONDS, GPU_SECONDS, PEAK_MEMORY, PEAK_GPU_MEMORY, PARAMETERS)
