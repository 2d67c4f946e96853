"""The role of each column of runs: as the source says it, as an option says it, or by its name and values."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate.errors import SourceError, unknown_name
from ablate.imports.questions import OpenQuestionError, Question
from ablate.imports.source import FIELD, ColumnRole, Request, Source
from ablate.imports.understanding.guesses import CIRCUMSTANCES, REPLICATES, guessed_role, is_number, last_part
from ablate.study.starting.metric_names import is_metric
from ablate.study.starting.roles import FOLDERS, MACHINE, SEEDS
from ablate.study.starting.scanning.options import words_of
from ablate.text import listed, listed_in_part

NONE = ("none",)
"""Factors of a request for one row of all runs."""
MOST_NAMED = 4
"""Columns that a sentence names."""
MANY_LEVELS = 10
"""A column of numbers with more values than this, in more than half as many values as runs, has no levels."""


@dataclass(frozen=True)
class Columns:
    """The columns of runs by their roles."""

    settings: tuple[str, ...]
    metrics: tuple[str, ...]
    """Those that options name first, in their order."""
    seed: str
    """The column of the seeds; empty if there is none."""
    circumstances: tuple[str, ...]
    notes: tuple[str, ...]
    """A sentence for each column that is not used, or whose role is a guess that a user may want to change."""


def columns_of(source: Source, request: Request) -> Columns:
    """Return the columns of a source by their roles; SourceError for options that name none, or without a metric."""
    names = [str(name) for name in source.runs.columns]
    wanted = [
        ("--factors", () if request.factors == NONE else request.factors),
        ("--metric", request.metrics),
        ("--where", tuple(request.where)),
    ]
    wanted += [("--seed", (request.seed,) if request.seed else ())]
    faults = [
        f"{option}: {unknown_name('column', name, names)}" for option, of_option in wanted for name in of_option
        if name not in names
    ]  # fmt: skip
    if faults:
        raise SourceError("\n".join(faults))
    seed = request.seed or _seed(source, names)
    # a part of a form of names is a setting, whatever it is called
    in_names = {*FIELD.findall(request.names)} & {*names}
    chosen = {seed, *request.factors, *request.metrics}
    roles = {
        name: ColumnRole.SETTING if name in in_names else _role(source, name, bool(seed))
        for name in names
        if name not in chosen
    }
    metrics = [*request.metrics, *(name for name, role in roles.items() if role is ColumnRole.METRIC)]
    if not metrics:
        raise _no_metric(source, [name for name in roles if is_number(source.runs[name])])
    results = _results(source, roles, request.metrics)
    without_levels = [
        name
        for name, role in roles.items()
        if role is ColumnRole.SETTING and (name in results or _has_no_levels(source, name))
    ]
    settings = [
        name for name in names
        if name in request.factors or (roles.get(name) is ColumnRole.SETTING and name not in without_levels)
    ]  # fmt: skip
    circumstances = [name for name, role in roles.items() if role is ColumnRole.CIRCUMSTANCE]
    notes = _notes_on_levels(without_levels)
    return Columns(tuple(settings), tuple(metrics), seed, tuple(circumstances), tuple(notes))


def _seed(source: Source, names: Sequence[str]) -> str:
    """Return the column of the seeds; empty if there is none."""
    said = [name for name in names if source.roles.get(name) is ColumnRole.SEED]
    named = [name for name in names if last_part(name) in SEEDS and source.roles.get(name) is not ColumnRole.METRIC]
    varying = [name for name in named if source.runs[name].nunique(dropna=False) > 1]
    return next(iter([*said, *sorted(varying, key=lambda name: SEEDS.index(last_part(name))), *named]), "")


def _role(source: Source, name: str, has_seed: bool) -> ColumnRole:
    """Return the role of a column that no option names, other than the column of the seeds."""
    said = source.roles.get(name)
    if said is None:
        return guessed_role(source.runs[name], name, has_seed)
    if said is ColumnRole.SETTING:
        is_set_aside = last_part(name) in MACHINE | FOLDERS | {*SEEDS} or name.lower() in CIRCUMSTANCES
        return ColumnRole.CIRCUMSTANCE if is_set_aside else ColumnRole.SETTING
    return said


def _has_no_levels(source: Source, name: str) -> bool:
    """Return True for numbers that nearly every run has another one of: of a random search, or a result."""
    column = source.runs[name]
    values = int(column.nunique())
    return is_number(column) and values > max(MANY_LEVELS, len(column) / 2)


def _results(source: Source, roles: Mapping[str, ColumnRole], chosen: Collection[str]) -> set[str]:
    """Return the numbers behind the first metric that are a block of results of other names.

    `chosen`: metrics that options name. Settings usually stand before results. If most of these columns have many
    values, all of them are results.
    """
    names = [str(name) for name in source.runs.columns]
    metrics = [at for at, name in enumerate(names) if name in chosen or roles.get(name) is ColumnRole.METRIC]
    behind = [
        name
        for name in names[min(metrics, default=len(names)) :]
        if roles.get(name) is ColumnRole.SETTING and name not in source.roles and is_number(source.runs[name])
    ]
    many = [name for name in behind if source.runs[name].nunique() > MANY_LEVELS]
    return set(behind) if 2 * len(many) > len(behind) else set()


def _no_metric(source: Source, numbers: Sequence[str]) -> SourceError:
    texts = [str(name) for name in source.runs.columns if is_metric(str(name)) and not is_number(source.runs[name])]
    if faults := [fault for name in texts if (fault := no_number(source, name))]:
        return SourceError("\n".join(faults))
    if not numbers:
        return SourceError("no column has numbers; an import needs a metric, such as a column `accuracy`")
    last = numbers[-1]
    message = (
        f"no column has the name of a metric; name it and its better values: --metric '{last}:higher' or "
        f"'{last}:lower'; columns with numbers: {', '.join(numbers)}"
    )
    choices = tuple(f"{name}:{better}" for name in reversed(numbers) for better in ("higher", "lower"))
    return OpenQuestionError(
        message, Question("--metric", "Which column is the metric, with its better values?", choices)
    )


def no_number(source: Source, name: str) -> str:
    """Return the place of a cell of a metric that is no number; empty without one."""
    column = source.runs[name]
    wrong = np.flatnonzero(pd.to_numeric(column, errors="coerce").isna() & column.notna())
    if not len(wrong):
        return ""
    at = int(wrong[0])
    return f"{source.places[at]}: found {str(column.iloc[at])[:40]!r} for the metric {name}; accepted: a number"


def _notes_on_levels(names: Sequence[str]) -> Iterator[str]:
    if not names:
        return
    it_is = "has many values, so it is a result" if len(names) == 1 else "have many values, so they are results"
    yield (
        f"{listed_in_part(names, MOST_NAMED)} {it_is}, or settings of a random search without levels; "
        f"--metric '{names[0]}:higher' uses one as a metric, --factors one as a factor"
    )


def could_pair(source: Source, columns: Columns) -> list[str]:
    """Return the columns that tell runs apart as seeds do, if no column has the seeds."""
    names = [name for name in columns.circumstances if set(words_of(name)) & REPLICATES]
    return [] if columns.seed else [name for name in names if source.runs[name].nunique() > 1]


def note_on_pairs(could: Sequence[str]) -> list[str]:
    """Return how runs could be paired."""
    if not could:
        return []
    return [
        f"no column has the seeds, so the runs of two rows are not paired; if runs of equal {listed(could, 'or')} "
        f"belong together, --seed '{could[0]}' pairs them"
    ]
