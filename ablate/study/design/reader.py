"""Reads the parts of a study file that define its rows: groups, design, exclude, require, family."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ablate.study.design.constraints import ExclusionRule, read_rules
from ablate.study.design.factor_names import FactorNames
from ablate.study.design.space import BASELINE, FactorSpace
from ablate.study.design.union import Designer
from ablate.study.factors import Factor
from ablate.study.fractional.alias_table import AliasTable
from ablate.study.model import Excluded, Family, Row
from ablate.study.reading.nodes import Node
from ablate.study.reading.problems import Path, Problems, missing
from ablate.study.reading.schema import KINDS, DesignEntry, RequireEntry, StudyEntry

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class DesignRows:
    """The rows of a file, with the facts about them that go into the study."""

    rows: tuple[Row, ...]
    family: Family
    aliases: tuple[AliasTable, ...]
    warnings: tuple[str, ...]
    excluded: tuple[Excluded, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()
    """The labels of each row that builds on another one, after the label of that row."""


class DesignReader:
    """Reads part by part, so that a fault in one part does not hide those in another."""

    def __init__(
        self, root: Node, factors: Sequence[Factor], problems: Problems, unsure_levels: Iterable[str] = ()
    ) -> None:
        """`unsure_levels`: factors that have levels with faults of their own."""
        self.root, self.problems, self.space = root, problems, FactorSpace(factors)
        self.designs = self._entries("design", DesignEntry)
        unreadable = self._keys("factors") - {factor.name for factor in factors}
        lost = (self._are_factors_lost(), self._lost_rows())
        self.names = FactorNames(self.space, problems, unreadable, *lost, unsure_levels)

    def read(self) -> DesignRows:
        """Return the rows of the file's designs, with their family and warnings."""
        rules = read_rules(self.names, self._excluded(), self._entries("require", RequireEntry))
        designer = Designer(self.names, rules, self._groups())
        designs = {path: entry for path, entry in self.designs.items() if self._is_one_kind(path, entry)}
        rows = designer.rows(designs)
        if not self._has("design"):
            rows = self._without_design()
        family = self._family(dict.fromkeys(row.label for row in rows))
        excluded = tuple(self._excluded_levels(rule) for rule in rules.rules)
        facts = tuple(designer.aliases), tuple(designer.warnings), excluded, tuple(designer.steps)
        return DesignRows(tuple(rows), family, *facts)

    def _excluded_levels(self, rule: ExclusionRule) -> Excluded:
        factors = self.space.factors
        return {
            factors[at].name: tuple(factors[at].levels[number].word for number in sorted(numbers))
            for at, numbers in rule.out.items()
        }

    def _are_factors_lost(self) -> bool:
        """Return True if `factors` has a fault of its own that leaves none to name, such as an unknown key for it."""
        node = self.root.child("factors")
        if node is not None:
            return not isinstance(node.value, dict)
        others = {field.alias or name for name, field in StudyEntry.model_fields.items()}
        return any(isinstance(child.value, dict) for key, child in self.root.value.items() if key not in others)

    def _lost_rows(self) -> set[str] | None:
        """Return the labels of rows in designs of a wrong shape; None if such a design generates its rows."""
        node = self.root.child("design")
        if node is None or not isinstance(node.value, list):
            return None
        lost: set[str] = set()
        for index, entry in enumerate(node.value):
            rows = entry.child("rows")
            if ("design", index) in self.designs:
                continue
            if rows is None or not isinstance(rows.value, dict):
                return None
            lost |= {label for label in rows.value if isinstance(label, str)}
        return lost

    def _has(self, name: str) -> bool:
        node = self.root.child(name)
        return node is not None and node.value is not None

    def _without_design(self) -> list[Row]:
        """Return the baseline as the only row; a fault unless there is a search, which is compared with it."""
        if not self._has("search"):
            self.problems.add((), missing("design"))
        return [Row(BASELINE, self.space.levels(self.space.baseline))]

    def _entries(self, part: str, model: type[Model]) -> dict[Path, Model]:
        """Return the entries of a list that have the right shape, by place.

        The faults of the other entries are recorded with the whole file's shape.
        """
        node = self.root.child(part)
        entries: dict[Path, Model] = {}
        for index, entry in enumerate(node.value if node and isinstance(node.value, list) else ()):
            try:
                entries[part, index] = model.model_validate(entry.plain())
            except ValidationError:
                continue
        return entries

    def _excluded(self) -> dict[Path, Mapping[str, Any]]:
        node = self.root.child("exclude")
        entries = enumerate(node.value if node and isinstance(node.value, list) else ())
        return {("exclude", index): entry.plain() for index, entry in entries if _has_text_keys(entry)}

    def _is_one_kind(self, path: Path, entry: DesignEntry) -> bool:
        kinds = [kind for kind in KINDS if getattr(entry, kind) is not None]
        if len(kinds) != 1:
            self.problems.add(path, f"each entry of the list is one of: {', '.join(KINDS)}")
        elif entry.start is not None and kinds != ["grid"]:
            self.problems.add((*path, "from"), f"only a grid has `from` next to it; in {kinds[0]} it stands inside")
        if entry.rows == {}:
            self.problems.add((*path, "rows"), "no row; name at least one, like `baseline: {}`")
        return len(kinds) == 1

    def _groups(self) -> dict[str, list[int]]:
        """Return the groups that can be read, as positions of factors."""
        node = self.root.child("groups")
        groups: dict[str, list[int]] = {}
        for name, entry in node.value.items() if node and isinstance(node.value, dict) else ():
            if not isinstance(name, str):
                continue
            path = ("groups", name)
            if name in self._keys("factors"):
                self.problems.add(path, f"{name!r} is also a factor; call the group something else")
            names = entry.plain() if isinstance(entry.value, list) else []
            if names and all(isinstance(factor, str) for factor in names):
                groups[name] = self._members(path, names)
        return groups

    def _members(self, path: Path, names: Sequence[str]) -> list[int]:
        members: list[int] = []
        for index, name in enumerate(names):
            position = self.names.position((*path, index), name)
            if position in members:
                self.problems.add((*path, index), f"factor {name!r} is named twice")
            elif position is not None:
                members.append(position)
        return members

    def _keys(self, part: str) -> set[str]:
        node = self.root.child(part)
        keys = node.value if node and isinstance(node.value, dict) else ()
        return {key for key in keys if isinstance(key, str)}

    def _family(self, labels: Collection[str]) -> Family:
        node = self.root.child("family")
        value = node.plain() if node else "direct"
        if not isinstance(value, list):
            return Family.from_json(value if isinstance(value, str) else "direct")
        pairs: list[tuple[str, str]] = []
        for index, pair in enumerate(value):
            if isinstance(pair, list) and len(pair) == 2 and all(isinstance(label, str) for label in pair):
                self._check_contrast(("family", index), (pair[0], pair[1]), pairs, labels)
                pairs.append((pair[0], pair[1]))
        return Family("pairs", tuple(pairs))

    def _check_contrast(
        self, path: Path, pair: tuple[str, str], others: Sequence[tuple[str, str]], labels: Collection[str]
    ) -> None:
        for index, label in enumerate(pair):
            if label not in labels and not self.names.are_unsure():
                self.problems.unknown((*path, index), "row", label, labels)
        if pair[0] == pair[1]:
            self.problems.add(path, "a contrast compares two different rows")
        elif pair in others or pair[::-1] in others:
            self.problems.add(path, "this pair of rows stands here twice")


def _has_text_keys(entry: Node) -> bool:
    return isinstance(entry.value, dict) and all(isinstance(name, str) for name in entry.value)
