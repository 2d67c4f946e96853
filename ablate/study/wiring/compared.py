"""The metrics that wiring checks compare: those that the config and the seed decide, and not the clock."""

import re
from collections.abc import Iterable

from ablate.measurement import COST, Metric
from ablate.study.metrics import split_of

UNITS = frozenset(
    {
        *("ns", "us", "µs", "ms", "s", "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes"),
        *("h", "hour", "hours", "d", "day", "days", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"),
        *("w", "kw", "j", "kj", "wh", "kwh", "°c", "hz", "khz", "mhz", "ghz", "fps"),
    }
)
"""Units of time, memory, power and speed, in small letters."""
WORDS = frozenset(
    {
        *("time", "times", "second", "seconds", "secs", "duration", "runtime", "elapsed", "latency", "walltime"),
        *("throughput", "speed", "fps", "memory", "mem", "vram", "energy", "power", "watts"),
    }
)
"""Words in the names of such metrics without a unit."""


def compared_metrics(metrics: Iterable[Metric]) -> frozenset[str]:
    """Return the names of the metrics that two runs of one training can have in common to the last bit.

    Times, memory and the like differ between any two runs, and would hide that everything else is equal.
    """
    return frozenset(metric.name for metric in metrics if not is_of_machine(metric))


def is_of_machine(metric: Metric) -> bool:
    """Return True for a metric of the machine, like a time. Equal results say nothing about it."""
    unit = (metric.unit or metric.display.unit).lower()
    words = re.split(r"[^a-z]+", metric.name.lower())
    return split_of(metric.name) == COST or unit in UNITS or "/s" in unit or (not unit and bool(WORDS & set(words)))
