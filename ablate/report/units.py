"""Values and differences of a metric as text, in its printed unit: the only file that knows of percent and pp."""

from math import floor, isfinite, log10

from ablate.measurement import Metric, Scale

MINUS = "−"
VALUE_DIGITS, DIFFERENCE_DIGITS = 4, 3
"""Significant digits of values and differences of a metric that does not say how many decimals it has."""
RATIO_DECIMALS = 3


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
    return f"[{difference_text(metric, ends[0])}, {difference_text(metric, ends[1])}]"


def value_interval_text(metric: Metric, ends: tuple[float, float]) -> str:
    """Return an interval of a value, without its unit: `[24.13, 26.70]`."""
    return f"[{value_text(metric, ends[0])}, {value_text(metric, ends[1])}]"


def difference_unit(metric: Metric) -> str:
    """Return the unit of printed differences: `pp`; empty on a log scale, as ratios have none."""
    return "" if metric.scale is Scale.LOG else metric.display.difference_unit


def axis_label(metric: Metric, words: str = "") -> str:
    """Return the label of an axis of values: `top-1 on validation, %`, where `words` follow the metric's name."""
    unit = f", {metric.display.unit}" if metric.display.unit else ""
    return f"{metric.title}{' ' if words else ''}{words}{unit}"


def shown_value(metric: Metric, value: float) -> float:
    """Return the number that reports print for a value: 24.13 for a rate of 0.2413."""
    return value * metric.display.factor


def _number(number: float, decimals: int | None, significant: int, sign: str = "-") -> str:
    """Return a number with so many decimals; if None, with so many significant digits."""
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
            if places <= significant + 3
            else f"{number:{sign}.{significant - 1}e}"
        )
    return text.replace("-", MINUS)


def _followed(text: str, unit: str) -> str:
    return f"{text} {unit}" if unit else text
