"""An imported study as a study file, so that rows and seeds that the import does not have can be run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from ablate.exports.keyed_factors import KeyedFactor, config_value, constants_of, keyed_factors
from ablate.measurement import COST, Metric
from ablate.store.plan_document import PlanDocument
from ablate.store.plans import StoredPlan, StoredRow
from ablate.study.factors import LevelName, label_word, level_text
from ablate.study.metrics import split_of
from ablate.study.starting.draft import comments, nested, quoted, yaml_value
from ablate.text import listed_in_part

SCRIPT = "train.py"
"""The script that the file names, until the user puts another one in its place."""
MOST_ROWS = 64
"""Combinations of levels up to which the ones that are missing are written into the file."""
MOST_NAMED = 4
"""Metrics that a sentence names."""
USUAL_SEEDS = 5
USUAL_DELTA = 0.01


@dataclass(frozen=True)
class ImportedStudyFile:
    """The text of a study file, with the names that were changed and the work that is left to the user."""

    text: str
    notes: Sequence[str]
    to_do: Sequence[str]


def imported_study_file(plan: StoredPlan, name: str) -> ImportedStudyFile:
    """Return the study file of an imported study. `name`: the name of the new study.

    It has the factors with their levels, the settings that all runs share as config, the rows of the import, the
    combinations that it lacks, and its seeds. The command of the trainer, and the places of the metrics, are the user's
    to fill in.
    """
    document = plan.document
    factors = keyed_factors(document)
    constants = constants_of(document, factors)
    rows = [row for row in plan.rows if row.kind == "row"]
    metrics = [
        metric for metric in document.metrics if split_of(metric.name) != COST and _is_measured(metric, document)
    ]
    lines = [
        *comments([f"The study {plan.study}, which was imported, as a study file, written by `ablate init`."]),
        f"study: {name}",
        *_trainer_lines(),
        *_metric_lines(document, metrics),
        *_config_lines(factors, constants),
        *_factor_lines(factors),
        *_design_lines(factors, rows),
        *_seed_lines(document, rows),
    ]
    return ImportedStudyFile("\n".join(lines) + "\n", _notes(factors, rows), _to_do(document, metrics))


def _is_measured(metric: Metric, document: PlanDocument) -> bool:
    """Return True for the metrics of a table, and for the primary one of a log, whose others need not be there."""
    is_cost = split_of(metric.name) == COST
    return metric.name == document.primary or (bool(document.source) and not is_cost)


def _trainer_lines() -> Iterator[str]:
    yield "trainer:"
    yield from comments(["to fill in: the command that trains one run; `ablate check` shows what arrives"], "  ")
    yield f'  command: ["${{python}}", {SCRIPT}, "${{args}}", --seed, "${{seed}}"]'


def _metric_lines(document: PlanDocument, metrics: Sequence[Metric]) -> Iterator[str]:
    yield "metrics:"
    yield from comments(["to fill in: where the script leaves each value (docs/metrics.md)"], "  ")
    for metric in metrics:
        unit = ['unit: "%"'] if metric.is_rate else [f"unit: {yaml_value(metric.unit)}"] if metric.unit else []
        pattern = rf"stdout:{re.escape(metric.name)}[:= ]+([0-9.eE+-]+)"
        parts = [f"better: {metric.direction.better}", *unit, f"from: {quoted(pattern)}"]
        yield f"  {yaml_value(_metric_name(metric))}: {{{', '.join(parts)}}}"
    primary = document.metric(document.primary)
    yield f"primary: {yaml_value(_metric_name(primary))}"
    if not document.delta > 0:
        yield from comments(["to fill in: the smallest difference worth acting on, in the metric's own unit"])
    yield f"delta: {document.delta if document.delta > 0 else USUAL_DELTA}"


def _metric_name(metric: Metric) -> str:
    return "_".join(metric.name.split())


def _config_lines(factors: Sequence[KeyedFactor], constants: Mapping[str, Any]) -> Iterator[str]:
    usual = {key: values[at] for one in factors for values in [next(iter(one.values.values()))]
             for at, key in enumerate(one.keys)}  # fmt: skip
    if not usual and not constants:
        return
    yield from comments(["the settings of the baseline; those that no factor sets were the same in all runs"])
    yield "config:"
    for key, value in nested({**usual, **constants}).items():
        yield f"  {yaml_value(key)}: {yaml_value(value)}"


def _factor_lines(factors: Sequence[KeyedFactor]) -> Iterator[str]:
    if not factors:
        return
    yield "factors:"
    for factor in factors:
        if factor.stored.bundle:
            yield from comments(["these settings always varied together; make them factors of their own to tell "
                                 "their effects apart"], "  ")  # fmt: skip
        sets: Any = factor.keys if len(factor.keys) > 1 else factor.keys[0]
        yield f"  {yaml_value(factor.name)}: {{sets: {yaml_value(sets)}, levels: {_levels(factor)}}}"


def _levels(factor: KeyedFactor) -> str:
    if not factor.has_names:
        return yaml_value([config_value(level) for level in factor.values])
    several = len(factor.keys) > 1
    return yaml_value({level_text(name): of if several else of[0] for name, of in factor.values.items()})


def _design_lines(factors: Sequence[KeyedFactor], rows: Sequence[StoredRow]) -> Iterator[str]:
    yield "design:"
    yield from comments(["the rows of the import"], "  ")
    yield "  - rows:"
    for row in rows:
        yield f"      {yaml_value(row.label)}: {_row(factors, row.levels)}"
    missing = list(_missing(factors, rows))
    if missing:
        yield from comments([f"the {len(missing)} combinations that the import does not have"], "  ")
        yield "  - rows:"
        for levels in missing:
            label = ", ".join(label_word(name, level) for name, level in levels.items())
            yield f"      {yaml_value(label)}: {_row(factors, levels)}"


def _row(factors: Sequence[KeyedFactor], levels: Mapping[str, LevelName]) -> str:
    """Return the levels of a row that are not those of the baseline."""
    parts = [
        f"{yaml_value(factor.name)}: {factor.level(level)}"
        for factor in factors
        if (level := levels.get(factor.stored.name, factor.stored.baseline)) != factor.stored.baseline
    ]
    return "{" + ", ".join(parts) + "}"


def _missing(factors: Sequence[KeyedFactor], rows: Sequence[StoredRow]) -> Iterator[dict[str, LevelName]]:
    """Yield the combinations of levels that no row has; none if there are very many."""
    if prod(len(factor.values) for factor in factors) > MOST_ROWS:
        return
    names = [factor.stored.name for factor in factors]
    present = [dict(row.levels) for row in rows]
    for levels in product(*(factor.values for factor in factors)):
        combination = dict(zip(names, levels, strict=True))
        if combination not in present:
            yield combination


def _seed_lines(document: PlanDocument, rows: Sequence[StoredRow]) -> Iterator[str]:
    if document.unpaired:
        counts = [one.seeds or 0 for of_row in document.summaries.values() for one in of_row.values()]
        number = max([*counts, *(len(row.cells) for row in rows)]) if document.summaries or rows else 0
        yield from comments([f"the runs of the import have no seeds in common: {document.unpaired}"])
        yield f"seeds: {number if number > 1 else USUAL_SEEDS}"
        return
    seeds = sorted({seed for row in rows for seed in row.cells})
    yield f"seeds: {yaml_value(seeds)}" if len(seeds) > 1 else f"seeds: {USUAL_SEEDS}"


def _notes(factors: Sequence[KeyedFactor], rows: Sequence[StoredRow]) -> list[str]:
    renamed = [
        f"{old} is called {new} in the config: a key has letters, digits, _, -, / and dots"
        for factor in factors
        for old, new in zip(factor.settings, factor.keys, strict=True)
        if old != new
    ]
    combinations = prod(len(factor.values) for factor in factors)
    if combinations <= max(MOST_ROWS, len(rows)):
        return renamed
    many = f"the file has the rows of the import only, as there are {combinations:,} combinations of levels"
    return [*renamed, many]


def _to_do(document: PlanDocument, metrics: Sequence[Metric]) -> list[str]:
    names = listed_in_part([_metric_name(metric) for metric in metrics], MOST_NAMED)
    work = [f"put your script in place of {SCRIPT}, and check `from` of {names}"]
    if not document.delta > 0:
        work.append(f"delta: {USUAL_DELTA} stands for the smallest difference worth acting on")
    if any(factor.bundle and not factor.values for factor in document.factors):
        work.append("fill in the values of settings that varied together: the store has only the names of their levels")
    return work
