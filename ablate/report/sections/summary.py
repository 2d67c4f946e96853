"""Sentences above the tables (data, seeds, meaning of the intervals, failures), and the footer below them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.analysis import Analysis, FamilySummary
from ablate.analysis.estimation.estimators import CROSSED
from ablate.analysis.results import TESTED_ON, RowResult, StudyResults
from ablate.measurement import Direction, Kind, Metric, Scale
from ablate.report import units, wording
from ablate.report.sections.incomplete import incomplete
from ablate.report.sections.limits import limits
from ablate.report.unpaired import has_intervals, is_unpaired, numbers_of_runs, unpaired_lines
from ablate.text import listed

FINGERPRINT = 16
"""Digits of a fingerprint that are printed."""
MOST_SEEDS = 10
"""Seeds that are listed one by one; more seeds are ranges."""
OTHER_EXAMPLES = (
    "Rows that were tested on different examples cannot be ranked, and their contrasts have no verdict: a change of "
    "the test is part of each of these differences."
)
MOST_LISTED = 4
"""Rows that are named one by one; more rows share one line."""


def summary(analysis: Analysis) -> list[str]:
    """Return the sentences to read before the tables."""
    results = analysis.results
    lines = [*_subject(results), *_data(results)]
    if results.document.source:
        lines.append(f"Imported from {results.document.source}.")
    elif results.imported:
        lines += _of_log(results)
    lines += limits(analysis)
    return [
        *lines,
        *(unpaired_lines(analysis) if is_unpaired(results) else _population(analysis)),
        *_repeats(results),
        *_looks(analysis),
        *_noisy(analysis),
        *incomplete(results),
    ]


def _of_log(results: StudyResults) -> Iterator[str]:
    """Return the facts that an imported log lacks: outcomes of single examples, and often their number."""
    words = results.metric.display
    if results.n is None and not results.document.declared:
        yield (
            f"Imported from a log: the number of test {words.examples} is not known, so there are no intervals and no "
            "verdicts. To have them, import the log again with --examples N."
        )
        return
    yield f"Imported from a log: only totals are known, not the outcomes of single {words.examples}."
    if results.document.examples_inferred:
        yield (
            f"The number of {words.examples} is inferred from the decimals of the values, and not stated in the log. "
            "If it is another one, import the log again with --examples N."
        )


def _subject(results: StudyResults) -> Iterator[str]:
    """Return which values of the metric are better if those are the low ones, and if the report has no verdicts."""
    metric = results.metric
    if not results.is_primary:
        yield (
            f"This report is about {metric.title}, and the verdicts of the study are about "
            f"{results.metrics[results.primary].title}: the effects shown here are for exploring, with p that is not "
            "adjusted."
        )
    if metric.direction is Direction.MINIMIZE:
        yield f"Lower values of {metric.title} are better."


def _data(results: StudyResults) -> Iterator[str]:
    """Return the name of the data and the size of the test; if rows have other tests, those of each row."""
    groups = results.rows_by_test
    if len(groups) < 2:
        size = _common_test(results) if results.same_examples else "rows were tested on different examples"
        yield f"Data: {_data_name(results)}{size and f'; {size}'}."
        if not results.same_examples:
            yield from _examples_of_rows(results)
            yield OTHER_EXAMPLES
        return
    yield "Data: not the same for all rows."
    for tests, rows in list(groups.items())[:MOST_LISTED]:
        words = " and ".join(_test(results.metric, dict(test.sizes), test.data) for test in tests)
        yield f"{wording.rows(rows)}: {words}."
    if len(groups) > MOST_LISTED:
        yield f"And {len(groups) - MOST_LISTED} more; see --format json."
    if not results.same_examples:
        yield OTHER_EXAMPLES


def _examples_of_rows(results: StudyResults) -> Iterator[str]:
    """Return on which examples the metric of each row is: `Rows 3, 4: loss on 180 test examples.`"""
    metric = results.metric
    groups: dict[tuple[str | None, ...], list[RowResult]] = {}
    for row in results.rows:
        if row.results:
            tests = tuple(dict.fromkeys(one.environment.get(TESTED_ON) for one in row.results.values()))
            groups.setdefault(tests, []).append(row)
    counts: list[int | None] = []
    for tests, rows in list(groups.items())[:MOST_LISTED]:
        counts.append(rows[0].values[metric.name].n if metric.name in rows[0].values else None)
        other = " other" if counts[-1] in counts[:-1] else ""
        size = f"{counts[-1]:,}{other} test {metric.display.examples}" if counts[-1] else "other test examples"
        known = size if len(tests) == 1 else f"test {metric.display.examples} that are not the same in all seeds"
        yield f"{wording.rows(rows)}: {metric.title} on {known}."
    if len(groups) > MOST_LISTED:
        yield f"And {len(groups) - MOST_LISTED} more; see --format json."


def _common_test(results: StudyResults) -> str:
    """Return the size of the test that all rows have: `240 test images, index of 4`.

    Nothing if results are single numbers, of which no examples are known.
    """
    if not results.seeds:
        return "no results yet"
    known = {word: number for word, number in results.sizes.items() if number is not None}
    if not known and results.n is not None:
        known = {results.metric.display.examples: results.n}
    if not known and results.metric.kind is Kind.SCALAR:
        return ""
    inferred = results.document.examples_inferred
    return _test(results.metric, known, is_inferred=inferred) if known else "the size of the test is not known"


def _test(
    metric: Metric, sizes: Mapping[str, int | None], data: str | None = None, *, is_inferred: bool = False
) -> str:
    """Return `240 test images, index of 4`, with the fingerprint of the data if it is given.

    `is_inferred`: the number was inferred from the decimals of the values.
    """
    content = f" (data {data[:FINGERPRINT]})" if data else ""
    known = [(word, number) for word, number in sizes.items() if number is not None]
    if not known:
        return f"a test of unknown size{content}"
    (word, number), *others = known
    one = metric.display.example if word == metric.display.examples else word
    size = f"1 test {one}" if number == 1 else f"{number:,} test {word}"
    size += " (inferred)" if is_inferred else ""
    return f"{size}{''.join(f', {other} of {count:,}' for other, count in others if count)}{content}"


def footer(analysis: Analysis) -> list[str]:
    """Return the line below a report: data, seeds, declared rules, the family, and the methods used."""
    results = analysis.results
    data = results.common_data
    content = f" ({data.fingerprint[:FINGERPRINT]})" if data and data.fingerprint else ""
    seeds = ", ".join(map(str, results.seeds)) if len(results.seeds) <= MOST_SEEDS else _ranges(results.seeds)
    if results.imported and not results.document.declared:
        seeds = "unknown (log)"
    if is_unpaired(results):
        seeds = f"not paired, {numbers_of_runs(results)} runs a row"
    methods = sorted({wording.method(method) for method, _ in _methods(analysis) if method})
    return [
        f"data {_data_name(results)}{content} · seeds {seeds or 'none'} · "
        f"alpha {results.alpha:g} · delta {units.delta_text(results.metric, results.delta)} · "
        f"family of {family(analysis.family)} · "
        f"method {', '.join(methods) or 'none'} · {_covered(analysis)}"
        f"{_looks_taken(results)}"
    ]


def _ranges(seeds: Sequence[int]) -> str:
    """Return `0–11, 20`: seeds that follow one another as a range."""
    groups: list[list[int]] = []
    for seed in seeds:
        if groups and seed == groups[-1][-1] + 1:
            groups[-1].append(seed)
        else:
            groups.append([seed])
    return ", ".join(str(group[0]) if len(group) == 1 else f"{group[0]}–{group[-1]}" for group in groups)


def family(summary: FamilySummary) -> str:
    """Return `7 direct contrasts`, with the number that have a result if not all have one."""
    noun = "effect" if summary.name == "effects" else f"{summary.name} contrast"
    tested = f", {summary.tested:,} with a result" if summary.tested != summary.size else ""
    return f"{wording.counted(summary.size, noun)}{tested}"


def _data_name(results: StudyResults) -> str:
    planned, data = results.document.data, results.common_data
    if planned and planned.name and not (data and data.name):
        return "of several data sets"
    name = data.name if data else None
    if results.document.script:
        return name or f"of {results.document.script}"
    if results.document.source:
        return name or Path(results.document.source).name
    return name or ("imported log" if results.imported else f"{results.document.trainer} trainer")


def _population(analysis: Analysis) -> Iterator[str]:
    """Return the population that the intervals are about, and their limits."""
    results = analysis.results
    counts = [results.different_seeds(row) for row in results.rows if row.seeds]
    with_examples = _covers_examples(analysis)
    at = f"intervals ({wording.percent(1 - results.alpha)})"
    if not counts:
        return
    if max(counts) == 1:
        are_equal = "All seeds of a row have equal results, so they count as one"
        opening = are_equal if results.equal.seeds else "One seed per row"
        several = analysis.results.metric.display.examples
        if claims_nothing(analysis) and len(counts) == 1:
            yield "Only one row has a result, so nothing can be compared yet."
            return
        if claims_nothing(analysis):
            remedy = "" if results.imported else " Run at least two seeds."
            yield f"{opening}, {_why_nothing(analysis)}, so nothing is claimed.{remedy}"
            return
        yield (
            f"{opening}: {at} generalise to new {several}, for these trained networks only. "
            "They do not cover other seeds, so this report cannot settle the effect of any factor."
        )
        if with_examples:
            yield (
                f"Intervals for new {several} and new seeds need at least two seeds per row; these are for new "
                f"{several} only."
            )
        return
    seeds = f"{counts[0]}" if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
    seeds += " different" if results.equal.seeds else ""
    if _agrees_exactly(analysis):
        yield (
            f"{seeds} seeds per row, which agree exactly in all changes, and the resolution of {results.metric.title} "
            "is not known: the results do not show how much seeds vary, so nothing is claimed. If this is not what you "
            "expect, see if the seed reaches the trainer."
        )
        return
    if not any(has_effect.any() for has_effect in _effects_known(analysis)):
        yield f"{seeds} seeds per row. No contrast has a result, so there are no intervals."
        return
    several, split = results.metric.display.examples, results.metric.measured_split
    scope = f"new {several} and new seeds" if with_examples else f"new seeds on these {split} {several}"
    scope = "new seeds on this test" if results.metric.kind is Kind.SCALAR else scope
    yield (
        f"{seeds} seeds per row; {at} of changes generalise to {scope}"
        + ("" if with_examples else "; the variance between seeds is pooled over all rows")
        + "."
    )
    if with_examples:
        yield from _for_seeds_only(analysis)
    elif analysis.population == "examples-and-seeds":
        yield f"No interval is for new {several}: {results.metric.title} is one number a run, and no mean over them."
    if any(seeds == 1 for _, seeds in _methods(analysis)):
        yield "If two rows share only one seed, their contrast covers those trained networks only."


def _covers_examples(analysis: Analysis) -> bool:
    """Return True if intervals for new examples too are requested, and the metric has examples."""
    return analysis.population == "examples-and-seeds" and analysis.results.metric.kind is not Kind.SCALAR


def claims_nothing(analysis: Analysis) -> bool:
    """Return True if there are contrasts and none has a test; the totals of a rate suffice for one of a difference."""
    metric = analysis.results.metric
    has_totals = any(row.values[metric.name].n for row in analysis.results.rows if metric.name in row.values)
    if (metric.is_rate and metric.scale is Scale.LINEAR and has_totals) or not analysis.contrasts:
        return False
    return all(bool(np.isnan(group.inference.p).all()) for group in analysis.contrasts.groups)


def _why_nothing(analysis: Analysis) -> str:
    """Return why results of one seed allow no test."""
    display = analysis.results.metric.display
    if any(method for method, _ in _methods(analysis)):
        return f"and the {display.examples} do not show how much they vary"
    if analysis.results.metric.kind is not Kind.SCALAR and analysis.results.metric.scale is Scale.LOG:
        return "and ratios are compared over two seeds or more"
    if analysis.results.metric.is_rate:
        return f"and the number of {display.examples} is not known"
    if analysis.results.metric.kind is not Kind.SCALAR:
        return f"and rows cannot be compared {display.example} by {display.example}"
    return (
        f"and the results of single {display.examples} are not known: one number a row does not show how much runs vary"
    )


def _covered(analysis: Analysis) -> str:
    """Return the population that the intervals cover, for the footer: `intervals cover new seeds`."""
    if _agrees_exactly(analysis) or claims_nothing(analysis):
        return "no intervals"
    if is_unpaired(analysis.results):
        return "intervals cover new runs" if has_intervals(analysis) else "no intervals"
    several = analysis.results.metric.display.examples
    counts = [analysis.results.different_seeds(row) for row in analysis.results.rows if row.seeds]
    if counts and max(counts) == 1:
        return f"intervals cover new {several}"
    both = _covers_examples(analysis)
    return f"intervals cover {f'new {several} and new seeds' if both else 'new seeds'}"


def _repeats(results: StudyResults) -> Iterator[str]:
    """Return that trainings vary with the same seed, if results show it."""
    if results.repeats:
        trials = wording.counted(len(results.repeats), "trial")
        covered = "Intervals cover this variation too." if any(len(row.seeds) > 1 for row in results.rows) else ""
        yield (
            f"The seed does not decide all of a result: {trials} trained twice with other results (see Findings). "
            f"{covered}"
        ).rstrip()


def _looks(analysis: Analysis) -> Iterator[str]:
    """Return how far the looks are, for a study that adds seeds only while a verdict is undecided."""
    results = analysis.results
    if results.schedule:
        yield (
            "Seeds are added only while a verdict is undecided, with looks at "
            f"{listed([str(look) for look in results.schedule])} seeds ({len(results.looks) or 'none'} taken). "
            "Verdicts of the family are those of its last look."
        )


def _looks_taken(results: StudyResults) -> str:
    """Return `looks 2/3/5/7/10, 3 taken` for the footer."""
    if not results.schedule:
        return ""
    return f" · looks {'/'.join(map(str, results.schedule))}, {len(results.looks)} taken"


def _for_seeds_only(analysis: Analysis) -> Iterator[str]:
    """Return how many intervals are for new seeds only, although intervals for new examples too were requested."""
    metric = analysis.results.metric
    examples = f"{metric.measured_split} {metric.display.examples}"
    yield f"The intervals of single rows generalise to new seeds on these {examples}."
    several = [method for method, seeds in _methods(analysis) if seeds > 1]
    without = sum(method != CROSSED for method in several)
    if without:
        yield (
            f"{without:,} of {wording.counted(len(several), 'contrast')} generalise to new seeds only, because "
            f"outcomes per {metric.display.example} of a row are missing, or the estimated variance is not positive."
        )


def _methods(analysis: Analysis) -> Iterator[tuple[str, int]]:
    """Return the method and the number of seeds of every contrast, without an object for each of thousands."""
    for group in analysis.contrasts.groups:
        estimates = group.inference.estimates
        yield from zip(estimates.methods.tolist(), estimates.seeds.tolist(), strict=True)


def _effects_known(analysis: Analysis) -> Iterator[NDArray[np.bool_]]:
    """Return for each group of contrasts, which of them have an effect; a rate that cannot vary counts as one."""
    for group in analysis.contrasts.groups:
        estimates = group.inference.estimates
        fixed = (
            np.zeros(len(estimates.effect), dtype=bool) if estimates.constant is None else ~np.isnan(estimates.constant)
        )
        yield ~np.isnan(estimates.effect) | fixed


def _agrees_exactly(analysis: Analysis) -> bool:
    """Return True if some rows have several seeds, and no contrast shows how much seeds vary."""
    estimates = [group.inference.estimates for group in analysis.contrasts.groups]
    errors = [one.standard_error[(one.seeds > 1) & ~np.isnan(one.effect)] for one in estimates]
    return any(map(len, errors)) and bool(np.isnan(np.concatenate(errors)).all())


def _noisy(analysis: Analysis) -> Iterator[str]:
    """Return the rows whose seeds vary more than those of the others, and what is known if none can be named."""
    metric = analysis.results.metric
    for noisy in analysis.noisy_rows[:MOST_LISTED]:
        yield (
            f"Row {noisy.row.number} ({noisy.row.label}) varies more between seeds than the others: SD "
            f"{units.spread_text(metric, noisy.sd)} against {units.spread_text(metric, noisy.others_sd)} "
            f"(p {wording.p_value(noisy.p, '= ')}). Its contrasts use the variance of their own seeds, not the pooled "
            "one."
        )
    if len(analysis.noisy_rows) > MOST_LISTED:
        yield f"So do {len(analysis.noisy_rows) - MOST_LISTED} more rows."
    if unequal := analysis.unequal_spreads:
        named = [f"row {one.row.number} ({one.row.label})" for one in unequal[:MOST_LISTED]]
        more = [wording.counted(len(unequal) - MOST_LISTED, "more row")] if len(unequal) > MOST_LISTED else []
        yield (
            f"Rows do not spread alike between seeds (p {wording.p_value(min(one.p for one in unequal), '= ')}), but "
            f"these results cannot show which row spreads more. Contrasts of {listed([*named, *more])} use the "
            "variance of their own seeds, not the pooled one."
        )
