"""The columns that tables of trials have: one name for each, and the value of each trial in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.exports.trials import ExportedStudy, ExportedTrial
from ablate.measurement import COST
from ablate.store.plan_document import StoredFactor
from ablate.study.factors import level_text
from ablate.study.metrics import split_of

Cell = str | int | float | bool | None
"""A cell of a table; None if there is no value."""
FIXED = ("study", "profile", "kind", "row", "seed", "state", "n", "n_seeds", "trial")
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
    factors = [ExportColumn(_name(one.name, "factor", FIXED), one.cell) for one in settings(study)]
    taken = (*FIXED, *(column.name for column in factors))
    metrics = [column for metric in study.metrics for column in _of_metric(study, metric.name, taken)]
    numbers = [*_seeds(study), *_counts(study, taken)]
    return [*before, *factors, own["seed"], own["state"], *metrics, *numbers, own["trial"]]


def settings(study: ExportedStudy) -> list[ExportColumn]:
    """Return the columns of the settings that vary: the factors, and settings of an imported study that are none.

    A bundle, of settings that always vary together, has a column for each of them.
    """
    factors = [column for factor in study.document.factors for column in _of_factor(factor)]
    taken = {column.name for column in factors}
    undeclared = dict.fromkeys(name for trial in study.trials for name in trial.undeclared if name not in taken)
    return [*factors, *(ExportColumn(name, _undeclared(name)) for name in undeclared)]


def _of_factor(factor: StoredFactor) -> list[ExportColumn]:
    if not factor.values:
        return [ExportColumn(factor.name, lambda trial: trial.levels.get(factor.name))]
    return [ExportColumn(key, _of_bundle(factor, at)) for at, key in enumerate(factor.bundle)]


def _of_bundle(factor: StoredFactor, at: int) -> Callable[[ExportedTrial], Cell]:
    values = dict(zip(factor.levels, (of_level[at] for of_level in factor.values), strict=True))
    return lambda trial: _plain(values.get(trial.levels[factor.name]))


def _plain(value: Any) -> Cell:
    return value if value is None or isinstance(value, bool | int | float | str) else level_text(value)


def _undeclared(name: str) -> Callable[[ExportedTrial], Cell]:
    return lambda trial: trial.undeclared.get(name)


def _name(name: str, kind: str, taken: Sequence[str]) -> str:
    return f"{name} ({kind})" if name in taken else name


def _of_metric(study: ExportedStudy, metric: str, taken: Sequence[str]) -> list[ExportColumn]:
    """Return the column of a metric, and that of its SD over the seeds if the source had only that."""
    name = _name(metric, "metric", taken)
    own = [ExportColumn(name, lambda trial: trial.values[metric].value if metric in trial.values else None)]
    if any(metric in trial.spreads for trial in study.trials):
        own.append(
            ExportColumn(f"{name}_sd", lambda trial: trial.spreads[metric].sd if metric in trial.spreads else None)
        )
    return own


def _seeds(study: ExportedStudy) -> list[ExportColumn]:
    """Return the column of the number of seeds that a mean stands for, if the source had only means."""
    if not any(trial.spreads for trial in study.trials):
        return []
    return [ExportColumn("n_seeds", lambda trial: next((one.seeds for one in trial.spreads.values()), None))]


def _counts(study: ExportedStudy, taken: Sequence[str]) -> list[ExportColumn]:
    """Return the columns of the numbers of examples: `n` if all metrics have the same, else `acc.n` for each."""
    names = [metric.name for metric in study.metrics]
    if _is_common(study) and not _seeds(study):  # next to an SD, `n` would be read as the number of seeds
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
