"""The sections of a report for people, in order; every format prints the same ones."""

from collections.abc import Iterator

from ablate.analysis.analysis import Analysis
from ablate.measurement import Kind
from ablate.report.sections import ambiguities, ladder, looks
from ablate.report.sections import contrasts as comparisons
from ablate.report.sections.search import search
from ablate.report.tables import ReportSection

MOST_BESIDE = 3
"""Metrics that a screen of 80 columns has room for next to the one that verdicts are about."""


def outline(
    analysis: Analysis, most_rows: int, most_contrasts: int, on_screen: bool = False
) -> Iterator[ReportSection]:
    """Return the sections for a narrow page: the first `most_rows` rows in several tables.

    `on_screen`: some metrics have a table of their own, because 80 columns have no room for them next to the others.
    """
    yield from search(analysis)
    others = ladder.other_metrics(analysis.results)
    rates = [one for one in others if one.kind is Kind.PROPORTION]
    beside = (rates[:MOST_BESIDE] if ladder.is_narrow(analysis) else []) if on_screen else others
    yield ladder.means(analysis, most_rows, beside)
    yield ladder.further_means(analysis, most_rows, [one for one in others if one not in beside])
    if analysis.search is None:  # finalists are no ladder; their labels and the sections above have their values
        yield from ladder.components(analysis, most_rows)
        yield ladder.steps(analysis, most_rows)
        yield ladder.against_baseline(analysis, most_rows)
    yield from _rest(analysis, most_contrasts)


def wide_outline(analysis: Analysis, most_contrasts: int) -> Iterator[ReportSection]:
    """Return the sections for a wide page: all rows in one table."""
    yield from search(analysis)
    yield ladder.ladder(analysis)
    yield from _rest(analysis, most_contrasts)


def _rest(analysis: Analysis, most: int) -> Iterator[ReportSection]:
    contrasts = tuple(analysis.contrasts)
    if analysis.search is None:
        yield from comparisons.contrasts(analysis, contrasts, most)
        yield looks.looks(analysis)
        yield ambiguities.totals(analysis, contrasts, most)
        yield comparisons.effects(analysis, most)
        yield comparisons.fractions(analysis)
        yield comparisons.interactions(analysis)
        yield from ambiguities.readings(analysis)
        yield comparisons.in_words(analysis, contrasts)
    else:
        yield from comparisons.contrasts(analysis, [one for one in contrasts if one.in_family], most)
    if findings := analysis.results.findings:
        yield ReportSection("Findings", notes=findings, items=True)
