"""The parts of a study file that say which rows are wanted: groups, design, exclude, require, family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ablate.study.design.constraints import ExclusionRule, read_rules
from ablate.study.design.space import BASELINE, FactorSpace
from ablate.study.design.union import Designer, Row
from ablate.study.factors import Factor, LevelName
from ablate.study.fractional.alias_table import AliasTable
from ablate.study.reading.nodes import Node
from ablate.study.reading.problems import Path, Problems
from ablate.study.reading.schema import KINDS, DesignEntry, RequireEntry

Excluded = Mapping[str, tuple[LevelName, ...]]
"""Levels, as reports name them, that may not come together: one of each factor's."""
Family = str | tuple[tuple[str, str], ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class DesignRows:
    """The rows, and what there is to say of them."""

    rows: tuple[Row, ...]
    family: Family
    aliases: tuple[AliasTable, ...]
    warnings: tuple[str, ...]
    excluded: tuple[Excluded, ...] = ()


class DesignReader:
    """Reads part by part, so that a fault in one does not hide those in another."""

    def __init__(self, root: Node, factors: Sequence[Factor], faults: Problems) -> None:
        self.root, self.faults = root, faults
        self.space = FactorSpace(factors, faults, self._names("factors") - {factor.name for factor in factors})

    def wanted(self) -> DesignRows:
        rules = read_rules(self.space, self._excluded(), self._entries("require", RequireEntry))
        designer = Designer(self.space, rules, self._groups())
        designs = self._entries("design", DesignEntry)
        rows = designer.rows({path: entry for path, entry in designs.items() if self._is_one_kind(path, entry)})
        if not self._has("design"):
            rows = self._without_design()
        family = self._family({row.label for row in rows})
        excluded = tuple(self._named(rule) for rule in rules.rules)
        return DesignRows(tuple(rows), family, tuple(designer.aliases), tuple(designer.warnings), excluded)

    def _named(self, rule: ExclusionRule) -> Excluded:
        factors = self.space.factors
        return {
            factors[at].name: tuple(factors[at].levels[number].word for number in sorted(numbers))
            for at, numbers in rule.out.items()
        }

    def _has(self, name: str) -> bool:
        node = self.root.child(name)
        return node is not None and node.value is not None

    def _without_design(self) -> list[Row]:
        """A search may do without; what it compares with is the baseline."""
        if not self._has("search"):
            self.faults.add((), "'design' is missing")
        return [Row(BASELINE, self.space.levels(self.space.baseline))]

    def _entries(self, part: str, model: type[Model]) -> dict[Path, Model]:
        """The entries of a list that have the right shape, by place; the faults of the others are known already."""
        node = self.root.child(part)
        found: dict[Path, Model] = {}
        for index, entry in enumerate(node.value if node and isinstance(node.value, list) else ()):
            try:
                found[part, index] = model.model_validate(entry.plain())
            except ValidationError:
                continue
        return found

    def _excluded(self) -> dict[Path, Mapping[str, Any]]:
        node = self.root.child("exclude")
        entries = enumerate(node.value if node and isinstance(node.value, list) else ())
        return {("exclude", index): entry.plain() for index, entry in entries if _has_names(entry)}

    def _is_one_kind(self, path: Path, entry: DesignEntry) -> bool:
        kinds = [kind for kind in KINDS if getattr(entry, kind) is not None]
        if len(kinds) != 1:
            self.faults.add(path, f"each entry of the list is one of: {', '.join(KINDS)}")
        elif entry.start is not None and kinds != ["grid"]:
            self.faults.add((*path, "from"), f"only a grid has `from` beside it; in {kinds[0]} it stands inside")
        if entry.rows == {}:
            self.faults.add((*path, "rows"), "no row; name at least one, like `baseline: {}`")
        return len(kinds) == 1

    def _groups(self) -> dict[str, list[int]]:
        """The groups that can be read, as positions of factors."""
        node = self.root.child("groups")
        found: dict[str, list[int]] = {}
        for name, entry in node.value.items() if node and isinstance(node.value, dict) else ():
            if not isinstance(name, str):
                continue
            path = ("groups", name)
            if name in self._names("factors"):
                self.faults.add(path, f"{name!r} is also a factor; call the group something else")
            names = entry.plain() if isinstance(entry.value, list) else []
            if names and all(isinstance(factor, str) for factor in names):
                found[name] = self._members(path, names)
        return found

    def _members(self, path: Path, names: Sequence[str]) -> list[int]:
        members: list[int] = []
        for index, name in enumerate(names):
            position = self.space.position((*path, index), name)
            if position in members:
                self.faults.add((*path, index), f"factor {name!r} is named twice")
            elif position is not None:
                members.append(position)
        return members

    def _names(self, part: str) -> set[str]:
        node = self.root.child(part)
        keys = node.value if node and isinstance(node.value, dict) else ()
        return {key for key in keys if isinstance(key, str)}

    def _family(self, labels: set[str]) -> Family:
        node = self.root.child("family")
        value = node.plain() if node else "direct"
        if not isinstance(value, list):
            return value if isinstance(value, str) else "direct"
        found: list[tuple[str, str]] = []
        for index, pair in enumerate(value):
            if isinstance(pair, list) and len(pair) == 2 and all(isinstance(label, str) for label in pair):
                self._check_contrast(("family", index), (pair[0], pair[1]), found, labels)
                found.append((pair[0], pair[1]))
        return tuple(found)

    def _check_contrast(
        self, path: Path, pair: tuple[str, str], others: Sequence[tuple[str, str]], labels: set[str]
    ) -> None:
        for index, label in enumerate(pair):
            if label not in labels and not self.space.unreadable:
                self.faults.unknown((*path, index), "row", label, labels)
        if pair[0] == pair[1]:
            self.faults.add(path, "a contrast compares two different rows")
        elif pair in others or pair[::-1] in others:
            self.faults.add(path, "this pair of rows stands here twice")


def _has_names(entry: Node) -> bool:
    return isinstance(entry.value, dict) and all(isinstance(name, str) for name in entry.value)
