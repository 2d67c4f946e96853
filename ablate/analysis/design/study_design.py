"""The design of a study: its rows in the additive model, all of them and those that have results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.design.additive_model import AdditiveModel, Variable, additive_model
from ablate.analysis.design.undeclared_differences import RecordedCircumstances, recorded_circumstances
from ablate.analysis.results import TESTED_ON, StudyResults
from ablate.analysis.untested import read_levels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FinishedRows:
    """The rows that have results, in the additive model."""

    model: AdditiveModel
    """Circumstances that no factor declares are variables of it, after the factors."""
    positions: Ints
    """The positions of these rows among all rows."""


@dataclass(frozen=True)
class StudyDesign:
    """The rows of a study with the factors, and the circumstances, in which they differ."""

    results: StudyResults
    values: Floats
    """The values of the metric that the analysis is about, shape (rows, seeds); nan if there is no result."""

    @cached_property
    def model(self) -> AdditiveModel:
        """All rows as levels of the declared factors, the baseline first."""
        variables = []
        for factor in self.results.document.factors:
            levels = [factor.baseline, *(level for level in factor.levels if level != factor.baseline)]
            variables.append(Variable(factor.name, tuple(levels)))
        return additive_model(variables, [[row.levels.get(v.name) for v in variables] for row in self.results.rows])

    @cached_property
    def read_model(self) -> AdditiveModel:
        """The same, with the baseline in place of every level that nothing reads: such a level has no effect."""
        names = [variable.name for variable in self.model.variables]
        labels = [row.label for row in self.results.rows]
        is_read = read_levels(self.results.document.unread, names, labels)
        return AdditiveModel(self.model.variables, np.where(is_read, self.model.codes, 0))

    @cached_property
    def circumstances(self) -> RecordedCircumstances:
        """The recorded circumstances that are not the same in all runs."""
        return recorded_circumstances(self.results, self.results.seeds)

    @cached_property
    def finished(self) -> FinishedRows:
        """The rows that have results."""
        positions = np.flatnonzero(~np.isnan(self.values).all(axis=1))
        variables = list(self.model.variables)
        codes = self.read_model.codes
        levels = [[v.levels[code] for v, code in zip(variables, codes[row], strict=True)] for row in positions]
        for name, values in self.circumstances.unusual().items():
            variables.append(Variable(f"{name} (undeclared)", tuple(dict.fromkeys([(), *values])), declared=False))
            levels = [[*of_row, values[row]] for of_row, row in zip(levels, positions, strict=True)]
        return FinishedRows(additive_model(variables, levels), positions)

    @property
    def other_tests(self) -> list[dict[str, list[Any]]]:
        """{factor: [level]} for each level with which rows are tested on other examples than most rows.

        No run can separate such a level from its test.
        """
        unusual = self.circumstances.unusual().get(TESTED_ON, [])
        tied = []
        for variable, codes in zip(self.model.variables, self.model.codes.T, strict=True):
            for code, level in enumerate(variable.levels):
                rows = [values for values, other in zip(unusual, codes, strict=False) if other == code]
                if rows and all(rows):
                    tied.append({variable.name: [level]})
        return tied

    @property
    def current_model(self) -> AdditiveModel:
        """The model of the rows that have results; of all rows if none has."""
        return self.finished.model if len(self.finished.positions) else self.read_model

    @property
    def aliases(self) -> list[tuple[str, ...]]:
        """Groups of factors, or circumstances, whose effects the rows of `current_model` cannot separate."""
        model = self.current_model
        return [tuple(model.variables[position].name for position in group) for group in model.aliases]

    @cached_property
    def unread_cells(self) -> list[Mapping[str, Sequence[Any]]]:
        """Combinations of levels that are no run to suggest: all levels of the rows in which nothing reads some level,
        and every level of a factor that nothing reads in any row.
        """
        changed = np.flatnonzero((self.read_model.codes != self.model.codes).any(axis=1))
        cells = [{name: [level] for name, level in self.results.rows[at].levels.items()} for at in changed]
        read: NDArray[np.bool_] = np.any(self.read_model.codes, axis=0)
        never = [variable for at, variable in enumerate(self.model.variables) if not read[at]]
        return [*cells, *({each.name: list(each.levels[1:])} for each in never if self._is_unread(each.name))]

    def _is_unread(self, factor: str) -> bool:
        return any(each.factor == factor for each in self.results.document.unread)

    @property
    def free_factors(self) -> set[str]:
        """The factors that are read at evaluation only, so that another level of them costs no training."""
        factors = self.results.document.factors
        return {f.name for f in factors if f.sets and all(key.startswith("evaluate.") for key in f.sets)}
