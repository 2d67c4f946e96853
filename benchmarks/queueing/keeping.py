"""What a part prints, and the numbers behind it: kept under results/, with the machine's description."""

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.machine import RESULTS, describe, keep


@dataclass(frozen=True)
class Part:
    """What one part of the benchmark found: lines for the eye, numbers for programs."""

    name: str
    lines: Sequence[str]
    numbers: Mapping[str, Any]
    failures: Sequence[str] = ()


def tell(part: Part, load: float, kept: bool) -> None:
    """Prints a part, and keeps it if asked. `load`: the machine's load average before the part began."""
    name = f"queue-{part.name}"
    note = f"Load average of the machine before it began: {load:.1f} on {os.cpu_count()} cores."
    lines = [*part.lines, "", note]
    if not kept:
        print("\n".join(lines), end="\n\n")
        return
    keep(name, lines)
    numbers = {"part": part.name, "load": load, "machine": describe(), "failures": part.failures, **part.numbers}
    (RESULTS / f"{name}.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


def spread(values: Sequence[float], digits: int = 2) -> str:
    """`1.23 (1.20 to 1.31)`: the median, and the range where there are several."""
    middle = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
