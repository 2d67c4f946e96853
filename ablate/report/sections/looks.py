"""The looks at a study whose seeds end where its verdicts are, as a table and in words."""

from collections.abc import Iterator

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis
from ablate.analysis.looks.history import Look
from ablate.report import wording
from ablate.report.tables import Cell, Column, ReportSection, block

OPEN = (verdicts.UNDECIDED, verdicts.CONFOUNDED, verdicts.NOT_ESTIMABLE)
"""Verdicts by which nothing is decided."""
MOST_NAMED = 6


def looks(analysis: Analysis) -> ReportSection:
    """Each look that was taken; nothing of a study whose number of seeds is fixed."""
    results = analysis.results
    if not results.schedule:
        return ReportSection("")
    columns = [
        Column("look", "r"),
        Column("seeds", "r"),
        Column("boundary z", "r"),
        Column("error spent", "r"),
        Column("decided", "r"),
        Column("rows going on", "r"),
        Column("trials", "r"),
    ]
    rows: list[list[str | Cell]] = [
        [
            str(look.number),
            str(look.seeds),
            f"{look.bound:.2f}",
            f"{look.spent:.4f}",
            f"{decided(look)} of {len(look.seen)}",
            str(len(look.going)),
            f"{look.trials:,}",
        ]
        for look in results.looks
    ]
    return block(f"Looks, declared at {schedule(analysis)} seeds", columns, rows, list(_notes(analysis)))


def schedule(analysis: Analysis) -> str:
    """`2, 3, 5, 7 and 10`."""
    return wording.listed([str(look) for look in analysis.results.schedule])


def decided(look: Look) -> int:
    """How many of the family have a verdict that no look can take back."""
    return sum(seen.verdict not in OPEN for seen in look.seen)


def _notes(analysis: Analysis) -> Iterator[str]:
    yield _standing(analysis)
    yield (
        "After each look only rows that an undecided contrast touches get more seeds. Verdicts, p and intervals of the "
        f"family hold however often one has looked, and change at looks alone: of alpha ({analysis.results.alpha:g}), "
        "alpha·t² is spent by a look that has the share t of the last one's seeds. Boundary z: what one contrast by "
        "itself must exceed."
    )
    yield "What is said of others counts the looks so far too, but follows the results as they come."
    yield from ended(analysis)


def _standing(analysis: Analysis) -> str:
    results = analysis.results
    if not results.looks:
        return f"No look is taken yet: the first is with {results.schedule[0]} seeds a row."
    last, noun = results.looks[-1], "effect" if results.family.kind == "effects" else "contrast"
    if last.going:
        named = wording.listed([*last.going]) if len(last.going) <= MOST_NAMED else f"{len(last.going)} rows"
        coming = next((seeds for seeds in results.schedule if seeds > last.seeds), last.seeds)
        return f"The next look is with {coming} seeds; that many go to {named}."
    open_still = sum(seen.verdict == verdicts.UNDECIDED for seen in last.seen)
    if open_still:
        return f"No look is left: {wording.counted(open_still, noun)} stayed undecided."
    without = sum(seen.verdict == verdicts.NOT_ESTIMABLE for seen in last.seen)
    if without:
        return f"No row gets more seeds: {wording.counted(without, noun)} had no result at look {last.number}."
    return f"Nothing is undecided after look {last.number}: no row gets more seeds."


def ended(analysis: Analysis) -> Iterator[str]:
    """Why earlier families ended, whose looks do not count."""
    for number, why in enumerate(analysis.results.ended, start=1):
        yield f"Looks of family {number} do not count any more" + (f": {why}." if why else ".")
