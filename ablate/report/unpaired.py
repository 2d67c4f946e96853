"""Sentences about studies whose rows are not paired by seed: why, what to do, and what is missing for intervals."""

from collections.abc import Iterator

import numpy as np

from ablate.analysis.analysis import Analysis
from ablate.analysis.estimation.row_spreads import MEAN_ONLY, NO_NUMBER, NO_SD, ONE_RUN
from ablate.analysis.results import RowResult, StudyResults
from ablate.report import wording
from ablate.text import listed

CORRELATIONS = (0.5, 0.9)
"""Correlations between paired runs for which the width of paired intervals is shown."""
FEW, UNEQUAL = 3, 2
"""Runs of a row up to which Welch's t can be too sure, if another row has this many times as many or more."""
CHANGE_SHOWN = 0.005
"""A smaller change of a width is none, as it is printed in whole percent."""
MISSING = {
    ONE_RUN: "one run does not show how much runs vary. For an interval, run at least two",
    NO_SD: "the SD of the runs is not known. For an interval, add it to the source, as `mean ± SD` or in a column",
    NO_NUMBER: "it is not known over how many runs the mean and the SD are. For an interval, add this number to the "
    "source, in a column such as `seeds`",
    MEAN_ONLY: "only the mean is known. For an interval, add the SD of the runs and their number to the source",
}
"""{reason: what is missing for an interval of a row}."""


def is_unpaired(results: StudyResults) -> bool:
    """Return True if rows have several runs each, or only means of them, that are not paired by seed."""
    return bool(results.unpaired) and any(results.runs(row) != 1 for row in results.rows if row.seeds)


def unpaired_lines(analysis: Analysis) -> Iterator[str]:
    """Return why rows are not paired and what to do, the population of the intervals, and what is missing."""
    results = analysis.results
    remedy = (
        "To compare rows seed by seed, import a line for each run, with its seed (`--seed COLUMN`)."
        if results.document.summaries
        else "If a column has the seeds, import again with `--seed COLUMN`: then the part of a result that runs of one "
        "seed share cancels."
    )
    method = "Changes are compared by Welch's t (unpaired), with the spread of each row's own runs. "
    yield f"Rows are not paired by seed: {results.unpaired}. {method if has_intervals(analysis) else ''}{remedy}"
    yield from _population(analysis)
    if results.document.summaries and has_intervals(analysis):
        yield (
            "The spread of a mean in the source is taken for the SD of its runs. If it is a standard error, these "
            "intervals are too narrow."
        )
    yield from _few_runs(analysis)
    yield from _if_paired(analysis)
    yield from _missing(analysis)


def has_intervals(analysis: Analysis) -> bool:
    """Return True if some contrast has an interval."""
    errors = [group.inference.estimates.standard_error for group in analysis.contrasts.groups]
    return any(bool(np.any(~np.isnan(of_group))) for of_group in errors)


def numbers_of_runs(results: StudyResults) -> str:
    """Return `5`, `3 to 5`, or `an unknown number of`: the runs of the rows with a result."""
    counts = [results.runs(row) for row in results.rows if row.seeds]
    numbers = sorted({count for count in counts if count is not None})
    if not numbers:
        return "an unknown number of"
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def runs_of(row: RowResult, results: StudyResults) -> str:
    """Return the number of runs of a row for a table; `?` if it is not known."""
    return str(results.runs(row) or "?") if row.seeds else "0"


def _population(analysis: Analysis) -> Iterator[str]:
    results = analysis.results
    number = numbers_of_runs(results)
    opening = f"{wording.sentence_case(number)} run{'' if number == '1' else 's'} per row"
    if has_intervals(analysis):
        at = wording.percent(1 - results.alpha)
        yield f"{opening}; intervals ({at}) of changes generalise to new runs on this test."
    else:
        yield f"{opening}. No contrast has an interval, so nothing is claimed."


def _few_runs(analysis: Analysis) -> Iterator[str]:
    """Return the rows of few runs next to rows of many, for which Welch's t makes more false claims than alpha."""
    results = analysis.results
    numbers = {row.number: results.runs(row) or 0 for row in results.rows if row.seeds}
    most = max(numbers.values(), default=0)
    few = [row for row in results.rows if 1 < numbers.get(row.number, 0) <= min(FEW, most / UNEQUAL)]
    if few and has_intervals(analysis):
        yield (
            f"{wording.rows(few)}: few runs next to a row of {most}. Welch's t can then make false claims about "
            "twice as often as alpha. More runs of the rows that have few avoid this."
        )


def _if_paired(analysis: Analysis) -> Iterator[str]:
    """Return by how much intervals would shrink if runs were paired, for some correlations of paired runs."""
    widths = [analysis.width_if_paired(correlation) for correlation in CORRELATIONS]
    if any(width is None for width in widths):
        return
    parts = [
        f"{_narrower(width)} at a correlation of {correlation:g}"
        for width, correlation in zip(widths, CORRELATIONS, strict=True)
        if width is not None
    ]
    yield f"With runs paired by seed, intervals would be {listed(parts)} between paired runs (median of all contrasts)."


def _narrower(width: float) -> str:
    if abs(1 - width) < CHANGE_SHOWN:
        return "as wide"
    return f"about {abs(1 - width):.0%} {'narrower' if width < 1 else 'wider'}".replace("%", " %")


def _missing(analysis: Analysis) -> Iterator[str]:
    """Return what is missing for intervals of rows that have none, each reason once."""
    rows_of: dict[str, list[RowResult]] = {}
    for row, reason in analysis.lacking_spreads:
        rows_of.setdefault(reason, []).append(row)
    for reason, text in MISSING.items():
        if reason in rows_of:
            yield f"{wording.rows(rows_of[reason])}: {text}."
