"""The table of a search's finalists: their scores in the search, on fresh seeds, and on the test split."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from textwrap import wrap

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.reruns import Finalist, FinalistRerun
from ablate.analysis.search.results import SearchResults
from ablate.measurement import Direction, Metric, Scale
from ablate.report import units, wording
from ablate.report.sections.search_words import against_baseline, is_cost, scores, short, split_words, test_row
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.text import listed

VERDICT = 18
"""Letters in one line of a verdict, in the table of finalists."""

OPTIMISM, *INTERVALS = 4, 5, 7, 9
"""Columns of the table of finalists."""
USUAL = 16
"""Letters of the longest interval with which the columns stand next to each other on a narrow page."""


def finalists(analysis: Analysis, results: SearchResults) -> ReportSection:
    """Return a line for each finalist, followed by a line for each further metric."""
    if not results.finalists:
        return ReportSection("")
    several = len(results.metrics) > 1
    same = len(set(map(_in_unit, results.metrics))) == 1
    primary = analysis.results.metric
    columns = [
        Column("#", "r"),
        Column("finalist", flex=1),
        Column("search", "r"),
        Column("re-run", "r", under=True),
        Column("optimism", "r"),
        Column("interval", "r", under=True),
        Column(f"test {primary.title}", "r"),
        Column("interval", "r", under=True),
        Column("against baseline", "r"),
        Column("interval", "r", under=True),
        Column("verdict", "r", under=True),
    ]
    rows: list[list[str | Cell]] = []
    for rank, finalist in enumerate(results.finalists, start=1):
        for at, metric in enumerate(results.metrics):
            number, name = short(finalist), f"{metric.title}{'' if same else _unit_of(metric)}"
            own = [str(rank), f"{number}: {name}" if several else number] if not at else ["", name]
            test = _test(analysis, finalist) if not at else [""] * 5
            rows.append([*own, *_rerun(finalist.reruns[metric.name]), *test])
    intervals = [cell for row in rows for cell in (row[at] for at in INTERVALS) if isinstance(cell, str)]
    if max(map(len, intervals), default=0) > USUAL:
        columns[OPTIMISM] = replace(columns[OPTIMISM], under=True)
    return block(
        f"Finalists: {_units(results.metrics, primary)}",
        columns,
        rows,
        ["; ".join(finalist.label for finalist in results.finalists) + ".", *_notes(analysis, results)],
    )


def _units(metrics: Sequence[Metric], primary: Metric) -> str:
    """Return the units of the scores and differences in the table of finalists."""
    kinds, test = set(map(_in_unit, metrics)), _in_unit(primary)
    if kinds == {test}:
        return f"scores{'' if any(map(is_cost, metrics)) else ' on validation'} and test{test}"
    validation = f"scores{kinds.pop()}" if len(kinds) == 1 else "scores in the unit of each metric"
    return f"{validation}; test{test}"


def _in_unit(metric: Metric) -> str:
    """Return ` in %, differences in pp`: the units of a metric's values and differences; empty if it has none."""
    of_value, of_difference = metric.display.unit, units.difference_unit(metric)
    words = f" in {of_value}" if of_value else ""
    if metric.scale is Scale.LOG:
        return f"{words}, differences as ratios"
    return words if of_difference == of_value else f"{words}, differences in {of_difference}"


def _unit_of(metric: Metric) -> str:
    return f", {metric.display.unit}" if metric.display.unit else ""


def _rerun(rerun: FinalistRerun) -> list[str]:
    metric, optimism, ends = rerun.metric, rerun.optimism, rerun.optimism_interval
    score, mean = (
        wording.NOTHING if one is None else units.value_text(metric, one) for one in (rerun.score, rerun.mean)
    )
    return [
        score,
        mean,
        wording.NOTHING if optimism is None else units.difference_text(metric, optimism),
        wording.interval(metric, ends),
    ]


def _test(analysis: Analysis, finalist: Finalist) -> list[str]:
    row, contrast = test_row(analysis, finalist), against_baseline(analysis, finalist)
    metric = analysis.results.metric
    of_row = row.values.get(metric.name) if row else None
    if row is None or of_row is None:
        rate = [wording.state(row) if row else wording.NOTHING, ""]
    else:
        ends = analysis.interval(row, metric.name)
        interval = wording.NOTHING if ends is None else units.value_interval_text(metric, ends)
        rate = [units.value_text(metric, of_row.mean), interval]
    if contrast is None:
        return [*rate, wording.NOTHING, "", "no result"]
    verdict = "\n".join(wrap(wording.phrase(contrast), VERDICT))
    if contrast.estimate.effect is None:
        is_known = contrast.untested or contrast.estimate.constant is not None
        return [*rate, wording.change(contrast) if is_known else wording.NOTHING, "", verdict]
    change = units.difference_text(metric, contrast.estimate.effect)
    return [*rate, change, wording.interval(metric, contrast.estimate.interval), verdict]


def _notes(analysis: Analysis, results: SearchResults) -> list[str]:
    reruns = [finalist.reruns[metric.name] for finalist in results.finalists for metric in results.metrics]
    contrasts = [one for each in results.finalists if (one := against_baseline(analysis, each))]
    counts = sorted({len(rerun.values) for rerun in reruns})
    seeds = wording.counted(counts[-1], "fresh seed")
    if len(counts) > 1:
        seeds = f"{counts[0]} to {seeds}"
    score = "validation score" if split_words(results) else "score"
    columns = f"search: the {score} in the search, one seed."
    if counts[-1]:
        columns += f" re-run: the mean of {seeds}{split_words(results)}. {_optimism_words(results.metrics)}"
    if any(rerun.optimism_interval for rerun in reruns):
        at = wording.percent(1 - analysis.results.alpha)
        columns += f" Its interval ({at}) is Student's t over the fresh seeds, with the search's score taken as fixed."
    if counts[-1]:
        columns += f" against baseline: change on the {analysis.results.metric.measured_split} split."
    return [
        f"Ordered by the search's score{_ties(results)}; this order was fixed before any finalist was trained again.",
        *_left_out(results),
        columns,
        *_without_interval(results),
        *wording.more_seeds_note(contrasts, analysis.results),
        *wording.disagreements(contrasts, analysis.results),
    ]


def _optimism_words(metrics: Sequence[Metric]) -> str:
    """Return the meaning of the column `optimism`, whose sign follows the direction of each metric."""
    kinds = {(metric.direction, metric.scale) for metric in metrics}
    if len(kinds) > 1:
        return "optimism: how much better search is than re-run, in the direction of each metric."
    direction, scale = kinds.pop()
    sides = ("search", "re-run") if direction is Direction.MAXIMIZE else ("re-run", "search")
    return f"optimism: {' ÷ '.join(sides) if scale is Scale.LOG else ' − '.join(sides)}."


def _without_interval(results: SearchResults) -> Iterator[str]:
    """Yield why fresh seeds have no score, no mean, or no interval."""
    for metric in results.metrics:
        reruns = {short(finalist): finalist.reruns[metric.name] for finalist in results.finalists}
        if lacking := [f"{name} ({one.unscored})" for name, one in reruns.items() if one.unscored]:
            yield f"Fresh seeds without a finite {metric.title}, which no mean contains: {listed(lacking)}."
        if beyond := [name for name, one in reruns.items() if one.off_scale]:
            yield (
                f"{listed(beyond)}: {metric.title} has values that are not positive, which have no place on a log "
                "scale, so there is no mean."
            )
        if constant := [name for name, one in reruns.items() if one.is_constant]:
            yield (
                f"{listed(constant)}: all fresh seeds have the same {metric.title}, and its resolution is not known, "
                "so there is no interval."
            )


def _ties(results: SearchResults) -> str:
    """Return how equal scores are ordered, if a finalist has the score of another candidate."""
    numbers = {finalist.number for finalist in results.finalists}
    tied = any(results.level_with(one) for one in results.different if one.number in numbers)
    return ", of equal scores the earlier trial first" if tied else ""


def _left_out(results: SearchResults) -> Iterator[str]:
    """Return why a candidate is no finalist though its score is high, and why finalists are fewer than requested."""
    if own := results.baseline_candidate:
        yield (
            f"The baseline was a candidate too (trial {own.number}, {scores(results, own)}). It is no finalist, as "
            "it runs with the fresh seeds in any case."
        )
    if results.top is not None and len(results.finalists) < results.top:
        kinds = "apart from the baseline and from repeated values, " if results.baseline_candidate else ""
        finished = wording.counted(len(results.different), "candidate")
        yield f"{len(results.finalists)} of {results.top} requested finalists: {kinds}{finished} finished."
