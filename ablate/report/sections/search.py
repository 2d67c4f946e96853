"""A search in tables and sentences: its budget and candidates, its finalists, and the importance of dimensions."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.importance import FORESTS, Importance, VarianceShare
from ablate.analysis.search.results import EvaluatedCandidate, Finalist, FinalistRerun, SearchResults
from ablate.measurement import Direction, Metric, Scale
from ablate.report import units, wording
from ablate.report.sections.search_words import (
    against_baseline,
    baseline_best_words,
    better,
    in_words,
    level_words,
    named,
    place_of,
    point_value,
    scores,
    short,
    split_of,
    test_row,
)
from ablate.report.tables import Cell, Column, ReportSection, block
from ablate.store.schema import FAILED, PRUNED, RUNNING
from ablate.study.factors import level_text
from ablate.study.search_space.origin import SearchedDimension
from ablate.text import listed

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
    yield in_words(analysis, analysis.search)
    yield _importance(analysis.search)


def _space(results: SearchResults) -> ReportSection:
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
    return block("Search", columns, rows, [*_settings(results), *_budget(results), *_best(results)])


def _range(axis: SearchedDimension) -> tuple[str, str]:
    """Return the values of a dimension and its scale."""
    if axis.choices:
        return ", ".join(map(level_text, axis.choices)), "choices"
    scale = ["log"] if axis.log else [f"step {axis.step:g}"] if axis.step else ["linear"]
    if axis.whole and not axis.step:
        scale.append("whole numbers")
    return f"{axis.low:g} to {axis.high:g}", ", ".join(scale)


def _settings(results: SearchResults) -> Iterator[str]:
    """Return the sampler, the pruner and the score that chose the candidates."""
    pruner = f"pruner {results.pruner}" if results.pruner else "no pruner"
    yield (
        f"Sampler {results.sampler}, {pruner}, seed {results.seed}. Candidates are scored by {_metrics(results)}, with "
        "one seed each. The test split was not used to choose."
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
    named = [f"trial {one.number} ({_reasons(results, one)})" for one in results.unscored[:MOST_OF_FRONT]]
    if more := len(results.unscored) - len(named):
        named.append(f"{more} more")
    verb, they = ("has", "it counts") if len(results.unscored) == 1 else ("have", "they count")
    return f"Without a score: {listed(named)} {verb} finished, but {they} as worse than all other candidates."


def _reasons(results: SearchResults, one: EvaluatedCandidate) -> str:
    reasons = {"missing": "not reported", "nan": "not a number", "inf": "infinite", "-inf": "infinite"}
    return ", ".join(f"{results.named(name).title} {reasons[why]}" for name, why in one.unscored.items())


_OTHER_STATES = {"pruned": PRUNED, "failed": FAILED, "not finished": RUNNING}


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
        yield f"Best on validation, with no other better on all metrics (the Pareto front): {'; '.join(parts)}."
    else:
        opening = "Best" if results.finalists else "Best so far"
        best = f"{named(results, front[0])}, {scores(results, front[0])} on validation"
        yield f"{opening}: {best}{level_words(results, front[0])}."
    if not results.finalists:
        yield _no_finalists(results)


def _own(candidate: EvaluatedCandidate) -> str:
    return ", the baseline itself" if candidate.is_baseline else ""


def _nothing_finished(results: SearchResults) -> str:
    """Return the reason why no candidate has a result."""
    if results.running or not results.candidates:
        return "No candidate has finished yet."
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
        of_place.setdefault(split_of(metric), []).append(f"{metric.title}{better(metric)}")
    return listed([f"{listed(names)} {place}" for place, names in of_place.items()])


def _finalists(analysis: Analysis, results: SearchResults) -> ReportSection:
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
        return f"scores on validation and test{test}"
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
    score = "validation score" if _places(results) else "score"
    columns = f"search: the {score} in the search, one seed."
    if counts[-1]:
        columns += f" re-run: the mean of {seeds}{_places(results)}. {_optimism_words(results.metrics)}"
    if any(rerun.optimism_interval for rerun in reruns):
        at = wording.percent(1 - analysis.results.alpha)
        columns += f" Its interval ({at}) is Student's t over the fresh seeds, with the search's score taken as fixed."
    if counts[-1]:
        columns += " against baseline: change on the test split."
    return [
        f"Ordered by the search's score{_ties(results)}; this order was fixed before any finalist was trained again.",
        *_left_out(results),
        columns,
        *_without_interval(results),
        *wording.more_seeds_note(contrasts, analysis.results),
        *wording.disagreements(contrasts, analysis.results),
    ]


def _places(results: SearchResults) -> str:
    """Return ` on validation` if all scores come from there; otherwise empty, as they have several places."""
    places = {place_of(metric) for metric in results.metrics}
    return f" {places.pop()}" if len(places) == 1 else ""


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
        name = results.named(metric).title
        if importance.why:
            notes.insert(0, f"No importance for {name}: {importance.why}.")
        for share in importance.shares:
            rows.append([*([name] if several else []), share.name, *_share(share, importance)])
    return block("Importance of each dimension (fANOVA of the finished candidates)", columns, rows, notes)


def _share(share: VarianceShare, importance: Importance) -> tuple[str, str]:
    """Return a dimension's share and its range; in words if all candidates have the same value of it."""
    if share.name in importance.constant:
        return wording.NOTHING, "did not vary"
    return f"{100 * share.mean:.0f}", f"{100 * share.low:.0f} to {100 * share.high:.0f}"
