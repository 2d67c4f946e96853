"""`exclude` and `require`: which combinations make sense.

Both become rules of one form: a combination that has, for each of some factors, one of some levels, is out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ablate.study.design.contradictions import Choices, contradictions
from ablate.study.design.space import Cell, FactorSpace
from ablate.study.reading.problems import Path, dotted
from ablate.study.reading.schema import RequireEntry


@dataclass(frozen=True)
class ExclusionRule:
    """What is out: every cell that has, at each position, one of the level numbers. `given` is a `require`'s `if`."""

    path: Path
    out: Choices
    given: Choices = field(default_factory=dict)

    def hits(self, cell: Cell) -> bool:
        return all(cell[position] in numbers for position, numbers in self.out.items())

    @property
    def place(self) -> str:
        return dotted(self.path)


@dataclass(frozen=True)
class Constraints:
    """All rules of a study."""

    rules: tuple[ExclusionRule, ...]

    def against(self, cell: Cell) -> ExclusionRule | None:
        """The first rule that a cell breaks, if any."""
        return next((rule for rule in self.rules if rule.hits(cell)), None)

    def kept(self, cells: Iterable[Cell]) -> Iterator[Cell]:
        """The cells that break no rule; written out, as a design may have a hundred thousand."""
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
    space: FactorSpace, exclude: Mapping[Path, Mapping[str, Any]], require: Mapping[Path, RequireEntry]
) -> Constraints:
    """The rules of entries keyed by their place; records those that say nothing or contradict one another."""
    found = [rule for path, entry in exclude.items() for rule in _excluded(space, path, entry)]
    found += [rule for path, entry in require.items() for rule in _required(space, path, entry)]
    if not space.unreadable:
        _tell_contradictions(space, found)
    return Constraints(tuple(found))


def _excluded(space: FactorSpace, path: Path, entry: Mapping[str, Any]) -> Iterator[ExclusionRule]:
    out = _choices(space, path, entry)
    if out:
        yield ExclusionRule(path, out)


def _required(space: FactorSpace, path: Path, entry: RequireEntry) -> Iterator[ExclusionRule]:
    """A rule for each factor of `then`: out is `if` together with any other level of that factor."""
    given, wanted = _choices(space, (*path, "if"), entry.given), _choices(space, (*path, "then"), entry.then)
    for position, numbers in wanted.items() if given else ():
        others = frozenset(space.others(position)) - numbers
        yield ExclusionRule(path, {**given, position: others & given.get(position, others)}, given)


def _choices(space: FactorSpace, path: Path, entry: Mapping[str, Any]) -> Choices:
    """The levels of each factor; none where not all could be read, as the rule would then hit too much."""
    if not entry:
        space.faults.add(path, "names no factor; accepted: {factor: level} or {factor: [level, ...]}")
    choices = space.choices(path, entry)
    return {p: frozenset(numbers) for p, numbers in choices.items()} if len(choices) == len(entry) else {}


def _tell_contradictions(space: FactorSpace, rules: list[ExclusionRule]) -> None:
    """Every `if`, and every level of a factor that `require` names, must be possible.

    To exclude a level outright is fine: that is how a profile leaves one out.
    """
    told: set[str] = set()
    levels = {position: frozenset(space.others(position)) for position in range(len(space.factors))}
    for wanted, culprits in contradictions([rule.out for rule in rules], levels, _wanted(space, rules)):
        blamed = [rules[index] for index in culprits]
        required = [rule for rule in blamed if rule.given]
        places = " and ".join(dict.fromkeys(rule.place for rule in blamed))
        if required and places not in told:
            told.add(places)
            verb = "rules" if " and " not in places else "together rule"
            space.faults.add(required[-1].path, f"no row can have {space.words(wanted)}: {places} {verb} it out")


def _wanted(space: FactorSpace, rules: list[ExclusionRule]) -> Iterator[Choices]:
    for rule in rules:
        if rule.given:
            yield rule.given
    positions = dict.fromkeys(position for rule in rules if rule.given for position in rule.out)
    for position in positions:
        for number in space.others(position):
            yield {position: frozenset([number])}
