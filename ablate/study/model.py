"""A study: the content of one study file under one profile, as frozen values."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ablate.measurement import Metric
from ablate.study.config_keys import Config, assigned
from ablate.study.design.space import CellLevels
from ablate.study.factors import Factor, Level, LevelName
from ablate.study.fractional.alias_table import AliasTable
from ablate.study.metrics import UNDECLARED, metric_named
from ablate.study.search_space.origin import SearchOrigin
from ablate.study.search_space.space import SearchSpec
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.registry import TRAINERS

Excluded = Mapping[str, tuple[LevelName, ...]]
"""A combination of levels that may not occur, one of each factor's; levels are named as in reports."""


@dataclass(frozen=True, slots=True)
class Row:
    """One combination of levels, every factor included."""

    label: str
    """The row's name, different from that of every other row."""
    levels: CellLevels
    """The level of every factor, by the factor's name."""
    title: str | None = None
    """The text that the log format prints in place of the label."""


@dataclass(frozen=True)
class ReferenceRow:
    """A line that is printed next to the rows and compared with none: the baseline with some config keys changed."""

    label: str
    settings: Mapping[str, Any]
    """The changed values, by dotted config key."""


@dataclass(frozen=True)
class Family:
    """The contrasts that share the study's error rate."""

    kind: Literal["direct", "effects", "pairs"] = "direct"
    """Direct: rows that differ in one factor. Effects: of the factors. Pairs: the listed pairs of rows."""
    pairs: tuple[tuple[str, str], ...] = ()
    """The labels of each pair of rows, if `kind` is "pairs"; otherwise empty."""

    @classmethod
    def from_json(cls, value: str | Sequence[Sequence[str]]) -> "Family":
        """Return the family that a study file or a stored plan writes: a kind's name, or a list of pairs."""
        if isinstance(value, str):
            return cls("effects" if value == "effects" else "direct")
        return cls("pairs", tuple((one, other) for one, other in value))

    def to_json(self) -> str | list[list[str]]:
        """Return the family as a stored plan writes it."""
        return [list(pair) for pair in self.pairs] if self.kind == "pairs" else self.kind


@dataclass(frozen=True)
class Study:
    """A study: its claims, the config that its trials share, its factors, and its rows."""

    name: str
    profile: str
    question: str
    trainer: str
    """The name of the trainer in the registry, or the kind of the declared one."""
    primary: str
    """The metric that verdicts are about."""
    delta: float
    """The smallest effect worth acting on, as reports print effects: 0.5 is 0.5 pp of a rate; on a log scale, 1.05 is
    a ratio."""
    alpha: float
    """The error rate of the study's claims, from 0 to 1."""
    config: Config
    """The config that all trials share before factors set their keys: `written` over the values of `preset`."""
    written: Config
    """The config as the file writes it, without its preset."""
    preset: str | None
    factors: tuple[Factor, ...]
    rows: tuple[Row, ...]
    references: tuple[ReferenceRow, ...]
    seeds: tuple[int, ...]
    """The seeds of every row; if there are `looks`, those of the first look."""
    family: Family = Family()
    aliases: tuple[AliasTable, ...] = ()
    """A table for each fractional design."""
    excluded: tuple[Excluded, ...] = ()
    """Combinations of levels that `exclude` and `require` rule out."""
    search: SearchSpec | None = None
    found_by: SearchOrigin | None = None
    """If the rows are finalists of a search: the facts about that search that reports print."""
    warnings: tuple[str, ...] = ()
    """Sentences about rows that were probably not intended."""
    looks: tuple[int, ...] = ()
    """The numbers of seeds at which verdicts may be judged, if rows get more seeds only while a verdict is open."""
    file: str = field(default="", compare=False)
    """The path of the study file; empty if the study was not read from a file."""
    typed: tuple[str, ...] = field(default=(), compare=False)
    """The config keys that options set; paths under them are searched in the working directory first."""
    steps: tuple[tuple[str, str], ...] | None = None
    """The labels of each row that builds on another one, after the label of that row: in `rows` and ladders, the row
    before it. None if every row builds on the one above it."""

    metrics: tuple[Metric, ...] = UNDECLARED
    """All metrics that its trials can have, costs included."""
    lacks: tuple[str, ...] = field(default=(), compare=False)
    """Libraries that its trainings need and that are not installed here, as faults of the study file. Plans show them,
    and runs refuse the study."""
    search_lacks: tuple[str, ...] = field(default=(), compare=False)
    """The same of the libraries that its search needs besides."""
    declared_trainer: TrainerEntry[Any] | None = None
    """The trainer, if the study file declares one of its own; None if `trainer` names one of the registry."""

    @property
    def entry(self) -> TrainerEntry[Any]:
        """The trainer of every trial."""
        return self.declared_trainer or TRAINERS[self.trainer]

    def metric(self, name: str) -> Metric:
        """Return a metric by its name; KeyError if there is none."""
        return metric_named(self.metrics, name)

    @property
    def folder(self) -> str:
        """The folder of the study file, in which relative paths of the config are searched first; empty if none."""
        return str(Path(self.file).parent) if self.file else ""

    @property
    def absolute_file(self) -> str | None:
        """The absolute path of the study file; None if there is none."""
        return os.path.normpath(Path(self.file).absolute()) if self.file else None

    def row_config(self, row: Row) -> Config:
        """Return the config of a row: the shared one with the row's levels in place."""
        return self._with(row.levels)

    def reference_config(self, reference: ReferenceRow) -> Config:
        """Return the config of a reference: the baseline's with the reference's settings in place."""
        baseline = self._with({factor.name: factor.baseline for factor in self.factors})
        return assigned(baseline, reference.settings.items())

    def _with(self, levels: Mapping[str, Level]) -> Config:
        pairs = [(k, v) for f in self.factors for k, v in zip(f.sets, levels[f.name].values, strict=True)]
        return assigned(self.config, pairs)
