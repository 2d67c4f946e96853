"""The trainings of a check, compared by their results: whether a seed or a factor reaches the script at all.

Equal metrics alone show little: a rate over a few hundred examples is often equal by chance. So the other numbers
that the script left are compared too. Those that differ between two trainings of the same row and seed, such as times,
do not count, and neither do those that only repeat the setting that was changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ablate.run.checking.remark import Remark
from ablate.run.checking.row_run import RowRun, RowRunner
from ablate.study.wiring.coincidence import noise_of
from ablate.text import listed_in_part

CERTAIN = 0.01
"""The largest probability of a coincidence at which equal results are reported."""
MOST_SEEDS = 4
"""Seeds with which a row is trained at most, to rule out a coincidence."""
MOST_NAMED = 3
"""Numbers that a sentence names."""
Echoes = Mapping[float, float]
"""{number of a setting in the first training: its number in the other one}; scripts print their settings."""


@dataclass
class RowComparison:
    """A row that was trained once, and further trainings to compare with it."""

    runner: RowRunner
    first: RowRun

    @cached_property
    def again(self) -> RowRun:
        """The same row with the same seed."""
        return self.runner.run(self.first.label, self.first.config, self.first.seed)

    @cached_property
    def other_seed(self) -> RowRun:
        """The same row with another seed."""
        return self.with_seed(self._seeds[1])

    @property
    def is_determined(self) -> bool:
        """True if the same row and seed give the same results."""
        return self.again.is_done and self.again.values == self.first.values

    def with_seed(self, seed: int) -> RowRun:
        """Train the row with another seed."""
        return self.runner.run(self.first.label, self.first.config, seed)

    def seed_remark(self) -> Remark:
        """Train with another seed, and return whether that changes the results."""
        seeds = self._seeds[:1]
        while len(seeds) == 1 or (len(seeds) < MOST_SEEDS and self._chance ** (len(seeds) - 1) > CERTAIN):
            other = self.other_seed if len(seeds) == 1 else self.with_seed(self._seeds[len(seeds)])
            seeds.append(other.seed)
            remark = self.difference(
                other, f"seed: with seed {other.seed}", {float(self.first.seed): float(other.seed)}
            )
            if remark is not None:
                return remark
        return Remark(
            f"seed: the results are equal to the last digit with the seeds {', '.join(map(str, seeds))}. Either the "
            "seed does not reach the script, or nothing in it is random; then `seeds: 1` is enough",
            is_fault=True,
        )

    def repeat_remark(self) -> Remark:
        """Train once more with the same seed, and return whether that gives the same results."""
        if self.is_determined:
            return Remark(f"seed: seed {self.first.seed} gives the same results again")
        return Remark(
            f"seed: the same seed {self.first.seed} gives other results each time, so no other seed and no factor was "
            "compared with it"
        )

    def difference(self, other: RowRun, words: str, echoes: Echoes) -> Remark | None:
        """Return how the results of another training differ, or that they cannot be compared; None if they are equal.

        `words`: the beginning of the sentence, which names the difference of the trainings.
        """
        if not other.is_done:
            return Remark(f"{words}, the training fails: {other.reason}", is_fault=True)
        if other.values != self.first.values:
            return Remark(f"{words}, the results differ")
        if not self.is_determined:
            return Remark(f"{words}, the results are equal, but the same seed gives other ones, so this shows nothing")
        if names := self._telling(other, echoes):
            named = listed_in_part(names, MOST_NAMED)
            verb = "differs" if len(names) == 1 else "differ"
            return Remark(f"{words}, {named} {verb}; that the metrics are equal is chance, or a small effect")
        return None

    def _telling(self, other: RowRun, echoes: Echoes) -> list[str]:
        """Return the numbers that are the same with the same seed, and differ in another training."""
        own, same, others = _numbers(self.first), _numbers(self.again), _numbers(other)
        shared = [name for name in own if own[name] == same.get(name) and name in others]
        return [name for name in shared if own[name] != others[name] and echoes.get(own[name]) != others[name]]

    @property
    def _seeds(self) -> list[int]:
        """The seeds of the row: those of the study, and further ones."""
        seeds = [self.first.seed, *(seed for seed in self.runner.study.seeds if seed != self.first.seed)]
        return [*seeds, *(max(seeds) + step for step in range(1, MOST_SEEDS))]

    @property
    def _chance(self) -> float:
        """The probability that two seeds give equal metrics by chance, by the metric that shows differences best."""
        noises = [noise_of([{self.first.seed: value}]) for value in self.first.values.values()]
        return min((noise.chance_of_equal for noise in noises if noise is not None), default=1.0)


def _numbers(run: RowRun) -> dict[str, float]:
    """Return {name: number} of all numbers that a training left."""
    return {f"{one.name} ({one.origin.partition(':')[0]})": one.value for one in run.seen}
