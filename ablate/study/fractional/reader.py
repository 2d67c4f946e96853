"""Reading fractional designs: the fewest runs that tell main effects, and of interactions what is asked for."""

from collections.abc import Sequence
from math import prod

from ablate.study.design.constraints import Constraints
from ablate.study.design.space import Cell, FactorSpace
from ablate.study.fractional.alias_table import ARRAY, FULL, REGULAR, ROMAN, SUBSET
from ablate.study.fractional.effects import parameters
from ablate.study.fractional.fraction import Fraction, placed
from ablate.study.fractional.minimum_aberration import fewest_runs
from ablate.study.fractional.orthogonal_arrays import array_runs, orthogonal_array
from ablate.study.fractional.regular_fractions import LETTERS, from_generators, shortest_word
from ablate.study.reading.problems import Path
from ablate.study.reading.schema import FractionalEntry

MOST_FACTORS = 100
"""More take long to search among, and are no ablation study."""

MOST_PARAMETERS = 80
"""Beyond, to search for an optimal subset takes too long for a command that is to answer at once."""


class FractionReader:
    """Reads the fractional designs of one file, of at most `most` runs each, and records those that cannot be."""

    def __init__(self, space: FactorSpace, rules: Constraints, most: int) -> None:
        self.space, self.rules, self.most = space, rules, most

    def fraction(self, path: Path, entry: FractionalEntry, start: Cell) -> Fraction | None:
        """The design that an entry asks for; None where there is none, with its fault recorded."""
        positions = self.space.named((*path, "factors"), entry.factors)
        both = entry.resolution is not None and entry.generators is not None
        if both or (entry.resolution is None and entry.generators is None):
            found = "both" if both else "neither"
            self.space.faults.add(path, f"a fraction has `resolution` or `generators`; here are {found}")
        elif len(positions) == len(entry.factors) and not self.space.unreadable:
            if not 2 <= len(positions) <= MOST_FACTORS:
                self.space.faults.add((*path, "factors"), f"a fraction takes 2 to {MOST_FACTORS} factors")
            elif entry.generators is not None:
                return self._generated((*path, "generators"), entry.generators, start, positions)
            elif entry.resolution is not None:
                return self._of_resolution((*path, "resolution"), entry.resolution, start, positions)
        return None

    def _generated(self, path: Path, texts: Sequence[str], start: Cell, positions: Sequence[int]) -> Fraction | None:
        for factor in (self.space.factors[position] for position in positions):
            if len(factor.levels) > 2:
                found = f"{factor.name!r} has {len(factor.levels)}"
                self.space.faults.add(path, f"generators are for factors of two levels; {found}; give a resolution")
                return None
        if len(positions) > len(LETTERS):
            self.space.faults.add(path, f"there are letters for {len(LETTERS)} factors; give a resolution")
            return None
        try:
            regular = from_generators(texts, len(positions))
        except ValueError as error:
            self.space.faults.add(path, str(error))
            return None
        word = shortest_word(regular.masks)
        if word is not None and word < 3:
            same = next(chain for chain in regular.chains() if len(chain) > 1 and len(chain[1]) == 1)
            one, other = (self.space.factors[positions[effect[0]]].name for effect in same[:2])
            message = f"{one!r} and {other!r} would always change together: resolution II; at least III is accepted"
            self.space.faults.add(path, message)
            return None
        levels = self._levels(start, positions)
        kind = FULL if word is None else REGULAR
        return Fraction(self.space, kind, start, levels, regular.runs, regular.cells, word, regular=regular)

    def _of_resolution(self, path: Path, resolution: int, start: Cell, positions: Sequence[int]) -> Fraction | None:
        sizes = [len(self.space.factors[position].levels) for position in positions]
        runs = _runs(sizes, resolution)
        if runs > self.most and not (set(sizes) != {2} and self._is_for_subset(sizes, resolution)):
            takes = f"resolution {ROMAN[resolution]} of these factors takes {runs:,} runs, and a study has at most"
            self.space.faults.add(path, f"{takes} {self.most:,}; {self._attainable(resolution, sizes)}")
            return None
        return (self._two_level if set(sizes) == {2} else self._mixed)(resolution, start, positions)

    def _attainable(self, resolution: int, sizes: Sequence[int]) -> str:
        """What could be asked for instead."""
        for lower in range(resolution - 1, 2, -1):
            if (runs := _runs(sizes, lower)) <= self.most:
                return f"attainable is resolution {ROMAN[lower]}, with {runs:,}"
        return "none is attainable: take fewer factors or levels"

    def _two_level(self, resolution: int, start: Cell, positions: Sequence[int]) -> Fraction:
        regular = fewest_runs(len(positions), resolution)
        word = shortest_word(regular.masks)
        kind = FULL if word is None else REGULAR
        levels = self._levels(start, positions)
        return Fraction(self.space, kind, start, levels, regular.runs, regular.cells, word, regular=regular)

    def _mixed(self, resolution: int, start: Cell, positions: Sequence[int]) -> Fraction:
        """An orthogonal array, or an optimal subset where that takes less than half of its runs."""
        from ablate.study.fractional.d_optimal import optimal_subset  # loads numpy

        levels = self._possible(start, self._levels(start, positions))
        sizes = [len(numbers) for numbers in levels.values()]
        order = 1 if resolution == 3 else 2
        runs = array_runs(sizes, resolution - 1)
        if self._is_for_subset(sizes, resolution):
            subset = optimal_subset(sizes, order, runs, lambda run: not self.rules.against(placed(start, levels, run)))
            if subset:
                return Fraction(self.space, SUBSET, start, levels, len(subset), lambda: subset, order=order)
        full = runs == prod(sizes)
        found = None if full else resolution
        return Fraction(
            self.space, FULL if full else ARRAY, start, levels, runs,
            lambda: orthogonal_array(sizes, resolution - 1), found, order=1 if resolution < 5 else 2,
        )  # fmt: skip

    def _is_for_subset(self, sizes: Sequence[int], resolution: int) -> bool:
        needed = parameters(sizes, 1 if resolution == 3 else 2)
        return needed <= MOST_PARAMETERS and array_runs(sizes, resolution - 1) > 2 * needed

    def _possible(self, start: Cell, levels: dict[int, list[int]]) -> dict[int, list[int]]:
        """Without the levels that the rules leave no cell of, as long as two are left."""
        kept = {
            p: [number for number in numbers if not self._is_out(start, levels, p, number)]
            for p, numbers in levels.items()
        }
        return {p: kept[p] if len(kept[p]) > 1 else numbers for p, numbers in levels.items()}

    def _is_out(self, start: Cell, levels: dict[int, list[int]], position: int, number: int) -> bool:
        """Whether a rule hits the level whatever the design's other factors are."""
        at = {p: {start[p]} for p in range(len(start)) if p not in levels} | {position: {number}}
        return any(all(at.get(p, set()) & out for p, out in rule.out.items()) for rule in self.rules.rules)

    def _levels(self, start: Cell, positions: Sequence[int]) -> dict[int, list[int]]:
        """The level numbers of each factor, from's level as the first, which is low."""
        return {p: [start[p], *self.space.others(p, start[p])] for p in positions}


def _runs(sizes: Sequence[int], resolution: int) -> int:
    """The runs of the smallest regular fraction or orthogonal array that is known here."""
    return fewest_runs(len(sizes), resolution).runs if set(sizes) == {2} else array_runs(sizes, resolution - 1)
