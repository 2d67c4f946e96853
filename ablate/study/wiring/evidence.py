"""The noise of the metrics of a study, and the probability that some of its results are equal by chance."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from math import isfinite

from ablate.study.wiring.coincidence import Noise, noise_of
from ablate.study.wiring.outcomes import Contents, Outcome, RowOutcomes


@dataclass(frozen=True)
class Evidence:
    """The results of a study with their marks and contents."""

    rows: Sequence[RowOutcomes]
    marks: Mapping[str, Hashable]
    """{trial key: a mark that is the same for equal results}."""
    contents: Mapping[str, Contents]
    """{trial key: contents}, of results with equal values of which examples are known."""

    def independent(self, outcomes: Collection[Outcome]) -> int:
        """Return the number of results, or 1 if they are all equal: then all but one are no further evidence."""
        return len(outcomes) if len({self.marks[one.trial] for one in outcomes}) > 1 else min(len(outcomes), 1)

    def are_rich(self, outcomes: Collection[Outcome]) -> bool:
        """Return True if the examples of all results are known, and are never equal by chance."""
        return bool(outcomes) and all(
            one.trial in self.contents and self.contents[one.trial].is_rich for one in outcomes
        )

    def noises(self, labels: Set[str], seeds: Set[int]) -> dict[str, Noise]:
        """Return {metric: noise} from these rows and seeds, none of which repeats another.

        A row in which all seeds have equal results, such as one of a model without randomness, is left out.
        """
        chosen = [row.outcomes for row in self.rows if row.label in labels and row.outcomes]
        rows = [row for row in chosen if len(row) < 2 or self.independent(row.values()) > 1] or chosen
        names = dict.fromkeys(name for row in rows for one in row.values() for name in one.values)
        tables = {name: [_values(row, seeds, name) for row in rows] for name in names}
        return {name: noise for name, table in tables.items() if (noise := noise_of(table)) is not None}


def _values(row: Mapping[int, Outcome], seeds: Set[int], name: str) -> dict[int, float]:
    """Return {seed: value} of one row and metric, of the values that are finite numbers."""
    values = {seed: one.values[name] for seed, one in sorted(row.items()) if seed in seeds and name in one.values}
    return {seed: value for seed, value in values.items() if isfinite(value)}


def common_noises(noises: Mapping[str, Noise], outcomes: Iterable[Outcome]) -> list[Noise]:
    """Return the noise of each metric of which all outcomes have a finite number."""
    finite = [{name for name, value in one.values.items() if isfinite(value)} for one in outcomes]
    return [noises[name] for name in noises if finite and all(name in names for names in finite)]
