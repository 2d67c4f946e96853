"""Metrics, and the values that a training gives for them: the words that trainers, the store and reports share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import exp, floor, log, log10
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEST, VALIDATION = "test", "validation"
"""The split that verdicts are about, and the split that a search scores its candidates on."""
MOST_DECIMALS = 6
"""Decimals with which the smallest delta is printed; numbers that need more are written as 1.2e-05."""
COST = "cost"
"""The split of metrics of the training itself, like its time."""


class Direction(StrEnum):
    """Which values of a metric are better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @property
    def sign(self) -> int:
        """1 if higher values are better, otherwise −1: sign × effect is the improvement."""
        return 1 if self is Direction.MAXIMIZE else -1

    @property
    def better(self) -> str:
        """The word for the better values: higher or lower."""
        return "higher" if self is Direction.MAXIMIZE else "lower"

    @classmethod
    def of_better(cls, better: str) -> "Direction":
        """Return the direction of which the better values have this word; KeyError if there is none."""
        return {direction.better: direction for direction in cls}[better]


class Kind(StrEnum):
    """What a value of a metric is made of. It decides how values of a single seed are compared."""

    PROPORTION = "proportion"
    """The share of the examples for which something holds, in [0, 1]: the mean of zeros and ones."""
    MEAN = "mean"
    """The mean of one real number for each example."""
    SCALAR = "scalar"
    """One number, of which no examples are known."""


class Scale(StrEnum):
    """How two values of a metric are compared."""

    LINEAR = "linear"
    """By their difference."""
    LOG = "log"
    """By their ratio. All values are positive."""


@dataclass(frozen=True)
class Display:
    """How reports print a metric. Nothing else reads it."""

    title: str = ""
    """The name in tables and sentences; the metric's own name if empty."""
    factor: float = 1.0
    """Values and differences are printed times this."""
    unit: str = ""
    """The unit of printed values."""
    difference_unit: str = ""
    """The unit of printed differences."""
    digits: int | None = None
    """Decimals of printed values and differences; None chooses them by the size of the differences."""
    example: str = "example"
    """The word for one example."""
    examples: str = "examples"
    """The word for several examples."""
    count: str = "count"
    """The word for the number of examples for which a proportion holds."""


RATE = Display(factor=100.0, unit="%", difference_unit="pp", digits=2)
"""A rate in [0, 1], printed in percent; differences of rates are percentage points."""


@dataclass(frozen=True)
class Metric:
    """A metric by its name."""

    name: str
    direction: Direction = Direction.MAXIMIZE
    kind: Kind = Kind.SCALAR
    unit: str = ""
    """The unit of values, effects and delta alike; empty for a rate, which is a number in [0, 1]."""
    bounds: tuple[float, float] = (float("-inf"), float("inf"))
    """The lowest and the highest possible value."""
    scale: Scale = Scale.LINEAR
    display: Display = field(default_factory=Display)
    on_validation: bool = False
    """True if its values are measured on validation data."""
    at_most: str = ""
    """The name of a metric that is never below this one; empty if there is none."""

    @property
    def title(self) -> str:
        """The name in tables and sentences."""
        return self.display.title or self.name

    @property
    def measured_split(self) -> str:
        """The split that its values are measured on: VALIDATION or TEST."""
        return VALIDATION if self.on_validation else TEST

    def difference(self, shown: float) -> float:
        """Return a difference, which reports print as `shown`, in the metric's own unit.

        On a log scale, `shown` is a ratio, and the difference is its natural logarithm; ValueError if it is not
        positive.
        """
        return log(shown) if self.scale is Scale.LOG else shown / self.display.factor

    def shown(self, difference: float) -> float:
        """Return the number that reports print for a difference in the metric's own unit: 0.5 for 0.005 of a rate."""
        return exp(difference) if self.scale is Scale.LOG else difference * self.display.factor

    def of_compared(self, number: float) -> float:
        """Return the value behind a number as values are compared: on a log scale, of its logarithm."""
        return exp(number) if self.scale is Scale.LOG else number

    def to_a_tenth_of(self, delta: float) -> "Metric":
        """Return the metric with enough printed decimals to read a tenth of a printed delta.

        A metric that has a number of decimals, or that is compared on a log scale, stays as it is, and so does one with
        a delta so small that numbers are better written as 1.2e-05.
        """
        if self.display.digits is not None or self.scale is Scale.LOG or not delta > 0:
            return self
        decimals = max(0, 1 - floor(log10(delta)))
        return replace(self, display=replace(self.display, digits=decimals)) if decimals <= MOST_DECIMALS else self

    @property
    def is_rate(self) -> bool:
        """True if values are rates in [0, 1] that reports print in percent."""
        return (self.display.factor, self.display.difference_unit) == (RATE.factor, RATE.difference_unit)

    def to_json(self) -> dict[str, Any]:
        """Return the metric as plain values."""
        unbounded = (float("-inf"), float("inf"))
        return {
            "name": self.name,
            "direction": str(self.direction),
            "kind": str(self.kind),
            "unit": self.unit,
            "bounds": [None if end in unbounded else end for end in self.bounds],
            "scale": str(self.scale),
            **({"at_most": self.at_most} if self.at_most else {}),
            **({"on_validation": True} if self.on_validation else {}),
            "display": {name: value for name, value in vars(self.display).items() if value != _DISPLAY[name]},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Metric":
        """Return the metric that `to_json` made plain values of."""
        low, high = stored["bounds"]
        return cls(
            stored["name"],
            Direction(stored["direction"]),
            Kind(stored["kind"]),
            stored["unit"],
            (float("-inf") if low is None else low, float("inf") if high is None else high),
            Scale(stored["scale"]),
            Display(**stored["display"]),
            stored.get("on_validation", False),
            stored.get("at_most", ""),
        )


_DISPLAY = vars(Display())


@dataclass(frozen=True)
class Measurement:
    """The value of a metric on one split."""

    metric: str
    """The name of the metric."""
    split: str
    value: float
    """In the metric's unit."""
    n: int | None = None
    """The number of examples that the value is the mean over; None if it is not known."""
    examples: "NDArray[np.float32] | NDArray[np.bool_] | None" = None
    """The value of each example, shape (n,); None if they are not known."""
    ids: Sequence[str] | None = None
    """The name of each example, by which trials are paired; None pairs them by position."""
    clusters: "NDArray[np.int64] | None" = None
    """A number for each example, shape (n,): examples of one cluster are not independent. None if all are."""


@dataclass(frozen=True)
class Result:
    """The result of a training under one setting of its evaluation."""

    measurements: Sequence[Measurement]
    """One for each metric and split."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """{name: value} of versions, device and other conditions on which a result may depend."""
    curve: Sequence[tuple[int, float]] = ()
    """(step, loss) along the training."""
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    """{name: content} of further results that only the trainer reads."""
    sizes: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    """{split: {word: number}} of what a split has, in the trainer's words, like the number of its queries. None is not
    known."""

    def value(self, metric: str, split: str = TEST) -> float:
        """Return the value of a metric on a split; KeyError if it was not measured."""
        return self.measurement(metric, split).value

    def measurement(self, metric: str, split: str = TEST) -> Measurement:
        """Return the measurement of a metric on a split; KeyError if there is none."""
        for one in self.measurements:
            if (one.metric, one.split) == (metric, split):
                return one
        raise KeyError(f"{metric} on {split}")


@dataclass(frozen=True)
class Interim:
    """The results on the validation split after a part of a training."""

    fraction: float
    """The part of the training that is done, in (0, 1)."""
    measurements: Sequence[Measurement]

    @classmethod
    def of(cls, fraction: float, measured: Iterable[Measurement]) -> "Interim":
        """Return the values of measurements as an interim result; it needs no value of each example."""
        return cls(fraction, [Measurement(one.metric, one.split, one.value, one.n) for one in measured])

    def value(self, metric: str) -> float:
        """Return the value of a metric; KeyError if it was not measured."""
        return next(one.value for one in self.measurements if one.metric == metric)
