"""The numbers that a training left and that the study does not declare, each with the line that declares it."""

from collections.abc import Iterator
from dataclasses import dataclass

from ablate.run.checking.row_run import RowRun
from ablate.study.config_keys import flattened
from ablate.study.model import Study
from ablate.study.starting.draft import metric_line
from ablate.study.starting.metric_guesses import MetricGuess
from ablate.study.starting.metric_names import is_rate
from ablate.trainers.declared.entry import DeclaredEntry
from ablate.trainers.measuring.seen import SeenValue
from ablate.trainers.measuring.sources import STDOUT, MetricSource, parse_origin

COUNTERS = {"epoch", "epochs", "step", "steps", "iter", "iteration", "iterations", "batch", "batches", "seed"}
"""Names of numbers that count the progress of a training, and of its seed."""


@dataclass(frozen=True)
class UndeclaredNumber:
    """A number that a training left; of a series, its last one."""

    name: str
    value: float
    line: str
    """The line under `metrics` of a study file that declares it."""


def undeclared_numbers(run: RowRun, study: Study) -> Iterator[UndeclaredNumber]:
    """Yield the numbers of a training that no declared metric is read from, each name once.

    Scripts print their settings too, which are left out.
    """
    settings = {key.rpartition(".")[2]: value for key, value in flattened(run.config).items()}
    options = {option.lstrip("-").replace("-", "_") for each in run.notes.parsed for option in each.options}
    sources = study.entry.metric_sources if isinstance(study.entry, DeclaredEntry) else ()
    names: set[str] = set()
    for one in run.seen:
        name = one.name.rpartition(" ")[2]
        is_option = name in options and f"{name}=" in one.origin  # of a printed namespace
        is_metric = name.casefold() not in COUNTERS and not is_option and settings.get(name) != one.value
        if name not in names and is_metric and not any(_is_of(one, name, source) for source in sources):
            names.add(name)
            yield UndeclaredNumber(one.name, one.value, _line(name, one))


def _line(name: str, seen: SeenValue) -> str:
    return metric_line(MetricGuess(name, seen.origin, "", is_percent=is_rate(name) and seen.value > 1))


def _is_of(seen: SeenValue, name: str, source: MetricSource) -> bool:
    """Return True if a number is a value of a declared metric, at its place or at another one."""
    origin = parse_origin(source.origin, source.metric)
    return name in (source.metric, origin.key) or (origin.kind == STDOUT and seen.name in origin.key)
