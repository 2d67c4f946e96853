"""A search in tables and sentences: how it went, its finalists, and what importance can and cannot say."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import Contrast
from ablate.analysis.results import RowResult
from ablate.analysis.search.importance import FORESTS, SearchAxis
from ablate.analysis.search.results import EvaluatedCandidate, Finalist, FinalistRerun, SearchResults
from ablate.report import wording
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.store.schema import FAILED, PRUNED, RUNNING

MOST_OF_FRONT = 10
VERDICT = 18
"""Letters of a line of a verdict, where little room is."""
NO_EFFECTS = (
    "Unsigned, blind to confounding and to noise, and of the points that this sampler chose, not of the space. For "
    "what a factor does, see the contrasts of a design."
)
"""Stands wherever importance does."""


def search(analysis: Analysis) -> Iterator[ReportSection]:
    """All blocks of a search; of a plan that is none's, nothing."""
    if analysis.search is None:
        return
    yield _space(analysis.search)
    yield _finalists(analysis, analysis.search)
    yield _in_words(analysis, analysis.search)
    yield _importance(analysis.search)


def named(found: SearchResults, one: EvaluatedCandidate) -> str:
    """`trial 17 (margin=0.213, omega=0.712)`."""
    labels = {finalist.number: finalist.label for finalist in found.finalists}
    return labels.get(one.number) or f"trial {one.number} ({placed(one.point)})"


def placed(point: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value_text(value)}" for name, value in point.items())


def value_text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def test_row(analysis: Analysis, finalist: Finalist) -> RowResult | None:
    """The finalist's row in the plan."""
    return next((row for row in analysis.results.rows if row.label == finalist.label), None)


def against_baseline(analysis: Analysis, finalist: Finalist) -> Contrast | None:
    row = test_row(analysis, finalist)
    return analysis.against_baseline.get(row.number) if row else None


def winner_against(analysis: Analysis, winner: Finalist, other: Finalist) -> Contrast | None:
    one, before = test_row(analysis, winner), test_row(analysis, other)
    return analysis.contrasts.between(before, one) if one and before else None


def _space(found: SearchResults) -> ReportSection:
    best = found.front[0] if len(found.metrics) == 1 and found.front else None
    columns = [
        Column("dimension", flex=1),
        Column("values", flex=1),
        Column("scale"),
        *([Column("best" if found.finalists else "best so far", "r")] if best else []),
    ]
    rows: list[list[str | Cell]] = [
        [axis.name, *_range(axis), *([value_text(best.point.get(axis.name, wording.NOTHING))] if best else [])]
        for axis in found.dimensions
    ]
    return block("Search", columns, rows, [*_how(found), *_went(found), *_best(found)])


def _range(axis: SearchAxis) -> tuple[str, str]:
    if axis.choices:
        return ", ".join(str(choice) for choice in axis.choices), "choices"
    scale = ["log"] if axis.log else [f"step {axis.step:g}"] if axis.step else ["linear"]
    if axis.whole and not axis.step:
        scale.append("whole numbers")
    return f"{axis.low:g} to {axis.high:g}", ", ".join(scale)


def _how(found: SearchResults) -> Iterator[str]:
    pruner = f"pruner {found.pruner}" if found.pruner else "no pruner"
    yield (
        f"Sampler {found.sampler}, {pruner}, seed {found.seed}; scored by {_metrics(found)} on the validation split, "
        "one seed a candidate. The test split was not read while choosing."
    )


def _went(found: SearchResults) -> Iterator[str]:
    """The budget, how the candidates ended, and what was spared."""
    proposed = len(found.proposed)
    budget = [f"{proposed:,} of {found.trials:,} trials" if found.trials else wording.counted(proposed, "trial")]
    if found.hours:
        budget.append(f"{found.seconds / 3600:.2g} of {found.hours:g} hours")
    states = [one.state for one in found.proposed]
    counts = {"finished": len([one for one in found.proposed if one.scores])}
    counts |= {name: states.count(state) for name, state in _OTHERS.items() if state in states}
    told = (
        f"Budget used: {', '.join(budget)}: {wording.listed([f'{count:,} {name}' for name, count in counts.items()])}."
    )
    yield told if proposed else f"Budget used: {', '.join(budget)}."
    known = sum(one.known for one in found.candidates)
    repeats = len(found.reused) - known
    if known:
        yield f"Reused: {wording.counted(known, 'candidate')} that the study had run before, at no cost to the search."
    if repeats:
        yield f"{wording.counted(repeats, 'candidate')} repeated an earlier one, whose result counts for both."
    if found.pruner and found.steps_saved is not None:
        yield f"Pruning left out {wording.percent(round(found.steps_saved, 3))} of the steps of the search's trainings."


_OTHERS = {"pruned": PRUNED, "failed": FAILED, "running": RUNNING}


def _best(found: SearchResults) -> Iterator[str]:
    front = found.front
    if not front:
        yield "No candidate has finished yet."
        return
    if len(found.metrics) > 1:
        shown = [f"{named(found, one)}, {_scores(found, one)}" for one in front[:MOST_OF_FRONT]]
        shown += [f"… and {len(front) - MOST_OF_FRONT} more: --format json"] if len(front) > MOST_OF_FRONT else []
        yield f"Beaten by no other on all metrics (the Pareto front), on validation: {'; '.join(shown)}."
    else:
        opening = "Best" if found.finalists else "Best so far"
        yield f"{opening}: {named(found, front[0])}, {_scores(found, front[0])} on validation."
    if not found.finalists:
        yield (
            "No finalists yet: the best score of many, by one seed each, is optimistic, and says nothing of the test "
            "split."
        )


def _scores(found: SearchResults, one: EvaluatedCandidate) -> str:
    return ", ".join(f"{wording.METRIC_NAMES[name]} {wording.rate(one.scores[name])} %" for name in found.metrics)


def _metrics(found: SearchResults) -> str:
    return wording.listed([wording.METRIC_NAMES[name] for name in found.metrics])


def _finalists(analysis: Analysis, found: SearchResults) -> ReportSection:
    """A line a finalist, and of several metrics one for each of the others below it."""
    if not found.finalists:
        return ReportSection("")
    several = len(found.metrics) > 1
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
    for rank, finalist in enumerate(found.finalists, start=1):
        for at, name in enumerate(found.metrics):
            metric = wording.METRIC_NAMES[name]
            short = _short(finalist)
            own = [str(rank), f"{short}: {metric}" if several else short] if not at else ["", metric]
            test = _test(analysis, finalist) if not at else [""] * 5
            rows.append([*own, *_rerun(finalist.reruns[name]), *test])
    return block(
        "Finalists: on validation what the search saw and fresh seeds gave, %, and on the test split",
        columns,
        rows,
        ["; ".join(finalist.label for finalist in found.finalists) + ".", *_notes(analysis, found)],
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


def _notes(analysis: Analysis, found: SearchResults) -> list[str]:
    counts = sorted({len(finalist.reruns[name].rates) for finalist in found.finalists for name in found.metrics})
    seeds = wording.counted(counts[-1], "fresh seed")
    if len(counts) > 1:
        seeds = f"{counts[0]} to {seeds}"
    at = wording.percent(1 - analysis.results.alpha)
    return [
        "In the order of the search's score, fixed before any finalist was trained anew.",
        f"search: one seed's rate. re-run: the mean of {seeds} on validation. optimism: search − re-run, "
        f"pp; its interval ({at}) is Student's t over the fresh seeds, the search's score taken as it was seen. "
        "against baseline: pp of the test split.",
    ]


def _in_words(analysis: Analysis, found: SearchResults) -> ReportSection:
    if not found.finalists:
        return ReportSection("")
    winner, *others = found.finalists
    notes = [_winner(analysis, winner)]
    if others:
        notes.append(_against_others(analysis, winner, others))
    notes += [_optimism(found, name) for name in found.metrics]
    if others:
        notes += [_first_anew(found, name) for name in found.metrics if found.first_anew(name)]
    if len(found.dimensions) > 1:
        names = wording.listed([axis.name for axis in found.dimensions], "or")
        notes.append(
            "Candidates differ in all searched values at once: a finalist's verdict is about its configuration as a "
            f"whole, and nothing is said of {names} by itself."
        )
    return ReportSection("What the search found", notes=notes, items=True)


def _winner(analysis: Analysis, winner: Finalist) -> str:
    contrast, opening = against_baseline(analysis, winner), f"The winner, {winner.label}, against the baseline"
    if contrast is None or contrast.estimate.effect is None:
        return f"{opening}: no result yet."
    size = f"{wording.signed(contrast.estimate.effect)} pp {wording.interval(contrast.estimate.interval)}"
    return f"{opening}: {size}: {wording.meaning(contrast, analysis.results)}."


def _against_others(analysis: Analysis, winner: Finalist, others: Sequence[Finalist]) -> str:
    found = []
    for other in others:
        contrast = winner_against(analysis, winner, other)
        effect = contrast.estimate.effect if contrast else None
        size = "" if effect is None else f"{wording.signed(effect)} pp, "
        found.append(f"{_short(other)} {size}{wording.phrase(contrast) if contrast else 'no result'}")
    return f"The winner against the other finalists: {'; '.join(found)}."


def _short(finalist: Finalist) -> str:
    return f"trial {finalist.number}"


def _optimism(found: SearchResults, metric: str) -> str:
    rerun = found.finalists[0].reruns[metric]
    name, finished = wording.METRIC_NAMES[metric], wording.counted(len(found.finished), "finished candidate")
    if rerun.score is None or rerun.mean is None or rerun.optimism is None:
        return f"How optimistic the search was on {name} is not known yet: the winner has no result on fresh seeds."
    side = "less" if rerun.optimism >= 0 else "more"
    ends = "" if rerun.optimism_interval is None else f" (optimism {wording.interval(rerun.optimism_interval)})"
    return (
        f"The search saw {name} {wording.rate(rerun.score)} % of the winner, by one seed, chosen among {finished}; "
        f"{wording.counted(len(rerun.rates), 'fresh seed')} give {wording.rate(rerun.mean)} %, "
        f"{abs(rerun.optimism):.2f} pp {side}{ends}."
    )


def _first_anew(found: SearchResults, metric: str) -> str:
    """Which finalist fresh seeds put first; where that is not the winner, what choosing it would cost in honesty."""
    winner, first = found.finalists[0], found.first_anew(metric)
    assert first is not None
    name = wording.METRIC_NAMES[metric]
    if first is winner:
        return f"Fresh seeds too put the winner first of the finalists, by {name} on validation."
    rate = wording.rate(first.reruns[metric].mean or 0.0)
    return (
        f"Fresh seeds put {_short(first)} first of the finalists, by {name} on validation ({rate} %). Whoever chooses "
        "by that has a better guess than one seed's, and a test rate of the same seeds that is a little optimistic."
    )


def _importance(found: SearchResults) -> ReportSection:
    several = len(found.metrics) > 1
    columns = [
        *([Column("metric")] if several else []),
        Column("dimension", flex=1),
        Column("% of variance", "r"),
        Column(f"range of {FORESTS} evaluator seeds", "r"),
    ]
    rows: list[list[str | Cell]] = []
    notes = [NO_EFFECTS]
    for metric, importance in found.importance.items():
        name = wording.METRIC_NAMES[metric]
        if importance.why:
            notes.insert(0, f"{name}: no importance: {importance.why}.")
        for share in importance.shares:
            ends = f"{100 * share.low:.0f} to {100 * share.high:.0f}"
            rows.append([*([name] if several else []), share.name, f"{100 * share.mean:.0f}", ends])
    return block("Importance (fANOVA of the finished candidates)", columns, rows, notes)
