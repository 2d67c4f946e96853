"""The rows of an imported log: their levels, their labels, and their contradictions."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ablate.errors import LogError
from ablate.study.factors import LevelName, level_text
from ablate.study.logfile.declared import check_study, declared_labels, declared_levels
from ablate.study.logfile.examples import rounding
from ablate.study.logfile.parser import NOTE, ExperimentLog, LogRow
from ablate.study.logfile.quoting import is_key, is_word, unquoted
from ablate.study.logfile.vocabulary import (
    BACKBONE,
    BACKBONES,
    PARTS,
    factor_of,
    title_parts,
    without_remark,
)
from ablate.study.reading.nodes import scalar
from ablate.text import listed

UNLISTED = "not listed"
OFF = {"off", "0", "none", "null"}


@dataclass(frozen=True)
class NamedRow:
    """A row of the log with a label and levels."""

    row: LogRow
    label: str
    """A label that no other row has."""
    levels: Mapping[str, LevelName]
    """The row's level of every factor that varies."""


@dataclass(frozen=True)
class InheritedDoubt:
    """A row that lists another level of a factor than the row that its title builds on."""

    row: int
    """The row's number, from 1."""
    factor: str
    listed: LevelName
    """The level in the row's own lines."""
    implied: LevelName
    """The level of the row that the title builds on."""
    base: str
    """The title of the row that the title builds on."""


def named_rows(log: ExperimentLog) -> list[NamedRow]:
    """Return the log's rows. A key of their lines or titles is a factor if it has more than one level among them.

    A log with a section `# study` declares its factors there.
    """
    if log.study is not None:
        return _declared_rows(log, log.study)
    everything = _levels(log)
    names = dict.fromkeys(name for levels in everything for name in levels)
    for levels in everything:
        for name in names:
            levels.setdefault(name, False if name in _part_factors(log) else UNLISTED)
    varying = [name for name in names if len({level_text(levels[name]) for levels in everything}) > 1]
    kept = [{name: levels[name] for name in varying} for levels in everything]
    labels = _labels([row.title for row in log.rows], kept)
    return [NamedRow(row, label, levels) for row, label, levels in zip(log.rows, labels, kept, strict=True)]


def _declared_rows(log: ExperimentLog, study: Mapping[str, Any]) -> list[NamedRow]:
    """Return the rows of a log that declares its factors; LogError if the declaration cannot be read."""
    if faults := check_study(study):
        raise LogError("\n".join(f"`# study`: {fault}" for fault in faults))
    of_rows = zip(log.rows, declared_labels(log, study), declared_levels(log, study["factors"]), strict=True)
    return [NamedRow(row, label, levels) for row, label, levels in of_rows]


def findings(log: ExperimentLog, rows: Sequence[NamedRow]) -> list[str]:
    """Return the contradictions of a log, a sentence each, which begins with the row.

    A log with a section `# study` was written from a store: its titles declare nothing that could contradict it.
    """
    if log.study is not None:
        return []
    return [
        *_against_own_titles(rows),
        *_against_titles(rows),
        *_same_titles(rows),
        *_same_settings(rows),
        *_several_at_once(rows),
        *_repeated_keys(rows),
        *_equal_values(rows),
        *_of_values(log),
    ]


def _levels(log: ExperimentLog) -> list[dict[str, LevelName]]:
    """Return each row's levels from its title and lines.

    A row that the title builds on adds the components of its title, not its lines.
    """
    setting = {factor_of(key): scalar(value) for key, value in log.setting if key != NOTE}
    by_title: dict[str, dict[str, LevelName]] = {}
    levels = []
    for row in log.rows:
        components = _components(row, by_title, setting)
        by_title.setdefault(without_remark(row.title), components)
        lines = {_factor(key): _level(value) for key, value in row.lines if key != NOTE}
        levels.append({**components, **lines})
    return levels


def _components(
    row: LogRow, by_title: Mapping[str, dict[str, LevelName]], setting: Mapping[str, object]
) -> dict[str, LevelName]:
    """Return {component: on} of a title, and its backbone: the title's own, or that of the row it builds on."""
    first, *others = title_parts(row.title) or [row.title]
    levels: dict[str, LevelName] = {}
    if isinstance(setting.get(BACKBONE), str):
        levels[BACKBONE] = str(setting[BACKBONE])
    if others and first in by_title:
        levels |= by_title[first]
    elif BACKBONES.fullmatch(first):
        levels[BACKBONE] = first
    elif first.lower() in PARTS:
        levels[factor_of(first)] = True
    return levels | {factor_of(part): True for part in others}


def _part_factors(log: ExperimentLog) -> set[str]:
    return {factor_of(part) for row in log.rows for part in title_parts(row.title)} | set(PARTS.values())


def _factor(key: str) -> str:
    return factor_of(unquoted(key, is_key))


def _level(text: str) -> LevelName:
    if (word := unquoted(text, is_word)) != text:
        return word
    value = scalar(text)
    return value if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)) else text


def _labels(titles: Sequence[str], levels: Sequence[Mapping[str, LevelName]]) -> list[str]:
    """Return the rows' titles. Rows that share one add the levels that differ, and their number if none does."""
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
    """Return a sentence for each row that lists a component of its title as off, or another backbone than its title."""
    sentences = []
    for named in rows:
        listed = {_factor(key): (key, value) for key, value in named.row.lines if key != NOTE}
        for part in title_parts(named.row.title):
            backbone = BACKBONES.fullmatch(part) is not None
            key, value = listed.get(BACKBONE if backbone else factor_of(part), ("", part))
            if (backbone and value != part) or (not backbone and level_text(_level(value)) in OFF):
                row = f"row {named.row.number} contradicts its title"
                sentences.append(f"{row}: the title has {part}, but the row lists {key} {value}")
    return sentences


def _repeated_keys(rows: Sequence[NamedRow]) -> list[str]:
    sentences = []
    for named in rows:
        for key in dict.fromkeys(key for key, _ in named.row.lines if key != NOTE):
            values = dict.fromkeys(value for other, value in named.row.lines if other == key)
            if len(values) > 1:
                text = " and ".join(values)
                sentences.append(f"row {named.row.number}: lists {key} twice, {text}; the last counts")
    return sentences


def _against_titles(rows: Sequence[NamedRow]) -> list[str]:
    return [
        f"row {doubt.row} contradicts its title: the title builds on {doubt.base!r} with {doubt.factor} "
        f"{level_text(doubt.implied)}, but the row lists {doubt.factor} {level_text(doubt.listed)}"
        for doubt in doubts(rows)
    ]


def doubts(rows: Sequence[NamedRow]) -> list[InheritedDoubt]:
    """Return the rows whose title builds on another row, and which list another level than that row."""
    first: dict[str, NamedRow] = {}
    for named in rows:
        first.setdefault(without_remark(named.row.title), named)
    contradicting = []
    for named in rows:
        parts = title_parts(named.row.title)
        base = first.get(parts[0]) if len(parts) > 1 else None
        if base is None or base is named:
            continue
        in_title = {factor_of(part) for part in parts[1:]}
        for name in _differing(base, named):
            if name not in in_title:
                contradicting.append(
                    InheritedDoubt(named.row.number, name, named.levels[name], base.levels[name], base.row.title)
                )
    return contradicting


def _same_titles(rows: Sequence[NamedRow]) -> list[str]:
    counted = Counter(named.row.title for named in rows)
    sentences = []
    for title, count in counted.items():
        same = [named for named in rows if named.row.title == title]
        names = [name for name in same[0].levels if len({level_text(n.levels[name]) for n in same}) > 1]
        if count > 1 and names:
            values = ", ".join(f"{name} ({listed([level_text(n.levels[name]) for n in same])})" for name in names)
            sentences.append(f"{_numbers(same)} have the same title, {title!r}, but different {values}")
    return sentences


def _same_settings(rows: Sequence[NamedRow]) -> list[str]:
    sentences = []
    for index, named in enumerate(rows):
        for other in rows[index + 1 :]:
            if not _differing(named, other):
                sentences.append(f"{_numbers([named, other])}: the same settings; which of the two is meant is unknown")
    return sentences


def _several_at_once(rows: Sequence[NamedRow]) -> list[str]:
    sentences = []
    for before, after in pairwise(rows):
        names = _differing(before, after)
        if len(names) > 1:
            sentences.append(
                f"rows {before.row.number} and {after.row.number}: {len(names)} factors differ at once, "
                f"{', '.join(names)}; the effect of each of them cannot be read from this step"
            )
    return sentences


def _equal_values(rows: Sequence[NamedRow]) -> list[str]:
    """Return a sentence for rows of different settings with the same values for several k: one may be a copy."""
    same: dict[tuple[tuple[int, str], ...], list[NamedRow]] = {}
    for named in rows:
        if len(named.row.rates) > 1:
            same.setdefault(tuple(sorted(named.row.rates.items())), []).append(named)
    return [
        f"{_numbers(group)}: the same values for every k, but different settings; values may have been copied"
        for group in same.values()
        if len(group) > 1 and any(_differing(group[0], other) for other in group[1:])
    ]


def _of_values(log: ExperimentLog) -> list[str]:
    """Return sentences about values that some rows lack, that reports cannot compare, or that are rounded."""
    sentences = _without_top_k(log)
    if not any(all(k in row.rates for row in log.rows) for k in (1, 5, 10)):
        sentences.append("all rows: none of top-1, top-5, top-10 is in all of them, so reports have nothing to compare")
    if log.queries and (rounded := rounding((rate for row in log.rows for rate in row.rates.values()), log.queries)):
        sentences.append(rounded)
    return sentences


def _without_top_k(log: ExperimentLog) -> list[str]:
    """Return a sentence for each k that some rows have and others lack: reports compare all rows on one metric."""
    sentences = []
    for k in sorted({k for row in log.rows for k in row.rates}):
        lacking = [str(row.number) for row in log.rows if k not in row.rates]
        if lacking:
            rows = f"rows {listed(lacking)} have" if len(lacking) > 1 else f"row {lacking[0]} has"
            sentences.append(f"{rows} no top-{k}, which other rows have")
    return sentences


def _differing(one: NamedRow, other: NamedRow) -> list[str]:
    return [name for name in one.levels if level_text(one.levels[name]) != level_text(other.levels[name])]


def _numbers(rows: Sequence[NamedRow]) -> str:
    return f"rows {listed([str(named.row.number) for named in rows])}"
