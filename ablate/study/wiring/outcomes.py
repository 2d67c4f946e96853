"""The results that wiring checks compare: the values of each row and seed, and digests of their examples."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Outcome:
    """The result of one row with one seed."""

    trial: str
    """The key of the trial."""
    values: Mapping[str, float]
    """{metric: value} of the metrics that are compared, at least one."""


@dataclass(frozen=True)
class RowOutcomes:
    """The results of one row."""

    label: str
    levels: Mapping[str, Any]
    """{factor: level}."""
    outcomes: Mapping[int, Outcome]
    """{seed: result}, of the seeds that have one."""


class Contents(NamedTuple):
    """All examples and artifacts of a result."""

    digest: bytes
    is_rich: bool
    """True if two trainings practically never have equal contents by chance."""


ReadContents = Callable[[Collection[str]], Mapping[str, Contents]]
"""Takes trial keys and returns {trial key: contents} of those whose examples are known and not all the same."""


@dataclass(frozen=True)
class EqualResults:
    """Results that are equal to the last bit although their trainings differ, as groups of labels and of seeds."""

    rows: tuple[tuple[str, ...], ...] = ()
    """Rows of different trials with equal results in every seed that they share, which chance cannot explain."""
    seeds: tuple[tuple[int, ...], ...] = ()
    """Seeds with equal results in every row, which chance cannot explain."""
    alike_rows: tuple[tuple[str, ...], ...] = ()
    """Rows with equal results in every seed that they share, which may be chance: values with few digits coincide."""
    likely_rows: tuple[tuple[str, ...], ...] = ()
    """Those of `alike_rows` that chance hardly explains."""
    likely_seeds: tuple[tuple[int, ...], ...] = ()
    """Seeds with equal results in every row, which chance hardly explains."""
    seeds_of_rows: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """(row, seeds) with equal results in that row, which chance cannot explain, and other results in other rows."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "EqualResults":
        """Return the results that `to_json` made plain values of."""
        fields = {name: tuple(map(tuple, groups)) for name, groups in stored.items() if name != "seeds_of_rows"}
        alone = tuple((label, tuple(seeds)) for label, seeds in stored.get("seeds_of_rows", ()))
        return cls(**fields, seeds_of_rows=alone)

    def to_json(self) -> dict[str, Any]:
        """Return the groups as plain values, without empty ones."""
        groups = {name: [list(group) for group in value] for name, value in vars(self).items() if value}
        alone = [[label, list(seeds)] for label, seeds in self.seeds_of_rows]
        return groups | ({"seeds_of_rows": alone} if alone else {})

    @property
    def repeated_seeds(self) -> frozenset[int]:
        """The seeds that repeat an earlier one. They are no further observations."""
        return frozenset(seed for group in self.seeds for seed in group[1:])

    def have(self, one: str, other: str) -> bool:
        """Return True if two rows have equal results, which chance cannot explain."""
        return any(one in group and other in group for group in self.rows)
