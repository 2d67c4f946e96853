"""A Study: what one file and profile ask for, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.study.config_keys import Config, assigned
from ablate.study.design.reader import Excluded, Family
from ablate.study.design.union import Row
from ablate.study.factors import Factor, Level
from ablate.study.fractional.alias_table import AliasTable
from ablate.study.search_space.space import SearchSpec


@dataclass(frozen=True)
class ReferenceRow:
    """A line printed beside the rows and compared with none: the baseline with some config keys changed."""

    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """`config` is what every trial shares before factors set theirs: what is `written` in the file, over its `preset`.

    `delta` is in percentage points. `family`: the contrasts that share the error, direct, effects, or pairs of labels.
    `aliases`: a table for each fractional design; `excluded`: combinations of levels that make no sense. `found_by`: of
    finalists, what reports say of their search. `warnings` are about rows that are wanted and hardly meant.
    `looks`: with how many seeds verdicts may be judged, if rows get seeds only where a verdict is open; `seeds` are
    then those of the first look.
    """

    name: str
    profile: str
    question: str
    trainer: str
    primary: str
    delta: float
    alpha: float
    config: Config
    written: Config
    preset: str | None
    factors: tuple[Factor, ...]
    rows: tuple[Row, ...]
    references: tuple[ReferenceRow, ...]
    seeds: tuple[int, ...]
    family: Family = "direct"
    aliases: tuple[AliasTable, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    search: SearchSpec | None = None
    found_by: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    looks: tuple[int, ...] = ()

    def row_config(self, row: Row) -> Config:
        """The config of a row: the shared one with the row's levels in place."""
        return self._with(row.levels)

    def reference_config(self, reference: ReferenceRow) -> Config:
        """The config of a reference: the baseline's with the reference's settings in place."""
        baseline = self._with({factor.name: factor.baseline for factor in self.factors})
        return assigned(baseline, reference.settings.items())

    def _with(self, levels: Mapping[str, Level]) -> Config:
        pairs = [(k, v) for f in self.factors for k, v in zip(f.sets, levels[f.name].values, strict=True)]
        return assigned(self.config, pairs)
