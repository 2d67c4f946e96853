"""Groups of rows, and of seeds, that have equal results in every result that they share."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ablate.study.wiring.outcomes import RowOutcomes

Marks = Mapping[str, Hashable]
"""{trial key: a mark that is the same for equal results}."""
Name = TypeVar("Name", str, int)


def marks_by_values(rows: Sequence[RowOutcomes]) -> dict[str, Hashable]:
    """Return the marks of results by their values alone."""
    return {
        one.trial: tuple(sorted((name, repr(value)) for name, value in one.values.items()))
        for row in rows
        for one in row.outcomes.values()
    }


def groups_of_rows(rows: Sequence[RowOutcomes], marks: Marks) -> list[list[str]]:
    """Return groups of labels: rows with other trials, and equal results in all seeds that they have in common."""
    by_row = {row.label: {seed: one.trial for seed, one in row.outcomes.items()} for row in rows}
    groups = _groups(by_row, marks)
    return [group for group in groups if len({tuple(by_row[label].values()) for label in group}) > 1]


def groups_of_seeds(rows: Sequence[RowOutcomes], marks: Marks) -> list[list[int]]:
    """Return groups of seeds: with equal results in all rows that have several of them."""
    by_seed: dict[int, dict[str, str]] = {}
    for row in rows:
        for seed, one in row.outcomes.items():
            by_seed.setdefault(seed, {})[row.label] = one.trial
    return _groups(dict(sorted(by_seed.items())), marks)


def _groups(trials: Mapping[Name, Mapping[Any, str]], marks: Marks) -> list[list[Name]]:
    """Return groups of two or more names whose trials have equal marks in all places that they have in common.

    `trials`: {name: {place: trial key}}. Each name is compared with one other of a group, the one with most places.
    """
    groups: list[list[Name]] = []
    found = _Found(frozenset(place for of_name in trials.values() for place in of_name))
    for name in sorted(trials, key=lambda name: -len(trials[name])):
        own = {place: marks[trial] for place, trial in trials[name].items()}
        number = found.group_of(own)
        if number is None:
            found.add(own)
            groups.append([])
        groups[-1 if number is None else number].append(name)
    order = {name: at for at, name in enumerate(trials)}
    several = (sorted(group, key=order.__getitem__) for group in groups if len(group) > 1)
    return sorted(several, key=lambda group: order[group[0]])


Places = Mapping[Any, Hashable]
"""{place: mark}."""


@dataclass
class _Found:
    """The first member of each group, found by its marks."""

    places: frozenset[Any]
    """All places. Members that have them all, as most do, are found at once."""
    members: list[Places] = field(default_factory=list)
    whole: dict[frozenset[Any], int] = field(default_factory=dict)
    at_place: dict[Any, list[int]] = field(default_factory=dict)

    def group_of(self, own: Places) -> int | None:
        """Return the number of the group whose first member agrees with these marks in all common places."""
        if own.keys() == self.places:
            return self.whole.get(frozenset(own.items()))
        candidates = dict.fromkeys(number for place in own.items() for number in self.at_place.get(place, ()))
        return next((number for number in candidates if _agree(self.members[number], own)), None)

    def add(self, own: Places) -> None:
        """Add the first member of another group."""
        number = len(self.members)
        self.members.append(own)
        self.whole[frozenset(own.items())] = number
        for place in own.items():
            self.at_place.setdefault(place, []).append(number)


def _agree(one: Places, other: Places) -> bool:
    return all(one[place] == mark for place, mark in other.items() if place in one)


def groups_in_row(row: RowOutcomes, marks: Marks) -> Iterator[tuple[int, ...]]:
    """Yield the groups of seeds with equal results in one row."""
    seeds: dict[Hashable, list[int]] = {}
    for seed, one in row.outcomes.items():
        seeds.setdefault(marks[one.trial], []).append(seed)
    yield from (tuple(group) for group in seeds.values() if len(group) > 1)
