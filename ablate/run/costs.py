"""The costs of one training, measured around the call of its trainer: its time, and the memory of its process."""

import os
import re
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ablate.measurement import COST, Measurement, Metric, Result
from ablate.trainers.costs import GPU_SECONDS, PEAK_GPU_MEMORY, PEAK_MEMORY, SECONDS

MEGABYTE = 10**6

STATUS, CLEAR = "/proc/self/status", "/proc/self/clear_refs"
"""Linux's files of this process: its memory, and requests to count it again from now on."""

CLEAR_PEAK = b"5"
"""The request to forget the peak of the resident memory."""

STATUS_BYTES = 8192
"""More bytes than STATUS has."""

RUSAGE_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which `getrusage` counts memory."""


class CostMeter:
    """Measures from its creation on. Create it right before a trainer is called."""

    def __init__(self, earlier_seconds: float = 0.0) -> None:
        """`earlier_seconds`: time of the earlier attempts from which this one continues."""
        self.can_reset = _forget_peak()
        self.peak_before = _largest_rss()
        self.allocations = _start_gpus()
        self.earlier_seconds = earlier_seconds
        self.started = time.perf_counter()

    def costs(self) -> list[Measurement]:
        """Return the costs since the creation, without those that cannot be known on this machine."""
        seconds = self.earlier_seconds + time.perf_counter() - self.started
        return [_cost(metric, value) for metric, value in self._values(seconds) if value is not None]

    def _values(self, seconds: float) -> Iterator[tuple[Metric, float | None]]:
        yield SECONDS, seconds
        yield PEAK_MEMORY, self._peak_memory()
        if peaks := _gpu_peaks(self.allocations):
            yield GPU_SECONDS, seconds * len(peaks)
            yield PEAK_GPU_MEMORY, sum(peaks) / MEGABYTE

    def _peak_memory(self) -> float | None:
        """Return the largest resident memory of the process since the creation; None if it is not known.

        Without a reset, the peak of the process's whole life is that of this training if it has grown.
        """
        if self.can_reset and (peak := _peak_rss()) is not None:
            return peak / MEGABYTE
        largest = _largest_rss()
        return largest / MEGABYTE if largest > self.peak_before else None


def with_costs(results: Sequence[Result], costs: Sequence[Measurement]) -> list[Result]:
    """Return the results of a training with its costs, in all of them; costs that the trainer measured stay."""
    return [replace(result, measurements=[*result.measurements, *_missing(result, costs)]) for result in results]


def _missing(result: Result, costs: Sequence[Measurement]) -> Iterator[Measurement]:
    measured = {one.metric for one in result.measurements if one.split == COST}
    return (cost for cost in costs if cost.metric not in measured)


def _cost(metric: Metric, value: float) -> Measurement:
    return Measurement(metric.name, COST, value)


def _forget_peak() -> bool:
    """Make Linux count the peak memory of this process again from now on. Return False if it does not."""
    try:
        with _opened(CLEAR, os.O_WRONLY) as file:
            os.write(file, CLEAR_PEAK)
    except OSError:
        return False
    return True


def _peak_rss() -> int | None:
    """Return the peak resident memory since it was forgotten, in bytes; None if Linux does not show it."""
    try:
        with _opened(STATUS, os.O_RDONLY) as file:
            status = os.read(file, STATUS_BYTES)
    except OSError:
        return None
    size = re.search(rb"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(size[1]) * 1024 if size else None


@contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    """Open a file without a buffer, which takes a tenth of the time of `open`; every training does."""
    file = os.open(path, flags)
    try:
        yield file
    finally:
        os.close(file)


def _largest_rss() -> int:
    """Return the peak resident memory of the process's life, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RUSAGE_UNIT


def _cuda() -> Any:
    """Return torch's module of GPUs if this process has used one; otherwise None. Nothing is imported for this."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None


def _start_gpus() -> dict[int, int]:
    """Forget the peak memory of each GPU, and return {GPU: number of allocations on it so far}."""
    cuda = _cuda()
    if cuda is None:
        return {}
    for gpu in range(cuda.device_count()):
        cuda.reset_peak_memory_stats(gpu)
    return {gpu: _allocations(cuda, gpu) for gpu in range(cuda.device_count())}


def _gpu_peaks(before: dict[int, int]) -> list[int]:
    """Return the peak memory in bytes of each GPU that was used since its number of allocations was that of before."""
    cuda = _cuda()
    if cuda is None:
        return []
    gpus = [gpu for gpu in range(cuda.device_count()) if _allocations(cuda, gpu) > before.get(gpu, 0)]
    return [cuda.max_memory_allocated(gpu) for gpu in gpus]


def _allocations(cuda: Any, gpu: int) -> int:
    """Return the number of tensors that this process has ever had on a GPU."""
    count: int = cuda.memory_stats(gpu).get("allocation.all.allocated", 0)
    return count
