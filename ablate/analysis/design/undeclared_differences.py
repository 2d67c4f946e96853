"""Undeclared differences between rows: recorded circumstances, like a library's version, that differ between runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.results import StudyResults

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MISSING = -1
"""The number of a run that has no result."""


@dataclass(frozen=True)
class RecordedCircumstances:
    """The recorded circumstances of a study's runs that are not the same in all runs."""

    names: tuple[str, ...]
    codes: Ints
    """A number for the value in each run, shape (names, rows, seeds): equal numbers mean equal values. If rows are not
    paired by seed, shape (names, rows, 1): a number for the values that the row's runs have."""
    declares: Bools
    """True if a factor sets the circumstance, so that a difference is expected; shape (names, factors)."""

    def between(self, first: Ints, second: Ints, differing: Bools) -> Bools:
        """Return True for circumstances that differ, undeclared, between pairs of rows; shape (pairs, names).

        `first`, `second`: the rows of each pair. `differing`: factors that differ, shape (pairs, factors). A difference
        counts if it is between two runs of the same seed.
        """
        undeclared = np.zeros((len(first), len(self.names)), dtype=bool)
        for name in range(len(self.names)):
            one, other = self.codes[name, first], self.codes[name, second]
            differs = np.any((one != other) & (one != MISSING) & (other != MISSING), axis=1)
            is_declared = np.any(differing & self.declares[name], axis=1)
            undeclared[:, name] = differs & ~is_declared
        return undeclared

    def unusual(self) -> dict[str, list[tuple[int, ...]]]:
        """Return {undeclared circumstance: the unusual values of each row, as numbers}.

        The usual value of a seed is the one that most rows have. Circumstances without an unusual value are left out.
        """
        unusual_values = {}
        for name, codes, declares in zip(self.names, self.codes, self.declares, strict=True):
            usual = [_most_frequent(of_seed[of_seed != MISSING]) for of_seed in codes.T]
            of_rows = [tuple(sorted(set(row[(row != MISSING) & (row != usual)].tolist()))) for row in codes]
            if any(of_rows) and not declares.any():
                unusual_values[name] = of_rows
        return unusual_values


def recorded_circumstances(results: StudyResults, seeds: Sequence[int]) -> RecordedCircumstances:
    """Return the circumstances that are not the same in all runs of a study, in the order of their names."""
    runs = [[row.results[seed].environment if seed in row.results else None for seed in seeds] for row in results.rows]
    names = _differing_names([run for of_row in runs for run in of_row if run is not None])
    if results.unpaired:
        runs = [[_of_all_runs([run for run in of_row if run is not None], names)] for of_row in runs]
        names = [name for name in names if len({run.get(name) for (run,) in runs if run is not None}) > 1]
    codes = np.full((len(names), len(runs), len(runs[0]) if runs else 0), MISSING, dtype=np.int64)
    for name_codes, name in zip(codes, names, strict=True):
        numbers: dict[str | None, int] = {}
        for row, of_row in enumerate(runs):
            for seed, run in enumerate(of_row):
                if run is not None:
                    name_codes[row, seed] = numbers.setdefault(run.get(name), len(numbers))
    keys_set = [_keys_and_their_parts(results.sets(factor)) for factor in results.factors]
    declares = np.array([[name in keys for keys in keys_set] for name in names], dtype=bool)
    return RecordedCircumstances(tuple(names), codes, declares.reshape(len(names), len(keys_set)))


def _of_all_runs(runs: Sequence[Mapping[str, str]], names: Sequence[str]) -> Mapping[str, str] | None:
    """Return for each circumstance the values that a row's runs have, as one text; None without a run."""
    return {name: repr(sorted({run.get(name, "") for run in runs})) for name in names} if runs else None


def _differing_names(runs: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the names that have different values in the runs, or are missing in some of them."""
    names = {name for run in runs for name in run}
    return sorted(name for name in names if len({run.get(name) for run in runs}) > 1)


def _keys_and_their_parts(config_keys: Sequence[str]) -> set[str]:
    """Return `data.path`, `data` and `path` for the config key `data.path`."""
    return {part for key in config_keys for part in (key, *key.split("."))}


def _most_frequent(codes: Ints) -> int:
    """Return the most frequent number, the smallest of several; MISSING if there is none."""
    return int(np.bincount(codes).argmax()) if len(codes) else MISSING
