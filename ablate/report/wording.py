"""Numbers, levels and verdicts as every format prints them. The words for a verdict stand here and nowhere else."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from ablate.analysis import verdicts
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.effects import ADDITIVE, Effect
from ablate.analysis.estimation import unpaired_totals
from ablate.analysis.estimation.estimates import EffectEstimate, includes_0
from ablate.analysis.estimation.estimators import WELCH
from ablate.analysis.estimation.row_spreads import MEAN_ONLY, NO_NUMBER, NO_SD, ONE_RUN
from ablate.analysis.results import TESTED_ON, RowResult, StudyResults
from ablate.analysis.untested import EQUAL_RESULTS, NOT_READ, Untested
from ablate.measurement import Kind, Metric, Scale
from ablate.report import units
from ablate.study.factors import level_text
from ablate.text import listed, visible

MARKS = {"on": "✓", "off": "✗"}
MINUS = "−"
NOTHING = "–"
LEAST_P = 0.0001
"""A smaller p is printed as `<0.0001`."""

PHRASES: Mapping[str, str] = {
    verdicts.BETTER: "better",
    verdicts.WORSE: "worse",
    verdicts.BETTER_BELOW_DELTA: "better, below delta",
    verdicts.WORSE_BELOW_DELTA: "worse, below delta",
    verdicts.NO_EFFECT: "no effect beyond delta",
    verdicts.UNDECIDED: "undecided",
    verdicts.CONFOUNDED: "confounded",
    verdicts.NOT_ESTIMABLE: "not estimable",
    verdicts.CHECKPOINTS_DIFFER: "networks differ",
    verdicts.CANNOT_TELL: "cannot tell",
    verdicts.NOT_JUDGED: "not judged",
}
"""Each verdict in a table, in at most 22 letters."""

MEANINGS: Mapping[str, str] = {
    verdicts.BETTER: "better, by more than chance explains (p {p} after Holm)",
    verdicts.WORSE: "worse, by more than chance explains (p {p} after Holm)",
    verdicts.BETTER_BELOW_DELTA: "better, but by less than delta ({delta})",
    verdicts.WORSE_BELOW_DELTA: "worse, but by less than delta ({delta})",
    verdicts.NO_EFFECT: "no effect beyond delta ({delta}), up or down",
    verdicts.UNDECIDED: "undecided, the data show neither an effect nor its absence; {more}",
    verdicts.CONFOUNDED: "confounded: {confounded}",
    verdicts.NOT_ESTIMABLE: "{lacking}",
    verdicts.CHECKPOINTS_DIFFER: "the trained networks differ (p {p} after Holm), but with one seed this is no "
    "evidence about the factor",
    verdicts.CANNOT_TELL: "the trained networks are not shown to differ; with one seed this is no evidence about the "
    "factor",
    verdicts.NOT_JUDGED: "shown for exploring, as verdicts are about the primary metric only",
}
"""Each verdict as the second half of a sentence."""
ALIKE: Mapping[str, str] = {
    verdicts.NO_EFFECT: "No effect beyond delta ({delta}), up or down",
    verdicts.UNDECIDED: "Undecided, the data show neither an effect nor its absence (in brackets: about how many more "
    "{run}s per row would decide it)",
    verdicts.CANNOT_TELL: "The trained networks are not shown to differ, and with one seed this is no evidence about "
    "the factors",
    verdicts.CONFOUNDED: "Confounded (several factors change at once; the change cannot be attributed to one of them)",
    verdicts.NOT_ESTIMABLE: "No estimate",
    verdicts.NOT_JUDGED: "For exploring, as verdicts are about the primary metric only",
}
"""The beginning of a sentence that lists several contrasts or effects of one verdict."""
UNTIL_NEXT_LOOK = (
    "Undecided, the data show neither an effect nor its absence (in brackets: how many more seeds per row until the "
    "next look)"
)
WITHOUT_SPREAD = (
    "undecided, as all seeds show exactly the same change and the resolution of this metric is not known, so that the "
    "results do not show how much seeds vary"
)
EQUAL_VALUES = "undecided, as the results are equal in every seed, which shows neither an effect nor its absence"
RUNS_WITHOUT_SPREAD = (
    "undecided, as the runs of a row agree exactly and the resolution of this metric is not known, so that the results "
    "do not show how much runs vary"
)
LACKING: Mapping[str, str] = {
    ONE_RUN: "nothing is claimed, as a row has one run only, which does not show how much runs vary",
    NO_SD: "nothing is claimed, as the SD of a row's runs is not known",
    NO_NUMBER: "nothing is claimed, as the number of runs of a mean is not known",
    MEAN_ONLY: "nothing is claimed, as neither the SD nor the number of runs of a mean is known",
}
"""{reason why rows that are not paired by seed give no interval: the verdict in words}."""
METHODS: Mapping[str, str] = {WELCH: "Welch, unpaired"}
"""{method: its name for people}, if that is not the method's own."""
ONE_NUMBER = "nothing is claimed, as one number a row does not show how much runs vary"
NOT_BY_EXAMPLE = "nothing is claimed, as with one seed these rows cannot be compared {example} by {example}"
NO_TOTALS = "nothing is claimed, as the number of {examples} is not known"
RATIO_OF_ONE = "nothing is claimed, as ratios are compared over two seeds or more"
NO_SPREAD = "nothing is claimed, as the {examples} do not show how much they vary"
REPEAT = "a repeat"
"""The verdict shown to people for two rows that differ in nothing; in JSON and CSV they are confounded."""

CONSTANT = "every result equal"
"""The verdict shown to people if the results can show nothing; in JSON and CSV the effect is not estimable."""
EQUAL_IN_EVERY_SEED = "equal in every seed"
"""The verdict shown to people for rows with equal results that may be chance; in JSON and CSV it is undecided."""
UNTESTED: Mapping[str, str] = {NOT_READ: "nothing read it", EQUAL_RESULTS: "equal to the last bit"}
"""Why a comparison is not tested, in place of its verdict in a table, in at most 22 letters."""

TOTALS: Mapping[str, str] = {
    unpaired_totals.WHATEVER: "differ for every possible pairing",
    unpaired_totals.UNLESS_NEGATIVE: "differ, unless both succeed on the same {example} less often than by chance",
    unpaired_totals.NO_EFFECT_WHATEVER: "no effect beyond delta for every possible pairing",
    unpaired_totals.NO_DIFFERENCE: "no difference can be shown; equivalence needs outcomes per {example}",
    unpaired_totals.UNDECIDABLE: "cannot be decided without outcomes per {example}",
}
"""Each conclusion from two totals, in a table, with a place for the word for an example.

The JSON report has the key, as it stands in the analysis.
"""


def phrase(item: Contrast | Effect) -> str:
    """Return a verdict for a table; `~5 more` is the estimated number of additional seeds per row that decide it."""
    code, more = item.estimate.verdict, item.estimate.more_seeds
    if code == verdicts.UNDECIDED and more is not None:
        return f"{PHRASES[code]}, ~{more} more"
    if code == verdicts.UNDECIDED and item.estimate.alike:
        return EQUAL_IN_EVERY_SEED
    if item.untested:
        return UNTESTED[item.untested.why]
    if item.estimate.constant is not None:
        return CONSTANT
    if code == verdicts.NOT_ESTIMABLE and not _aliases(item):
        return "no result"
    return REPEAT if code == verdicts.CONFOUNDED and is_repeat(item) else PHRASES[code]


def sentence(item: Contrast | Effect, results: StudyResults) -> str:
    """Return one sentence about a contrast or an effect: its name, its size and its verdict."""
    parts = [subject(item), _size(item), meaning(item, results)]
    return ": ".join(part for part in parts if part) + "."


def sentences(items: Sequence[Contrast | Effect], results: StudyResults) -> list[str]:
    """Return one sentence for each item. Items that share a verdict of `ALIKE` share one sentence."""
    lines = [sentence(item, results) for item in items if item.estimate.verdict not in ALIKE or is_repeat(item)]
    for code, opening in ALIKE.items():
        alike = [item for item in items if item.estimate.verdict == code and not is_repeat(item)]
        lines += _without_interval(alike)
        alike = [item for item in alike if _nothing_shown(item) is None]
        if len(alike) > 1:
            brief = "; ".join(_brief(item, results) for item in alike)
            if code == verdicts.UNDECIDED and _decided_at_looks(alike[0], results):
                opening = UNTIL_NEXT_LOOK
            delta = units.delta_text(results.metric, results.delta)
            lines.append(f"{opening.format(delta=delta, run=run_word(results))}: {brief}.")
        else:
            lines += [sentence(item, results) for item in alike]
    return lines


def _nothing_shown(item: Contrast | Effect) -> str | None:
    """Return why an effect has no interval, or one that shows nothing; None if it has another one, or no estimate."""
    if item.estimate.alike and item.estimate.verdict == verdicts.UNDECIDED:
        return EQUAL_VALUES
    if item.estimate.lacking and item.estimate.verdict == verdicts.CANNOT_TELL:
        return LACKING[item.estimate.lacking]
    if item.estimate.without_spread:
        return RUNS_WITHOUT_SPREAD if item.estimate.method == WELCH else WITHOUT_SPREAD
    if item.estimate.verdict != verdicts.CANNOT_TELL or item.estimate.interval is not None:
        return None
    metric = item.estimate.metric
    if metric.kind is Kind.SCALAR:
        return ONE_NUMBER
    if metric.scale is Scale.LOG:
        return RATIO_OF_ONE
    without_method = NO_TOTALS if metric.is_rate else NOT_BY_EXAMPLE
    reason = NO_SPREAD if item.estimate.method else without_method
    return reason.format(example=metric.display.example, examples=metric.display.examples)


def _without_interval(items: Sequence[Contrast | Effect]) -> list[str]:
    """Return a sentence for each reason why effects have no interval, with those effects."""
    lines = []
    for reason in dict.fromkeys(reason for item in items if (reason := _nothing_shown(item)) is not None):
        sizes = [
            f"{subject(item)} {units.difference_with_unit(item.estimate.metric, item.estimate.effect)}"
            for item in items
            if _nothing_shown(item) == reason and item.estimate.effect is not None
        ]
        if sizes:
            lines.append(f"{sentence_case(reason)}: {'; '.join(sizes)}.")
    return lines


def meaning(item: Contrast | Effect, results: StudyResults) -> str:
    """Return the verdict in words, with the p, delta, number of seeds or reason that belongs to it."""
    if item.estimate.verdict == verdicts.CONFOUNDED and is_repeat(item):
        return f"{REPEAT}: nothing differs"
    if (reason := _nothing_shown(item)) is not None:
        return reason
    more = item.estimate.more_seeds
    return MEANINGS[item.estimate.verdict].format(
        p=p_value(item.estimate.p_holm, "= "),
        delta=units.delta_text(results.metric, results.delta),
        more=_seeds_until_look(more) if _decided_at_looks(item, results) else _more_seeds(more, run_word(results)),
        confounded=_confounded_with(item),
        lacking=_missing_reason(item),
    )


def subject(item: Contrast | Effect) -> str:
    """Return the name of a comparison: `random_erasing off → on (rows 2 → 4)`."""
    if isinstance(item, Contrast):
        rows = f"rows {pair(item)}"
        return f"{moved(item)} ({rows})" if item.identified == DIRECT else rows
    levels = f"{item.factor} {level(item.level)} against {level(item.baseline)}"
    if item.contexts > 1:
        return f"{levels}, the mean of {item.contexts} comparisons"
    return f"{levels}, if effects add up" if item.identified == ADDITIVE else levels


def is_repeat(item: Contrast | Effect) -> bool:
    """Return True for two rows of equal levels and circumstances: nothing differs, so nothing is confounded."""
    return isinstance(item, Contrast) and not item.differs and not item.undeclared


def pair(contrast: Contrast) -> str:
    """Return the numbers of the two rows: `2 → 4`."""
    return f"{contrast.before.number} → {contrast.after.number}"


def moved(contrast: Contrast, most: int | None = None) -> str:
    """Return the one factor with its levels, `omega 0.9 → 0.7`; if several factors differ, at most `most` names."""
    if len(contrast.differs) != 1 or contrast.undeclared:
        return differing(contrast, most)
    (name,) = contrast.differs
    levels = (level(row.levels.get(name)) for row in (contrast.before, contrast.after))
    return f"{name} {' → '.join(levels)}"


def differing(contrast: Contrast, most: int | None = None) -> str:
    """Return the factors in which two rows differ, at most `most` by name; `2 at once: a, b` if there are several."""
    names = _changed_names(contrast)
    if not names:
        return "nothing"
    if len(names) == 1:
        return names[0]
    listed_names = names if most is None else names[:most]
    more = f" and {len(names) - len(listed_names)} more" if len(listed_names) < len(names) else ""
    return f"{len(names)} at once: {', '.join(listed_names)}{more}"


def gained(contrast: Contrast) -> str:
    """Return `+307 of 12,377`, the change in the examples for which a proportion holds, if the rows share one seed.

    Nothing for other metrics, or if the two rows do not have the same number of examples.
    """
    common = set(contrast.before.seeds) & set(contrast.after.seeds)
    if len(common) != 1 or contrast.estimate.metric.kind is not Kind.PROPORTION:
        return ""
    (seed,) = common
    before, after = (row.results[seed].values.get(contrast.metric) for row in (contrast.before, contrast.after))
    if before is None or after is None or before.n is None or before.n != after.n:
        return ""
    difference = round(after.value * before.n) - round(before.value * before.n)
    return f"{difference:+,} of {before.n:,}".replace("-", MINUS)


def level(name: Any) -> str:
    """Return a level in one line: `on`, `0.3`, `resnet50`; a letter that is no text is written out, as `\\n`."""
    return visible(level_text(name), keep="")


def step_start(results: StudyResults) -> str:
    """Return the row from which a step is: `the row above`, or in other words if that is not so for all steps."""
    adjacent = all(above.number + 1 == row.number for above, row in results.steps)
    return "the row above" if adjacent else "the row that each builds on"


def mark(name: Any) -> str:
    """Return ✓ or ✗ for a component that is on or off, and the level itself for anything else."""
    text = level(name)
    return MARKS.get(text, text)


def interval(metric: Metric, ends: tuple[float, float] | None) -> str:
    """Return an interval of a difference, without its unit: `[+1.35, +3.61]`; a dash if there is none."""
    return NOTHING if ends is None else units.difference_interval_text(metric, ends)


def change(item: Contrast | Effect) -> str:
    """Return an effect with its interval, without a unit: `+2.48 [+1.35, +3.61]`."""
    metric, effect = item.estimate.metric, item.estimate.effect
    if item.untested:
        return "not tested"
    if item.estimate.constant is not None:
        return units.difference_text(metric, 0.0)
    if effect is None:
        return NOTHING if isinstance(item, Effect) else "no result"
    return units.difference_and_interval(metric, effect, item.estimate.interval)


def p_value(p: float | None, equals: str = "") -> str:
    """Return p with three digits, or four if it is small: `0.209`, `0.0046`, `<0.0001`. `equals` precedes a number."""
    if p is None:
        return NOTHING
    if p < LEAST_P:
        return f"< {LEAST_P}" if equals else f"<{LEAST_P}"
    return equals + (f"{p:.4f}" if p < 0.01 else f"{p:.3f}" if p < 0.9995 else "1")


def simultaneous(estimate: EffectEstimate) -> str:
    """Return the interval for the whole family; `above 0` or `below 0` if only this goes with the verdict.

    On a log scale it is `above ×1` or `below ×1`.
    """
    if estimate.simultaneous is not None and estimate.agreeing is None:
        sign = estimate.metric.direction.sign
        shown = {**dict.fromkeys(verdicts.UPWARDS, sign), **dict.fromkeys(verdicts.DOWNWARDS, -sign)}
        side = "above" if shown.get(estimate.verdict, estimate.effect or 0.0) > 0 else "below"
        return f"{side} {units.no_effect_text(estimate.metric)}"
    return interval(estimate.metric, estimate.agreeing)


def direction_note(items: Sequence[Contrast | Effect]) -> list[str]:
    """Return the meaning of `above 0` and `below 0` in a table of these items; nothing if it has neither."""
    texts = {simultaneous(item.estimate) for item in items}
    none = units.no_effect_text(items[0].estimate.metric) if items else ""
    shown = [text for text in (f"above {none}", f"below {none}") if text in texts]
    if not shown:
        return []
    return [
        f"{', '.join(shown)}: Holm's procedure shows the direction of this change. The interval for the whole family "
        f"(Bonferroni) is wider and includes {none}, so that only the direction is given."
    ]


def disagreements(items: Sequence[Contrast | Effect], results: StudyResults) -> list[str]:
    """Return a sentence for each way in which a printed interval seems to contradict the verdict next to it.

    `items`: those of one table.
    """
    estimates = [item.estimate for item in items if item.estimate.verdict != verdicts.CONFOUNDED]
    lines = []
    none = units.no_effect_text(results.metric)
    open_ones = [one for one in estimates if one.verdict in (verdicts.UNDECIDED, verdicts.CANNOT_TELL)]
    if any(one.interval and not includes_0(one.interval) for one in open_ones):
        lines.append(
            f"An interval without {none} and no difference shown: the interval is for this comparison alone, the "
            "verdict is adjusted for all comparisons that are tested together (Holm)."
        )
    claimed = [one for one in estimates if one.verdict in verdicts.CLAIMS and includes_0(one.interval)]
    if any(one.seeds > 1 for one in claimed):
        lines.append(
            f"An interval with {none} and a difference shown: the verdict is that of an earlier look, the interval is "
            "that of the latest seeds."
        )
    if any(one.seeds == 1 for one in claimed):
        lines.append(
            f"An interval with {none} and networks that differ: test and interval are two methods, which may disagree "
            "in a borderline case."
        )
    delta = results.delta
    small = [one.interval for one in estimates if one.verdict == verdicts.NO_EFFECT and one.interval]
    if any(low < -delta or high > delta for low, high in small):
        narrower = percent(1 - 2 * results.alpha)
        band = units.band_text(results.metric, delta)
        lines.append(
            f"An interval beyond {band} and no effect beyond delta: the test of absence has one error for each side, "
            f"and so its interval is the one at {narrower}, which is narrower."
        )
    return lines


def more_seeds_note(items: Sequence[Contrast | Effect], results: StudyResults) -> list[str]:
    """Return the meaning of `~5 more`, by the first number that a table of these items has; nothing without one."""
    for item in items:
        more = item.estimate.more_seeds
        if item.estimate.verdict == verdicts.UNDECIDED and more is not None:
            seeds = counted(more, f"more {run_word(results)}")
            if _decided_at_looks(item, results):
                return [f"~{more} more: the next look is after {seeds} per row."]
            return [f"~{more} more: about {seeds} per row would decide it."]
    return []


def run_word(results: StudyResults) -> str:
    """Return the word for a replicate of a row: `seed`, or `run` if rows are not paired by seed."""
    return "run" if results.unpaired else "seed"


def method(name: str | None) -> str:
    """Return the name of a method for people; a dash without one."""
    return METHODS.get(name, name) if name else NOTHING


def percent(share: float) -> str:
    """Return a share in [0, 1] as a percentage: `95 %`."""
    return f"{100 * share:g} %"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 seed`, `1,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def start(results: StudyResults) -> str:
    """Return the name of the row that all are compared with: `the baseline`, or `row 1` if no row is the baseline."""
    return "the baseline" if results.has_baseline else f"row {results.baseline.number}"


def sentence_case(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


MOST_ROWS = 12
"""Rows that a line lists by number."""


def rows(of: Sequence[RowResult]) -> str:
    """Return `Row 2 (list b)` or `Rows 1, 3`, with the number of the others if they are many; references by label."""
    names = [str(row.number) if row.levels else f"{row.label} (reference)" for row in of]
    if len(of) == 1:
        return f"Row {of[0].number} ({of[0].label})" if of[0].levels else names[0].capitalize()
    more = f" and {len(names) - MOST_ROWS} more" if len(names) > MOST_ROWS else ""
    return f"Rows {', '.join(names[:MOST_ROWS])}{more}"


def state(row: RowResult) -> str:
    """Return the reason why a row has no result, or none that can be judged."""
    if row.impossible:
        return f"has values that cannot be ({row.impossible})"
    return ended(row) or "has no result yet"


def ended(row: RowResult) -> str:
    """Return `failed`, `diverged` or both for a row with seeds that ended without a result; nothing for others."""
    ends = {"failed": row.failed, "diverged": row.diverged}
    return " or ".join(end for end, seeds in ends.items() if seeds)


def _size(item: Contrast | Effect) -> str:
    estimate = item.estimate
    if estimate.effect is None:
        return ""
    unit = units.difference_unit(estimate.metric)
    size = units.difference_and_interval(estimate.metric, estimate.effect, estimate.interval, unit)
    counts = gained(item) if isinstance(item, Contrast) and estimate.seeds == 1 else ""
    of_examples = f", {counts} {estimate.metric.display.examples}" if counts else ""
    return f"{size}{of_examples}"


def _brief(item: Contrast | Effect, results: StudyResults) -> str:
    """Return one item of a sentence that lists several."""
    code, effect = item.estimate.verdict, item.estimate.effect
    if code == verdicts.NOT_ESTIMABLE or effect is None:
        return f"{subject(item)}: {_missing_reason(item)}"
    size = f"{subject(item)} {units.difference_with_unit(item.estimate.metric, effect)}"
    if code == verdicts.CONFOUNDED and isinstance(item, Contrast):
        return f"{size} ({', '.join(_changed_names(item))})"
    if code == verdicts.UNDECIDED:
        more = item.estimate.more_seeds
        no_number = "no further look" if _decided_at_looks(item, results) else "no practical number"
        return f"{size} ({no_number if more is None else more})"
    return size


def _changed_names(contrast: Contrast) -> list[str]:
    """Return the declared factors in which two rows differ, then the undeclared differences, marked as such."""
    return [*contrast.differs, *(f"{name} (undeclared)" for name in contrast.undeclared)]


def _decided_at_looks(item: Contrast | Effect, results: StudyResults) -> bool:
    """Return True if the verdict changes only at a look, and not with each additional seed."""
    in_family = item.in_family if isinstance(item, Contrast) else results.family.kind == "effects"
    return bool(results.schedule) and in_family


def _seeds_until_look(seeds: int | None) -> str:
    return "no further look is planned" if seeds is None else f"the next look is after {counted(seeds, 'more seed')}"


def _more_seeds(seeds: int | None, word: str) -> str:
    if seeds is None:
        return f"no practical number of additional {word}s would decide it"
    return f"about {counted(seeds, f'more {word}')} per row would decide it"


def _aliases(item: Contrast | Effect) -> Sequence[str]:
    return item.aliased_with if isinstance(item, Effect) else ()


def _confounded_with(item: Contrast | Effect) -> str:
    if isinstance(item, Effect):
        if item.bundle:
            return vary_together(item.bundle)
        return f"with {listed(item.aliased_with)}" if item.aliased_with else "with other factors"
    if TESTED_ON in item.undeclared:
        counts = [row.values[item.metric].n for row in (item.before, item.after) if item.metric in row.values]
        known = [f"{n:,}" for n in counts if n is not None]
        return "the two rows were tested on different examples" + (f" (n = {' and '.join(known)})" if known else "")
    if is_repeat(item):
        return "nothing differs"
    if not item.differs:
        return f"the two rows differ in {listed(item.undeclared)}, which no factor declares"
    if len(item.differs) == 1 and item.bundles and not item.undeclared:
        return vary_together(item.bundles[0])
    return f"{listed(_changed_names(item))} change at once, so the change cannot be attributed to one of them"


def vary_together(keys: Sequence[str]) -> str:
    """Return why a change of several keys has no verdict, in words."""
    return f"{listed(keys)} always vary together in these runs, so a change cannot be attributed to one of them"


def _untested_reason(item: Contrast | Effect, untested: Untested) -> str:
    if untested.why == EQUAL_RESULTS:
        return "equal results, to the last bit, in every seed: not tested"
    why = "; ".join(untested.reasons) or "the values of both levels act alike"
    factors = "these factors" if isinstance(item, Contrast) and len(item.differs) > 1 else "this factor"
    return f"nothing read {factors} ({why}): not tested"


def _missing_reason(item: Contrast | Effect) -> str:
    """Return the reason why there is no effect: equal results, nothing read it, aliased factors, or no results."""
    if item.untested:
        return _untested_reason(item, item.untested)
    if item.estimate.constant is not None:
        value = units.value_with_unit(item.estimate.metric, item.estimate.constant)
        return f"every result is {value}, which shows neither an effect nor its absence"
    if isinstance(item, Effect):
        aliased = item.aliased_with
        return f"cannot be separated from {listed(aliased)}" if aliased else "no result shows its effect"
    rows = item.before, item.after
    without = [f"row {row.number} {state(row)}" for row in rows if not row.seeds or row.impossible]
    if without:
        return listed(without)
    name, title = item.estimate.metric.name, item.estimate.metric.title
    lacking = [row for row in rows if not any(isfinite(one.value(name)) for one in row.results.values())]
    if lacking:
        which = f"row {lacking[0].number} has" if len(lacking) == 1 else "both rows have"
        return f"{which} no {title} that can be used"
    in_common = set(rows[0].seeds) & set(rows[1].seeds)
    return f"no seed has {title} of both rows that can be used" if in_common else "the two rows have no seed in common"
