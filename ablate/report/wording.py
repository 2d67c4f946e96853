"""Numbers, levels and verdicts as every format prints them. The words for a verdict stand here and nowhere else."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablate.analysis import verdicts
from ablate.analysis.contrasts import DIRECT, Contrast
from ablate.analysis.effects import ADDITIVE, Effect
from ablate.analysis.results import RowResult, StudyResults
from ablate.study.factors import level_text

METRIC_NAMES = {"top1": "top-1", "top5": "top-5", "top10": "top-10"}
PRECISION_NAMES = {"map": "mAP", "map_at_r": "mAP@R"}
MARKS = {"on": "✓", "off": "✗"}
MINUS = "−"
NOTHING = "–"
LEAST_P = 0.0001

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
}
"""At most 22 letters each, for tables."""

MEANINGS: Mapping[str, str] = {
    verdicts.BETTER: "better, by more than chance explains (p {p} after Holm)",
    verdicts.WORSE: "worse, by more than chance explains (p {p} after Holm)",
    verdicts.BETTER_BELOW_DELTA: "better, but by less than delta ({delta} pp)",
    verdicts.WORSE_BELOW_DELTA: "worse, but by less than delta ({delta} pp)",
    verdicts.NO_EFFECT: "no effect beyond delta ({delta} pp) either way",
    verdicts.UNDECIDED: "undecided: neither an effect nor its absence is shown; {more}",
    verdicts.CONFOUNDED: "confounded: {confounded}",
    verdicts.NOT_ESTIMABLE: "{lacking}",
    verdicts.CHECKPOINTS_DIFFER: "these trained networks differ (p {p} after Holm); "
    "with one seed it says nothing about the factor",
    verdicts.CANNOT_TELL: "these trained networks cannot be told apart; with one seed it says nothing about the factor",
}
"""The second half of a sentence."""
ALIKE: Mapping[str, str] = {
    verdicts.NO_EFFECT: "No effect beyond delta ({delta} pp) either way",
    verdicts.UNDECIDED: "Undecided, neither an effect nor its absence is shown (in brackets: about how many more seeds "
    "a row would decide it)",
    verdicts.CANNOT_TELL: "These trained networks cannot be told apart, and one seed says nothing about the factors",
    verdicts.CONFOUNDED: "Confounded, since several things change at once, and which of them does it cannot be told",
    verdicts.NOT_ESTIMABLE: "Nothing can be said",
}
"""Verdicts that one sentence says of many, with how it begins."""
UNTIL_NEXT_LOOK = (
    "Undecided, neither an effect nor its absence is shown (in brackets: how many more seeds until the next look)"
)
REPEAT = "a repeat"
"""What people read of two rows that differ in nothing; in JSON and CSV they are confounded."""


def phrase(found: Contrast | Effect) -> str:
    """A verdict in a table; `~5 more`: about how many more seeds a row would decide."""
    code, more = found.estimate.verdict, found.estimate.more_seeds
    if code == verdicts.UNDECIDED and more is not None:
        return f"{PHRASES[code]}, ~{more} more"
    if code == verdicts.NOT_ESTIMABLE and not _aliases(found):
        return "no result"
    return REPEAT if code == verdicts.CONFOUNDED and is_repeat(found) else PHRASES[code]


def sentence(found: Contrast | Effect, results: StudyResults) -> str:
    """What may be said of a contrast or an effect, as one sentence."""
    parts = [subject(found), _size(found), meaning(found, results)]
    return ": ".join(part for part in parts if part) + "."


def sentences(found: Sequence[Contrast | Effect], results: StudyResults) -> list[str]:
    """A sentence each; of verdicts that say the same of many, one for all of them."""
    told = [sentence(one, results) for one in found if one.estimate.verdict not in ALIKE or is_repeat(one)]
    for code, words in ALIKE.items():
        alike = [one for one in found if one.estimate.verdict == code and not is_repeat(one)]
        if len(alike) > 1:
            brief = "; ".join(_briefly(one, results) for one in alike)
            words = UNTIL_NEXT_LOOK if code == verdicts.UNDECIDED and _waits(alike[0], results) else words
            told.append(f"{words.format(delta=f'{results.delta:g}')}: {brief}.")
        else:
            told += [sentence(one, results) for one in alike]
    return told


def meaning(found: Contrast | Effect, results: StudyResults) -> str:
    """The verdict in words, with what it needs beside it."""
    if found.estimate.verdict == verdicts.CONFOUNDED and is_repeat(found):
        return f"{REPEAT}: nothing differs"
    return MEANINGS[found.estimate.verdict].format(
        p=p_value(found.estimate.p_holm, "= "),
        delta=f"{results.delta:g}",
        more=_until_look(found.estimate.more_seeds) if _waits(found, results) else _more(found.estimate.more_seeds),
        confounded=_confounded(found),
        lacking=_lacking(found),
    )


def subject(found: Contrast | Effect) -> str:
    """What is compared: `random_erasing off → on (rows 2 → 4)`."""
    if isinstance(found, Contrast):
        rows = f"rows {pair(found)}"
        return f"{moved(found)} ({rows})" if found.identified == DIRECT else rows
    words = f"{found.factor} {level_text(found.level)} against {level_text(found.baseline)}"
    if found.contexts > 1:
        return f"{words}, the mean of {found.contexts} comparisons"
    return f"{words}, if effects add up" if found.identified == ADDITIVE else words


def is_repeat(found: Contrast | Effect) -> bool:
    """Two rows of equal levels and circumstances: nothing is confounded, as nothing differs."""
    return isinstance(found, Contrast) and not found.differs and not found.undeclared


def pair(contrast: Contrast) -> str:
    return f"{contrast.before.number} → {contrast.after.number}"


def moved(contrast: Contrast, most: int | None = None) -> str:
    """The one factor with its levels, `omega 0.9 → 0.7`; otherwise all that differs, at `most` so many named."""
    if len(contrast.differs) != 1 or contrast.undeclared:
        return differing(contrast, most)
    (name,) = contrast.differs
    levels = (level_text(row.levels.get(name)) for row in (contrast.before, contrast.after))
    return f"{name} {' → '.join(levels)}"


def differing(contrast: Contrast, most: int | None = None) -> str:
    """The factors in which two rows differ; a warning where they are not exactly one."""
    names = [*contrast.differs, *(f"{name} (undeclared)" for name in contrast.undeclared)]
    if not names:
        return "nothing"
    if len(names) == 1:
        return names[0]
    shown = names if most is None else names[:most]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"{len(names)} at once: {', '.join(shown)}{more}"


def hits(contrast: Contrast) -> str:
    """`+307 of 12,377`, of two rows that have one seed in common; otherwise nothing."""
    common = set(contrast.before.seeds) & set(contrast.after.seeds)
    known = [row.metrics.get(contrast.metric) for row in (contrast.before, contrast.after)]
    if len(common) != 1 or known[0] is None or known[1] is None or known[0].n != known[1].n:
        return ""
    (seed,) = common
    before = known[0].hits[contrast.before.seeds.index(seed)]
    gained = known[1].hits[contrast.after.seeds.index(seed)] - before
    return f"{gained:+,} of {known[1].n:,}".replace("-", MINUS)


def mark(level: Any) -> str:
    """✓ or ✗ for a component, the level itself for anything else."""
    text = level_text(level)
    return MARKS.get(text, text)


def rate(value: float) -> str:
    """A rate as a percentage, two digits."""
    return f"{100 * value:.2f}"


def signed(pp: float) -> str:
    """Percentage points with their sign, two digits."""
    return f"{pp:+.2f}".replace("-", MINUS)


def interval(ends: tuple[float, float] | None) -> str:
    return NOTHING if ends is None else f"[{signed(ends[0])}, {signed(ends[1])}]"


def change(found: Contrast | Effect) -> str:
    """An effect with its interval: `+2.48 [+1.35, +3.61]`."""
    effect, ends = found.estimate.effect, found.estimate.interval
    if effect is None:
        return NOTHING if isinstance(found, Effect) else "no result"
    return signed(effect) if ends is None else f"{signed(effect)} {interval(ends)}"


def p_value(p: float | None, equals: str = "") -> str:
    """Three digits, or four of what is small: `0.209`, `0.0046`, `<0.0001`. `equals` stands before a number."""
    if p is None:
        return NOTHING
    if p < LEAST_P:
        return f"< {LEAST_P}" if equals else f"<{LEAST_P}"
    return equals + (f"{p:.4f}" if p < 0.01 else f"{p:.3f}" if p < 0.9995 else "1")


def percent(share: float) -> str:
    return f"{100 * share:g} %"


def counted(number: int, noun: str) -> str:
    """`1 seed`, `1,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def _size(found: Contrast | Effect) -> str:
    if found.estimate.effect is None:
        return ""
    ends = "" if found.estimate.interval is None else f" {interval(found.estimate.interval)}"
    in_hits = hits(found) if isinstance(found, Contrast) and found.estimate.seeds == 1 else ""
    return f"{signed(found.estimate.effect)} pp{ends}" + (f", {in_hits} queries" if in_hits else "")


def _briefly(found: Contrast | Effect, results: StudyResults) -> str:
    """One of many that share a sentence."""
    code, effect = found.estimate.verdict, found.estimate.effect
    if code == verdicts.NOT_ESTIMABLE or effect is None:
        return f"{subject(found)}: {_lacking(found)}"
    size = f"{subject(found)} {signed(effect)} pp"
    if code == verdicts.CONFOUNDED and isinstance(found, Contrast):
        return f"{size} ({differing(found).partition(': ')[2] or differing(found)})"
    if code == verdicts.UNDECIDED:
        more = found.estimate.more_seeds
        nothing = "no look to come" if _waits(found, results) else "more would not soon tell"
        return f"{size} ({nothing if more is None else more})"
    return size


def _waits(found: Contrast | Effect, results: StudyResults) -> bool:
    """Whether a look decides it, and not any seed more."""
    in_family = found.in_family if isinstance(found, Contrast) else results.family.kind == "effects"
    return bool(results.schedule) and in_family


def _until_look(seeds: int | None) -> str:
    return "no look is to come" if seeds is None else f"the next look comes with {counted(seeds, 'more seed')}"


def _more(seeds: int | None) -> str:
    if seeds is None:
        return "more seeds would not soon tell"
    return f"about {counted(seeds, 'more seed')} a row would decide it"


def _aliases(found: Contrast | Effect) -> Sequence[str]:
    return found.aliased_with if isinstance(found, Effect) else ()


def _confounded(found: Contrast | Effect) -> str:
    if isinstance(found, Effect):
        return f"with {listed(found.aliased_with)}" if found.aliased_with else "with other factors"
    if not found.differs:
        return f"no factor declares that {listed(found.undeclared)} differs"
    names = (*found.differs, *(f"{name} (undeclared)" for name in found.undeclared))
    return f"{listed(names)} change at once, and which of them does it cannot be told"


def _lacking(found: Contrast | Effect) -> str:
    """Why there is no effect: what it cannot be told from, or which seeds are not there."""
    if isinstance(found, Effect):
        aliased = found.aliased_with
        return f"cannot be told apart from {listed(aliased)}" if aliased else "no result tells of it"
    without = [f"row {row.number} {state(row)}" for row in (found.before, found.after) if not row.seeds]
    return listed(without) if without else "the two rows have no seed in common"


def state(row: RowResult) -> str:
    """Why a row has no result."""
    return "failed" if row.failed else "has no result yet"
