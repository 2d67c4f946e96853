"""One study against another, contrast by contrast: does ours reproduce theirs?"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import hypot
from typing import Final

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.reproduction.alignment import RowAlignment, differing, level_word, match
from ablate.analysis.reproduction.settings_diff import SettingDifference, settings_apart
from ablate.analysis.results import RowResult, StudyResults
from ablate.errors import AblateError

REPRODUCED: Final = "reproduced"
SAME_SIGN: Final = "same_sign"
CANNOT_TELL: Final = "cannot_tell"
CONTRADICTED: Final = "contradicted"
NOT_COMPARABLE: Final = "not_comparable"

WORDS = (REPRODUCED, SAME_SIGN, CANNOT_TELL, CONTRADICTED, NOT_COMPARABLE)
"""The closed list, in the order of every total."""

UP, DOWN, NONE, OPEN = "up", "down", "none", "open"

ROUNDING = 1e-9
"""pp: a difference of exactly delta is within it, whatever the arithmetic in floats makes of it."""

Pair = tuple[int, int]
"""Two rows of theirs, by number, the earlier first."""


@dataclass(frozen=True)
class FactorChange:
    """A factor in which a contrast's two rows differ, in the words of theirs."""

    factor: str
    before: str
    after: str


@dataclass(frozen=True)
class ComparedContrast:
    """A contrast of theirs and what ours says of the same change, in percentage points.

    `ours` and the difference, ours − theirs, are None where the two cannot be compared: `reason` says why.
    `bundle`: several factors change at once, in both alike; it is judged as a whole by its p.
    """

    theirs: Contrast
    ours: Contrast | None
    changes: tuple[FactorChange, ...]
    difference: float | None
    interval: tuple[float, float] | None
    word: str
    reason: str = ""

    @property
    def bundle(self) -> bool:
        return len(self.changes) > 1

    @property
    def pair(self) -> Pair:
        return self.theirs.before.number, self.theirs.after.number


@dataclass(frozen=True)
class AlternativeReading:
    """A log that does not agree with itself, read the other way: {pair: (word as listed, word so)} that change.

    None where a pair is no contrast to be compared under one of the two readings.
    """

    words: str
    changed: Mapping[Pair, tuple[str | None, str | None]]


@dataclass(frozen=True)
class Comparison:
    """Ours against theirs. `ours_only`: contrasts of ours that theirs has no two rows for.

    `shared_trials`: how many trials are in both, which makes the two estimates less independent than is assumed.
    """

    matching: RowAlignment
    apart: tuple[SettingDifference, ...]
    compared: tuple[ComparedContrast, ...]
    ours_only: int
    shared_trials: int
    readings: tuple[AlternativeReading, ...] = ()

    @property
    def ours(self) -> StudyResults:
        return self.matching.ours

    @property
    def theirs(self) -> StudyResults:
        return self.matching.theirs

    @property
    def counts(self) -> dict[str, int]:
        """{word: how many}, of all words in their order."""
        found = Counter(compared.word for compared in self.compared)
        return {word: found[word] for word in WORDS}

    @property
    def surely_within(self) -> int:
        """Of what is reproduced, where the whole interval of the difference lies within ±delta."""
        delta = self.ours.delta
        ends = [one.interval for one in self.compared if one.word == REPRODUCED and one.interval]
        return sum(-delta <= low and high <= delta for low, high in ends)


def compare(ours: StudyResults, theirs: StudyResults) -> Comparison:
    """Every contrast of either study that the other may have, judged in both at our delta and alpha.

    AblateError where the two have no factor, or not the same primary metric.
    """
    _check(ours, theirs)
    found = _as_listed(ours, theirs)
    return replace(found, readings=tuple(_readings(found)))


def difference_interval(
    ours: float, of_ours: tuple[float, float], theirs: float, of_theirs: tuple[float, float]
) -> tuple[float, float]:
    """The interval of ours − theirs from an effect and its interval in each.

    MOVER (Zou and Donner 2008): L = d − √((e₁−l₁)² + (u₂−e₂)²), U = d + √((u₁−e₁)² + (e₂−l₂)²). The two estimates are
    independent, and come from different methods (t over seeds here, Newcombe on totals there): each brings its own
    interval, skewed as it is, and no common standard error is needed.
    """
    difference = ours - theirs
    low = difference - hypot(ours - of_ours[0], of_theirs[1] - theirs)
    high = difference + hypot(of_ours[1] - ours, theirs - of_theirs[0])
    return low, high


def claim(estimate: EffectEstimate, alpha: float, bundle: bool = False) -> str:
    """What an estimate claims: up, down, none, or nothing yet (open). A bundle, which has no verdict, by its p."""
    if estimate.effect is None:
        return OPEN
    sign = UP if estimate.effect > 0 else DOWN
    if bundle:
        return sign if estimate.p is not None and estimate.p <= alpha else OPEN
    if estimate.verdict == verdicts.NO_EFFECT:
        return NONE
    return sign if estimate.verdict in _SIGNED else OPEN


def judge(ours: EffectEstimate, theirs: EffectEstimate, alpha: float, delta: float, bundle: bool = False) -> str:
    """The word for two estimates of one change."""
    claims = claim(ours, alpha, bundle), claim(theirs, alpha, bundle)
    if ours.effect is None or theirs.effect is None or OPEN in claims:
        return CANNOT_TELL
    if claims[0] == claims[1]:
        near = abs(ours.effect - theirs.effect) <= delta + ROUNDING
        if near and (bundle or _same_verdict(ours.verdict, theirs.verdict)):
            return REPRODUCED
        return CANNOT_TELL if claims[0] == NONE else SAME_SIGN
    if NONE not in claims:
        return CONTRADICTED
    beyond = {verdicts.BETTER, verdicts.WORSE} & {ours.verdict, theirs.verdict}
    return CONTRADICTED if beyond and _surely_differ(ours, theirs) else CANNOT_TELL


_SIGNED = {*verdicts.FLIPPED, verdicts.CHECKPOINTS_DIFFER}


def _surely_differ(ours: EffectEstimate, theirs: EffectEstimate) -> bool:
    """Whether the difference's interval leaves out 0: an effect that is just shown and one that is just shown to be
    small may be the same one, to the right of 0 and within ±delta."""
    found = _difference_interval(ours, theirs)
    return found is not None and not found[0] <= 0 <= found[1]


def _difference_interval(ours: EffectEstimate, theirs: EffectEstimate) -> tuple[float, float] | None:
    if ours.effect is None or theirs.effect is None or not ours.interval or not theirs.interval:
        return None
    return difference_interval(ours.effect, ours.interval, theirs.effect, theirs.interval)


def _same_verdict(one: str, other: str) -> bool:
    """Of two that claim the same: one seed cannot tell more or less than delta, so its verdict agrees with either."""
    return one == other or verdicts.CHECKPOINTS_DIFFER in (one, other)


def _check(ours: StudyResults, theirs: StudyResults) -> None:
    if ours.primary != theirs.primary:
        raise AblateError(
            f"compare: {ours.study} is about {ours.primary}, {theirs.study} about {theirs.primary}; contrasts are "
            f"compared on one primary metric; `ablate run … --set primary={theirs.primary}` makes it ours"
        )
    if not match(ours, theirs).levels:
        raise AblateError(
            f"compare: no factor in common, so no contrast is in both; {ours.study} has "
            f"{', '.join(ours.factors) or 'none'}, {theirs.study} has {', '.join(theirs.factors) or 'none'}; "
            "factors are matched by name"
        )


def _as_listed(ours: StudyResults, theirs: StudyResults) -> Comparison:
    matching = match(ours, theirs)
    rules = replace(theirs.document, alpha=ours.alpha, delta=ours.delta)
    here, there = analyse(ours), analyse(replace(theirs, document=rules))
    listed, ours_only = _contrasts(here, there, matching)
    compared = tuple(_compared(contrast, here, matching) for contrast in listed)
    keys = [{key for row in results.rows for key in row.trials.values()} for results in (ours, theirs)]
    return Comparison(matching, settings_apart(ours, theirs), compared, ours_only, len(keys[0] & keys[1]))


def _contrasts(here: Analysis, there: Analysis, matching: RowAlignment) -> tuple[list[Contrast], int]:
    """The contrasts of theirs to compare, by the later row; and how many of ours theirs has no two rows for."""
    rows = there.results.rows
    steps = [(one, other) for one, other in pairwise(rows) if differing(one, other, there.results.factors)]
    chosen = {_pair(one, other): _listed(there, one, other) for one, other in steps}
    chosen |= {_pair(c.before, c.after): _listed(there, c.before, c.after) for c in there.contrasts if _tells(c)}
    ours_only = 0
    for contrast in here.contrasts:
        if _tells(contrast):
            pairs = _in_theirs(contrast, matching)
            chosen |= {_pair(*pair): _listed(there, *pair) for pair in pairs}
            ours_only += not pairs
    order = sorted(chosen, key=lambda pair: (pair[1], pair[0]))
    listed = [chosen[pair] for pair in order]
    return [contrast for contrast in listed if contrast is not None], ours_only


def _in_theirs(contrast: Contrast, matching: RowAlignment) -> list[tuple[RowResult, RowResult]]:
    """The pairs of theirs that stand for a contrast of ours: equal in the factors that only theirs has."""
    if differing(contrast.before, contrast.after, matching.only_ours):
        return []
    first, second = (matching.counterparts_in_theirs(row) for row in (contrast.before, contrast.after))
    pairs = [(one, other) for one in first for other in second]
    return [pair for pair in pairs if not differing(*pair, matching.only_theirs)]


def _tells(contrast: Contrast) -> bool:
    """Whether a study's own report judges it: it is in the family, or a single factor differs."""
    return contrast.in_family or contrast.identified == DIRECT


def _pair(one: RowResult, other: RowResult) -> Pair:
    return min(one.number, other.number), max(one.number, other.number)


def _listed(analysis: Analysis, one: RowResult, other: RowResult) -> Contrast | None:
    """The contrast of two rows, the later against the earlier; None where a study of many rows does not list it."""
    before, after = sorted((one, other), key=lambda row: row.number)
    try:
        return analysis.contrasts.between(before, after)
    except KeyError:
        return None


def _oriented(analysis: Analysis, before: RowResult, after: RowResult) -> Contrast | None:
    """The contrast of two rows in the direction asked for."""
    found = _listed(analysis, before, after)
    return found if found is None or found.before is before else found.flipped


def _compared(theirs: Contrast, here: Analysis, matching: RowAlignment) -> ComparedContrast:
    before, after = theirs.before, theirs.after
    names = differing(before, after, matching.theirs.factors)
    changes = tuple(FactorChange(n, level_word(before.levels.get(n)), level_word(after.levels.get(n))) for n in names)
    ours, reason = _counterpart(theirs, names, here, matching)
    if ours is None:
        return ComparedContrast(theirs, None, changes, None, None, NOT_COMPARABLE, reason)
    one, other = ours.estimate, theirs.estimate
    assert one.effect is not None
    assert other.effect is not None
    interval = _difference_interval(one, other)
    word = judge(one, other, here.results.alpha, here.results.delta, bundle=len(changes) > 1)
    return ComparedContrast(theirs, ours, changes, one.effect - other.effect, interval, word)


def _counterpart(
    theirs: Contrast, names: list[str], here: Analysis, matching: RowAlignment
) -> tuple[Contrast | None, str]:
    """Our contrast of the same change, or why there is none."""
    reason = _what_is_missing(theirs, names, matching)
    if reason:
        return None, reason
    if theirs.estimate.effect is None:
        return None, f"theirs has no result: {_without_result(theirs)}"
    if theirs.undeclared:
        return None, f"theirs also differs in what no factor declares: {', '.join(theirs.undeclared)}"
    pairs = matching.pairs(theirs.before, theirs.after)
    if not pairs:
        one, other = (matching.counterparts(row)[0] for row in (theirs.before, theirs.after))
        return None, f"ours also changes {', '.join(differing(one, other, matching.only_ours))}"
    ours = _oriented(here, *pairs[0])
    if ours is None:
        return None, "ours has too many rows to list this pair, in which several factors change"
    if ours.estimate.effect is None:
        return None, f"ours has no result: {_without_result(ours)}"
    if ours.undeclared:
        return None, f"ours also differs in what no factor declares: {', '.join(ours.undeclared)}"
    return ours, ""


def _what_is_missing(theirs: Contrast, names: list[str], matching: RowAlignment) -> str:
    """Factors, levels or rows of theirs that ours does not have."""
    lacking = [name for name in names if name in matching.only_theirs]
    if lacking:
        common = len(lacking) < len(names)
        return f"theirs {'also ' if common else ''}changes {', '.join(lacking)}, which ours does not have"
    rows = theirs.before, theirs.after
    levels = dict.fromkeys(level for row in rows for level in matching.missing_levels(row))
    if levels:
        return f"ours has no {', no '.join(levels)}"
    missing = [row for row in rows if not matching.counterparts(row)]
    return "ours has no row like " + ", nor ".join(f"{row.number} ({row.label})" for row in missing) if missing else ""


def _without_result(contrast: Contrast) -> str:
    empty = [row for row in (contrast.before, contrast.after) if contrast.metric not in row.metrics]
    words = [f"{row.label}{' (failed)' if row.failed else ''}" for row in empty]
    return ", ".join(words) or "the two rows have no seed in common"


def _readings(found: Comparison) -> Iterator[AlternativeReading]:
    """The readings of either log under which some word is another; a doubt that both have is read alike in both."""
    here, there = analyse(found.ours).other_readings, analyse(found.theirs).other_readings
    listed = {compared.pair: compared.word for compared in found.compared}
    for words in dict.fromkeys([*there, *here]):
        read = _as_listed(here.get(words, found.ours), there.get(words, found.theirs))
        other = {compared.pair: compared.word for compared in read.compared}
        pairs = sorted({*listed, *other}, key=lambda pair: (pair[1], pair[0]))
        changed = {pair: (listed.get(pair), other.get(pair)) for pair in pairs if listed.get(pair) != other.get(pair)}
        if changed:
            yield AlternativeReading(words, changed)
