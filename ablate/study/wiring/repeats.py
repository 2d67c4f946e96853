"""Trainings that were run twice with the same config and seed, and gave other results."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isnan

from ablate.text import listed_in_part

MOST_NAMED = 3
"""Metrics, and circumstances, that a sentence names."""
FEWEST_DIGITS, MOST_DIGITS = 4, 15
"""Digits of two values that differ: as many as show the difference."""


@dataclass(frozen=True)
class Repeat:
    """A trial that was trained again with another result."""

    values: Mapping[str, tuple[float, float]]
    """{metric: (value then, value now)} of those that differ."""
    changed: tuple[str, ...] = ()
    """The recorded circumstances, such as the version of a library, that were not the same."""

    @property
    def text(self) -> str:
        """The values in words: `acc 0.9312 then 0.934, loss 0.31 then 0.29`."""
        shown = [f"{name} {_two_values(*both)}" for name, both in list(self.values.items())[:MOST_NAMED]]
        more = len(self.values) - len(shown)
        return ", ".join([*shown, *([f"and {more} more"] if more else [])])


def differing_values(
    then: Mapping[str, float], now: Mapping[str, float], names: Collection[str]
) -> dict[str, tuple[float, float]]:
    """Return {metric: (value then, value now)} of two results of one trial, for metrics that differ to the last bit.

    `names`: the metrics that are compared, see `compared_metrics`. A metric that one result lacks is left out.
    """
    both = {name: (then[name], now[name]) for name in then if name in now and name in names}
    return {name: (one, other) for name, (one, other) in both.items() if one != other and not _are_nan(one, other)}


def repeat_sentences(repeats: Mapping[str, Repeat]) -> list[str]:
    """Return a sentence for each trial that was trained again; of many, for the first, with the number of others.

    `repeats`: {name of the trial, such as `row plain, seed 0`: difference}.
    """
    shown = list(repeats.items())[:MOST_NAMED]
    more = len(repeats) - len(shown)
    lines = [f"{name}: trained twice with other results ({one.text}): {_reason(one)}" for name, one in shown]
    return [*lines, f"{more} more trained twice with other results"] if more else lines


def _reason(repeat: Repeat) -> str:
    """Return the conclusion from other results of the same config and seed."""
    if not repeat.changed:
        return "the seed does not decide all of a result"
    return f"the seed does not decide all of a result, or a change of {listed_in_part(repeat.changed, MOST_NAMED)} did"


def _are_nan(one: float, other: float) -> bool:
    return isnan(one) and isnan(other)


def _two_values(one: float, other: float) -> str:
    """Return both with as many digits as show the difference."""
    texts = ((f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1))
    then, now = next((pair for pair in texts if pair[0] != pair[1]), (repr(one), repr(other)))
    return f"{then} then {now}"


def changed_names(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the recorded circumstances that both have, with other values."""
    return tuple(name for name in then if name in now and then[name] != now[name])
