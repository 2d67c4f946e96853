"""What an imported log's rows are: their levels, their labels, and what does not agree with itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ablate.study.factors import LevelName, level_text
from ablate.study.logfile.parser import DIGITS, NOTE, ExperimentLog, LogRow
from ablate.study.logfile.vocabulary import BACKBONES, PARTS, factor_of, title_parts, without_remark
from ablate.study.reading.nodes import scalar

UNLISTED = "not listed"
OFF = {"off", "0", "none", "null"}


@dataclass(frozen=True)
class NamedRow:
    """A row of the log with a label that no other row has, and its level of every factor that varies."""

    row: LogRow
    label: str
    levels: Mapping[str, LevelName]


@dataclass(frozen=True)
class InheritedDoubt:
    """A row that lists a factor's level, while the row `base` that its title builds on implies another."""

    row: int
    factor: str
    listed: LevelName
    implied: LevelName
    base: str


def named_rows(log: ExperimentLog) -> list[NamedRow]:
    """The log's rows; a factor is what has more than one level among them."""
    everything = _levels(log)
    names = dict.fromkeys(name for levels in everything for name in levels)
    for levels in everything:
        for name in names:
            levels.setdefault(name, False if name in _part_factors(log) else UNLISTED)
    varying = [name for name in names if len({level_text(levels[name]) for levels in everything}) > 1]
    kept = [{name: levels[name] for name in varying} for levels in everything]
    labels = _labels([row.title for row in log.rows], kept)
    return [NamedRow(row, label, levels) for row, label, levels in zip(log.rows, labels, kept, strict=True)]


def findings(log: ExperimentLog, rows: Sequence[NamedRow]) -> list[str]:
    """What does not agree with itself, a sentence each, beginning with the row."""
    return [
        *_against_own_titles(rows),
        *_against_titles(rows),
        *_same_titles(rows),
        *_same_settings(rows),
        *_several_at_once(rows),
        *_repeated_keys(rows),
        *_spellings(log),
    ]


def _levels(log: ExperimentLog) -> list[dict[str, LevelName]]:
    """Levels from the row's title and lines; what a title builds on gives its components, not its lines."""
    setting = {factor_of(key): scalar(value) for key, value in log.setting if key != NOTE}
    by_title: dict[str, dict[str, LevelName]] = {}
    found = []
    for row in log.rows:
        components = _components(row, by_title, setting)
        by_title.setdefault(without_remark(row.title), components)
        lines = {factor_of(key): _level(value) for key, value in row.lines if key != NOTE}
        found.append({**components, **lines})
    return found


def _components(
    row: LogRow, by_title: Mapping[str, dict[str, LevelName]], setting: Mapping[str, object]
) -> dict[str, LevelName]:
    """{component: on} of a title, and its backbone: the title's own, or that of the row it builds on."""
    first, *others = title_parts(row.title) or [row.title]
    levels: dict[str, LevelName] = {}
    if isinstance(setting.get("backbone"), str):
        levels["backbone"] = str(setting["backbone"])
    if others and first in by_title:
        levels |= by_title[first]
    elif BACKBONES.fullmatch(first):
        levels["backbone"] = first
    elif first.lower() in PARTS:
        levels[factor_of(first)] = True
    return levels | {factor_of(part): True for part in others}


def _part_factors(log: ExperimentLog) -> set[str]:
    return {factor_of(part) for row in log.rows for part in title_parts(row.title)} | set(PARTS.values())


def _level(text: str) -> LevelName:
    value = scalar(text)
    return value if isinstance(value, bool | int | float) else text


def _labels(titles: Sequence[str], levels: Sequence[Mapping[str, LevelName]]) -> list[str]:
    """Titles; rows that share one add what differs among them, and their number where nothing does."""
    labels = []
    for number, (title, own) in enumerate(zip(titles, levels, strict=True), start=1):
        same = [other for other_title, other in zip(titles, levels, strict=True) if other_title == title]
        differing = [name for name in own if len({level_text(other[name]) for other in same}) > 1]
        added = ", ".join(f"{name} {level_text(own[name])}" for name in differing)
        if sum(all(other[name] == own[name] for name in differing) for other in same) > 1:
            added = f"{added}, row {number}" if added else f"row {number}"
        labels.append(f"{title} ({added})" if len(same) > 1 else title)
    return labels


def _against_own_titles(rows: Sequence[NamedRow]) -> list[str]:
    """Rows whose own lines say that a component of the title is off, or name another backbone than the title."""
    found = []
    for named in rows:
        listed = {factor_of(key): (key, value) for key, value in named.row.lines if key != NOTE}
        for part in title_parts(named.row.title):
            backbone = BACKBONES.fullmatch(part) is not None
            key, value = listed.get("backbone" if backbone else factor_of(part), ("", part))
            if (backbone and value != part) or (not backbone and level_text(_level(value)) in OFF):
                found.append(f"row {named.row.number}: its title says {part}, but it lists {key} {value}")
    return found


def _repeated_keys(rows: Sequence[NamedRow]) -> list[str]:
    found = []
    for named in rows:
        for key in dict.fromkeys(key for key, _ in named.row.lines if key != NOTE):
            values = dict.fromkeys(value for other, value in named.row.lines if other == key)
            if len(values) > 1:
                text = " and ".join(values)
                found.append(f"row {named.row.number}: lists {key} twice, {text}; the last counts")
    return found


def _against_titles(rows: Sequence[NamedRow]) -> list[str]:
    return [
        f"row {doubt.row}: its title builds on {doubt.base!r}, which has {doubt.factor} "
        f"{level_text(doubt.implied)}, but it lists {doubt.factor} {level_text(doubt.listed)}"
        for doubt in doubts(rows)
    ]


def doubts(rows: Sequence[NamedRow]) -> list[InheritedDoubt]:
    """Rows whose title builds on another row, and which list something else than that row."""
    first: dict[str, NamedRow] = {}
    for named in rows:
        first.setdefault(without_remark(named.row.title), named)
    found = []
    for named in rows:
        parts = title_parts(named.row.title)
        base = first.get(parts[0]) if len(parts) > 1 else None
        if base is None or base is named:
            continue
        said = {factor_of(part) for part in parts[1:]}
        for name in _differing(base, named):
            if name not in said:
                found.append(
                    InheritedDoubt(named.row.number, name, named.levels[name], base.levels[name], base.row.title)
                )
    return found


def _same_titles(rows: Sequence[NamedRow]) -> list[str]:
    counted = Counter(named.row.title for named in rows)
    found = []
    for title, count in counted.items():
        same = [named for named in rows if named.row.title == title]
        names = [name for name in same[0].levels if len({level_text(n.levels[name]) for n in same}) > 1]
        if count > 1 and names:
            values = "; ".join(f"{name} {', '.join(level_text(n.levels[name]) for n in same)}" for name in names)
            found.append(f"{_numbers(same)}: one title, {title!r}, but different {values}")
    return found


def _same_settings(rows: Sequence[NamedRow]) -> list[str]:
    found = []
    for index, named in enumerate(rows):
        for other in rows[index + 1 :]:
            if not _differing(named, other):
                found.append(f"{_numbers([named, other])}: the same settings; which of the two is meant is unknown")
    return found


def _several_at_once(rows: Sequence[NamedRow]) -> list[str]:
    found = []
    for before, after in pairwise(rows):
        names = _differing(before, after)
        if len(names) > 1:
            found.append(
                f"rows {before.row.number} and {after.row.number}: {len(names)} factors differ at once, "
                f"{', '.join(names)}; what each of them does cannot be read from this step"
            )
    return found


def _spellings(log: ExperimentLog) -> list[str]:
    """Values that the log format would print otherwise, and a number of queries that rounding may have made."""
    found = []
    for row in log.rows:
        for k, count in log.hits(row).items():
            printed = f"{count / log.queries:.{DIGITS}g}"
            if printed != row.rates[k]:
                found.append(f"row {row.number}: top-{k} is {row.rates[k]}, and {count} of {log.queries} is {printed}")
    if not any(all(k in row.rates for row in log.rows) for k in (1, 5, 10)):
        found.append("all rows: none of top-1, top-5, top-10 is in all of them, so reports have nothing to compare")
    if log.queries >= 100 and set(str(log.queries)[1:]) == {"0"}:
        found.append(f"all rows: every value is whole over {log.queries}, so the values may have been rounded")
    return found


def _differing(one: NamedRow, other: NamedRow) -> list[str]:
    return [name for name in one.levels if level_text(one.levels[name]) != level_text(other.levels[name])]


def _numbers(rows: Sequence[NamedRow]) -> str:
    numbers = [str(named.row.number) for named in rows]
    return f"rows {', '.join(numbers[:-1])} and {numbers[-1]}"
