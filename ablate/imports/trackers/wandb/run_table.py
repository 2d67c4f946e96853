"""The table of runs that W&B exports as CSV: a line for each run, with config and summary side by side."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import DONE, Cell, Request, Source
from ablate.imports.trackers.cells import is_counter, typed
from ablate.imports.trackers.logged import LoggedRun, source_of, with_names
from ablate.imports.trackers.wandb.csv_lines import header, lines
from ablate.imports.trackers.wandb.values import NOT_FINITE, STATES, TYPE

NAME, STATE = "Name", "State"
BOOKKEEPING = frozenset(
    {"ID", "Created", "Updated", "End Time", "Runtime", "Notes", "User", "Tags", "Hostname", "Sweep", "Group"}
    | {"Job Type", "Project", "Commit", "Entity", "Path", "Python version", "Host", "GPU Type", "GPU Count"}
    | {"GitHub", "Command", "Logging Level", "Github", "Relative Time (Process)", "Relative Time (Wall)"}
)
"""The columns of W&B itself, by the words of its table of runs."""


def is_run_table(names: Sequence[str]) -> bool:
    """Return True for the header of such a table: names of runs, and two more of W&B's columns, one of them typical."""
    typical = {STATE, "Created", "Runtime", "Sweep", "_step", "_runtime", "_timestamp", "_wandb.runtime"}
    return NAME in names and bool(typical & set(names)) and len((BOOKKEEPING | typical) & set(names)) >= 2


def read_runs(kind: str, path: Path, why: str, request: Request) -> Source:
    """Return the runs. SourceError if there is none, or lines differ from the header."""
    names = _columns(header(path))
    runs = [_run(dict(zip(names, cells, strict=True)), number) for number, cells in lines(path)]
    if not runs:
        raise SourceError(f"{path}: holds no run below its header; choose runs in W&B's table, and export it again")
    named = with_names(runs, request, NAME) if request.names else runs
    return source_of(kind, why, named, _unused(names))


def _columns(names: Sequence[str]) -> list[str]:
    """Return the names with a number for those that are there several times: a setting and a metric of one name."""
    seen: Counter[str] = Counter()
    columns = []
    for at, name in enumerate(names, start=1):
        seen[name] += 1
        columns.append((name or f"column {at}") if seen[name] == 1 else f"{name or 'column'}.{seen[name]}")
    return columns


def _run(cells: dict[str, str], number: int) -> LoggedRun:
    values = {name: _value(text) for name, text in cells.items() if name != STATE and not _is_of_object(name, cells)}
    own = {name: value for name, value in values.items() if _is_bookkeeping(name) and value is not None}
    return LoggedRun(
        f"line {number}",
        circumstances={**own, NAME: cells[NAME]},
        others={name: value for name, value in values.items() if not _is_bookkeeping(name)},
        state=STATES.get(cells.get(STATE, "").strip().lower(), DONE),
    )


def _value(text: str) -> Cell:
    """Return a cell: None if it is empty, nan for a number that is not finite, else the value that it shows."""
    if text.strip() in NOT_FINITE:
        return float("nan")
    return typed(text.strip()) if text.strip() else None


def _is_bookkeeping(name: str) -> bool:
    return name == NAME or name in BOOKKEEPING or name.startswith("_") or is_counter(name)


def _is_of_object(name: str, columns: dict[str, str]) -> bool:
    """Return True for the parts of an image, a histogram, a table or a file."""
    above = name.rpartition(".")[0]
    return bool(above) and (above + TYPE) in columns


def _unused(names: Sequence[str]) -> list[str]:
    objects = [name.removesuffix(TYPE) for name in names if name.endswith(TYPE)]
    return [f"column {name}: an image, histogram, table or file, and no single value" for name in objects]
