"""Which value of a series a metric takes: the last one, that of a step, or that of the step of the best validation."""

import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, NamedTuple

from ablate.errors import AblateError, nearest, unknown_name
from ablate.measurement import Direction


class NoValueError(AblateError):
    """A metric without a value. The message is the reason, without the name of the metric."""


def unknown_in(place: str, kind: str, name: str, names: Iterable[str]) -> NoValueError:
    """Return the error of a name that a place does not have, with the nearest of its names."""
    known = list(dict.fromkeys(names))
    return NoValueError(f"{place}: {unknown_name(kind, name, known, meant=meant_name(name, known))}")


def meant_name(name: str, names: Collection[str]) -> str | None:
    """Return the name that is probably meant: a like one, or the first that contains the name, as accuracy has acc."""
    plain = name.casefold()
    parts = (other for other in names if plain in other.casefold() or other.casefold() in plain)
    return nearest(name, names) or next(parts, None)


@dataclass(frozen=True)
class OtherValue:
    """A value that is no number, such as a text in a JSON file."""

    words: str
    """The value in words: `the text 'high'`, `null`."""


class Point(NamedTuple):
    """One value of a series."""

    step: float | None
    """None if the source has one value and no series."""
    raw: str | float | OtherValue
    """The number, or its text."""
    is_counted: bool = False
    """True if the source has no steps, so that the step is the number of the value, from 1."""


@dataclass(frozen=True)
class Take:
    """Which value of a series is the value of the metric. The default is the last one."""

    step: float | None = None
    """The step of the value; None if it is not chosen by its step."""
    of: str = ""
    """The metric, column, tag or key whose best value chooses the step; empty if none does."""
    better: Direction = Direction.MAXIMIZE
    """Which values of `of` are better."""

    def to_json(self) -> dict[str, Any]:
        """Return the take as plain values."""
        if self.of:
            return {"of": self.of, "better": self.better.better}
        return {} if self.step is None else {"step": self.step}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Take":
        """Return the take that `to_json` made plain values of."""
        better = Direction.of_better(stored.get("better", "higher"))
        return cls(stored.get("step"), stored.get("of", ""), better)


class BestStep(NamedTuple):
    """The step at which a series is best."""

    step: float
    values: int
    """The number of values of the series."""
    is_counted: bool


NOT_FINITE = re.compile(r"([-+]?)(?:1\.#)?(nan|qnan|snan|ind|inf|infinity)(?:\(\w*\))?", re.IGNORECASE)
"""The spellings of numbers that are not finite: nan, -Infinity, -nan(ind), 1.#INF."""


def number(raw: str | float | OtherValue) -> float:
    """Return the number of a value that a script wrote. A text that ends in % is divided by 100.

    Raise NoValueError if it is none.
    """
    if isinstance(raw, OtherValue):
        raise NoValueError(f"the value is {raw.words}, not a number")
    if isinstance(raw, str):
        return number_of_text(raw)
    try:
        return float(raw)
    except OverflowError:  # a whole number of hundreds of digits
        return inf if raw > 0 else -inf


def number_of_text(text: str) -> float:
    """Return the number that a text shows, such as `0.93`, `93.1%`, `-Infinity`; NoValueError if it shows none."""
    try:
        if "_" not in text:  # Python reads 1_000 as a number, and nothing else does
            return float(text)
    except ValueError:
        pass
    plain = text.strip().rstrip(".,;")
    digits = plain.removesuffix("%").rstrip()
    share = 100.0 if plain.endswith("%") else 1.0
    if special := NOT_FINITE.fullmatch(digits):
        return float(special[1] + ("inf" if special[2].lower().startswith("inf") else "nan"))
    try:
        return float(digits.replace("_", "x")) / share
    except ValueError:
        raise NoValueError(f"the value is the text {_short(text)}, not a number") from None


def last_of(points: Iterable[Point]) -> Point:
    """Return the last value of a series; NoValueError if it has none."""
    for point in deque(points, maxlen=1):
        return point
    raise NoValueError("there is no value")


def at_step(points: Iterable[Point], step: float) -> tuple[Point, int]:
    """Return the last value at a step, and the number of values of the series; NoValueError if the step has none."""
    chosen, count, near = None, 0, Point(None, 0.0)
    for point in points:
        count += 1
        if point.step is None:
            raise NoValueError(f"it is one number and no series, so it has no step {step:g}")
        if point.step == step:
            chosen = point
        if near.step is None or abs(point.step - step) < abs(near.step - step):
            near = point
    if chosen is not None:
        return chosen, count
    if near.step is None:
        raise NoValueError("there is no value")
    counted = "; the source has no steps, so its values are counted from 1" if near.is_counted else ""
    raise NoValueError(
        f"there is no value at step {step:g}; of its {count:,} steps the nearest is {near.step:g}{counted}"
    )


def best_step(points: Iterable[Point], better: Direction) -> BestStep:
    """Return the first step at which a series is best, leaving out values that are not finite; NoValueError if none."""
    best, highest, count, is_counted = None, -inf, 0, False
    for point in points:
        if point.step is None:
            raise NoValueError("it is one number and no series, so no step of it is the best")
        count, is_counted = count + 1, point.is_counted
        value = better.sign * number(point.raw)
        is_tie = value == highest and best is not None and point.step < best
        if isfinite(value) and (best is None or value > highest or is_tie):
            best, highest = point.step, value
    if best is None:
        raise NoValueError("none of its values is finite" if count else "there is no value")
    return BestStep(best, count, is_counted)


def _short(text: str, most: int = 40) -> str:
    """Return a text in quotes, cut off if it is long."""
    return repr(text if len(text) <= most else text[:most] + "…")
