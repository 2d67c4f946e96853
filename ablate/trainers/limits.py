"""The limits of a test, from its labels alone: how many examples can be answered, and which values can come out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ablate.measurement import Metric

QUERY_NOUNS = ("query", "queries")
"""The words for examples that are queries."""
EXAMPLES, QUERIES = "examples", "queries"
"""The stored name of the number of examples, and the one if they are queries."""

ROUNDING = 1e-12
"""Values that differ by less are equal."""


@dataclass(frozen=True)
class Unanswerable:
    """Examples that no model can get right, for one reason."""

    reason: str
    """The reason, as a clause: `the gallery has no image of their item`."""
    examples: int
    """Their number."""
    first: str
    """The place of the first one in the annotations; empty if it has none."""
    remedy: str
    """Advice, as an imperative: `set evaluate.cameras: all`."""


@dataclass(frozen=True)
class SplitLimits:
    """The limits of the test on one split under one config. They hold for every model."""

    split: str
    """The name of the split: validation or test."""
    data: str
    """The name of the data, for messages; empty if the trainer has no data sets."""
    examples: int
    """The number of its examples."""
    unanswerable: tuple[Unanswerable, ...] = ()
    """The examples that no model can get right, by reason."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """{metric: lowest and highest value that a model can reach}; metrics that are not named can have any."""
    because: str = ""
    """The reason why a metric cannot vary more, as a clause: `a query searches 4 gallery images at most`."""
    remedy: str = ""
    """Advice for a split without examples, or for a metric that cannot vary, as an imperative."""
    nouns: tuple[str, str] = ("example", "examples")
    """The words for one example and for several ones."""

    @property
    def answerable(self) -> int:
        """The number of examples that a model can get right."""
        return self.examples - sum(group.examples for group in self.unanswerable)

    @property
    def counted(self) -> str:
        """The number of examples with its noun: `1 query` or `1,000 queries`."""
        return f"{self.examples:,} {self.nouns[self.examples != 1]}"

    @property
    def name(self) -> str:
        """The split in words: `the test split of csv`."""
        return f"the {self.split} split" + (f" of {self.data}" if self.data else "")

    def ends(self, metric: Metric) -> tuple[float, float]:
        """Return the lowest and the highest value of a metric that a model can reach."""
        return self.ranges.get(metric.name, metric.bounds)

    def is_fixed(self, metric: str) -> bool:
        """Return True if a metric has the same value for every model."""
        low, high = self.ranges.get(metric, (0.0, 1.0))
        return high - low < ROUNDING

    def to_json(self) -> dict[str, Any]:
        """Return the limits as plain values; those of queries as earlier versions did, which had no others."""
        values = {**asdict(self), "ranges": {metric: list(ends) for metric, ends in self.ranges.items()}}
        if self.nouns != QUERY_NOUNS:
            return values
        del values["nouns"]
        groups = [_renamed(group, EXAMPLES, QUERIES) for group in values["unanswerable"]]
        return {**_renamed(values, EXAMPLES, QUERIES), "unanswerable": groups}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SplitLimits":
        """Return the limits that `to_json` made plain values of."""
        groups: Sequence[Mapping[str, Any]] = stored["unanswerable"]
        one, several = stored.get("nouns", QUERY_NOUNS)
        values = {
            **_renamed(stored, QUERIES, EXAMPLES),
            "unanswerable": tuple(Unanswerable(**_renamed(group, QUERIES, EXAMPLES)) for group in groups),
            "ranges": {metric: (ends[0], ends[1]) for metric, ends in stored["ranges"].items()},
            "nouns": (one, several),
        }
        return cls(**values)


def _renamed(values: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return the values with one name replaced; their order stays."""
    return {new if name == old else name: value for name, value in values.items()}
