"""The values of one run: the settings of its configurations, and its results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.imports.folders.reading.documents import Cell, cells, read_mapping
from ablate.imports.folders.reading.result_values import result_document
from ablate.imports.folders.run_files import RunFiles
from ablate.imports.folders.sections import RunParts, sorted_parts
from ablate.imports.folders.words import is_seed
from ablate.imports.source import FAILED, RUNNING
from ablate.text import fault_lines
from ablate.trainers.measuring.takes import NoValueError

END_OF_LOG = 2**16
"""Bytes at the end of a log in which a failure is looked for."""
_FAILURES = (
    b"Traceback (most recent call last)",
    b"CUDA out of memory",
    b"Segmentation fault",
    b"CANCELLED AT",
    b"oom-kill",
)
HAS_FAILED, STILL_RUNNING = "the run counts as failed", "the run counts as running"


@dataclass(frozen=True)
class ReadRun:
    """The values of one run, and a sentence if a part of it could not be used."""

    parts: RunParts
    fault: str = ""


def nothing_fault(path: Path, faults: Sequence[str]) -> str:
    """Return the fault of a folder in which no run has a result."""
    reasons = f":\n{fault_lines(faults)}" if faults else ""
    return (
        f"{path}: no run has a result{reasons}\neach run needs a file such as results.json, metrics.csv or "
        "results.jsonl with its values; for text logs give --from logs and a --pattern for each metric"
    )


def sentences(read: Sequence[ReadRun]) -> list[str]:
    """Return the sentences about runs that were not used, or only in part."""
    faults = [each.fault for each in read if each.fault]
    return faults if len(faults) <= 20 else [*faults[:20], f"{len(faults) - 20:,} more runs without a result"]


def values_of(root: Path, run: RunFiles, known: Mapping[str, Cell] | None = None) -> ReadRun:
    """Return the values of a run. One without a result that can be read has failed, or is still running.

    `known`: the settings of the run, if they do not lie in its configurations.
    """
    parts = RunParts(run.place, run.name)
    faults = []
    settings, config_faults = read_settings(root, run.configs)
    settings |= known or {}
    for prefix, path in run.results:
        name = str(path.relative_to(root))
        try:
            read = sorted_parts(result_document(path, name), name, has_config=bool(settings))
        except NoValueError as error:
            faults.append(f"{error}")
            continue
        parts = parts.joined(prefixed(read, prefix, path.stem, parts))
    parts = replace(parts, settings={**settings, **parts.settings})
    if not faults and run.results:
        return ReadRun(parts, "; ".join(config_faults))
    state = FAILED if run.results or _has_failed(run.logs) else RUNNING
    reason = "; ".join(faults) or f"{run.place}: a configuration without results"
    shown = HAS_FAILED if state == FAILED else STILL_RUNNING
    return ReadRun(replace(parts, state=state), "; ".join([f"{reason}; {shown}", *config_faults]))


def read_settings(root: Path, configs: Sequence[Path]) -> tuple[dict[str, Cell], list[str]]:
    """Return the settings of configurations, the first ones before the others, and the faults of those not read."""
    settings: dict[str, Cell] = {}
    faults: list[str] = []
    for path in configs:
        name = str(path.relative_to(root))
        try:
            settings = {**cells(read_mapping(path, name), name), **settings}
        except NoValueError as error:
            faults.append(f"{error}; its settings are not known")
    return settings, faults


def prefixed(read: RunParts, prefix: str, stem: str, before: RunParts) -> RunParts:
    """Return the values of a result file with a prefix: its part of the data, or its name if a key is there already."""
    metrics = {f"{prefix}{key}": value for key, value in read.metrics.items()}
    metrics = {
        f"{stem}.{key}" if key in before.metrics and before.metrics[key] != value else key: value
        for key, value in metrics.items()
    }
    plain = {key if is_seed(key) else f"{prefix}{key}": value for key, value in read.plain.items()}
    return replace(read, metrics=metrics, plain=plain)


def _has_failed(logs: Sequence[Path]) -> bool:
    return any(mark in _end_of(log) for log in logs for mark in _FAILURES)


def _end_of(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - END_OF_LOG))
            return file.read(END_OF_LOG)
    except OSError:
        return b""
