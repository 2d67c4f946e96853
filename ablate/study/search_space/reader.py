"""Reads the `search` of a study file. Faults are recorded with their places."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import prod
from typing import Any

from pydantic import ValidationError

from ablate.errors import unknown_name
from ablate.measurement import Metric
from ablate.study.config_keys import Config, flattened, overlaps, value_at
from ablate.study.design.factor_names import FactorNames
from ablate.study.design.space import BASELINE, Cell
from ablate.study.design.union import MOST_CELLS
from ablate.study.factors import Factor, Level, level_text
from ablate.study.model import Row
from ablate.study.reading.config_checks import ConfigReader
from ablate.study.reading.nodes import Node, yaml_text
from ablate.study.reading.problems import Path
from ablate.study.reading.schema import DimensionEntry, SearchEntry
from ablate.study.search_space.space import (
    CMAES,
    DEFAULT_TRIALS,
    GRID,
    PRUNERS,
    SAMPLERS,
    TPE,
    ChoiceDimension,
    Dimension,
    RangeDimension,
    SearchSpec,
    stepped,
    steps_in,
)
from ablate.trainers.costs import COST_NAMES

SEARCH: Path = ("search",)
SPACE: Path = (*SEARCH, "space")
LARGEST = 2**53
"""The largest whole number of a range. Samplers compute in floats, which cannot hold every larger one."""


class SearchReader:
    """Reads part by part, so that a fault in one part does not hide those in another."""

    def __init__(self, root: Node, names: FactorNames, rows: Sequence[Row], config: ConfigReader | None) -> None:
        """`config` is None if the trainer is unknown: values are not checked against its config then."""
        self.root, self.names, self.space, self.problems = root, names, names.space, names.problems
        self.config = config
        self.factors = {factor.name: factor for factor in self.space.factors}
        self.cells = {row.label: row.levels.cell for row in rows} if self._has_label() else {}
        self.warnings: list[str] = []  # sentences about values that are valid but hardly meant

    def search(self, written: Config, metrics: Sequence[Metric], primary: Metric | None) -> SearchSpec | None:
        """Return the search; None if there is none, or if it cannot be read.

        `written`: the config as the file writes it. `metrics`: those that a search may name. `primary`: the metric of a
        search that names none; None if it is unknown.
        """
        node = self.root.at(SEARCH)
        if node is None or node.value is None:
            return None
        entries = self._entries()
        self._check_names(entries)
        self._check_written(entries, written)
        readable = [self._dimension(name, entry) for name, entry in entries.items()]
        dimensions = tuple(dimension for dimension in readable if dimension)
        start = self._start(entries)
        names = self._metrics(metrics, primary)
        self._check_sampler(entries, dimensions, names)
        self._check_pruner(names)
        try:
            entry = SearchEntry.model_validate(node.plain())
        except ValidationError:
            return None  # recorded with the whole file's shape
        return SearchSpec(
            dimensions,
            self.space.levels(start),
            entry.sampler,
            entry.pruner,
            tuple(metric for name in names for metric in metrics if metric.name == name),
            _trials(entry, dimensions),
            entry.hours,
            entry.finalists.top,
            entry.finalists.seeds,
        )

    def _has_label(self) -> bool:
        node = self.root.at((*SEARCH, "from"))
        return node is not None and isinstance(node.value, str)

    def _entries(self) -> dict[str, DimensionEntry]:
        """Return the dimensions that have the right shape, by name.

        The faults of the others are recorded with the whole file's shape.
        """
        node = self.root.at(SPACE)
        entries: dict[str, DimensionEntry] = {}
        for name, entry in node.value.items() if node and isinstance(node.value, dict) else ():
            try:
                entries[name] = DimensionEntry.model_validate(entry.plain())
            except ValidationError:
                continue
        return {name: entry for name, entry in entries.items() if isinstance(name, str)}

    def _check_names(self, entries: Mapping[str, DimensionEntry]) -> None:
        """Record dimensions whose key is unknown, or is set by a factor or another dimension."""
        keys = [name for name in entries if name not in self.factors and name not in self.names.unreadable]
        for key in keys:
            owner = next((f for f in self.space.factors if any(overlaps(key, other) for other in f.sets)), None)
            if owner:
                message = f"search factor {owner.name!r} instead, which sets {', '.join(owner.sets)}"
                if owner.name in entries:
                    message = (
                        f"factor {owner.name!r} is searched as well, and sets {', '.join(owner.sets)}; leave this out"
                    )
                self.problems.add((*SPACE, key), message)
            elif self.config and not self.config.has(key) and not (self.names.are_lost and "." not in key):
                known = [*self.factors, *self.config.known]
                self.problems.unknown((*SPACE, key), "factor or config key", key, known)
        for one, second in combinations(keys, 2):
            if overlaps(one, second):
                message = f"{one} and {second} are one key, or one holds the other; search each key once"
                self.problems.add((*SPACE, second), message)

    def _check_written(self, entries: Mapping[str, DimensionEntry], written: Config) -> None:
        """Record values that the file's config fixes under a searched factor's key. They would have no effect."""
        config = flattened(written)
        for factor in (self.factors[name] for name in entries if name in self.factors):
            for key, value in zip(factor.sets, factor.baseline.values, strict=True):
                if key in config and config[key] != value:
                    message = f"config.{key} fixes {yaml_text(config[key])}, and factor {factor.name!r} sets it again"
                    baseline = level_text(factor.baseline.name)
                    self.problems.add(
                        (*SPACE, factor.name),
                        f"{message}; take it out of config, or write its baseline {baseline} there",
                    )

    def _dimension(self, name: str, entry: DimensionEntry) -> Dimension | None:
        path, factor = (*SPACE, name), self.factors.get(name)
        ranged = [end for end in ("low", "high", "step") if getattr(entry, end) is not None] + ["log"] * entry.log
        if entry.choices is not None and ranged:
            self.problems.add(path, f"choices and {ranged[0]} stand together; accepted: a range (low, high) or choices")
        elif entry.choices is not None:
            return self._with_choices(name, factor, entry.choices)
        elif entry.low is None and entry.high is None:
            self.problems.add(path, "neither a range nor choices; accepted: {low: ..., high: ...} or {choices: [...]}")
        elif entry.low is None or entry.high is None:
            written, missing = ("low", "high") if entry.high is None else ("high", "low")
            self.problems.add(path, f"{written} without {missing}; a range has both")
        elif factor and len(factor.sets) > 1:
            message = f"factor {name!r} sets several keys, and a range is for one; accepted: choices among its levels"
            self.problems.add(path, message)
        else:
            return self._with_range(name, factor.sets[0] if factor else name)
        return None

    def _with_range(self, name: str, key: str) -> Dimension | None:
        """Return a range. Its ends are read from the nodes, in which 5 is a whole number and 5.0 is not."""
        path = (*SPACE, name)
        low, high, step, log = (self._plain((*path, part)) for part in ("low", "high", "step", "log"))
        is_right = self._check_range(path, low, high, step, bool(log))
        config = self._config_of(name, key)
        if config is None:
            return None
        for end, value in (("low", low), ("high", high)):
            config.check_settings({key: value}, (*path, end))
        if not is_right:
            return None
        self._warn_of_words(name, key, config)
        takes_fractions = not _is_for_whole(config, key, low, high)
        by_levels = takes_fractions and step is None and self._is_whole_by_levels(name, key, config, low, high)
        is_whole = (
            not takes_fractions
            or by_levels
            or (step is not None and all(type(each) is int for each in (low, high, step)))
        )
        if is_whole and not self._check_whole(path, {"low": low, "high": high, "step": step}):
            return None
        if step is not None:
            last = stepped(low, step, steps_in(low, high, step))
            if not math.isclose(last, high, rel_tol=1e-9):
                self.warnings.append(
                    f"search.space.{name}: with steps of {yaml_text(step)} from {yaml_text(low)} the last value is "
                    f"{yaml_text(last)}; high, {yaml_text(high)}, is not searched"
                )
            high = last
        return RangeDimension(name, key, low, high, step, bool(log), is_whole, by_levels)

    def _warn_of_words(self, name: str, key: str, config: ConfigReader) -> None:
        """Warn of a range over a factor whose levels are no numbers, if its key accepts any value."""
        factor = self.factors.get(name)
        words = [level for level in factor.levels if isinstance(level.values[0], bool | str)] if factor else []
        if words and config.accepts(key, "text"):
            levels = " and ".join(level_text(level.name) for level in words[:2])
            self.warnings.append(
                f"search.space.{name}: a range searches numbers, and factor {name!r} has levels such as {levels}; "
                "`choices` searches levels"
            )

    def _is_whole_by_levels(self, name: str, key: str, config: ConfigReader, low: Any, high: Any) -> bool:
        """Return True if a key that accepts any value is searched in whole numbers only.

        Both ends of the range, and the levels or the value that the file declares for it, are whole numbers.
        """
        if not (type(low) is int and type(high) is int and config.accepts(key, "text")):
            return False
        factor = self.factors.get(name)
        declared = [level.values[0] for level in factor.levels] if factor else [value_at(config.config, key)]
        if declared == [None]:
            self.warnings.append(
                f"search.space.{name}: {low} to {high} is searched with fractions, as no value is declared for {key}; "
                "`step: 1` searches whole numbers only"
            )
        return all(type(value) is int for value in declared)

    def _check_range(self, path: Path, low: Any, high: Any, step: Any, log: bool) -> bool:
        faults = {}
        if low >= high:
            faults[path] = (
                f"low is not below high: {yaml_text(low)} and {yaml_text(high)}; swap them or move them apart"
            )
        elif not math.isfinite(float(high) - float(low)):
            faults[path] = "low and high are too far apart for a search"
        elif step is not None and step > high - low:
            faults[*path, "step"] = (
                f"a step of {yaml_text(step)} is larger than the range; at most {yaml_text(high - low)}"
            )
        if log and low <= 0:
            faults[*path, "low"] = f"found {yaml_text(low)}; on a log scale, low is above 0"
        if log and step is not None:
            faults[*path, "log"] = "a range on a log scale has no steps; take out log or step"
        for place, message in faults.items():
            self.problems.add(place, message)
        return not faults

    def _check_whole(self, path: Path, parts: Mapping[str, Any]) -> bool:
        fractions = {part: value for part, value in parts.items() if value is not None and value != int(value)}
        large = {part: value for part, value in parts.items() if value is not None and abs(value) > LARGEST}
        for part, value in fractions.items():
            self.problems.expected((*path, part), value, "a whole number")
        for part, value in large.items():
            self.problems.expected((*path, part), value, "a whole number within 2^53, which samplers can hold exactly")
        return not fractions and not large

    def _with_choices(self, name: str, factor: Factor | None, choices: Sequence[Any]) -> Dimension | None:
        path = (*SPACE, name, "choices")
        levels = [self._choice((*path, index), name, factor, value) for index, value in enumerate(choices)]
        texts = [level_text(level.name) if level else None for level in levels]
        for index, text in enumerate(texts):
            if text is not None and text in texts[:index]:
                self.problems.add((*path, index), f"choice {text} stands here twice")
        if len(choices) < 2:
            fixed = "`from`" if factor else "`config`"
            self.problems.add(path, f"a search needs at least 2 choices; a fixed value stands in {fixed}")
        if None in texts or len(set(texts)) < len(texts) or len(texts) < 2:
            return None
        return ChoiceDimension(name, factor.sets if factor else (name,), tuple(level for level in levels if level))

    def _choice(self, path: Path, name: str, factor: Factor | None, value: Any) -> Level | None:
        if factor:
            number = self.names.number(path, self.space.positions[name], value)
            return None if number is None else factor.levels[number]
        if not isinstance(value, bool | int | float | str):
            self.problems.expected(
                path, value, "on or off, a number, or text; for anything else, search a factor's levels"
            )
            return None
        if config := self._config_of(name, name):
            config.check_settings({name: value}, path)
        return Level(value, (value,))

    def _config_of(self, dimension: str, key: str) -> ConfigReader | None:
        """Return a reader that checks a key's values while the other dimensions vary; None if there is no such key."""
        if self.config is None or not self.config.has(key):
            return None
        node = self.root.at(SPACE)
        names = node.value if node and isinstance(node.value, dict) else ()  # those of factors vary anyway
        return self.config.with_varied({name for name in names if isinstance(name, str) and name != dimension})

    def _start(self, entries: Mapping[str, DimensionEntry]) -> Cell:
        path = (*SEARCH, "from")
        start = self._plain(path)
        if isinstance(start, dict):
            for name in start:
                if name in entries and name in self.factors:
                    self.problems.add((*path, name), f"factor {name!r} is both fixed and searched: take it out of one")
            return self.space.assigned(self.space.baseline, self.names.changes(path, start))
        if isinstance(start, str) and start != BASELINE and start not in self.cells and not self.names.are_unsure():
            self.problems.unknown(path, "row", start, [*self.cells, BASELINE])
        return self.cells.get(start, self.space.baseline) if isinstance(start, str) else self.space.baseline

    def _metrics(self, metrics: Sequence[Metric], primary: Metric | None) -> tuple[str, ...]:
        """Return the names of the search's metrics. If the trainer is unknown, so are the names that it accepts."""
        path = (*SEARCH, "metric")
        value = self._plain(path)
        usual = [primary.name] if primary else []
        names = usual if value is None else value if isinstance(value, list) else [value]
        known = [metric.name for metric in metrics]
        for index, name in enumerate(names):
            place = (*path, index) if isinstance(value, list) else path
            if isinstance(name, str) and name not in known and self.config:
                self.problems.add(place, unknown_name("metric", name, known))
            elif name in names[:index]:
                self.problems.add(place, f"metric {name} stands here twice")
        return tuple(names)

    def _check_sampler(
        self, entries: Mapping[str, DimensionEntry], dimensions: Sequence[Dimension], metrics: Sequence[str]
    ) -> None:
        """Record a sampler that is unknown or cannot search this space."""
        path = (*SEARCH, "sampler")
        sampler = self._plain(path)
        if isinstance(sampler, str) and sampler not in SAMPLERS:
            self.problems.add(path, unknown_name("sampler", sampler, SAMPLERS))
        if sampler == GRID:
            self._check_grid(dimensions)
        if sampler == CMAES and len(metrics) > 1:
            others = ", ".join(other for other in SAMPLERS if other != CMAES)
            self.problems.add(path, f"{CMAES} takes one metric, and metric names several; accepted: {others}")
        if sampler == CMAES and entries and all(entry.choices is not None for entry in entries.values()):
            self.problems.add(
                path, f"{CMAES} searches ranges of numbers, and space has only choices; {TPE} searches both"
            )

    def _check_pruner(self, metrics: Sequence[str]) -> None:
        path = (*SEARCH, "pruner")
        pruner = self._plain(path)
        if isinstance(pruner, str) and pruner not in PRUNERS:
            self.problems.add(path, unknown_name("pruner", pruner, PRUNERS))
        elif pruner in PRUNERS and len(metrics) > 1:
            message = "pruning uses one metric, and metric names several; name one, or leave the pruner out"
            self.problems.add(path, message)
        elif pruner in PRUNERS and set(metrics) <= COST_NAMES:
            known = f"{', '.join(metrics)} is known at the end of a training only"
            self.problems.add(path, f"pruning needs interim results, and {known}; leave the pruner out")

    def _check_grid(self, dimensions: Sequence[Dimension]) -> None:
        counts = [dimension.count for dimension in dimensions]
        for dimension, count in zip(dimensions, counts, strict=True):
            if count is None:
                message = f"sampler {GRID} needs `step` or `choices` here; the others search any value of a range"
                self.problems.add((*SPACE, dimension.name), message)
        cells = prod(count for count in counts if count is not None)
        if cells > MOST_CELLS:
            message = f"the grid has {cells:,} combinations, and at most {MOST_CELLS:,} are searched; take larger steps"
            self.problems.add((*SEARCH, "sampler"), message)

    def _plain(self, path: Path) -> Any:
        node = self.root.at(path)
        return node.plain() if node else None


def _trials(entry: SearchEntry, dimensions: Sequence[Dimension]) -> int | None:
    """Return the budget in trials, None for none; a grid ends with its last combination."""
    counts = [dimension.count for dimension in dimensions]
    if entry.sampler == GRID and None not in counts:
        cells = prod(count or 1 for count in counts)
        return cells if entry.trials is None else min(entry.trials, cells)
    return DEFAULT_TRIALS if entry.trials is None and entry.hours is None else entry.trials


def _is_for_whole(config: ConfigReader, key: str, low: Any, high: Any) -> bool:
    """Return True if a key accepts whole numbers of a range and no fractions."""
    whole = math.ceil(low)
    fraction = next((value for value in (whole + 0.5, whole - 0.5) if low <= value <= high), (low + high) / 2)
    return whole <= high and config.accepts(key, whole) and not config.accepts(key, fraction)
