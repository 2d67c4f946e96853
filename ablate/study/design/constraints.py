"""The `exclude` and `require` entries of a study file: which combinations of levels may occur.

Both become rules of one form. A rule names some factors and some levels of each. A combination that has one of these
levels for every one of these factors is ruled out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablate.study.design.factor_names import FactorNames
from ablate.study.design.space import Cell
from ablate.study.reading.problems import Path, dotted
from ablate.study.reading.schema import RequireEntry

BUDGET = 300_000
"""The number of times that a rule may be looked at for one file, for all goals together.

When it is used up, every further goal counts as possible.
"""

Choices = Mapping[int, frozenset[int]]
"""{position of a factor: level numbers}."""


@dataclass(frozen=True)
class ExclusionRule:
    """A rule that excludes cells."""

    path: Path
    """The place of the `exclude` or `require` entry in the study file."""
    out: Choices
    """A cell is excluded if it has, at each of these positions, one of these level numbers."""
    condition: Choices = field(default_factory=dict)
    """The `if` of a `require` entry; empty for an `exclude` entry."""

    def excludes(self, cell: Cell) -> bool:
        """Return True if the rule excludes the cell."""
        return all(cell[position] in numbers for position, numbers in self.out.items())

    @property
    def place(self) -> str:
        """The entry's place as messages print it, like `exclude[0]`."""
        return dotted(self.path)


@dataclass(frozen=True)
class Constraints:
    """All rules of a study."""

    rules: tuple[ExclusionRule, ...]

    def against(self, cell: Cell) -> ExclusionRule | None:
        """Return the first rule that excludes a cell, or None."""
        return next((rule for rule in self.rules if rule.excludes(cell)), None)

    def allowed(self, cells: Iterable[Cell]) -> Iterator[Cell]:
        """Yield the cells that no rule excludes. Written as plain loops, as a design may have a hundred thousand."""
        outs = [tuple(rule.out.items()) for rule in self.rules]
        for cell in cells:
            for out in outs:
                for position, numbers in out:
                    if cell[position] not in numbers:
                        break
                else:
                    break
            else:
                yield cell


def read_rules(
    names: FactorNames, exclude: Mapping[Path, Mapping[str, Any]], require: Mapping[Path, RequireEntry]
) -> Constraints:
    """Return the rules of entries that are keyed by their place in the study file.

    Records the entries that exclude nothing and those that contradict one another.
    """
    rules = [rule for path, entry in exclude.items() for rule in _excluded(names, path, entry)]
    rules += [rule for path, entry in require.items() for rule in _required(names, path, entry)]
    if not names.unreadable:
        _record_contradictions(names, rules)
    return Constraints(tuple(rules))


def _excluded(names: FactorNames, path: Path, entry: Mapping[str, Any]) -> Iterator[ExclusionRule]:
    out = _choices(names, path, entry)
    if out:
        yield ExclusionRule(path, out)


def _required(names: FactorNames, path: Path, entry: RequireEntry) -> Iterator[ExclusionRule]:
    """Yield a rule for each factor of `then`: it excludes `if` together with any other level of that factor."""
    condition = _choices(names, (*path, "if"), entry.condition)
    required = _choices(names, (*path, "then"), entry.then)
    for position, numbers in required.items() if condition else ():
        others = frozenset(names.space.others(position)) - numbers
        yield ExclusionRule(path, {**condition, position: others & condition.get(position, others)}, condition)


def _choices(names: FactorNames, path: Path, entry: Mapping[str, Any]) -> Choices:
    """Return the levels of each factor; nothing if one cannot be read, as the rule would then exclude too much."""
    if not entry:
        names.problems.add(path, "names no factor; accepted: {factor: level} or {factor: [level, ...]}")
    choices = names.choices(path, entry)
    return {p: frozenset(numbers) for p, numbers in choices.items()} if len(choices) == len(entry) else {}


def _record_contradictions(names: FactorNames, rules: list[ExclusionRule]) -> None:
    """Record each `if`, and each level of a factor that `require` names, that no combination can have.

    To exclude a level outright is accepted: a profile leaves a level out in this way.
    """
    recorded: set[str] = set()
    levels = {position: frozenset(names.space.others(position)) for position in range(len(names.space.factors))}
    for goal, culprits in contradictions([rule.out for rule in rules], levels, _goals(names, rules)):
        blamed = [rules[index] for index in culprits]
        required = [rule for rule in blamed if rule.condition]
        places = " and ".join(dict.fromkeys(rule.place for rule in blamed))
        if required and places not in recorded:
            recorded.add(places)
            verb = "rules" if " and " not in places else "together rule"
            names.problems.add(required[-1].path, f"no row can have {names.space.words(goal)}: {places} {verb} it out")


def _goals(names: FactorNames, rules: list[ExclusionRule]) -> Iterator[Choices]:
    for rule in rules:
        if rule.condition:
            yield rule.condition
    positions = dict.fromkeys(position for rule in rules if rule.condition for position in rule.out)
    for position in positions:
        for number in names.space.others(position):
            yield {position: frozenset([number])}


def contradictions(
    outs: Sequence[Choices], levels: Choices, goals: Iterable[Choices]
) -> Iterator[tuple[Choices, list[int]]]:
    """Yield the goals that no combination reaches: (the goal, the indices of the rules that together prevent it).

    A goal is the levels that a combination should have. A rule excludes a combination that has one of its levels at
    each of its positions. None of the rules that are returned can be left out.
    """
    search = _Search(outs, levels)
    for goal in goals:
        culprits = list(range(len(outs)))
        if search.is_possible(culprits, goal):
            continue
        for index in range(len(outs)):
            fewer = [other for other in culprits if other != index]
            if not search.is_possible(fewer, goal):
                culprits = fewer
        yield goal, culprits


class _Search:
    """A search over the levels that rules mention, within a budget."""

    def __init__(self, outs: Sequence[Choices], levels: Choices) -> None:
        self.outs, self.levels, self.budget = outs, levels, BUDGET

    def is_possible(self, rules: Sequence[int], goal: Choices) -> bool:
        """Return True if some combination has the goal's levels and breaks none of the rules."""
        waiting = [{**self.levels, **goal}]
        while waiting and self.budget > 0:
            levels = waiting.pop()
            ways = self._fewest_ways_out(rules, levels)
            if ways is None:
                return True
            waiting += [{**levels, position: left} for position, left in reversed(ways)]
        return bool(waiting)

    def _fewest_ways_out(self, rules: Sequence[int], levels: Choices) -> list[tuple[int, frozenset[int]]] | None:
        """Return the ways to keep the rule that is hardest to keep: (position, levels left); None if all are kept."""
        fewest: list[tuple[int, frozenset[int]]] | None = None
        for index in rules:
            self.budget -= 1
            out = self.outs[index]
            if any(levels[position].isdisjoint(numbers) for position, numbers in out.items()):
                continue
            ways = [(p, left) for p, numbers in out.items() if (left := levels[p] - numbers)]
            if fewest is None or len(ways) < len(fewest):
                fewest = ways
            if not fewest:
                break
        return fewest
