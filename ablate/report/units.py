"""Values and differences of a metric as text, in its printed unit: the only file that knows of percent and pp."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import exp, floor, isfinite, isnan, log10
from typing import Any

from ablate.measurement import Direction, Metric, Scale

MINUS = "−"
VALUE_DIGITS, DIFFERENCE_DIGITS = 4, 3
"""Significant digits of values and differences of a metric that does not say how many decimals it has."""
RATIO_DECIMALS = 3
MOST_ZEROS = 4
"""Zeros behind the point, before the first other digit, from which on a number is written as 1.2e-05."""
ROUNDING = 1e-12
"""A number that is closer to 0 is 0: it is what rounding left of it."""


def value_text(metric: Metric, value: float) -> str:
    """Return a value without its unit: `24.13`, for a rate of 0.2413."""
    return _number(shown_value(metric, value), metric.display.digits, VALUE_DIGITS)


def value_with_unit(metric: Metric, value: float) -> str:
    """Return a value with its unit: `24.13 %`."""
    return _followed(value_text(metric, value), metric.display.unit)


def difference_text(metric: Metric, difference: float) -> str:
    """Return a difference with its sign and without its unit: `−4.50`; on a log scale the ratio: `×0.832`."""
    shown = metric.shown(difference)
    if metric.scale is Scale.LOG:
        return f"×{_number(shown, RATIO_DECIMALS if 0.01 <= shown < 10 else None, DIFFERENCE_DIGITS)}"
    return _number(shown, metric.display.digits, DIFFERENCE_DIGITS, sign="+")


def difference_with_unit(metric: Metric, difference: float) -> str:
    """Return a difference with its sign and unit: `−4.50 pp`; on a log scale the ratio: `×0.832`."""
    return _followed(difference_text(metric, difference), difference_unit(metric))


def difference_interval_text(metric: Metric, ends: tuple[float, float]) -> str:
    """Return an interval of a difference, without its unit: `[+1.35, +3.61]`."""
    alike = _with_width(_alike(metric, ends, DIFFERENCE_DIGITS), ends)
    return f"[{difference_text(alike, ends[0])}, {difference_text(alike, ends[1])}]"


def value_interval_text(metric: Metric, ends: tuple[float, float]) -> str:
    """Return an interval of a value, without its unit: `[24.13, 26.70]`."""
    alike = _with_width(_alike(metric, ends, VALUE_DIGITS), ends)
    return f"[{value_text(alike, ends[0])}, {value_text(alike, ends[1])}]"


def difference_and_interval(metric: Metric, difference: float, ends: tuple[float, float] | None, unit: str = "") -> str:
    """Return a difference and its interval with equal decimals: `+2.48 [+1.35, +3.61]`; `unit` follows the first.

    The difference alone if it has no interval.
    """
    if ends is None:
        return _followed(difference_text(metric, difference), unit)
    alike = _with_width(_alike(metric, (difference, *ends), DIFFERENCE_DIGITS), ends)
    return f"{_followed(difference_text(alike, difference), unit)} {difference_interval_text(alike, ends)}"


def value_and_interval(metric: Metric, value: float, ends: tuple[float, float] | None) -> str:
    """Return a value and its interval with equal decimals, without the unit: `25.42 [24.13, 26.70]`.

    The value alone if it has no interval.
    """
    if ends is None:
        return value_text(metric, value)
    alike = _with_width(_alike(metric, (value, *ends), VALUE_DIGITS), ends)
    return f"{value_text(alike, value)} {value_interval_text(alike, ends)}"


def difference_unit(metric: Metric) -> str:
    """Return the unit of printed differences: `pp`; empty on a log scale, as ratios have none."""
    return "" if metric.scale is Scale.LOG else metric.display.difference_unit


def spread_text(metric: Metric, sd: float) -> str:
    """Return an SD with the unit of differences: `0.42 pp`; on a log scale in percent, as a small SD of ratios."""
    if metric.scale is Scale.LOG:
        return f"{100 * sd:.3g} %"
    shown, decimals = sd * metric.display.factor, metric.display.digits
    if decimals is not None and 0 < shown < 10.0**-decimals:
        decimals = None
    return _followed(_number(shown, decimals, DIFFERENCE_DIGITS), difference_unit(metric))


def no_effect_text(metric: Metric) -> str:
    """Return the difference of equal values: `0`; on a log scale `×1`."""
    return "×1" if metric.scale is Scale.LOG else "0"


def in_title(metric: Metric) -> str:
    """Return `, pp`, the unit of changes for the end of a title or heading; nothing if they have none."""
    unit = difference_unit(metric)
    return f", {unit}" if unit else ""


def unit_words(metric: Metric) -> str:
    """Return the unit of printed differences for a heading: `in percentage points (pp)`, `in nats`, `as ratios`."""
    if metric.scale is Scale.LOG:
        return "as ratios"
    if metric.is_rate:
        return f"in percentage points ({metric.display.difference_unit})"
    return f"in {difference_unit(metric)}" if difference_unit(metric) else ""


def delta_text(metric: Metric, delta: float) -> str:
    """Return delta as a study file writes it, with its unit: `0.5 pp`; on a log scale `×1.05`; `none` for nan."""
    if isnan(delta):
        return "none"
    shown = f"{metric.shown(delta):.12g}"
    return f"×{shown}" if metric.scale is Scale.LOG else _followed(shown, difference_unit(metric))


def band_text(metric: Metric, delta: float) -> str:
    """Return the effects that are no larger than delta: `±0.5 pp`; on a log scale `×0.952 to ×1.05`."""
    if metric.scale is Scale.LOG:
        return f"{difference_text(metric, -delta)} to {difference_text(metric, delta)}"
    return f"±{delta_text(metric, delta)}"


def range_text(metric: Metric, ends: tuple[float, float]) -> str:
    """Return `at least 25.00 % and at most 75.00 %` for a range within the metric's bounds; empty if it limits nothing.

    An end that is a bound of the metric is left out.
    """
    low, high = ends
    limits = [f"at least {value_with_unit(metric, low)}"] if low > metric.bounds[0] else []
    limits += [f"at most {value_with_unit(metric, high)}"] if high < metric.bounds[1] else []
    return " and ".join(limits)


def axis_label(metric: Metric, words: str = "") -> str:
    """Return the label of an axis of values: `top-1 on validation, %`, where `words` follow the metric's name."""
    unit = f", {metric.display.unit}" if metric.display.unit else ""
    return f"{metric.title}{' ' if words else ''}{words}{unit}"


def heading(metric: Metric) -> str:
    """Return the heading of a column of values: `top-1 %`, or `seconds, s`."""
    return f"{metric.title} {metric.display.unit}" if metric.is_rate else axis_label(metric)


def in_column(metric: Metric, values: Sequence[float]) -> Metric:
    """Return the metric with so many decimals as a column of these values needs."""
    return _alike(metric, values, VALUE_DIGITS)


def better(metric: Metric, further: str = "") -> str:
    """Return ` (lower is better)` for a metric of that direction, and a `further` note in the same brackets.

    Higher values are what readers expect, so that nothing is said of them.
    """
    notes = ["lower is better"] if metric.direction is Direction.MINIMIZE else []
    notes += [further] if further else []
    return f" ({'; '.join(notes)})" if notes else ""


def effect_label(metric: Metric) -> str:
    """Return the label of an axis of effects: `effect on top-1, pp`; on a log scale `effect on seconds, ratio`."""
    unit = "ratio" if metric.scale is Scale.LOG else difference_unit(metric)
    return f"effect on {metric.title}{unit and f', {unit}'}{better(metric)}"


def shown_value(metric: Metric, value: float) -> float:
    """Return the number that reports print for a value: 24.13 for a rate of 0.2413."""
    return value * metric.display.factor


def _alike(metric: Metric, numbers: Sequence[float], significant: int) -> Metric:
    """Return the metric with so many decimals that the largest of these numbers has so many significant digits.

    A metric that has a number of decimals stays as it is, and so does one of very small numbers.
    """
    largest = max((abs(shown_value(metric, number)) for number in numbers if isfinite(number)), default=0.0)
    if metric.display.digits is not None or largest < 10.0**-MOST_ZEROS:
        return metric
    places = max(0, significant - 1 - floor(log10(largest)))
    return replace(metric, display=replace(metric.display, digits=places))


def _with_width(metric: Metric, ends: tuple[float, float]) -> Metric:
    """Return the metric with so many decimals that an interval does not look like one of width 0."""
    decimals, width = metric.display.digits, abs(ends[1] - ends[0]) * metric.display.factor
    if decimals is None or metric.scale is Scale.LOG or not ROUNDING < width < 10.0**-decimals:
        return metric
    return replace(metric, display=replace(metric.display, digits=1 - floor(log10(width))))


def _number(number: float, decimals: int | None, significant: int, sign: str = "-") -> str:
    """Return a number with so many decimals; if None, with so many significant digits."""
    number = 0.0 if abs(number) < ROUNDING else number  # no minus before the rounding of a difference of equal values
    if not isfinite(number):
        text = f"{number:{sign}}"
    elif decimals is not None:
        text = f"{number:{sign},.{decimals}f}" if abs(number) >= 10_000 else f"{number:{sign}.{decimals}f}"
    elif number == 0:
        text = f"{number:{sign}.0f}"
    else:
        places = significant - 1 - floor(log10(abs(number)))
        text = (
            f"{number:{sign},.{max(places, 0)}f}"
            if places < significant + MOST_ZEROS
            else f"{number:{sign}.{significant - 1}e}"
        )
    return text.replace("-", MINUS)


def _followed(text: str, unit: str) -> str:
    return f"{text} {unit}" if unit else text


def amounts(metric: Metric, values: Mapping[str, float | tuple[float, float] | None]) -> dict[str, Any]:
    """Return effects, and intervals of effects, for JSON: in the metric's unit, on a log scale as ratios.

    Of a rate there is a further key for each, `NAME_pp`, in percentage points. nan becomes null.
    """
    convert = exp if metric.scale is Scale.LOG else float
    plain = {name: _each(value, convert) for name, value in values.items()}
    in_pp = {f"{name}_pp": _each(value, metric.shown) for name, value in values.items()}
    return plain | (in_pp if metric.is_rate else {})


def effect_cells(metric: Metric, effect: float | None, *intervals: tuple[float, float] | None) -> list[object]:
    """Return an effect and the ends of its intervals as cells of a CSV: as reports print them, empty if unknown."""
    numbers = [effect, *(end for ends in intervals for end in ends or (None, None))]
    return ["" if number is None else metric.shown(number) for number in numbers]


def spreads(metric: Metric, values: Mapping[str, float]) -> dict[str, Any]:
    """Return SDs for JSON: in the metric's unit, on a log scale of logarithms; of a rate in percentage points too."""
    in_pp = {f"{name}_pp": value * metric.display.factor for name, value in values.items()}
    return {**values, **(in_pp if metric.is_rate else {})}


def _each(value: float | tuple[float, float] | None, convert: Callable[[float], float]) -> Any:
    if isinstance(value, tuple):
        return [_each(end, convert) for end in value]
    return None if value is None or isnan(value) else convert(value)
