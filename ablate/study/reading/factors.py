"""Reads the `factors` of a study file, with the place of every level."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from pydantic import ValidationError

from ablate.study.config_keys import overlaps
from ablate.study.design.factor_names import ROW_KEYS
from ablate.study.factors import Factor, Level, level_text
from ablate.study.reading.nodes import Node, yaml_text
from ablate.study.reading.problems import Path, Problems
from ablate.study.reading.schema import FactorEntry

_KEY = re.compile(r"[\w/-]+(\.[\w/-]+)*")


@dataclass(frozen=True)
class ReadFactor:
    """A factor with its place in the file."""

    factor: Factor
    path: Path
    level_paths: tuple[Path, ...]
    """The place of each level, parallel to the factor's levels."""


class FactorReader:
    """Reads factors from the nodes. In plain values, `on` and `1` would be one key."""

    def __init__(self, root: Node, problems: Problems) -> None:
        self.root, self.problems = root, problems
        self.unsure: set[str] = set()
        """The factors that lost a level, because it has a fault."""

    def factors(self) -> list[ReadFactor]:
        """Return the factors that can be read, and record the faults of the others."""
        node = self.root.child("factors")
        factors: list[ReadFactor] = []
        for name in node.value if node and isinstance(node.value, dict) else ():
            if name in ROW_KEYS:
                self.problems.add(("factors", name), f"{name!r} has a meaning in rows; call the factor something else")
            elif isinstance(name, str) and (read := self._factor(name)):
                self._check_keys(read.factor, [other.factor for other in factors])
                factors.append(read)
        return factors

    def _factor(self, name: str) -> ReadFactor | None:
        path = ("factors", name)
        node = self.root.at(path)
        try:
            entry = FactorEntry.model_validate(node.plain() if node else None)
        except ValidationError:
            return None  # recorded with the whole file's shape
        sets = (entry.sets,) if isinstance(entry.sets, str) else tuple(entry.sets)
        if not sets or not all(_KEY.fullmatch(key) for key in sets):
            self.problems.expected((*path, "sets"), entry.sets, "a config key like loss.margin, or a list of them")
            return None
        levels = self._levels(node, path, sets, several=isinstance(entry.sets, list)) if node else []
        if not levels:
            if name not in self.unsure:
                self.problems.add((*path, "levels"), "no level that can be used; a factor has at least one")
            return None
        baseline = self._baseline(path, [level for level, _ in levels])
        factor = Factor(name, sets, tuple(level for level, _ in levels), baseline)
        return ReadFactor(factor, path, tuple(place for _, place in levels))

    def _levels(self, factor: Node, path: Path, sets: Sequence[str], several: bool) -> list[tuple[Level, Path]]:
        node, path = factor.child("levels"), (*path, "levels")
        levels: list[tuple[Level, Path]] = []
        entries = _entries(node) if node else []
        nameless = [key for key, name, _ in entries if isinstance(name, dict | list) or name is None]
        for key, name, value in entries:
            if key in nameless:
                if key != nameless[0]:
                    continue
                kind = "null" if name is None else "a mapping" if isinstance(name, dict) else "a list"
                remedy = f"a level that is {kind} needs a name: write the levels as {{NAME: VALUE, NAME: VALUE}}"
                self.problems.add((*path, key), f"found {yaml_text(name)}; {remedy}")
            elif several and not (isinstance(value, list) and len(value) == len(sets)):
                self.problems.expected((*path, key), value, f"a list of {len(sets)} values, one for each key of sets")
            elif level_text(name) in [level_text(level.name) for level, _ in levels]:
                self.problems.add((*path, key), f"level {level_text(name)} stands here twice")
            else:
                levels.append((Level(name, tuple(value) if several else (value,)), (*path, key)))
        if len(levels) < len(entries):
            self.unsure.add(path[-2])
        return levels

    def _baseline(self, path: Path, levels: Sequence[Level]) -> Level:
        node = self.root.at((*path, "baseline"))
        if node is None:
            return levels[0]
        for level in levels:
            if level_text(level.name) == level_text(node.plain()):
                return level
        names = [level_text(level.name) for level in levels]
        self.problems.unknown((*path, "baseline"), "level", node.plain(), names)
        return levels[0]

    def _check_keys(self, factor: Factor, others: Sequence[Factor]) -> None:
        path = ("factors", factor.name, "sets")
        for one, second in combinations(factor.sets, 2):
            if overlaps(one, second):
                self.problems.add(path, f"{one} and {second} are one key, or one holds the other; name each key once")
        for other in others:
            shared = [key for key in factor.sets if any(overlaps(key, theirs) for theirs in other.sets)]
            if shared:
                self.problems.add(path, f"{shared[0]} is set by factor {other.name!r} already; one factor sets a key")


def _entries(node: Node) -> list[tuple[Any, Any, Any]]:
    """Return (key in the tree, level's name, level's value) for levels written as a list or as name: value."""
    if isinstance(node.value, dict):
        return [(name, name, node.value[key].plain()) for key in node.value for name in [node.name(key)]]
    return [(index, child.plain(), child.plain()) for index, child in enumerate(node.value)]
