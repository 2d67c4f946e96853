"""Groups of rows, and of seeds, that have equal results in every result that they share."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
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
    order = list(trials)
    groups: list[list[Name]] = []
    at_place: dict[tuple[object, Hashable], list[int]] = {}
    for name in sorted(trials, key=lambda name: -len(trials[name])):
        own = {place: marks[trial] for place, trial in trials[name].items()}
        candidates = dict.fromkeys(number for place in own.items() for number in at_place.get(place, ()))
        found = next((number for number in candidates if _agree(trials[groups[number][0]], own, marks)), None)
        if found is not None:
            groups[found].append(name)
            continue
        for place in own.items():
            at_place.setdefault(place, []).append(len(groups))
        groups.append([name])
    return sorted(
        (sorted(group, key=order.index) for group in groups if len(group) > 1), key=lambda group: order.index(group[0])
    )


def _agree(trials: Mapping[Any, str], own: Mapping[Any, Hashable], marks: Marks) -> bool:
    return all(marks[trial] == own[place] for place, trial in trials.items() if place in own)


def groups_in_row(row: RowOutcomes, marks: Marks) -> Iterator[tuple[int, ...]]:
    """Yield the groups of seeds with equal results in one row."""
    seeds: dict[Hashable, list[int]] = {}
    for seed, one in row.outcomes.items():
        seeds.setdefault(marks[one.trial], []).append(seed)
    yield from (tuple(group) for group in seeds.values() if len(group) > 1)
