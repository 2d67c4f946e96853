"""The reader of Ray Tune: a folder for each trial, with `params.json`, and `result.json` or `progress.csv`."""

from collections.abc import Mapping
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import DONE, FAILED, RUNNING, Cell, Request, Source
from ablate.imports.trackers.cells import flat, number
from ablate.imports.trackers.csv_series import last_values, split_numbers
from ablate.imports.trackers.documents import json_lines, json_of
from ablate.imports.trackers.logged import LoggedRun, source_of, with_names
from ablate.imports.trackers.walk import files_below, glimpse, relative
from ablate.text import fault_lines

PARAMS, RESULT, PROGRESS, ERROR = "params.json", "result.json", "progress.csv", "error.txt"
"""The files of a trial: its settings, a line for each report as JSON and as CSV, and the trace of a failure."""
PICKLE = "params.pkl"
CONFIG = "config"
"""The key of a report that repeats the settings."""
BOOKKEEPING = frozenset(
    {
        "time_this_iter_s", "time_total_s", "time_since_restore", "timesteps_since_restore", "iterations_since_restore",
        "training_iteration", "timesteps_this_iter", "timesteps_total", "episodes_this_iter", "episodes_total",
        "timestamp", "date", "pid", "hostname", "node_ip", "trial_id", "experiment_id", "experiment_tag",
        "should_checkpoint", "checkpoint_dir_name", "done", "warmup_time", "trial_name",
    }
)  # fmt: skip
"""Keys of a report that Ray itself adds (`ray/tune/result.py`)."""


SIGNS = (b"time_this_iter_s", b"training_iteration", b"trial_id")
"""Keys that are in each report, by which one is recognised."""
LONGEST_HEAD = 100_000
"""Bytes of the first report that are looked at."""


class RayReader:
    """Reads the folders of trials below a folder. The last report of a trial has its metrics."""

    kind = "ray"

    def recognise(self, path: Path) -> str:
        if not path.is_dir():
            return ""
        first = next((file for file in glimpse(path, _is_params) if _is_trial(file)), None)
        return f"{relative(first, path)} lies next to {RESULT} or {PROGRESS}, as in a trial of Ray" if first else ""

    def read(self, path: Path, request: Request) -> Source:
        trials = [file.parent for file in files_below(path, _is_params) if _is_trial(file)]
        runs, faults, unused = [], [], list[str]()
        for trial in trials:
            try:
                runs.append(_run(trial, path, unused))
            except SourceError as error:
                faults.append(str(error))
        if faults:
            raise SourceError(f"{path}: cannot be read as trials of Ray:\n{fault_lines(faults)}")
        named = with_names(runs, request) if request.names else runs
        return source_of(self.kind, self.recognise(path), named, unused, primary=request.metrics)


def _is_params(name: str) -> bool:
    return name == PARAMS


def _is_trial(params: Path) -> bool:
    """Return True for settings next to the pickle that Ray writes, or next to reports with a key that Ray adds."""
    if params.with_name(PICKLE).is_file():
        return True
    heads = (_head(params.with_name(name)) for name in (RESULT, PROGRESS))
    return any(key in head for head in heads for key in SIGNS)


def _head(file: Path) -> bytes:
    if not file.is_file():
        return b""
    with file.open("rb") as opened:
        return opened.readline(LONGEST_HEAD)


def _run(trial: Path, root: Path, unused: list[str]) -> LoggedRun:
    name = relative(trial, root)
    settings = json_of(trial / PARAMS)
    if not isinstance(settings, dict):
        raise SourceError(f"{trial / PARAMS}: must be an object with a value for each setting")
    report = _report(trial, name, unused)
    numbers: dict[str, float] = {}
    others: dict[str, Cell] = {}
    for key, value in report.items():
        parsed = None if key in BOOKKEEPING or isinstance(value, bool) else number(value)
        if parsed is None:
            others[key] = value
        else:
            numbers[key] = parsed
    state = FAILED if (trial / ERROR).is_file() else DONE if report else RUNNING
    return LoggedRun(name, flat(settings, f"{name}/{PARAMS}", unused), numbers, {"run": name, **others}, state=state)


def _report(trial: Path, name: str, unused: list[str]) -> Mapping[str, Cell]:
    """Return the last value of each key; nested ones with slashes, as in `progress.csv`."""
    report: dict[str, Cell] = {}
    if (trial / RESULT).is_file():
        for line in json_lines(trial / RESULT):
            if isinstance(line.content, dict):
                content = {key: value for key, value in line.content.items() if key != CONFIG}
                report |= flat(content, f"{name}/{RESULT}", unused, "/")
    elif (trial / PROGRESS).is_file():
        numbers, texts = split_numbers(last_values(trial / PROGRESS))
        report = {**numbers, **texts}
        report = {key: value for key, value in report.items() if not key.startswith(f"{CONFIG}/")}
    return report


reader = RayReader()
