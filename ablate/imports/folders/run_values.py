"""The values of one run: the settings of its configurations, and its results."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.imports.folders.reading.documents import cells, read_mapping
from ablate.imports.folders.reading.result_values import result_documents, series_in
from ablate.imports.folders.reading.seed_groups import SEED
from ablate.imports.folders.run_files import RunFiles
from ablate.imports.folders.sections import RunParts, sorted_parts
from ablate.imports.folders.words import is_seed
from ablate.imports.source import FAILED, RUNNING, Cell
from ablate.text import fault_lines, plural
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
MOST_SENTENCES = 20
"""The largest number of runs that are mentioned one by one."""
HAS_FAILED, STILL_RUNNING = "the run counts as failed", "the run counts as running"


@dataclass(frozen=True)
class ReadRun:
    """The values of one run, and a sentence if a part of it could not be used."""

    parts: RunParts
    fault: str = ""
    series: tuple[str, ...] = ()
    """The keys of series without steps, of which the last value counts."""


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
    more = [f"{len(faults) - MOST_SENTENCES:,} more runs without a result"] if len(faults) > MOST_SENTENCES else []
    series = Counter(key for each in read for key in each.series)
    lasts = [f"{key}: a series of numbers in {plural(n, 'run')}; its last one is used" for key, n in series.items()]
    return [*faults[:MOST_SENTENCES], *more, *lasts[:MOST_SENTENCES]]


def values_of(root: Path, run: RunFiles, known: Mapping[str, Cell] | None = None) -> list[ReadRun]:
    """Return the values of a run; if its results are those of several seeds, of a run for each.

    A run without a result that can be read has failed, or is still running. `known`: the settings of the run, if they
    do not lie in its configurations.
    """
    settings, config_faults = read_settings(root, run.configs)
    settings |= known or {}
    series: list[str] = []
    by_seed, faults = _results_by_seed(root, run, bool(settings), series)
    shared = by_seed.pop(None, RunParts(run.place, run.name))
    found = [replace(each.joined(shared), place=f"{run.place} (seed {seed})") for seed, each in by_seed.items()]
    found = found or [shared]
    runs = [replace(each, name=run.name, settings={**settings, **each.settings}) for each in found]
    if not faults and run.results:
        return [ReadRun(each, "; ".join(config_faults), tuple(series)) for each in runs]
    state = FAILED if run.results or _has_failed(run.logs) else RUNNING
    reason = "; ".join(faults) or f"{run.place}: a configuration without results"
    shown = HAS_FAILED if state == FAILED else STILL_RUNNING
    return [ReadRun(replace(each, state=state), "; ".join([f"{reason}; {shown}", *config_faults])) for each in runs]


def _results_by_seed(
    root: Path, run: RunFiles, has_config: bool, series: list[str]
) -> tuple[dict[Cell, RunParts], list[str]]:
    """Return {seed: results}, those of files without seeds at None, and the faults of files that cannot be read.

    The keys of series are added to `series`.
    """
    by_seed: dict[Cell, RunParts] = {}
    faults: list[str] = []
    for prefix, path in run.results:
        name = str(path.relative_to(root))
        try:
            documents = result_documents(path, name)
            for document in documents:
                seed = document.get(SEED) if len(documents) > 1 else None
                before = by_seed.get(seed, RunParts(run.place))
                read = sorted_parts(document, name, has_config)
                series += series_in(document)
                by_seed[seed] = before.joined(prefixed(read, prefix, path.stem, before))
        except NoValueError as error:
            faults.append(f"{error}")
    return by_seed, faults


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
