"""A search in tables and sentences: its budget and candidates, its finalists, and the importance of dimensions."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import Contrast
from ablate.analysis.results import RowResult
from ablate.analysis.search.importance import FORESTS
from ablate.analysis.search.results import EvaluatedCandidate, Finalist, FinalistRerun, SearchResults
from ablate.report import wording
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.store.schema import FAILED, PRUNED, RUNNING
from ablate.study.search_space.origin import SearchedDimension

MOST_OF_FRONT = 10
"""Candidates of the Pareto front that are listed."""
VERDICT = 18
"""Letters in one line of a verdict, in the table of finalists."""
NO_EFFECTS = (
    "Importance is not an effect: it has no sign, it cannot detect confounding or noise, and it describes the points "
    "that this sampler chose, not the whole space. For the effect of a factor, run a design and read its contrasts."
)
"""The warning that every report prints next to importance."""


def search(analysis: Analysis) -> Iterator[ReportSection]:
    """Return the sections of a search; none if the plan is not that of a search."""
    if analysis.search is None:
        return
    yield _space(analysis.search)
    yield _finalists(analysis, analysis.search)
    yield _in_words(analysis, analysis.search)
    yield _importance(analysis.search)


def named(results: SearchResults, candidate: EvaluatedCandidate) -> str:
    """Return a candidate's number and values: `trial 17 (margin=0.213, omega=0.712)`."""
    labels = {finalist.number: finalist.label for finalist in results.finalists}
    return labels.get(candidate.number) or f"trial {candidate.number} ({placed(candidate.point)})"


def placed(point: Mapping[str, Any]) -> str:
    """Return the values of a point: `margin=0.213, omega=0.712`."""
    return ", ".join(f"{name}={value_text(value)}" for name, value in point.items())


def value_text(value: Any) -> str:
    """Return a value with three digits if it is a fraction, else as it is."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def test_row(analysis: Analysis, finalist: Finalist) -> RowResult | None:
    """Return the row of a finalist in the plan of the search."""
    return next((row for row in analysis.results.rows if row.label == finalist.label), None)


def against_baseline(analysis: Analysis, finalist: Finalist) -> Contrast | None:
    """Return the contrast of a finalist with the baseline, on the test split."""
    row = test_row(analysis, finalist)
    return analysis.against_baseline.get(row.number) if row else None


def winner_against(analysis: Analysis, winner: Finalist, other: Finalist) -> Contrast | None:
    """Return the contrast of the winner with another finalist, on the test split."""
    after, before = test_row(analysis, winner), test_row(analysis, other)
    return analysis.contrasts.between(before, after) if after and before else None


def _space(results: SearchResults) -> ReportSection:
    best = results.front[0] if len(results.metrics) == 1 and results.front else None
    columns = [
        Column("dimension", flex=1),
        Column("values", flex=1),
        Column("scale"),
        *([Column("best" if results.finalists else "best so far", "r")] if best else []),
    ]
    rows: list[list[str | Cell]] = [
        [axis.name, *_range(axis), *([value_text(best.point.get(axis.name, wording.NOTHING))] if best else [])]
        for axis in results.dimensions
    ]
    return block("Search", columns, rows, [*_settings(results), *_budget(results), *_best(results)])


def _range(axis: SearchedDimension) -> tuple[str, str]:
    """Return the values of a dimension and its scale."""
    if axis.choices:
        return ", ".join(str(choice) for choice in axis.choices), "choices"
    scale = ["log"] if axis.log else [f"step {axis.step:g}"] if axis.step else ["linear"]
    if axis.whole and not axis.step:
        scale.append("whole numbers")
    return f"{axis.low:g} to {axis.high:g}", ", ".join(scale)


def _settings(results: SearchResults) -> Iterator[str]:
    """Return the sampler, the pruner and the score that chose the candidates."""
    pruner = f"pruner {results.pruner}" if results.pruner else "no pruner"
    yield (
        f"Sampler {results.sampler}, {pruner}, seed {results.seed}. Candidates are scored by {_metrics(results)} on "
        "the validation split, with one seed each. The test split was not used to choose."
    )


def _budget(results: SearchResults) -> Iterator[str]:
    """Return the budget used, how the candidates ended, and the work that was reused or pruned."""
    proposed = len(results.proposed)
    budget = [f"{proposed:,} of {results.trials:,} trials" if results.trials else wording.counted(proposed, "trial")]
    if results.hours:
        budget.append(f"{results.seconds / 3600:.2g} of {results.hours:g} hours")
    states = [one.state for one in results.proposed]
    counts = {"finished": len([one for one in results.proposed if one.scores])}
    counts |= {name: states.count(state) for name, state in _OTHER_STATES.items() if state in states}
    ended = f" ({wording.listed([f'{count:,} {name}' for name, count in counts.items()])})" if proposed else ""
    yield f"Budget used: {', '.join(budget)}{ended}."
    earlier = sum(one.known for one in results.candidates)
    repeats = len(results.reused) - earlier
    if earlier:
        yield f"Reused: {wording.counted(earlier, 'candidate')} that the study had already run; they cost nothing."
    if repeats:
        yield f"Reused: {wording.counted(repeats, 'candidate')} with the values, and so the result, of an earlier one."
    if results.pruner and results.steps_saved is not None:
        yield f"Pruning saved {wording.percent(round(results.steps_saved, 3))} of the training steps of the search."


_OTHER_STATES = {"pruned": PRUNED, "failed": FAILED, "running": RUNNING}


def _best(results: SearchResults) -> Iterator[str]:
    front = results.front
    if not front:
        yield "No candidate has finished yet."
        return
    if len(results.metrics) > 1:
        best = [f"{named(results, one)}, {_scores(results, one)}" for one in front[:MOST_OF_FRONT]]
        best += [f"… and {len(front) - MOST_OF_FRONT} more: see --format json"] if len(front) > MOST_OF_FRONT else []
        yield f"Best on validation, with no other better on all metrics (the Pareto front): {'; '.join(best)}."
    else:
        opening = "Best" if results.finalists else "Best so far"
        yield f"{opening}: {named(results, front[0])}, {_scores(results, front[0])} on validation."
    if not results.finalists:
        yield (
            "No finalists yet. The best of many scores, each from one seed, is too optimistic, and it is no result on "
            "the test split."
        )


def _scores(results: SearchResults, one: EvaluatedCandidate) -> str:
    return ", ".join(f"{wording.METRIC_NAMES[name]} {wording.rate(one.scores[name])} %" for name in results.metrics)


def _metrics(results: SearchResults) -> str:
    return wording.listed([wording.METRIC_NAMES[name] for name in results.metrics])


def _finalists(analysis: Analysis, results: SearchResults) -> ReportSection:
    """Return a line for each finalist, followed by a line for each further metric."""
    if not results.finalists:
        return ReportSection("")
    several = len(results.metrics) > 1
    primary = wording.METRIC_NAMES[analysis.results.primary]
    columns = [
        Column("#", "r"),
        Column("finalist", flex=1),
        Column("search", "r"),
        Column("re-run", "r", under=True),
        Column("optimism", "r"),
        Column("interval", "r", under=True),
        Column(f"test {primary}", "r"),
        Column("interval", "r", under=True),
        Column("against baseline", "r"),
        Column("interval", "r", under=True),
        Column("verdict", "r", under=True),
    ]
    rows: list[list[str | Cell]] = []
    for rank, finalist in enumerate(results.finalists, start=1):
        for at, name in enumerate(results.metrics):
            metric = wording.METRIC_NAMES[name]
            short = _short(finalist)
            own = [str(rank), f"{short}: {metric}" if several else short] if not at else ["", metric]
            test = _test(analysis, finalist) if not at else [""] * 5
            rows.append([*own, *_rerun(finalist.reruns[name]), *test])
    return block(
        "Finalists: scores on validation and test in %, differences in pp",
        columns,
        rows,
        ["; ".join(finalist.label for finalist in results.finalists) + ".", *_notes(analysis, results)],
    )


def _rerun(rerun: FinalistRerun) -> list[str]:
    score, mean = (wording.NOTHING if value is None else wording.rate(value) for value in (rerun.score, rerun.mean))
    optimism = wording.NOTHING if rerun.optimism is None else wording.signed(rerun.optimism)
    return [score, mean, optimism, wording.interval(rerun.optimism_interval)]


def _test(analysis: Analysis, finalist: Finalist) -> list[str]:
    row, contrast = test_row(analysis, finalist), against_baseline(analysis, finalist)
    metric = row.metrics.get(analysis.results.primary) if row else None
    if row is None or metric is None:
        rate = [wording.state(row) if row else wording.NOTHING, ""]
    else:
        low, high = analysis.interval(row, analysis.results.primary)
        rate = [wording.rate(metric.mean), f"[{wording.rate(low)}, {wording.rate(high)}]"]
    if contrast is None or contrast.estimate.effect is None:
        return [*rate, wording.NOTHING, "", "no result"]
    verdict = "\n".join(wrap(wording.phrase(contrast), VERDICT))
    return [*rate, wording.signed(contrast.estimate.effect), wording.interval(contrast.estimate.interval), verdict]


def _notes(analysis: Analysis, results: SearchResults) -> list[str]:
    counts = sorted({len(finalist.reruns[name].rates) for finalist in results.finalists for name in results.metrics})
    seeds = wording.counted(counts[-1], "fresh seed")
    if len(counts) > 1:
        seeds = f"{counts[0]} to {seeds}"
    at = wording.percent(1 - analysis.results.alpha)
    return [
        "Ordered by the search's score; this order was fixed before any finalist was trained again.",
        f"search: the validation score in the search, one seed. re-run: the mean of {seeds} on validation. optimism: "
        f"search − re-run; its interval ({at}) is Student's t over the fresh seeds, with the search's score taken as "
        "fixed. against baseline: change on the test split.",
    ]


def _in_words(analysis: Analysis, results: SearchResults) -> ReportSection:
    if not results.finalists:
        return ReportSection("")
    winner, *others = results.finalists
    notes = [_winner(analysis, winner)]
    if others:
        notes.append(_against_others(analysis, winner, others))
    notes += [_optimism(results, name) for name in results.metrics]
    if others:
        notes += [_best_rerun(first, winner, name) for name in results.metrics if (first := results.best_rerun(name))]
    if len(results.dimensions) > 1:
        names = wording.listed([axis.name for axis in results.dimensions], "or")
        notes.append(
            "Candidates differ in all searched values at once: the verdict on a finalist is about its whole "
            f"configuration, not about {names} alone."
        )
    return ReportSection("Conclusions of the search", notes=notes, items=True)


def _winner(analysis: Analysis, winner: Finalist) -> str:
    contrast, opening = against_baseline(analysis, winner), f"The winner, {winner.label}, against the baseline"
    if contrast is None or contrast.estimate.effect is None:
        return f"{opening}: no result yet."
    size = f"{wording.signed(contrast.estimate.effect)} pp {wording.interval(contrast.estimate.interval)}"
    return f"{opening}: {size}: {wording.meaning(contrast, analysis.results)}."


def _against_others(analysis: Analysis, winner: Finalist, others: Sequence[Finalist]) -> str:
    verdicts = []
    for other in others:
        contrast = winner_against(analysis, winner, other)
        effect = contrast.estimate.effect if contrast else None
        size = "" if effect is None else f"{wording.signed(effect)} pp, "
        verdicts.append(f"{_short(other)} {size}{wording.phrase(contrast) if contrast else 'no result'}")
    return f"The winner against the other finalists: {'; '.join(verdicts)}."


def _short(finalist: Finalist) -> str:
    return f"trial {finalist.number}"


def _optimism(results: SearchResults, metric: str) -> str:
    rerun = results.finalists[0].reruns[metric]
    name, finished = wording.METRIC_NAMES[metric], wording.counted(len(results.finished), "finished candidate")
    if rerun.score is None or rerun.mean is None or rerun.optimism is None:
        return f"The optimism of the search on {name} is not known yet: the winner has no result on fresh seeds."
    side = "less" if rerun.optimism >= 0 else "more"
    ends = "" if rerun.optimism_interval is None else f" (optimism {wording.interval(rerun.optimism_interval)})"
    return (
        f"In the search the winner had {name} {wording.rate(rerun.score)} % with one seed, chosen among {finished}; "
        f"{wording.counted(len(rerun.rates), 'fresh seed')} give {wording.rate(rerun.mean)} %, "
        f"{abs(rerun.optimism):.2f} pp {side}{ends}."
    )


def _best_rerun(first: Finalist, winner: Finalist, metric: str) -> str:
    """Return the best finalist on fresh seeds and, if it is not the winner, the price of choosing it."""
    name = wording.METRIC_NAMES[metric]
    if first is winner:
        return f"On fresh seeds, too, the winner is the best finalist, by {name} on validation."
    rate = wording.rate(first.reruns[metric].mean or 0.0)
    return (
        f"On fresh seeds {_short(first)} is the best finalist, by {name} on validation ({rate} %). Choosing it "
        "is safer than choosing by one seed. But its test rate is then slightly too high, because the same seeds chose "
        "it."
    )


def _importance(results: SearchResults) -> ReportSection:
    several = len(results.metrics) > 1
    columns = [
        *([Column("metric")] if several else []),
        Column("dimension", flex=1),
        Column("% of variance", "r"),
        Column(f"range over {FORESTS} forests", "r"),
    ]
    rows: list[list[str | Cell]] = []
    notes = [NO_EFFECTS]
    for metric, importance in results.importance.items():
        name = wording.METRIC_NAMES[metric]
        if importance.why:
            notes.insert(0, f"No importance for {name}: {importance.why}.")
        for share in importance.shares:
            ends = f"{100 * share.low:.0f} to {100 * share.high:.0f}"
            rows.append([*([name] if several else []), share.name, f"{100 * share.mean:.0f}", ends])
    return block("Importance of each dimension (fANOVA of the finished candidates)", columns, rows, notes)
