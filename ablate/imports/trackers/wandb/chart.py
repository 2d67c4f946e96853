"""The chart that W&B exports as CSV: a line for each step, and for each run `name - metric`, `__MIN` and `__MAX`."""

from collections.abc import Sequence
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import Request, Source
from ablate.imports.trackers.logged import LoggedRun, source_of, with_names
from ablate.imports.trackers.wandb.csv_lines import header, lines
from ablate.imports.trackers.wandb.values import circumstances_in, metrics_in
from ablate.text import plural

SEPARATOR, LOWEST, HIGHEST = " - ", "__MIN", "__MAX"


def is_chart(names: Sequence[str]) -> bool:
    """Return True for the header of a chart: a run's column and its lowest and highest value at each step."""
    known = set(names)
    return any(SEPARATOR in name and {name + LOWEST, name + HIGHEST} <= known for name in names)


def read_chart(kind: str, path: Path, why: str, request: Request) -> Source:
    """Return the runs with the last value of each metric. SourceError if no column has a number."""
    names = header(path)
    known = set(names)
    columns = {at: name for at, name in enumerate(names) if SEPARATOR in name and not _is_bound(name, known)}
    last: dict[int, float | str] = {}
    faults = []
    for number, cells in lines(path):
        for at in columns:
            if cells[at].strip():
                last[at] = _number(cells[at].strip())
                if isinstance(last[at], str) and last[at] not in ("NaN", "Infinity", "-Infinity"):
                    faults.append(f"{path}:{number}: {columns[at]}: {last[at]!r} is no number")
    if faults:
        raise SourceError("\n".join(faults[:20]))
    runs, unused = _runs(columns, last)
    if not runs:
        raise SourceError(f"{path}: has no number below the names of runs; export the chart again as CSV")
    if not request.names:
        unused.append(
            f"the names of runs, such as {runs[0].circumstances['run']}; if they hold settings, --names gives their "
            "form, as in '{arch}_{norm}_seed{seed}'"
        )
    return source_of(kind, why, with_names(runs, request) if request.names else runs, unused)


def _runs(columns: dict[int, str], last: dict[int, float | str]) -> tuple[list[LoggedRun], list[str]]:
    """Return the runs that have a value, and a sentence for each part that is not used."""
    values: dict[str, dict[str, float | str]] = {}
    for at, column in columns.items():
        run, _, metric = column.rpartition(SEPARATOR)
        values.setdefault(run, {}).update({metric: last[at]} if at in last else {})
    used = {run: each for run, each in values.items() if metrics_in(each)}
    unused = [f"column {run}: has no value" for run in values if run not in used]
    unused.append(f"all steps but the last one with a value, for each of {plural(len(used), 'run')}")
    return [_run(run, each) for run, each in used.items()], unused


def _run(name: str, values: dict[str, float | str]) -> LoggedRun:
    return LoggedRun(f"run {name}", {}, metrics_in(values), {**circumstances_in(values), "run": name})


def _is_bound(name: str, known: set[str]) -> bool:
    return any(name.endswith(end) and name.removesuffix(end) in known for end in (LOWEST, HIGHEST))


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
