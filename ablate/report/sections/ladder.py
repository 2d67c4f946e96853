"""The levels and rates of each row, and its change from the row that it builds on and from the baseline."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.results import RowResult, StudyResults
from ablate.measurement import Kind, Metric
from ablate.report import units, wording
from ablate.report.sections.search_words import is_cost
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.report.unpaired import runs_of
from ablate.study.factors import level_text
from ablate.text import listed

BEST = "*"
"""Marks the best row and the rows that are not shown to differ from it."""
WIDEST_LEVEL = 16
"""Letters of a level before it is folded."""
PAGE = 74
"""Letters for the columns of factors in one table."""
WIDEST_MEAN = 26
"""Letters of a mean with its interval next to which 80 columns have room for further metrics."""
MOST_NAMED = 3
"""Factors that are named if many differ from the baseline; the table of levels has them all."""


def means(analysis: Analysis, most: int, others: Sequence[Metric]) -> ReportSection:
    """Return each row's mean with the interval of the metric that verdicts are about, `others`, and its seeds."""
    results = analysis.results
    metric = results.metric
    in_title = _common_unit([metric, *others])
    columns = [
        Column("#", "r"),
        Column(""),
        Column("row", flex=1),
        Column(f"{_heading(metric, in_title)}{_share(analysis)}", "r"),
        *(Column(_heading(other, in_title), "r") for other in others),
        Column(f"{wording.run_word(results)}s", "r"),
    ]
    rows: list[list[str | Cell]] = []
    for row, best in _shown(analysis, most):
        own: list[str | Cell] = [str(row.number), BEST if best else "", Cell(row.label, best)]
        rows.append([*own, Cell(reached(analysis, row), best), *_cells(results, row, others)])
    for row in results.references:
        own = ["", "", f"{row.label} (reference)", reached(analysis, row)]
        rows.append([*own, *_cells(results, row, others)])
    words = "rates" if metric.is_rate and in_title else "means"
    return block(
        f"Rows: {words} {_on_split([metric])}{in_title and f', {in_title}'}",
        columns,
        rows,
        [
            *_legend(analysis, f"{BEST} bold", most),
            *_about(results, others),
            *_seed_note(analysis, most),
            *left_out(analysis, most),
        ],
    )


def _share(analysis: Analysis) -> str:
    """Return `, 95 %`, the confidence of the intervals of means; nothing if no row has an interval."""
    name = analysis.results.metric.name
    rows = (row for row in (*analysis.results.rows, *analysis.results.references) if name in row.values)
    has_interval = any(analysis.interval(row, name) is not None for row in rows)
    return f", {wording.percent(1 - analysis.results.alpha)}" if has_interval else ""


def further_means(analysis: Analysis, most: int, metrics: Sequence[Metric]) -> ReportSection:
    """Return the means of each row on further metrics, as a table of their own; an empty section for no metric."""
    results = analysis.results
    if not metrics:
        return ReportSection("")
    in_title = _common_unit(metrics)
    columns = [Column("#", "r"), Column("row", flex=1), *(Column(_heading(one, in_title), "r") for one in metrics)]
    rows: list[list[str | Cell]] = [
        [str(row.number), Cell(row.label, best), *(_mean(row, metric) for metric in metrics)]
        for row, best in _shown(analysis, most)
    ]
    for row in results.references:
        rows.append(["", f"{row.label} (reference)", *(_mean(row, metric) for metric in metrics)])
    notes = [*_about(results, metrics), *left_out(analysis, most)]
    return block(f"Rows: {_further(metrics)}{in_title and f', {in_title}'}", columns, rows, notes)


def _further(metrics: Sequence[Metric]) -> str:
    """Return what metrics next to the one of the report are: on the test split, of the trainings, or both."""
    costs = list(map(is_cost, metrics))
    if all(costs):
        return "costs of the trainings"
    measured = [metric for metric, is_a_cost in zip(metrics, costs, strict=True) if not is_a_cost]
    return f"further metrics {_on_split(measured)}" + (", and costs of the trainings" if any(costs) else "")


def _on_split(metrics: Sequence[Metric]) -> str:
    """Return the split on which metrics are measured, in words."""
    names = list(dict.fromkeys(metric.measured_split for metric in metrics))
    return f"on the {listed(names)} split{'' if len(names) == 1 else 's'}"


def _common_unit(metrics: Sequence[Metric]) -> str:
    """Return the unit of these metrics' values, if it is the same for all; otherwise nothing."""
    units_of = {metric.display.unit for metric in metrics}
    return units_of.pop() if len(units_of) == 1 else ""


def _heading(metric: Metric, in_title: str) -> str:
    """Return the heading of a column: the metric, with its unit unless that is in the title of the table."""
    return metric.title if in_title or not metric.display.unit else units.heading(metric)


def components(analysis: Analysis, most: int) -> list[ReportSection]:
    """Return the levels of each row, for the factors that vary; in several tables if the factors are many."""
    results = analysis.results
    same = ", ".join(f"{name} {level}" for name, level in constant(results).items())
    notes = [f"In all rows: {same}."] if same else []
    title = "Factor levels of each row"
    parts = _in_parts(results.rows, varying(results.rows, results.factors))
    if not parts:
        return [ReportSection(title, notes=notes)] if notes and len(results.rows) > 1 else []
    sections = []
    for at, names in enumerate(parts, start=1):
        columns = [Column("#", "r"), *(Column(name, "c") for name in names)]
        columns.append(Column(results.metric.title, "r", wide=True))
        rows: list[list[str | Cell]] = [
            [
                str(row.number),
                *(wording.mark(row.levels.get(name)) for name in names),
                Cell(_mean(row, results.metric), best),
            ]
            for row, best in _shown(analysis, most)
        ]
        part = f" ({at} of {len(parts)})" if len(parts) > 1 else ""
        sections.append(block(title + part, columns, rows, notes if at == len(parts) else []))
    return sections


def steps(analysis: Analysis, most: int) -> ReportSection:
    """Return the change of each row from the row above it; an empty section for a design whose rows have no order."""
    if not analysis.steps:
        return ReportSection("")
    metric = analysis.results.metric
    words = units.unit_words(metric)
    shown = [step for step in analysis.steps if step.after.number <= most]
    return block(
        f"Steps: change of {metric.title} from {wording.step_start(analysis.results)}{words and f', {words}'}",
        [Column("rows"), *_change_columns(analysis)],
        [[wording.pair(step), *_change(step, analysis.results)] for step in shown],
        [*_change_notes(analysis, shown), *left_out(analysis, most), *_without_order(analysis)],
    )


def against_baseline(analysis: Analysis, most: int) -> ReportSection:
    """Return the change of each row from the baseline; an empty section if the steps show the same."""
    contrasts = [contrast for _, contrast in sorted(analysis.against_baseline.items())][:most]
    if {_rows(contrast) for contrast in contrasts} <= {_rows(step) for step in analysis.steps}:
        return ReportSection("")
    metric = analysis.results.metric
    return block(
        f"Against {_start(analysis.results)}: change of {metric.title}{units.in_title(metric)}",
        [Column("rows"), *_change_columns(analysis)],
        [[wording.pair(contrast), *_change(contrast, analysis.results, MOST_NAMED)] for contrast in contrasts],
        [*_change_notes(analysis, contrasts), *left_out(analysis, most)],
    )


def ladder(analysis: Analysis) -> ReportSection:
    """Return levels, rates, steps and changes from the baseline in one wide table."""
    results = analysis.results
    factors = varying(results.rows, results.factors)
    same = ", ".join(f"{name} {level}" for name, level in constant(results).items())
    others = other_metrics(results)
    columns = [
        Column("#", "r"),
        Column("row"),
        *(Column(name, "c") for name in factors),
        Column(f"{_heading(results.metric, '')}{_share(analysis)}", "r"),
        *(Column(_heading(other, ""), "r") for other in others),
        Column(f"{wording.run_word(results)}s", "r"),
        *_wide_columns(analysis),
    ]
    rows: list[list[str | Cell]] = []
    own: list[str | Cell]
    for row, best in _shown(analysis, len(results.rows)):
        levels = [wording.mark(row.levels.get(name)) for name in factors]
        own = [Cell(reached(analysis, row), best), *_cells(results, row, others)]
        rows.append([str(row.number), Cell(row.label, best), *levels, *own, *_wide_changes(analysis, row)])
    for row in results.references:
        own = [reached(analysis, row), *_cells(results, row, others)]
        rows.append(
            ["", f"{row.label} (reference)", *("" for _ in factors), *own, *("" for _ in _wide_columns(analysis))]
        )
    notes = [*_legend(analysis, "Bold", len(results.rows)), *([f"In all rows: {same}."] if same else [])]
    start = (
        f"step from {wording.step_start(results)}" if analysis.steps else f"difference from {wording.start(results)}"
    )
    notes.append(f"Change: the {start}; factors changed names every factor that differs between the two.")
    shown = analysis.steps or [contrast for _, contrast in sorted(analysis.against_baseline.items())]
    notes += [*_without_order(analysis), *_change_notes(analysis, shown), *_about(results, others)]
    return block("Rows", columns, rows, notes)


def _wide_columns(analysis: Analysis) -> list[Column]:
    """Return the columns of changes: from the row above and from the baseline, or without an order the latter only."""
    unit = units.in_title(analysis.results.metric)
    changed = [Column(f"change{unit}", "r"), Column("factors changed")]
    if not analysis.steps:
        return [*changed, Column("verdict")]
    start = wording.start(analysis.results)
    return [*changed, Column("verdict of the step"), Column(f"change from {start}{unit}", "r")]


def _wide_changes(analysis: Analysis, row: RowResult) -> list[str | Cell]:
    step, baseline = analysis.step_to.get(row.number), analysis.against_baseline.get(row.number)
    name = "baseline" if analysis.results.has_baseline else wording.NOTHING
    if not analysis.steps:
        return [name, "", ""] if baseline is None else _change(baseline, analysis.results)
    changes = ["", "", ""] if step is None else _change(step, analysis.results)
    return [*changes, name if baseline is None else wording.change(baseline)]


def _start(results: StudyResults) -> str:
    """Return the row that all are compared with, for a heading: `the baseline, row 1`."""
    start = results.baseline
    if results.has_baseline:
        return f"the baseline, row {start.number}"
    return f"row {start.number} ({start.label}), as no row has every factor at its baseline"


def _rows(contrast: Contrast) -> tuple[int, int]:
    return contrast.before.number, contrast.after.number


def _without_order(analysis: Analysis) -> list[str]:
    """Return a note if some row neither builds on another row nor has one that builds on it."""
    if analysis.results.document.steps is None or not analysis.steps:
        return []
    stepped = {row.number for step in analysis.steps for row in (step.before, step.after)}
    if all(row.number in stepped for row in analysis.results.rows):
        return []
    start = wording.start(analysis.results)
    return [f"Steps are those of `rows` and ladders; the other rows have no order, and are compared with {start}."]


def varying(rows: Sequence[RowResult], factors: Sequence[str]) -> list[str]:
    """Return the factors that have more than one level among the rows: the columns worth printing."""
    return [name for name in factors if len({level_text(row.levels.get(name)) for row in rows}) > 1]


def constant(results: StudyResults) -> Mapping[str, str]:
    """Return the factors that have the same level in all rows, with that level."""
    several = varying(results.rows, results.factors)
    return {name: wording.level(results.rows[0].levels.get(name)) for name in results.factors if name not in several}


def other_metrics(results: StudyResults) -> list[Metric]:
    """Return the metrics that some row has, without the one that the report is about.

    The values of one metric have equal decimals.
    """
    rows = (*results.rows, *results.references)
    others = [metric for metric in results.measured if metric.name != results.metric.name]
    return [
        units.in_column(one, [row.values[one.name].mean for row in rows if one.name in row.values]) for one in others
    ]


def reached(analysis: Analysis, row: RowResult) -> str:
    """Return a row's mean on the metric with its interval, or the reason why it has none."""
    metric = analysis.results.metric
    if metric.name not in row.values:
        return wording.ended(row) or "no result"
    mean, ends = row.values[metric.name].mean, analysis.interval(row, metric.name)
    return units.value_and_interval(metric, mean, ends)


def is_narrow(analysis: Analysis) -> bool:
    """Return True if means with their intervals leave room for further metrics next to them on 80 columns."""
    return all(len(reached(analysis, row)) <= WIDEST_MEAN for row in analysis.results.rows)


def seeds(row: RowResult) -> str:
    """Return the number of seeds with a result: `5`, `3 of 5` if some have none, or `3 of 5, 2 diverged`."""
    diverged = f", {len(row.diverged)} diverged" if row.diverged else ""
    return f"{_finished(row)}{diverged}"


def _finished(row: RowResult) -> str:
    missing = len(row.missing)
    return f"{len(row.seeds)} of {len(row.seeds) + missing}" if missing else str(len(row.seeds))


def left_out(analysis: Analysis, most: int) -> list[str]:
    """Return a note with the number of rows that the table leaves out, and the option that shows them."""
    rows = len(analysis.results.rows)
    return [f"… and {wording.counted(rows - most, 'more row')}: see --format csv."] if rows > most else []


def _about(results: StudyResults, others: Sequence[Metric]) -> list[str]:
    """Return the meaning of the columns of means over real numbers, and a note if rows have none."""
    real = [metric for metric in others if metric.kind is not Kind.PROPORTION]
    if not real:
        return []
    averaged = [metric for metric in real if metric.kind is Kind.MEAN]
    meaning = f"verdicts are about {results.metrics[results.primary].title}."
    if averaged:
        names = listed([metric.title for metric in averaged])
        meaning = f"{names}: means over all {averaged[0].display.examples}; {meaning}"
    rows = [row for row in (*results.rows, *results.references) if row.seeds]
    incomplete = any(metric.name not in row.values for row in rows for metric in real)
    notes = [f"{wording.NOTHING}: not on record for all seeds of the row."] if incomplete else []
    return [wording.sentence_case(meaning) if not averaged else meaning, *notes]


def _legend(analysis: Analysis, opening: str, most: int) -> list[str]:
    """Return the meaning of bold; nothing if no row is bold. `most`: the number of rows that the table shows."""
    best, rows = _best(analysis), analysis.results.rows
    if not best:
        return []
    if not any(row.label in best for row in rows[:most]):
        named = [f"row {row.number} ({row.label})" for row in rows if row.label in best]
        others = f" and {len(named) - 1} more that are not shown to differ from it" if len(named) > 1 else ""
        return [f"The best rows are not among these: {named[0]}{others}."]
    finished = sum(_has_value(row, analysis.results.metric) for row in rows)
    test = "Holm's procedure over its contrasts with all rows"
    with_result = "" if finished == len(rows) else " with a result"
    if len(best) == 1:
        return [f"{opening}: the best row; every other row{with_result} differs from it ({test})."]
    return [f"{opening}: the best row, and every row{with_result} not shown to differ from it ({test})."]


def _seed_note(analysis: Analysis, most: int) -> list[str]:
    """Return the meaning of `3 of 5`, by the first row of the table that has it."""
    for row in analysis.results.rows[:most]:
        if row.missing:
            word = wording.run_word(analysis.results)
            return [f"{_finished(row)}: {word}s with a result, of those that are planned."]
    return []


def _shown(analysis: Analysis, most: int) -> Iterator[tuple[RowResult, bool]]:
    """Return the first `most` rows, each with True if it is marked as the best."""
    best = _best(analysis)
    return ((row, row.label in best) for row in analysis.results.rows[:most])


def _best(analysis: Analysis) -> frozenset[str]:
    """Return the labels to mark; none if fewer than two rows have a result, or if no contrast can be tested."""
    can_be_tested = any(not isnan(p) for group in analysis.contrasts.groups for p in group.inference.p.tolist())
    several = sum(_has_value(row, analysis.results.metric) for row in analysis.results.rows) > 1
    return analysis.best if several and can_be_tested else frozenset()


def _has_value(row: RowResult, metric: Metric) -> bool:
    return any(row.has_value(seed, metric.name) for seed in row.seeds)


def _in_parts(rows: Sequence[RowResult], factors: Sequence[str]) -> list[list[str]]:
    """Return the factors in groups that each fit the width of a page."""
    parts: list[list[str]] = []
    room = 0
    for name in factors:
        texts = [*name.split("_"), *(wording.mark(row.levels.get(name)) for row in rows)]
        width = 2 + min(WIDEST_LEVEL, max(map(len, texts)))
        if width > room or not parts:
            parts.append([])
            room = PAGE
        parts[-1].append(name)
        room -= width
    return parts


def _change_columns(analysis: Analysis) -> list[Column]:
    at = wording.percent(1 - analysis.results.alpha)
    return [Column(f"change, {at}", "r"), Column("factors changed", flex=1), Column("verdict")]


def _change_notes(analysis: Analysis, contrasts: Sequence[Contrast]) -> list[str]:
    """Return the notes that a table of these changes needs."""
    return [
        *wording.more_seeds_note(contrasts, analysis.results),
        *wording.disagreements(contrasts, analysis.results),
    ]


def _change(contrast: Contrast, results: StudyResults, most: int | None = None) -> list[str | Cell]:
    direct = contrast.identified == DIRECT
    fewer = not results.unpaired and 0 < contrast.estimate.seeds < max(
        len(contrast.before.seeds), len(contrast.after.seeds)
    )
    common = f" (on {wording.counted(contrast.estimate.seeds, 'shared seed')})" if fewer else ""
    return [
        wording.change(contrast),
        Cell(wording.moved(contrast, most) + common, doubtful=not direct),
        Cell(wording.phrase(contrast), doubtful=not direct),
    ]


def _mean(row: RowResult, metric: Metric) -> str:
    of_row = row.values.get(metric.name)
    return wording.NOTHING if of_row is None else units.value_text(metric, of_row.mean)


def _cells(results: StudyResults, row: RowResult, metrics: Sequence[Metric]) -> list[str]:
    """Return the cells next to the mean that verdicts are about: other metrics, seeds."""
    is_summary = results.summary(row, results.metric.name) is not None
    return [*(_mean(row, metric) for metric in metrics), runs_of(row, results) if is_summary else seeds(row)]
