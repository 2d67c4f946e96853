"""The reader of folders of runs: each run has a configuration and results, or one file with both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.folders.frames import source_of
from ablate.imports.folders.reading.documents import Cell, cells, read_mapping
from ablate.imports.folders.reading.result_values import result_document
from ablate.imports.folders.reading.walking import files_below
from ablate.imports.folders.run_files import RunFiles, grouped
from ablate.imports.folders.run_names import with_names, without_ensembles
from ablate.imports.folders.sections import RunParts, sorted_parts
from ablate.imports.folders.words import is_seed
from ablate.imports.source import FAILED, RUNNING, Request, Source
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


@dataclass(frozen=True)
class ReadRun:
    """The values of one run, and a sentence if a part of it could not be used."""

    parts: RunParts
    fault: str = ""


class FolderReader:
    """Reads a folder of runs."""

    kind = "folders"

    def recognise(self, path: Path) -> str:
        """Return why a folder is one of runs."""
        if not path.is_dir():
            return ""
        try:
            runs = grouped(path, files_below(path)).runs
        except SourceError:
            return ""
        done = [run for run in runs if run.results]
        if not done:
            return ""
        example = done[0].results[0][1].relative_to(path)
        have = "has" if len(done) == 1 else "have"
        return f"{plural(len(done), 'run')} below it {have} a result file, such as {example}"

    def read(self, path: Path, request: Request) -> Source:
        """Return the runs with the settings of their configurations, or of their names."""
        if not path.is_dir():
            raise SourceError(f"{path}: it is no folder; a folder of runs has a configuration and results for each run")
        found = grouped(path, files_below(path))
        read = [_read(path, run) for run in found.runs]
        if not any(each.parts.metrics or each.parts.plain for each in read):
            raise SourceError(_nothing(path, [each.fault for each in read if each.fault]))
        unused = [*found.unused, *_sentences(read)]
        parts, left_out = without_ensembles([each.parts for each in read])
        named, seed = with_names(parts, request)
        return source_of(self.kind, self.recognise(path) or "--from names this kind", named, [*unused, *left_out], seed)


def _nothing(path: Path, faults: Sequence[str]) -> str:
    reasons = f":\n{fault_lines(faults)}" if faults else ""
    return (
        f"{path}: no run has a result{reasons}\neach run needs a file such as results.json, metrics.csv or "
        "results.jsonl with its values; for text logs give --from logs and a --pattern for each metric"
    )


def _sentences(read: Sequence[ReadRun]) -> list[str]:
    faults = [each.fault for each in read if each.fault]
    return faults if len(faults) <= 20 else [*faults[:20], f"{len(faults) - 20:,} more runs without a result"]


def _read(root: Path, run: RunFiles) -> ReadRun:
    """Return the values of a run. One without a result that can be read has failed, or is still running."""
    parts = RunParts(run.place, run.name)
    faults = []
    settings, config_faults = read_settings(root, run.configs)
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
    shown = "it counts as failed" if state == FAILED else "the run counts as running"
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


reader = FolderReader()
