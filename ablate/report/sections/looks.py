"""The looks of a study that adds seeds only while a verdict is undecided, as a table and in words."""

from collections.abc import Iterator

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import OTHERS
from ablate.analysis.looks.history import Look
from ablate.report import wording
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.text import listed

OPEN = (verdicts.UNDECIDED, verdicts.CONFOUNDED, verdicts.NOT_ESTIMABLE)
"""Verdicts that decide nothing."""
MOST_NAMED = 6
"""Rows that are named one by one; of more rows, the number is printed."""


def looks(analysis: Analysis) -> ReportSection:
    """Return the looks taken so far, one line each; an empty section if the number of seeds is fixed."""
    results = analysis.results
    if not results.schedule:
        return ReportSection("")
    columns = [
        Column("look", "r"),
        Column("seeds", "r"),
        Column("boundary z", "r"),
        Column("error spent", "r"),
        Column("decided", "r"),
        Column("rows continued", "r"),
        Column("trials", "r"),
    ]
    rows: list[list[str | Cell]] = [
        [
            str(look.number),
            str(look.seeds),
            f"{look.bound:.2f}",
            f"{look.spent:.4f}",
            f"{decided(look)} of {len(look.results)}",
            str(len(look.continuing)),
            f"{look.trials:,}",
        ]
        for look in results.looks
    ]
    return block(
        f"Looks (interim analyses), planned at {schedule(analysis)} seeds", columns, rows, list(_notes(analysis))
    )


def schedule(analysis: Analysis) -> str:
    """Return the planned looks in seeds per row: `2, 3, 5, 7 and 10`."""
    return listed([str(look) for look in analysis.results.schedule])


def decided(look: Look) -> int:
    """Return the number of the family's verdicts that are decided, which no later look can change."""
    return sum(result.verdict not in OPEN for result in look.results)


def _notes(analysis: Analysis) -> Iterator[str]:
    yield _next_look(analysis)
    yield (
        "After each look only rows of an undecided contrast get more seeds. Verdicts, p and intervals of the family "
        "allow for all planned looks, so repeated looks do not inflate the error rate; they change only at a look."
    )
    if analysis.results.looks:
        yield _columns(analysis)
    if len(analysis.contrasts.groups[OTHERS].pairs):
        yield (
            "Contrasts outside the family are corrected for the looks taken so far as well, but they change with every "
            "new result, not only at a look."
        )
    yield from ended(analysis)


def _columns(analysis: Analysis) -> str:
    """Return the meaning of the columns that are not clear by their names."""
    return (
        f"error spent: the part of alpha ({analysis.results.alpha:g}) used so far; it is alpha × (seeds at this look "
        "/ seeds at the last planned look)². boundary z: a single contrast is significant if its |z| is larger."
    )


def _next_look(analysis: Analysis) -> str:
    """Return which rows continue to which look, or why no row does."""
    results = analysis.results
    if not results.looks:
        return f"No look has been taken yet. The first is at {results.schedule[0]} seeds per row."
    last, noun = results.looks[-1], "effect" if results.family.kind == "effects" else "contrast"
    if last.continuing:
        labels = last.continuing
        rows = listed([*labels]) if len(labels) <= MOST_NAMED else f"{len(labels)} rows"
        seeds = next((seeds for seeds in results.schedule if seeds > last.seeds), last.seeds)
        return f"The next look is at {seeds} seeds, for {rows}."
    undecided = sum(result.verdict == verdicts.UNDECIDED for result in last.results)
    if undecided:
        return f"No look is left: {wording.counted(undecided, noun)} stayed undecided."
    without = sum(result.verdict == verdicts.NOT_ESTIMABLE for result in last.results)
    if without:
        return f"No row gets more seeds: {wording.counted(without, noun)} had no result at look {last.number}."
    return f"No verdict is undecided after look {last.number}, so no row gets more seeds."


def ended(analysis: Analysis) -> Iterator[str]:
    """Return the reason why each earlier family ended; its looks no longer count."""
    for number, reason in enumerate(analysis.results.ended, start=1):
        yield f"The looks of family {number} no longer count" + (f": {reason}." if reason else ".")
