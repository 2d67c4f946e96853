"""The levels and rates of each row, and its change from the row that it builds on and from the baseline."""

from collections.abc import Iterator, Mapping, Sequence

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.results import RowResult, StudyResults
from ablate.report import wording
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.study.factors import level_text
from ablate.text import listed

BEST = "*"
"""Marks the best row and the rows that are not shown to differ from it."""
WIDEST_LEVEL = 16
"""Letters of a level before it is folded."""
PAGE = 74
"""Letters for the columns of factors in one table."""
MOST_NAMED = 3
"""Factors that are named if many differ from the baseline; the table of levels has them all."""


def rates(analysis: Analysis, most: int, also: Sequence[str] = ()) -> ReportSection:
    """Return each row's rates with the interval of the primary metric, the mean precisions in `also`, and its seeds."""
    results = analysis.results
    primary = results.primary
    others = [name for name in wording.METRIC_NAMES if name != primary]
    columns = [
        Column("#", "r"),
        Column(""),
        Column("row", flex=1),
        Column(f"{wording.METRIC_NAMES[primary]}, {wording.percent(1 - results.alpha)}", "r"),
        *(Column(wording.METRIC_NAMES[name], "r") for name in others),
        *(Column(wording.PRECISION_NAMES[name], "r") for name in also),
        Column("seeds", "r"),
    ]
    rows: list[list[str | Cell]] = []
    for row, best in _shown(analysis, most):
        own: list[str | Cell] = [str(row.number), BEST if best else "", Cell(row.label, best)]
        rows.append([*own, Cell(reached(analysis, row), best), *_cells(row, others, also)])
    for row in results.references:
        own = ["", "", f"{row.label} (reference)", reached(analysis, row)]
        rows.append([*own, *_cells(row, others, also)])
    return block(
        "Rows: rates on the test split, %",
        columns,
        rows,
        [
            *_legend(analysis, f"{BEST} bold", most),
            *_about(results, also),
            *_seed_note(analysis, most),
            *left_out(analysis, most),
        ],
    )


def precisions(analysis: Analysis, most: int) -> ReportSection:
    """Return the mean precisions of each row as a table of their own; an empty section if no row has any."""
    results = analysis.results
    names = results.precisions
    if not names:
        return ReportSection("")
    columns = [Column("#", "r"), Column("row", flex=1), *(Column(wording.PRECISION_NAMES[name], "r") for name in names)]
    rows: list[list[str | Cell]] = [
        [str(row.number), Cell(row.label, best), *(_precision(row, name) for name in names)]
        for row, best in _shown(analysis, most)
    ]
    for row in results.references:
        rows.append(["", f"{row.label} (reference)", *(_precision(row, name) for name in names)])
    notes = [*_about(results, names), *left_out(analysis, most)]
    return block("Rows: mean average precision on the test split, %", columns, rows, notes)


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
        columns.append(Column(wording.METRIC_NAMES[results.primary], "r", wide=True))
        rows: list[list[str | Cell]] = [
            [
                str(row.number),
                *(wording.mark(row.levels.get(name)) for name in names),
                Cell(_rate(row, results.primary), best),
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
    primary = wording.METRIC_NAMES[analysis.results.primary]
    shown = [step for step in analysis.steps if step.after.number <= most]
    return block(
        f"Steps: change of {primary} from {wording.step_start(analysis.results)}, in percentage points (pp)",
        [Column("rows"), *_change_columns(analysis)],
        [[wording.pair(step), *_change(step)] for step in shown],
        [*_change_notes(analysis, shown), *left_out(analysis, most), *_without_order(analysis)],
    )


def against_baseline(analysis: Analysis, most: int) -> ReportSection:
    """Return the change of each row from the baseline; an empty section if the steps show the same."""
    contrasts = [contrast for _, contrast in sorted(analysis.against_baseline.items())][:most]
    if {_rows(contrast) for contrast in contrasts} <= {_rows(step) for step in analysis.steps}:
        return ReportSection("")
    primary = wording.METRIC_NAMES[analysis.results.primary]
    return block(
        f"Against {_start(analysis.results)}: change of {primary}, pp",
        [Column("rows"), *_change_columns(analysis)],
        [[wording.pair(contrast), *_change(contrast, MOST_NAMED)] for contrast in contrasts],
        [*_change_notes(analysis, contrasts), *left_out(analysis, most)],
    )


def ladder(analysis: Analysis) -> ReportSection:
    """Return levels, rates, steps and changes from the baseline in one wide table."""
    results = analysis.results
    factors = varying(results.rows, results.factors)
    same = ", ".join(f"{name} {level}" for name, level in constant(results).items())
    at = wording.percent(1 - results.alpha)
    others = [name for name in wording.METRIC_NAMES if name != results.primary]
    columns = [
        Column("#", "r"),
        Column("row"),
        *(Column(name, "c") for name in factors),
        Column(f"{wording.METRIC_NAMES[results.primary]} %, {at}", "r"),
        *(Column(f"{wording.METRIC_NAMES[name]} %", "r") for name in others),
        *(Column(f"{wording.PRECISION_NAMES[name]} %", "r") for name in results.precisions),
        Column("seeds", "r"),
        *_wide_columns(analysis),
    ]
    rows: list[list[str | Cell]] = []
    own: list[str | Cell]
    for row, best in _shown(analysis, len(results.rows)):
        levels = [wording.mark(row.levels.get(name)) for name in factors]
        own = [Cell(reached(analysis, row), best), *_cells(row, others, results.precisions)]
        rows.append([str(row.number), Cell(row.label, best), *levels, *own, *_wide_changes(analysis, row)])
    for row in results.references:
        own = [reached(analysis, row), *_cells(row, others, results.precisions)]
        rows.append(
            ["", f"{row.label} (reference)", *("" for _ in factors), *own, *("" for _ in _wide_columns(analysis))]
        )
    notes = [*_legend(analysis, "Bold", len(results.rows)), *([f"In all rows: {same}."] if same else [])]
    start = (
        f"step from {wording.step_start(results)}" if analysis.steps else f"difference from {wording.start(results)}"
    )
    notes.append(f"Change: the {start}; factors changed names every factor that differs between the two.")
    shown = analysis.steps or [contrast for _, contrast in sorted(analysis.against_baseline.items())]
    notes += [*_without_order(analysis), *_change_notes(analysis, shown), *_about(results, results.precisions)]
    return block("Rows", columns, rows, notes)


def _wide_columns(analysis: Analysis) -> list[Column]:
    """Return the columns of changes: from the row above and from the baseline, or without an order the latter only."""
    changed = [Column("change, pp", "r"), Column("factors changed")]
    if not analysis.steps:
        return [*changed, Column("verdict")]
    start = wording.start(analysis.results)
    return [*changed, Column("verdict of the step"), Column(f"change from {start}, pp", "r")]


def _wide_changes(analysis: Analysis, row: RowResult) -> list[str | Cell]:
    step, baseline = analysis.step_to.get(row.number), analysis.against_baseline.get(row.number)
    name = "baseline" if analysis.results.has_baseline else wording.NOTHING
    if not analysis.steps:
        return [name, "", ""] if baseline is None else _change(baseline)
    changes = ["", "", ""] if step is None else _change(step)
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


def reached(analysis: Analysis, row: RowResult) -> str:
    """Return a row's rate on the primary metric with its interval, or the reason why it has none."""
    primary = analysis.results.primary
    if primary not in row.metrics:
        return "failed" if row.failed else "no result"
    low, high = analysis.interval(row, primary)
    return f"{wording.rate(row.metrics[primary].mean)} [{wording.rate(low)}, {wording.rate(high)}]"


def seeds(row: RowResult) -> str:
    """Return the number of seeds with a result: `5`, or `3 of 5` if some have none."""
    missing = len(row.missing)
    return f"{len(row.seeds)} of {len(row.seeds) + missing}" if missing else str(len(row.seeds))


def left_out(analysis: Analysis, most: int) -> list[str]:
    """Return a note with the number of rows that the table leaves out, and the option that shows them."""
    rows = len(analysis.results.rows)
    return [f"… and {wording.counted(rows - most, 'more row')}: see --format csv."] if rows > most else []


def _about(results: StudyResults, precisions: Sequence[str]) -> list[str]:
    """Return the meaning of the columns of mean precisions, and a note if rows have none."""
    if not precisions:
        return []
    names = listed([wording.PRECISION_NAMES[name] for name in precisions])
    meaning = f"{names}: means over all queries; verdicts are about {wording.METRIC_NAMES[results.primary]}."
    rows = [row for row in (*results.rows, *results.references) if row.seeds]
    incomplete = any(name not in row.precisions for row in rows for name in precisions)
    return [meaning, *([f"{wording.NOTHING}: not on record for all seeds of the row."] if incomplete else [])]


def _legend(analysis: Analysis, opening: str, most: int) -> list[str]:
    """Return the meaning of bold; nothing if no row is bold. `most`: the number of rows that the table shows."""
    best, rows = _best(analysis), analysis.results.rows
    if not best:
        return []
    if not any(row.label in best for row in rows[:most]):
        named = [f"row {row.number} ({row.label})" for row in rows if row.label in best]
        others = f" and {len(named) - 1} more that are not shown to differ from it" if len(named) > 1 else ""
        return [f"The best rows are not among these: {named[0]}{others}."]
    finished = sum(bool(row.seeds) for row in rows)
    test = "Holm's procedure over its contrasts with all rows"
    with_result = "" if finished == len(rows) else " with a result"
    if len(best) == 1:
        return [f"{opening}: the best row; every other row{with_result} differs from it ({test})."]
    return [f"{opening}: the best row, and every row{with_result} not shown to differ from it ({test})."]


def _seed_note(analysis: Analysis, most: int) -> list[str]:
    """Return the meaning of `3 of 5`, by the first row of the table that has it."""
    for row in analysis.results.rows[:most]:
        if row.missing:
            return [f"{seeds(row)}: seeds with a result, of those that are planned."]
    return []


def _shown(analysis: Analysis, most: int) -> Iterator[tuple[RowResult, bool]]:
    """Return the first `most` rows, each with True if it is marked as the best."""
    best = _best(analysis)
    return ((row, row.label in best) for row in analysis.results.rows[:most])


def _best(analysis: Analysis) -> frozenset[str]:
    """Return the labels to mark; none if fewer than two rows have a result."""
    return analysis.best if sum(bool(row.seeds) for row in analysis.results.rows) > 1 else frozenset()


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


def _change(contrast: Contrast, most: int | None = None) -> list[str | Cell]:
    direct = contrast.identified == DIRECT
    fewer = 0 < contrast.estimate.seeds < max(len(contrast.before.seeds), len(contrast.after.seeds))
    common = f" (on {wording.counted(contrast.estimate.seeds, 'shared seed')})" if fewer else ""
    return [
        wording.change(contrast),
        Cell(wording.moved(contrast, most) + common, doubtful=not direct),
        Cell(wording.phrase(contrast), doubtful=not direct),
    ]


def _rate(row: RowResult, name: str) -> str:
    return wording.rate(row.metrics[name].mean) if name in row.metrics else wording.NOTHING


def _precision(row: RowResult, name: str) -> str:
    return wording.rate(row.precisions[name].mean) if name in row.precisions else wording.NOTHING


def _cells(row: RowResult, metrics: Sequence[str], precisions: Sequence[str]) -> list[str]:
    """Return the cells next to the primary metric: other rates, mean precisions, seeds."""
    return [*(_rate(row, name) for name in metrics), *(_precision(row, name) for name in precisions), seeds(row)]
