"""Seeds with equal results: the seed does not reach the trainer, or changes nothing, or chance made them equal."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cached_property

from ablate.study.wiring.coincidence import Caution, Noise
from ablate.study.wiring.evidence import Evidence, common_noises
from ablate.study.wiring.grouping import groups_in_row, groups_of_seeds
from ablate.study.wiring.outcomes import Outcome, RowOutcomes


@dataclass(frozen=True)
class EqualSeeds:
    """The groups of seeds with equal results."""

    evidence: Evidence
    caution: Caution
    labels: Set[str]
    """The rows, without those that repeat another one."""

    def certain(self) -> Iterator[tuple[int, ...]]:
        """Yield the seeds with equal results in every row, which chance cannot explain."""
        for first, *others in self._groups:
            repeats = [seed for seed in others if self.evidence.are_rich(self._shared(first, seed))]
            if repeats:
                yield first, *repeats

    def likely(self) -> Iterator[tuple[int, ...]]:
        """Yield other seeds with equal results in every row, which chance hardly explains.

        At least two comparisons are needed: of three seeds, or in two rows.
        """
        certain = {seed for group in self.certain() for seed in group}
        for first, *others in self._groups:
            shared = [self._shared(first, seed) for seed in others]
            times = sum(map(self.evidence.independent, shared))
            noises = common_noises(self._noises, (one for of_pair in shared for one in of_pair))
            chance = min((noise.chance_of_equal**times for noise in noises), default=1.0)
            if first not in certain and times > 1 and chance * self._comparisons <= self.caution.most:
                yield first, *others

    def of_single_rows(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield (row, seeds) of the rows in which several seeds have equal results, and other rows have not.

        Chance hardly explains them. That much must be shown by other rows: digits alone do not show that a metric
        varies, and there are as many chances as rows.
        """
        everywhere = [set(group) for group in self._groups]
        for row in self.evidence.rows:
            for group in groups_in_row(row, self.evidence.marks):
                if not any(set(group) <= seeds for seeds in everywhere) and self._is_alone(row, group):
                    yield row.label, group

    def _is_alone(self, row: RowOutcomes, seeds: tuple[int, ...]) -> bool:
        outcomes = [row.outcomes[seed] for seed in seeds]
        if self.evidence.are_rich(outcomes):
            return True
        noises = common_noises(self._noises, outcomes)
        chance = min((noise.highest_chance_of_equal ** (len(seeds) - 1) for noise in noises), default=1.0)
        return chance * len(self.evidence.rows) * self._comparisons <= self.caution.most

    @cached_property
    def _groups(self) -> list[list[int]]:
        return groups_of_seeds(self.evidence.rows, self.evidence.marks)

    @cached_property
    def _seeds(self) -> frozenset[int]:
        return frozenset(seed for row in self.evidence.rows for seed in row.outcomes)

    @property
    def _comparisons(self) -> int:
        """The number of pairs of seeds that are compared."""
        return max(len(self._seeds) * (len(self._seeds) - 1) // 2, 1)

    @cached_property
    def _noises(self) -> dict[str, Noise]:
        """The noise over all seeds. If all have equal results, they do not show it: then from one of them."""
        are_equal = len(self._groups) == 1 and len(self._groups[0]) == len(self._seeds)
        return self.evidence.noises(self.labels, {min(self._seeds)} if are_equal else self._seeds)

    def _shared(self, one: int, other: int) -> list[Outcome]:
        """Return the results with one seed, of the rows that have both."""
        rows = [row for row in self.evidence.rows if row.label in self.labels]
        return [row.outcomes[one] for row in rows if one in row.outcomes and other in row.outcomes]
