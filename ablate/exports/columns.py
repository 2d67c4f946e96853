"""The columns that tables of trials have: one name for each, and the value of each trial in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.exports.trials import ExportedStudy, ExportedTrial
from ablate.measurement import COST
from ablate.study.metrics import split_of

Cell = str | int | float | bool | None
"""A cell of a table; None if there is no value."""
FIXED = ("study", "profile", "kind", "row", "seed", "state", "n", "trial")
"""Names of columns that no factor and no metric takes."""


@dataclass(frozen=True)
class ExportColumn:
    """One column of a table of trials."""

    name: str
    cell: Callable[[ExportedTrial], Cell]


def columns(study: ExportedStudy) -> list[ExportColumn]:
    """Return the columns in their order: study, row, factors, seed, state, metrics, numbers of examples, trial.

    `kind` is a column only if the study has references. A factor with the name of another column gets `(factor)`
    behind its name, and a metric `(metric)`.
    """
    fixed = {
        "study": lambda _: study.study,
        "profile": lambda _: study.profile,
        "kind": lambda trial: trial.kind,
        "row": lambda trial: trial.row,
        "seed": lambda trial: trial.seed if study.are_paired else None,
        "state": lambda trial: trial.state,
        "trial": lambda trial: trial.key,
    }
    own = {name: ExportColumn(name, cell) for name, cell in fixed.items()}
    has_references = any(trial.kind != "row" for trial in study.trials)
    before = [own["study"], own["profile"], *([own["kind"]] if has_references else []), own["row"]]
    factors = [ExportColumn(_name(name, "factor", FIXED), _level(name)) for name in study.factors]
    taken = (*FIXED, *(column.name for column in factors))
    metrics = [column for metric in study.metrics for column in _of_metric(study, metric.name, taken)]
    return [*before, *factors, own["seed"], own["state"], *metrics, *_counts(study, taken), own["trial"]]


def _name(name: str, kind: str, taken: Sequence[str]) -> str:
    return f"{name} ({kind})" if name in taken else name


def _level(factor: str) -> Callable[[ExportedTrial], Cell]:
    return lambda trial: trial.levels.get(factor)


def _of_metric(study: ExportedStudy, metric: str, taken: Sequence[str]) -> list[ExportColumn]:
    """Return the column of a metric, and its spread and number of seeds if they are all that the source had."""
    name = _name(metric, "metric", taken)
    own = [ExportColumn(name, lambda trial: trial.values[metric].value if metric in trial.values else None)]
    if any(metric in trial.spreads for trial in study.trials):
        own.append(ExportColumn(f"{name}_sd", lambda trial: _spread(trial, metric, "sd")))
        own.append(ExportColumn(f"{name}_seeds", lambda trial: _spread(trial, metric, "seeds")))
    return own


def _spread(trial: ExportedTrial, metric: str, part: str) -> Any:
    return getattr(trial.spreads[metric], part) if metric in trial.spreads else None


def _counts(study: ExportedStudy, taken: Sequence[str]) -> list[ExportColumn]:
    """Return the columns of the numbers of examples: `n` if all metrics have the same, else `acc.n` for each."""
    names = [metric.name for metric in study.metrics]
    if _is_common(study):
        return [ExportColumn("n", lambda trial: next((one.n for one in trial.values.values() if one.n), None))]
    counted = [name for name in names if any(_count(trial, name) is not None for trial in study.trials)]
    return [ExportColumn(f"{_name(name, 'metric', taken)}.n", _count_of(name)) for name in counted]


def _is_common(study: ExportedStudy) -> bool:
    """Return True if each trial has one number of examples, on which all of its metrics were measured."""
    names = {metric.name for metric in study.metrics if split_of(metric.name) != COST}
    with_values = [[one.n for name, one in trial.values.items() if name in names] for trial in study.trials]
    counts = [of_trial for of_trial in with_values if of_trial]
    return bool(counts) and all(None not in of_trial and len(set(of_trial)) == 1 for of_trial in counts)


def _count_of(metric: str) -> Callable[[ExportedTrial], Cell]:
    return lambda trial: _count(trial, metric)


def _count(trial: ExportedTrial, metric: str) -> int | None:
    return trial.values[metric].n if metric in trial.values else None
