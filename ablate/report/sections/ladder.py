"""What each row has and reached, and what changed: against the row above it, and against the baseline."""

from collections.abc import Iterator, Mapping, Sequence

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.results import RowResult, StudyResults
from ablate.report import wording
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.study.factors import level_text

BEST = "*"
WIDEST_LEVEL = 16
PAGE = 74
"""Letters that the factors' columns of one table may take."""
MOST_NAMED = 3
"""Factors that are named where many differ from the baseline: another table has each row's."""


def rates(analysis: Analysis, most: int, also: Sequence[str] = ()) -> ReportSection:
    """Each row's rates with the primary's interval, the mean precisions in `also`, and its seeds."""
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
        [*_legend(analysis, f"{BEST} bold"), *_about(results, also), *left_out(analysis, most)],
    )


def precisions(analysis: Analysis, most: int) -> ReportSection:
    """The mean precisions of each row, apart from its rates; nothing where none has any."""
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
    """Which level of each factor that varies a row has; in several tables where the factors are many."""
    results = analysis.results
    same = ", ".join(f"{name} {level}" for name, level in constant(results).items())
    notes = [f"In all rows: {same}."] if same else []
    title = "What each row has"
    parts = _in_parts(results.rows, varying(results.rows, results.factors))
    if not parts:
        return [ReportSection(title, notes=notes)] if notes and len(results.rows) > 1 else []
    found = []
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
        found.append(block(title + part, columns, rows, notes if at == len(parts) else []))
    return found


def steps(analysis: Analysis, most: int) -> ReportSection:
    """Each row against the one above it."""
    primary = wording.METRIC_NAMES[analysis.results.primary]
    return block(
        f"Steps: change of {primary} against the row above, pp",
        [Column("rows"), *_change_columns(analysis)],
        [[wording.pair(step), *_change(step)] for step in analysis.steps[: most - 1]],
        left_out(analysis, most),
    )


def against_baseline(analysis: Analysis, most: int) -> ReportSection:
    """Each row against the baseline, where that is not the same as the steps."""
    start = analysis.results.baseline
    found = [contrast for _, contrast in sorted(analysis.against_baseline.items())][:most]
    if len(analysis.results.rows) < 3:
        return ReportSection("")
    primary = wording.METRIC_NAMES[analysis.results.primary]
    return block(
        f"Against the baseline, row {start.number}: change of {primary}, pp",
        [Column("rows"), *_change_columns(analysis)],
        [[wording.pair(contrast), *_change(contrast, MOST_NAMED)] for contrast in found],
        left_out(analysis, most),
    )


def ladder(analysis: Analysis) -> ReportSection:
    """All of it in one wide table."""
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
        Column("change, pp", "r"),
        Column("what differs"),
        Column("verdict of the step"),
        Column("against the baseline, pp", "r"),
    ]
    rows: list[list[str | Cell]] = []
    own: list[str | Cell]
    for (row, best), step in zip(_shown(analysis, len(results.rows)), [None, *analysis.steps], strict=True):
        baseline = analysis.against_baseline.get(row.number)
        levels = [wording.mark(row.levels.get(name)) for name in factors]
        own = [Cell(reached(analysis, row), best), *_cells(row, others, results.precisions)]
        changes = [*(["", "", ""] if step is None else _change(step))]
        changes.append("baseline" if baseline is None else wording.change(baseline))
        rows.append([str(row.number), Cell(row.label, best), *levels, *own, *changes])
    for row in results.references:
        own = [reached(analysis, row), *_cells(row, others, results.precisions)]
        rows.append(["", f"{row.label} (reference)", *("" for _ in factors), *own, "", "", "", ""])
    notes = [*_legend(analysis, "Bold"), *([f"In all rows: {same}."] if same else [])]
    notes.append("Change: against the row above, with every factor that differs between the two.")
    notes += _about(results, results.precisions)
    return block("Rows", columns, rows, notes)


def varying(rows: Sequence[RowResult], factors: Sequence[str]) -> list[str]:
    """The factors that have more than one level among the rows: the columns worth printing."""
    return [name for name in factors if len({level_text(row.levels.get(name)) for row in rows}) > 1]


def constant(results: StudyResults) -> Mapping[str, str]:
    """The factors that have one level in all rows, with it."""
    shown = varying(results.rows, results.factors)
    return {name: level_text(results.rows[0].levels.get(name)) for name in results.factors if name not in shown}


def reached(analysis: Analysis, row: RowResult) -> str:
    """A row's rate on the primary metric with its interval, or why there is none."""
    primary = analysis.results.primary
    if primary not in row.metrics:
        return "failed" if row.failed else "no result"
    low, high = analysis.interval(row, primary)
    return f"{wording.rate(row.metrics[primary].mean)} [{wording.rate(low)}, {wording.rate(high)}]"


def seeds(row: RowResult) -> str:
    """How many seeds have a result; of how many, where not all have."""
    lacking = len(row.missing)
    return f"{len(row.seeds)} of {len(row.seeds) + lacking}" if lacking else str(len(row.seeds))


def left_out(analysis: Analysis, most: int) -> list[str]:
    rows = len(analysis.results.rows)
    return [f"… and {wording.counted(rows - most, 'more row')}: --format csv."] if rows > most else []


def _about(results: StudyResults, precisions: Sequence[str]) -> list[str]:
    """What a reader must know of the mean precisions that are shown."""
    if not precisions:
        return []
    names = wording.listed([wording.PRECISION_NAMES[name] for name in precisions])
    known = f"{names}: means over all queries; verdicts are about {wording.METRIC_NAMES[results.primary]}."
    rows = [row for row in (*results.rows, *results.references) if row.seeds]
    unknown = any(name not in row.precisions for row in rows for name in precisions)
    return [known, *([f"{wording.NOTHING}: not on record for all seeds of the row."] if unknown else [])]


def _legend(analysis: Analysis, opening: str) -> list[str]:
    """What bold means; nothing where nothing is."""
    best = _best(analysis)
    if not best:
        return []
    how = "by Holm over its contrasts with all rows"
    if len(best) == 1:
        return [f"{opening}: the best row; all others can be told from it, {how}."]
    return [f"{opening}: the best row, and all that cannot be told from it, {how}."]


def _shown(analysis: Analysis, most: int) -> Iterator[tuple[RowResult, bool]]:
    best = _best(analysis)
    return ((row, row.label in best) for row in analysis.results.rows[:most])


def _best(analysis: Analysis) -> frozenset[str]:
    """The labels to mark; none where there is nothing to be better than."""
    return analysis.best if sum(bool(row.seeds) for row in analysis.results.rows) > 1 else frozenset()


def _in_parts(rows: Sequence[RowResult], factors: Sequence[str]) -> list[list[str]]:
    """The factors in groups that fit a page."""
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
    return [Column(f"change, {at}", "r"), Column("what differs", flex=1), Column("verdict")]


def _change(contrast: Contrast, most: int | None = None) -> list[str | Cell]:
    direct = contrast.identified == DIRECT
    fewer = 0 < contrast.estimate.seeds < max(len(contrast.before.seeds), len(contrast.after.seeds))
    common = f" (on {wording.counted(contrast.estimate.seeds, 'common seed')})" if fewer else ""
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
    """What stands beside the primary metric: other rates, mean precisions, seeds."""
    return [*(_rate(row, name) for name in metrics), *(_precision(row, name) for name in precisions), seeds(row)]
