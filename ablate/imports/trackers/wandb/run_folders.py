"""The folders that W&B's runs leave: which there are, and the content of one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import DONE, FAILED, RUNNING, Cell
from ablate.imports.trackers.cells import flat
from ablate.imports.trackers.documents import json_of, mapping_in, yaml_of
from ablate.imports.trackers.wandb.log import RunLog, read_log
from ablate.imports.trackers.wandb.log_items import plain
from ablate.imports.trackers.wandb.values import without_objects

NAME = "wandb"
"""The folder in which W&B puts the folders of runs."""
FOLDER = re.compile(r"(?:offline-)?run-(\d{8}_\d{6})-([\w.-]+)")
"""The name of a run's folder: its start, and its id."""
CONFIG, SUMMARY = "files/config.yaml", "files/wandb-summary.json"
MOST_LISTED = 100_000
"""Entries of a folder that are looked at."""


@dataclass(frozen=True)
class WandbFiles:
    """The files of one run."""

    folder: Path
    log: Path | None
    """The log `run-ID.wandb`; None if there is none."""

    @property
    def start(self) -> str:
        """The start of the run as its folder names it, `20261201_164458`; empty if it does not."""
        match = FOLDER.fullmatch(self.folder.name)
        return match[1] if match else ""

    @property
    def key(self) -> str:
        """The id of the run."""
        match = FOLDER.fullmatch(self.folder.name)
        stem = self.log.stem.removeprefix("run-") if self.log else self.folder.name
        return match[2] if match else stem


@dataclass(frozen=True)
class RunContent:
    """The content of a run's files."""

    config: dict[str, Cell]
    summary: dict[str, Cell]
    """The last values, from the summary and the log."""
    about: dict[str, str]
    state: str
    torn: str
    """Why the log ends early, as the end of a sentence; empty if it is whole or there is none."""


def run_folders(path: Path) -> list[WandbFiles]:
    """Return the runs in a folder `wandb`, in the folder that holds it, in one run's folder, or of one log."""
    if path.is_file():
        return [WandbFiles(path.parent, path)]
    if own := _of_run(path):
        return [own]
    for root in (path, path / NAME):
        if root.is_dir():
            entries = sorted(islice(root.iterdir(), MOST_LISTED))
            runs = [run for entry in entries if FOLDER.fullmatch(entry.name) and (run := _of_run(entry))]
            if runs:
                return runs
    return []


def _of_run(folder: Path) -> WandbFiles | None:
    """Return the files of a run's folder; None if it is none."""
    if not folder.is_dir():
        return None
    log = next((each for each in sorted(folder.glob("run-*.wandb")) if each.is_file()), None)
    if log or (folder / SUMMARY).is_file():
        return WandbFiles(folder, log)
    return WandbFiles(folder, None) if FOLDER.fullmatch(folder.name) and (folder / "files").is_dir() else None


def content(run: WandbFiles, unused: list[str]) -> RunContent:
    """Return the content of a run. Its files count where they and the log differ, since a log may end early.

    SourceError if a file cannot be read.
    """
    log = read_log(run.log) if run.log else RunLog()
    place, has_summary = run.folder.name, (run.folder / SUMMARY).is_file()
    config = flat(plain(log.config), place, unused)
    summary = {**flat(plain(log.objects), place, unused), **flat(plain(log.values), place, unused)}
    if (run.folder / CONFIG).is_file():
        config = flat(_values(mapping_in(yaml_of(run.folder / CONFIG), run.folder / CONFIG)), place, unused)
    if has_summary:
        summary |= flat(mapping_in(json_of(run.folder / SUMMARY), run.folder / SUMMARY), place, unused)
    return RunContent(
        without_objects(config),
        without_objects(summary),
        {**log.about, "run_id": run.key, "start_time": moment_in(run.start)},
        _state(run, log, has_summary),
        (log.torn or "it has no record of the run's end") if run.log and log.exit_code is None else "",
    )


def _state(run: WandbFiles, log: RunLog, has_summary: bool) -> str:
    """Return the state by the exit code. Without a log, a run that has a summary counts as done."""
    if run.log is None:
        return DONE if has_summary else RUNNING
    if log.exit_code is None:
        return RUNNING
    return DONE if log.exit_code == 0 else FAILED


def _values(config: dict[str, object]) -> dict[str, object]:
    """Return {name: value} of W&B's `config.yaml`, in which each name has a mapping with `value`."""
    return {name: each["value"] for name, each in config.items() if isinstance(each, dict) and "value" in each}


def moment_in(start: str) -> str:
    """Return the start in a folder's name as a date and time, in the local time of its machine; empty if it is none."""
    try:
        return datetime.strptime(start, "%Y%m%d_%H%M%S").isoformat()
    except ValueError:
        return ""


def resumed(runs: list[WandbFiles]) -> Iterator[WandbFiles]:
    """Yield the runs that a later folder with the same id went on with."""
    last = {run.key: run for run in sorted(runs, key=lambda run: run.start)}
    for run in runs:
        if last[run.key] is not run:
            yield run


def read_all(runs: list[WandbFiles], faults: list[str], unused: list[str]) -> list[tuple[WandbFiles, RunContent]]:
    """Return the content of each run; what cannot be read becomes a line of `faults`."""
    read = []
    for run in runs:
        try:
            read.append((run, content(run, unused)))
        except SourceError as error:
            faults.append(str(error))
    return read
