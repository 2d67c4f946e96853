"""Reads fractional designs: the fewest runs that estimate main effects, and interactions as the resolution demands."""

from collections.abc import Callable, Iterable, Sequence
from math import prod

from ablate.study.design.constraints import Constraints
from ablate.study.design.factor_names import FactorNames
from ablate.study.design.space import Cell
from ablate.study.fractional.alias_table import ARRAY, FULL, REGULAR, ROMAN, SUBSET
from ablate.study.fractional.effects import parameters
from ablate.study.fractional.fraction import Fraction, placed
from ablate.study.fractional.minimum_aberration import fewest_runs
from ablate.study.fractional.orthogonal_arrays import array_runs, orthogonal_array
from ablate.study.fractional.regular_fractions import LETTERS, RegularFraction, from_generators, shortest_word
from ablate.study.reading.problems import Path
from ablate.study.reading.schema import FractionalEntry

MOST_FACTORS = 100
"""A search among more factors takes long, and a study of more is no ablation study."""

MOST_PARAMETERS = 80
"""With more parameters, the search for an optimal subset takes too long for a command that answers at once."""


class FractionReader:
    """Reads the fractional designs of one file and records those that are not possible."""

    def __init__(self, names: FactorNames, rules: Constraints, most: int) -> None:
        """`most`: the largest number of runs that a design may have."""
        self.names, self.space, self.problems = names, names.space, names.problems
        self.rules, self.most = rules, most

    def fraction(self, path: Path, entry: FractionalEntry, start: Cell) -> Fraction | None:
        """Return the design of an entry; record a fault and return None if there is none."""
        positions = self.names.varying((*path, "factors"), entry.factors)
        both = entry.resolution is not None and entry.generators is not None
        if both or (entry.resolution is None and entry.generators is None):
            count = "both" if both else "neither"
            self.problems.add(path, f"a fraction has `resolution` or `generators`; here are {count}")
        elif len(positions) == len(entry.factors) and not self.names.unreadable:
            if not 2 <= len(positions) <= MOST_FACTORS:
                self.problems.add((*path, "factors"), f"a fraction takes 2 to {MOST_FACTORS} factors")
            elif entry.generators is not None:
                return self._from_generators((*path, "generators"), entry.generators, start, positions)
            elif entry.resolution is not None:
                return self._of_resolution((*path, "resolution"), entry.resolution, start, positions)
        return None

    def _from_generators(
        self, path: Path, texts: Sequence[str], start: Cell, positions: Sequence[int]
    ) -> Fraction | None:
        for factor in (self.space.factors[position] for position in positions):
            if len(factor.levels) > 2:
                count = f"{factor.name!r} has {len(factor.levels)}"
                self.problems.add(path, f"generators are for factors of two levels; {count}; give a resolution")
                return None
        if len(positions) > len(LETTERS):
            self.problems.add(path, f"there are letters for {len(LETTERS)} factors; give a resolution")
            return None
        try:
            regular = from_generators(texts, len(positions))
        except ValueError as error:
            self.problems.add(path, str(error))
            return None
        word = shortest_word(regular.masks)
        if word is not None and word < 3:
            same = next(chain for chain in regular.chains() if len(chain) > 1 and len(chain[1]) == 1)
            one, other = (self.space.factors[positions[effect[0]]].name for effect in same[:2])
            message = f"{one!r} and {other!r} would always change together: resolution II; at least III is accepted"
            self.problems.add(path, message)
            return None
        return self._regular(regular, start, positions)

    def _of_resolution(self, path: Path, resolution: int, start: Cell, positions: Sequence[int]) -> Fraction | None:
        sizes = [len(self.space.factors[position].levels) for position in positions]
        runs = _runs(sizes, resolution)
        if runs > self.most and not (set(sizes) != {2} and self._needs_subset(sizes, resolution)):
            cost = f"resolution {ROMAN[resolution]} of these factors takes {runs:,} runs, and a study has at most"
            self.problems.add(path, f"{cost} {self.most:,}; {self._attainable(resolution, sizes)}")
            return None
        if set(sizes) == {2}:
            return self._regular(fewest_runs(len(positions), resolution), start, positions)
        return self._mixed(resolution, start, positions)

    def _attainable(self, resolution: int, sizes: Sequence[int]) -> str:
        """Return the advice of a message: the highest resolution that is attainable, and its number of runs."""
        for lower in range(resolution - 1, 2, -1):
            if (runs := _runs(sizes, lower)) <= self.most:
                return f"attainable is resolution {ROMAN[lower]}, with {runs:,}"
        return "none is attainable: take fewer factors or levels"

    def _regular(self, regular: RegularFraction, start: Cell, positions: Sequence[int]) -> Fraction:
        word = shortest_word(regular.masks)
        levels = self._levels(start, positions)
        kind = FULL if word is None else REGULAR
        return self._fraction(kind, start, levels, regular.runs, regular.cells, resolution=word, regular=regular)

    def _mixed(self, resolution: int, start: Cell, positions: Sequence[int]) -> Fraction:
        """Return an orthogonal array, or an optimal subset if that takes less than half of the array's runs."""
        from ablate.study.fractional.d_optimal import optimal_subset  # loads numpy

        levels = self._possible(start, self._levels(start, positions))
        sizes = [len(numbers) for numbers in levels.values()]
        order = 1 if resolution == 3 else 2
        runs = array_runs(sizes, resolution - 1)
        if self._needs_subset(sizes, resolution):
            subset = optimal_subset(sizes, order, runs, lambda run: not self.rules.against(placed(start, levels, run)))
            if subset:
                return self._fraction(SUBSET, start, levels, len(subset), lambda: subset, order=order)
        is_full = runs == prod(sizes)
        return self._fraction(
            FULL if is_full else ARRAY,
            start,
            levels,
            runs,
            lambda: orthogonal_array(sizes, resolution - 1),
            resolution=None if is_full else resolution,
            order=1 if resolution < 5 else 2,
        )

    def _fraction(
        self,
        kind: str,
        start: Cell,
        levels: dict[int, list[int]],
        count: int,
        runs: Callable[[], Iterable[Sequence[int]]],
        *,
        resolution: int | None = None,
        order: int = 1,
        regular: RegularFraction | None = None,
    ) -> Fraction:
        factors = tuple(self.space.factors[position].name for position in levels)
        return Fraction(kind, start, factors, levels, count, runs, resolution, order, regular)

    def _needs_subset(self, sizes: Sequence[int], resolution: int) -> bool:
        """Return True if an orthogonal array takes more than twice as many runs as the model has parameters."""
        needed = parameters(sizes, 1 if resolution == 3 else 2)
        return needed <= MOST_PARAMETERS and array_runs(sizes, resolution - 1) > 2 * needed

    def _possible(self, start: Cell, levels: dict[int, list[int]]) -> dict[int, list[int]]:
        """Return the levels without those that the rules leave no cell of, as long as two of a factor remain."""
        possible = {
            p: [number for number in numbers if not self._is_out(start, levels, p, number)]
            for p, numbers in levels.items()
        }
        return {p: possible[p] if len(possible[p]) > 1 else numbers for p, numbers in levels.items()}

    def _is_out(self, start: Cell, levels: dict[int, list[int]], position: int, number: int) -> bool:
        """Return True if a rule excludes the level whatever the levels of the design's other factors are."""
        at = {p: {start[p]} for p in range(len(start)) if p not in levels} | {position: {number}}
        return any(all(at.get(p, set()) & out for p, out in rule.out.items()) for rule in self.rules.rules)

    def _levels(self, start: Cell, positions: Sequence[int]) -> dict[int, list[int]]:
        """Return the level numbers of each factor. The first, which is the low level, is the one in `start`."""
        return {p: [start[p], *self.space.others(p, start[p])] for p in positions}


def _runs(sizes: Sequence[int], resolution: int) -> int:
    """Return the number of runs of the smallest regular fraction or orthogonal array that this program can make."""
    return fewest_runs(len(sizes), resolution).runs if set(sizes) == {2} else array_runs(sizes, resolution - 1)
