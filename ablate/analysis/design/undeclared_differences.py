"""What was recorded of runs and is not the same in all: the undeclared differences between rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.results import StudyResults

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class RecordedCircumstances:
    """What was recorded of runs and is not the same in all: `codes`, shape (names, rows, seeds), −1 where missing.

    `declares`: shape (names, factors), whether a factor sets what the name says, so that it is no surprise.
    """

    names: tuple[str, ...]
    codes: Ints
    declares: Bools

    def between(self, first: Ints, second: Ints, differing: Bools) -> Bools:
        """Which names differ undeclared between pairs of rows; `differing`: (pairs, factors). Shape (pairs, names)."""
        found = np.zeros((len(first), len(self.names)), dtype=bool)
        for at in range(len(self.names)):
            one, other = self.codes[at, first], self.codes[at, second]
            unlike = np.any((one != other) & (one >= 0) & (other >= 0), axis=1)
            found[:, at] = unlike & ~np.any(differing & self.declares[at], axis=1)
        return found


def circumstances(results: StudyResults, seeds: Sequence[int]) -> RecordedCircumstances:
    """What differs among the runs of a study, by name."""
    known = [[row.results[seed].environment if seed in row.results else None for seed in seeds] for row in results.rows]
    runs = [run for of_row in known for run in of_row if run is not None]
    names = sorted({name for run in runs for name in run if any(other.get(name) != run[name] for other in runs[:1])})
    names = sorted({*names, *(name for run in runs[:1] for name in run if any(name not in o for o in runs))})
    codes = np.full((len(names), len(known), len(seeds)), -1, dtype=np.int64)
    for at, name in enumerate(names):
        numbers: dict[str | None, int] = {}
        for row, of_row in enumerate(known):
            for seed, run in enumerate(of_row):
                if run is not None:
                    codes[at, row, seed] = numbers.setdefault(run.get(name), len(numbers))
    sets = [{part for key in results.sets(factor) for part in (key, *key.split("."))} for factor in results.factors]
    declares = np.array([[name in keys for keys in sets] for name in names], dtype=bool)
    return RecordedCircumstances(tuple(names), codes, declares.reshape(len(names), len(sets)))
