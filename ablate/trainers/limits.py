"""The limits of a test, from its labels alone: how many queries can be answered, and which rates can come out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

RATES = ("top1", "top5", "top10")
PRECISIONS = ("map", "map_at_r")

ROUNDING = 1e-12
"""Rates that differ by less are equal."""


@dataclass(frozen=True)
class Unanswerable:
    """Queries for which no gallery item is right, for one reason."""

    reason: str
    """The reason, as a clause: `the gallery has no image of their item`."""
    queries: int
    """Their number."""
    first: str
    """The place of the first one in the annotations; empty if it has none."""
    remedy: str
    """Advice, as an imperative: `set evaluate.cameras: all`."""


@dataclass(frozen=True)
class SplitLimits:
    """The limits of the test on one split under one config. They hold for every network."""

    split: str
    """The name of the split: validation or test."""
    data: str
    """The name of the data, for messages; empty if the trainer has no data sets."""
    queries: int
    unanswerable: tuple[Unanswerable, ...] = ()
    """The queries that no network can answer, by reason; they are misses."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """{metric: lowest and highest value that a network can reach, in [0, 1]}; metrics that are not named can have any.
    """
    because: str = ""
    """The reason why a metric cannot vary more, as a clause: `a query searches 4 gallery images at most`."""
    remedy: str = ""
    """Advice for a split without queries, or for a metric that cannot vary, as an imperative."""

    @property
    def answerable(self) -> int:
        """The number of queries that a network can answer."""
        return self.queries - sum(group.queries for group in self.unanswerable)

    @property
    def name(self) -> str:
        """The split in words: `the test split of csv`."""
        return f"the {self.split} split" + (f" of {self.data}" if self.data else "")

    def range(self, metric: str) -> tuple[float, float]:
        """Return the lowest and the highest value of a metric, in [0, 1]."""
        return self.ranges.get(metric, (0.0, 1.0))

    def is_fixed(self, metric: str) -> bool:
        """Return True if a metric has the same value for every network."""
        low, high = self.range(metric)
        return high - low < ROUNDING

    def to_json(self) -> dict[str, Any]:
        """Return the limits as plain values."""
        return {**asdict(self), "ranges": {metric: list(ends) for metric, ends in self.ranges.items()}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SplitLimits":
        """Return the limits that `to_json` made plain values of."""
        groups: Sequence[Mapping[str, Any]] = stored["unanswerable"]
        ranges = {metric: (ends[0], ends[1]) for metric, ends in stored["ranges"].items()}
        return cls(**{**stored, "unanswerable": tuple(Unanswerable(**group) for group in groups), "ranges": ranges})
