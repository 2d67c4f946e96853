"""A search in tables and sentences: its budget and candidates, its finalists, and the importance of dimensions."""

from collections.abc import Iterator

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.importance import FORESTS, Importance, VarianceShare
from ablate.analysis.search.results import EvaluatedCandidate, SearchResults
from ablate.measurement import Metric
from ablate.report import wording
from ablate.report.sections.search_finalists import finalists
from ablate.report.sections.search_words import (
    baseline_best_words,
    in_words,
    level_words,
    named,
    place_in_full,
    point_value,
    scores,
    split_words,
)
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.report.units import better
from ablate.store.schema import DIVERGED, FAILED, PRUNED, RUNNING
from ablate.study.factors import level_text
from ablate.study.search_space.origin import SearchedDimension
from ablate.text import listed, listed_in_part

MOST_OF_FRONT = 10
"""Candidates of the Pareto front that are listed."""
NO_EFFECTS = (
    "Importance is not an effect: it has no sign, it cannot detect confounding or noise, and it describes the points "
    "that this sampler chose, not the whole space. For the effect of a factor, run a design and read its contrasts."
)
"""The warning that every report prints next to importance."""
NO_TEST_DATA = "The test split was not used to choose."
BY_VALIDATION = (
    "The study names no test metric: its comparisons are on the validation data that chose the finalists, so these "
    "look too good."
)
"""The two sentences about the data that chose the candidates."""


def search(analysis: Analysis) -> Iterator[ReportSection]:
    """Return the sections of a search; none if the plan is not that of a search."""
    if analysis.search is None:
        return
    yield _space(analysis, analysis.search)
    yield finalists(analysis, analysis.search)
    yield in_words(analysis, analysis.search)
    yield _importance(analysis.search)


def _space(analysis: Analysis, results: SearchResults) -> ReportSection:
    best = results.front[0] if len(results.metrics) == 1 and results.front else None
    columns = [
        Column("dimension", flex=1),
        Column("values", flex=1),
        Column("scale"),
        *([Column("best" if results.finalists else "best so far", "r")] if best else []),
    ]
    rows: list[list[str | Cell]] = [
        [axis.name, *_range(axis), *([point_value(best.point.get(axis.name, wording.NOTHING))] if best else [])]
        for axis in results.dimensions
    ]
    return block(
        "Search", columns, rows, [*_settings(results, analysis.results.metric), *_budget(results), *_best(results)]
    )


def _range(axis: SearchedDimension) -> tuple[str, str]:
    """Return the values of a dimension and its scale."""
    if axis.choices:
        return ", ".join(map(level_text, axis.choices)), "choices"
    scale = ["log"] if axis.log else [f"step {axis.step:g}"] if axis.step else ["linear"]
    if axis.whole and not axis.step:
        scale.append("whole numbers")
    return f"{axis.low:g} to {axis.high:g}", ", ".join(scale)


def _settings(results: SearchResults, judged: Metric) -> Iterator[str]:
    """Return the sampler, the pruner and the score that chose the candidates."""
    pruner = f"pruner {results.pruner}" if results.pruner else "no pruner"
    yield (
        f"Sampler {results.sampler}, {pruner}, seed {results.seed}. Candidates are scored by {_metrics(results)}, with "
        f"one seed each. {BY_VALIDATION if judged.on_validation else NO_TEST_DATA}"
    )


def _budget(results: SearchResults) -> Iterator[str]:
    """Return the budget used, how the candidates ended, and the work that was reused or pruned."""
    proposed = len(results.proposed)
    budget = [f"{proposed:,} of {results.trials:,} trials" if results.trials else wording.counted(proposed, "trial")]
    if results.hours:
        budget.append(f"{results.seconds / 3600:.2g} of {results.hours:g} hours")
    states = [one.state for one in results.proposed]
    counts = {"finished": sum(one in results.finished for one in results.proposed)}
    counts |= {"without a score": unscored} if (unscored := sum(bool(one.unscored) for one in results.proposed)) else {}
    counts |= {name: states.count(state) for name, state in _OTHER_STATES.items() if state in states}
    ended = f" ({listed([f'{count:,} {name}' for name, count in counts.items()])})" if proposed else ""
    yield f"Budget used: {', '.join(budget)}{ended}."
    if results.unscored:
        yield _without_score(results)
    if diverged := [f"trial {one.number}" for one in results.candidates if one.state == DIVERGED]:
        pronoun = "it counts" if len(diverged) == 1 else "they count"
        names = listed_in_part(diverged, MOST_OF_FRONT)
        yield f"Diverged: {names}; {pronoun} as worse than all other candidates. `ablate status` shows why."
    earlier = sum(one.known for one in results.candidates)
    repeats = len(results.reused) - earlier
    if earlier:
        cost = "it cost nothing" if earlier == 1 else "they cost nothing"
        yield f"Reused: {wording.counted(earlier, 'candidate')} that the study had already run; {cost}."
    if repeats:
        yield f"Reused: {wording.counted(repeats, 'candidate')} with the values, and so the result, of an earlier one."
    if results.pruner and results.steps_saved is not None:
        yield f"Pruning saved {wording.percent(round(results.steps_saved, 3))} of the training steps of the search."


def _without_score(results: SearchResults) -> str:
    """Return the candidates that have finished without a finite score, each with the reason."""
    trials = [f"trial {one.number} ({_reasons(results, one)})" for one in results.unscored]
    names = listed_in_part(trials, MOST_OF_FRONT)
    verb, they = ("has", "it counts") if len(results.unscored) == 1 else ("have", "they count")
    return f"Without a score: {names} {verb} finished, but {they} as worse than all other candidates."


def _reasons(results: SearchResults, one: EvaluatedCandidate) -> str:
    reasons = {"missing": "not reported", "nan": "not a number", "inf": "infinite", "-inf": "infinite"}
    return ", ".join(f"{results.named(name).title} {reasons[why]}" for name, why in one.unscored.items())


_OTHER_STATES = {"pruned": PRUNED, "failed": FAILED, "diverged": DIVERGED, "not finished": RUNNING}


def _best(results: SearchResults) -> Iterator[str]:
    front = results.front
    if not front:
        yield _nothing_finished(results)
        return
    if results.is_baseline_best:
        if results.different:
            yield f"{wording.sentence_case(baseline_best_words(results))}."
    elif len(results.metrics) > 1:
        parts = [f"{named(results, one)}{_own(one)}, {scores(results, one)}" for one in front[:MOST_OF_FRONT]]
        parts += [f"… and {len(front) - MOST_OF_FRONT} more: see --format json"] if len(front) > MOST_OF_FRONT else []
        yield f"Best{split_words(results)}, with no other better on all metrics (the Pareto front): {'; '.join(parts)}."
    else:
        opening = "Best" if results.finalists else "Best so far"
        best = f"{named(results, front[0])}, {scores(results, front[0])}{split_words(results)}"
        yield f"{opening}: {best}{level_words(results, front[0])}."
    if not results.finalists:
        yield _no_finalists(results)


def _own(candidate: EvaluatedCandidate) -> str:
    return ", the baseline itself" if candidate.is_baseline else ""


def _nothing_finished(results: SearchResults) -> str:
    """Return the reason why no candidate has a result."""
    if results.running or not results.candidates:
        return "No candidate has finished yet."
    if results.unscored and all(one.state != FAILED for one in results.candidates):
        return "No candidate has a score, so that there are no finalists."
    return "No candidate has a result, so that there are no finalists. `ablate status` shows why."


def _no_finalists(results: SearchResults) -> str:
    """Return the reason why there are no finalists, though a candidate has finished."""
    if not results.different and not results.running:
        return "Only the baseline has a result, so that there are no finalists to compare with it."
    return (
        "No finalists yet. The best of many scores, each from one seed, is too optimistic, and it is no result on "
        "the test split. If the search was interrupted, `ablate search` with the same study file continues it."
    )


def _metrics(results: SearchResults) -> str:
    """Return the metrics with the places of their scores, and the direction of those that should be low."""
    of_place: dict[str, list[str]] = {}
    for metric in results.metrics:
        of_place.setdefault(place_in_full(metric), []).append(f"{metric.title}{better(metric)}")
    return listed([f"{listed(names)} {place}" for place, names in of_place.items()])


def _importance(results: SearchResults) -> ReportSection:
    several = len(results.metrics) > 1
    columns = [
        *([Column("metric")] if several else []),
        Column("dimension", flex=1),
        Column("% of variance", "r"),
        Column(f"range over {FORESTS} forests", "r"),
    ]
    rows: list[list[str | Cell]] = []
    reasons: list[str] = []
    for metric, importance in results.importance.items():
        name = results.named(metric).title
        if importance.why:
            reasons.append(f"No importance for {name}: {importance.why}.")
        for share in importance.shares:
            rows.append([*([name] if several else []), share.name, *_share(share, importance)])
    return block(
        "Importance of each dimension (fANOVA of the finished candidates)", columns, rows, [*reasons, NO_EFFECTS]
    )


def _share(share: VarianceShare, importance: Importance) -> tuple[str, str]:
    """Return a dimension's share and its range; in words if all candidates have the same value of it."""
    if share.name in importance.constant:
        return wording.NOTHING, "did not vary"
    return f"{100 * share.mean:.0f}", f"{100 * share.low:.0f} to {100 * share.high:.0f}"
