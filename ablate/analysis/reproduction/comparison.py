"""Comparison of a study, ours, with another, theirs, contrast by contrast: is theirs reproduced?"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import hypot
from typing import Final

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.reproduction.alignment import RowAlignment, align, differing, level_word
from ablate.analysis.reproduction.settings_diff import SettingDifference, setting_differences
from ablate.analysis.results import RowResult, StudyResults
from ablate.errors import AblateError
from ablate.measurement import Scale

REPRODUCED: Final = "reproduced"
SAME_SIGN: Final = "same_sign"
CANNOT_TELL: Final = "cannot_tell"
CONTRADICTED: Final = "contradicted"
NOT_COMPARABLE: Final = "not_comparable"

WORDS = (REPRODUCED, SAME_SIGN, CANNOT_TELL, CONTRADICTED, NOT_COMPARABLE)
"""The closed list of words for a compared contrast, in the order in which totals list them."""

UP, DOWN, NONE, OPEN = "up", "down", "none", "open"

ROUNDING = 1e-9
"""A share of delta: a difference of exactly delta counts as within delta, in spite of rounding in floats."""

Pair = tuple[int, int]
"""The numbers of two rows of theirs, the earlier first."""


@dataclass(frozen=True)
class FactorChange:
    """A factor in which a contrast's two rows differ, with its levels as theirs names them."""

    factor: str
    before: str
    after: str


@dataclass(frozen=True)
class ComparedContrast:
    """A contrast of theirs with our contrast of the same change."""

    theirs: Contrast
    ours: Contrast | None
    """None if the two cannot be compared."""
    changes: tuple[FactorChange, ...]
    difference: float | None
    """The effect in ours minus the effect in theirs; None if the two cannot be compared."""
    interval: tuple[float, float] | None
    """The interval of the difference; None if an effect has no interval."""
    word: str
    """One of WORDS."""
    reason: str = ""
    """The reason if the two cannot be compared."""

    @property
    def bundle(self) -> bool:
        """True if several factors change at once, equally in both. The change is judged as a whole by its p."""
        return len(self.changes) > 1

    @property
    def pair(self) -> Pair:
        """The rows of theirs."""
        return self.theirs.before.number, self.theirs.after.number


@dataclass(frozen=True)
class AlternativeReading:
    """An alternative reading of a log that contradicts itself, with the words that it changes."""

    words: str
    """The change of the reading, in words."""
    changed: Mapping[Pair, tuple[str | None, str | None]]
    """{pair: (word as listed, word under this reading)}; None if a pair is not compared under a reading."""


@dataclass(frozen=True)
class Comparison:
    """The comparison of two studies."""

    alignment: RowAlignment
    settings: tuple[SettingDifference, ...]
    """The settings that differ."""
    compared: tuple[ComparedContrast, ...]
    ours_only: int
    """The number of our contrasts for which theirs has no two rows."""
    shared_trials: int
    """The number of trials in both studies, which make the two estimates less independent than is assumed."""
    readings: tuple[AlternativeReading, ...] = ()

    @property
    def ours(self) -> StudyResults:
        return self.alignment.ours

    @property
    def theirs(self) -> StudyResults:
        return self.alignment.theirs

    @property
    def counts(self) -> dict[str, int]:
        """{word: number of contrasts} for all words, in their order."""
        numbers = Counter(compared.word for compared in self.compared)
        return {word: numbers[word] for word in WORDS}

    @property
    def surely_within(self) -> int:
        """The number of reproduced contrasts with the whole interval of the difference within ±delta."""
        delta = self.ours.delta
        ends = [one.interval for one in self.compared if one.word == REPRODUCED and one.interval]
        return sum(-delta <= low and high <= delta for low, high in ends)


def compare(ours: StudyResults, theirs: StudyResults) -> Comparison:
    """Return the comparison of all contrasts that both studies may have, judged in both at our delta and alpha.

    AblateError if the studies have no factor in common, or different primary metrics.
    """
    _check(ours, theirs)
    comparison = _as_listed(ours, theirs)
    return replace(comparison, readings=tuple(_readings(comparison)))


def difference_interval(
    ours: float, of_ours: tuple[float, float], theirs: float, of_theirs: tuple[float, float]
) -> tuple[float, float]:
    """Return the interval of ours − theirs, from the effect and its interval in each study.

    MOVER (Zou and Donner 2008): L = d − √((e₁−l₁)² + (u₂−e₂)²), U = d + √((u₁−e₁)² + (e₂−l₂)²). The two estimates are
    independent and may come from different methods (t over seeds in one, Newcombe on totals in the other). Each brings
    its own interval, which may be skewed, so that no common standard error is needed.
    """
    difference = ours - theirs
    low = difference - hypot(ours - of_ours[0], of_theirs[1] - theirs)
    high = difference + hypot(of_ours[1] - ours, theirs - of_theirs[0])
    return low, high


def claim(estimate: EffectEstimate, alpha: float, bundle: bool = False) -> str:
    """Return the claim of an estimate: UP, DOWN, NONE (no effect), or OPEN (no claim).

    A bundle has no verdict, so that its p decides.
    """
    if estimate.effect is None:
        return OPEN
    sign = UP if estimate.effect > 0 else DOWN
    if bundle:
        return sign if estimate.p is not None and estimate.p <= alpha else OPEN
    if estimate.verdict == verdicts.NO_EFFECT:
        return NONE
    return sign if estimate.verdict in _SIGNED else OPEN


def judge(ours: EffectEstimate, theirs: EffectEstimate, alpha: float, delta: float, bundle: bool = False) -> str:
    """Return the word for two estimates of one change."""
    claims = claim(ours, alpha, bundle), claim(theirs, alpha, bundle)
    if ours.effect is None or theirs.effect is None or OPEN in claims:
        return CANNOT_TELL
    if claims[0] == claims[1]:
        near = abs(ours.effect - theirs.effect) <= delta * (1 + ROUNDING)
        if near and (bundle or _same_verdict(ours.verdict, theirs.verdict)):
            return REPRODUCED
        return CANNOT_TELL if claims[0] == NONE else SAME_SIGN
    if NONE not in claims:
        return CONTRADICTED
    beyond = {verdicts.BETTER, verdicts.WORSE} & {ours.verdict, theirs.verdict}
    return CONTRADICTED if beyond and _surely_differ(ours, theirs) else CANNOT_TELL


_SIGNED = {*verdicts.FLIPPED, verdicts.CHECKPOINTS_DIFFER}


def _surely_differ(ours: EffectEstimate, theirs: EffectEstimate) -> bool:
    """Return True if the interval of the difference excludes 0.

    Without this check one effect could be called contradicted by itself: to the right of 0 and within ±delta, it may
    just be shown in one study and just be shown to be small in the other.
    """
    interval = _difference_interval(ours, theirs)
    return interval is not None and not interval[0] <= 0 <= interval[1]


def _difference(ours: EffectEstimate, theirs: EffectEstimate) -> float | None:
    return None if ours.effect is None or theirs.effect is None else ours.effect - theirs.effect


def _difference_interval(ours: EffectEstimate, theirs: EffectEstimate) -> tuple[float, float] | None:
    if ours.effect is None or theirs.effect is None or not ours.interval or not theirs.interval:
        return None
    return difference_interval(ours.effect, ours.interval, theirs.effect, theirs.interval)


def _same_verdict(one: str, other: str) -> bool:
    """Return True if two verdicts with the same claim agree.

    A verdict of one seed agrees with both sides of delta, because one seed cannot separate them.
    """
    return one == other or verdicts.CHECKPOINTS_DIFFER in (one, other)


def _check(ours: StudyResults, theirs: StudyResults) -> None:
    if ours.primary != theirs.primary:
        raise AblateError(
            f"compare: {ours.study} is about {ours.primary}, {theirs.study} about {theirs.primary}; contrasts are "
            f"compared on one primary metric; `ablate run … --set primary={theirs.primary}` makes it ours"
        )
    scales = [(one.metric.unit, one.metric.scale, one.metric.direction) for one in (ours, theirs)]
    if scales[0] != scales[1]:
        raise AblateError(
            f"compare: {_on_scale(ours)}, {_on_scale(theirs)}; effects can be compared in one unit, on one scale and "
            "in one direction only; give the metric the same `better`, `unit` and `scale` in both study files"
        )
    if not align(ours, theirs).levels:
        raise AblateError(
            f"compare: no factor in common, so no contrast is in both; {ours.study} has "
            f"{', '.join(ours.factors) or 'none'}, {theirs.study} has {', '.join(theirs.factors) or 'none'}; "
            "factors are matched by name"
        )


def _on_scale(results: StudyResults) -> str:
    """Return in words how a study compares two values of its primary metric."""
    metric = results.metric
    by = "by their ratio" if metric.scale is Scale.LOG else f"by their difference{metric.unit and f' in {metric.unit}'}"
    return f"{results.study} compares values of {metric.name} {by} and {metric.direction.better} ones are better"


def _as_listed(ours: StudyResults, theirs: StudyResults) -> Comparison:
    alignment = align(ours, theirs)
    by_our_rules = replace(theirs.document, alpha=ours.alpha, delta=ours.document.delta)
    here, there = analyse(ours), analyse(replace(theirs, document=by_our_rules))
    listed, ours_only = _contrasts(here, there, alignment)
    compared = tuple(_compared(contrast, here, alignment) for contrast in listed)
    keys = [{key for row in results.rows for key in row.trials.values()} for results in (ours, theirs)]
    return Comparison(alignment, setting_differences(ours, theirs), compared, ours_only, len(keys[0] & keys[1]))


def _contrasts(here: Analysis, there: Analysis, alignment: RowAlignment) -> tuple[list[Contrast], int]:
    """Return the contrasts of theirs to compare, sorted by the later row, and the value of `Comparison.ours_only`."""
    steps = [(one, other) for one, other in there.results.steps if differing(one, other, there.results.factors)]
    chosen = {_pair(one, other): _listed(there, one, other) for one, other in steps}
    chosen |= {_pair(c.before, c.after): _listed(there, c.before, c.after) for c in there.contrasts if _has_verdict(c)}
    ours_only = 0
    for contrast in here.contrasts:
        if _has_verdict(contrast):
            pairs = _in_theirs(contrast, alignment)
            chosen |= {_pair(*pair): _listed(there, *pair) for pair in pairs}
            ours_only += not pairs
    order = sorted(chosen, key=lambda pair: (pair[1], pair[0]))
    listed = [chosen[pair] for pair in order]
    return [contrast for contrast in listed if contrast is not None], ours_only


def _in_theirs(contrast: Contrast, alignment: RowAlignment) -> list[tuple[RowResult, RowResult]]:
    """Return the pairs of theirs that correspond to a contrast of ours.

    The rows of a pair have the same levels of all factors that only theirs has.
    """
    if differing(contrast.before, contrast.after, alignment.only_ours):
        return []
    first, second = (alignment.counterparts_in_theirs(row) for row in (contrast.before, contrast.after))
    pairs = [(one, other) for one in first for other in second]
    return [pair for pair in pairs if not differing(*pair, alignment.only_theirs)]


def _has_verdict(contrast: Contrast) -> bool:
    """Return True if the study's own report judges it: it is in the family, or a single factor differs."""
    return contrast.in_family or contrast.identified == DIRECT


def _pair(one: RowResult, other: RowResult) -> Pair:
    return min(one.number, other.number), max(one.number, other.number)


def _listed(analysis: Analysis, one: RowResult, other: RowResult) -> Contrast | None:
    """Return the contrast of two rows, the later against the earlier; None if a study of many rows does not list it."""
    before, after = sorted((one, other), key=lambda row: row.number)
    try:
        return analysis.contrasts.between(before, after)
    except KeyError:
        return None


def _oriented(analysis: Analysis, before: RowResult, after: RowResult) -> Contrast | None:
    """Return the contrast of two rows, `after` against `before`; None if it is not listed."""
    contrast = _listed(analysis, before, after)
    return contrast if contrast is None or contrast.before is before else contrast.flipped


def _compared(theirs: Contrast, here: Analysis, alignment: RowAlignment) -> ComparedContrast:
    before, after = theirs.before, theirs.after
    names = differing(before, after, alignment.theirs.factors)
    changes = tuple(FactorChange(n, level_word(before.levels.get(n)), level_word(after.levels.get(n))) for n in names)
    ours, reason = _counterpart(theirs, names, here, alignment)
    if ours is None:
        return ComparedContrast(theirs, None, changes, None, None, NOT_COMPARABLE, reason)
    estimates = ours.estimate, theirs.estimate
    word = judge(*estimates, here.results.alpha, here.results.delta, bundle=len(changes) > 1)
    return ComparedContrast(theirs, ours, changes, _difference(*estimates), _difference_interval(*estimates), word)


def _counterpart(
    theirs: Contrast, names: list[str], here: Analysis, alignment: RowAlignment
) -> tuple[Contrast | None, str]:
    """Return our contrast of the same change and "", or None and the reason."""
    reason = _missing_in_ours(theirs, names, alignment)
    if reason:
        return None, reason
    if theirs.estimate.effect is None:
        return None, f"theirs has no result: {_without_result(theirs)}"
    if theirs.undeclared:
        return None, f"theirs also differs in what no factor declares: {', '.join(theirs.undeclared)}"
    pairs = alignment.pairs(theirs.before, theirs.after)
    if not pairs:
        one, other = (alignment.counterparts(row)[0] for row in (theirs.before, theirs.after))
        return None, f"ours also changes {', '.join(differing(one, other, alignment.only_ours))}"
    ours = _oriented(here, *pairs[0])
    if ours is None:
        return None, "ours has too many rows to list this pair, in which several factors change"
    if ours.estimate.effect is None:
        return None, f"ours has no result: {_without_result(ours)}"
    if ours.undeclared:
        return None, f"ours also differs in what no factor declares: {', '.join(ours.undeclared)}"
    return ours, ""


def _missing_in_ours(theirs: Contrast, names: list[str], alignment: RowAlignment) -> str:
    """Return a sentence on the factors, levels or rows of theirs that ours does not have; "" if it has all."""
    lacking = [name for name in names if name in alignment.only_theirs]
    if lacking:
        common = len(lacking) < len(names)
        return f"theirs {'also ' if common else ''}changes {', '.join(lacking)}, which ours does not have"
    rows = theirs.before, theirs.after
    levels = dict.fromkeys(level for row in rows for level in alignment.missing_levels(row))
    if levels:
        return f"ours has no {', no '.join(levels)}"
    missing = [row for row in rows if not alignment.counterparts(row)]
    return "ours has no row like " + ", nor ".join(f"{row.number} ({row.label})" for row in missing) if missing else ""


def _without_result(contrast: Contrast) -> str:
    if contrast.estimate.constant is not None:
        display = contrast.estimate.metric.display
        value = f"{contrast.estimate.constant * display.factor:.4g} {display.unit}".rstrip()
        return f"every result is {value}, which shows neither an effect nor its absence"
    rows, name = (contrast.before, contrast.after), contrast.metric
    empty = [row for row in rows if not any(row.has_value(seed, name) for seed in row.seeds)]
    words = [f"{row.label}{' (failed)' if row.failed else ' (diverged)' if row.diverged else ''}" for row in empty]
    return ", ".join(words) or f"the two rows have no seed in common with a value of {contrast.estimate.metric.title}"


def _readings(comparison: Comparison) -> Iterator[AlternativeReading]:
    """Return the readings of either log that change some word.

    An ambiguity that both logs have is read in the same way in both.
    """
    here, there = analyse(comparison.ours).other_readings, analyse(comparison.theirs).other_readings
    listed = {compared.pair: compared.word for compared in comparison.compared}
    for words in dict.fromkeys([*there, *here]):
        read = _as_listed(here.get(words, comparison.ours), there.get(words, comparison.theirs))
        other = {compared.pair: compared.word for compared in read.compared}
        pairs = sorted({*listed, *other}, key=lambda pair: (pair[1], pair[0]))
        changed = {pair: (listed.get(pair), other.get(pair)) for pair in pairs if listed.get(pair) != other.get(pair)}
        if changed:
            yield AlternativeReading(words, changed)
