"""Warnings about values that nothing reads: of factors, of the config as the file writes it, and of a search."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from random import Random
from typing import Any

from ablate.errors import StudyError
from ablate.study.config_keys import Config, flattened, overlaps, value_at
from ablate.study.model import Study
from ablate.study.search_space.candidates import Candidates
from ablate.study.search_space.space import ChoiceDimension, Dimension
from ablate.study.trials.identity import REFERENCE, Trial
from ablate.study.trials.unread_factors import UnreadFactor, unread_factors
from ablate.text import listed, rows_in_words
from ablate.trainers.unread import unread_reason

MOST_VALUES = 3
"""Values of a range that are tried: all of them, or both ends and the middle."""
MOST_POINTS = 512
"""Points of a search space for which is computed what nothing reads."""


def unread_warnings(study: Study, trials: Sequence[Trial]) -> Iterator[str]:
    """Yield a sentence for each factor whose levels nothing reads in some rows, and for the values of `config` that
    nothing reads in any row. Values of a preset and defaults are left out, since nobody wrote them.
    """
    first = list({trial.label: trial for trial in trials}.values())
    of_factors = unread_factors(study, first)
    yield from (_about_factor(study, one) for one in of_factors if one.changed)
    yield from _about_alike(study, first, of_factors)
    yield from _about_config(study, first)


def search_warnings(study: Study) -> Iterator[str]:
    """Yield a sentence for each dimension that a search would refuse, because nothing reads it."""
    for name, reason in unread_dimensions(study).items():
        yield f"search.space: {name} is not read: {reason}; until then `ablate search` is refused"


def check_search(study: Study) -> None:
    """Raise StudyError if nothing reads a dimension of the search, whatever the values of the others."""
    faults = [
        f"search.space.{name}: nothing reads it, as {reason}; no value of it can change a score: take it out, "
        "or change what keeps it from being read"
        for name, reason in unread_dimensions(study).items()
    ]
    if faults:
        raise StudyError(faults)


def unread_dimensions(study: Study) -> dict[str, str]:
    """Return {dimension: why nothing reads it} of the dimensions that nothing reads at any point of the search space.

    Points are combinations of both ends and the middle of each range, and of all choices; of many a sample.
    """
    if study.search is None or not study.search.dimensions:
        return {}
    candidates, dimensions = Candidates(study, allow_unprepared=True), study.search.dimensions
    unread: dict[str, str] = {}
    for number, point in enumerate(_points(dimensions)):
        try:
            trial = candidates.trial(point, 0, "candidate")
        except StudyError:  # the search reports a point that is not valid
            continue
        reasons = {each.name: _reason(each.keys, trial) for each in dimensions}
        found = {name: reason for name, reason in reasons.items() if reason}
        unread = found if number == 0 or not unread else {name: why for name, why in unread.items() if name in found}
        if not unread:
            return {}
    return unread


def _points(dimensions: Sequence[Dimension]) -> Iterator[Mapping[str, Any]]:
    values = [_values(each) for each in dimensions]
    names = [each.name for each in dimensions]
    if prod(map(len, values)) <= MOST_POINTS:
        yield from (dict(zip(names, point, strict=True)) for point in product(*values))
        return
    random = Random(0)
    for _ in range(MOST_POINTS):
        yield {name: random.choice(of_name) for name, of_name in zip(names, values, strict=True)}


def _values(dimension: Dimension) -> list[Any]:
    if isinstance(dimension, ChoiceDimension) or (dimension.count or MOST_POINTS) <= MOST_VALUES:
        return list(dimension.values)
    low, high = dimension.low, dimension.high
    middle = dimension.values[len(dimension.values) // 2] if dimension.count else dimension.exact((low + high) / 2)
    return list(dict.fromkeys([low, middle, high]))


def _reason(keys: Sequence[str], trial: Trial) -> str | None:
    """Return why nothing reads any of the keys in a trial."""
    reasons = [unread_reason(key, None, trial.unread) for key in keys]
    return None if None in reasons else "; ".join(dict.fromkeys(reason for reason in reasons if reason))


def _about_factor(study: Study, one: UnreadFactor) -> str:
    """Return `schedule.momentum is not read: schedule.optimizer is adam; factor 'momentum' changes nothing in ...`."""
    sets = next(factor.sets for factor in study.factors if factor.name == one.factor)
    verb = "is" if len(sets) == 1 else "are"
    changed = rows_in_words(one.changed)
    return f"{listed(sets)} {verb} not read: {one.reason}; factor {one.factor!r} changes nothing in {changed}"


def _about_alike(study: Study, trials: Sequence[Trial], unread: Sequence[UnreadFactor]) -> Iterator[str]:
    """Yield a sentence for each factor with levels that act alike: rows that differ in it are one trial."""
    is_unread = {(one.factor, label) for one in unread for label in one.rows}
    by_label = {row.label: row for row in study.rows}
    groups: dict[str, list[str]] = {}
    for trial in trials:
        if trial.kind != REFERENCE:
            groups.setdefault(trial.key, []).append(trial.label)
    alike: dict[str, list[tuple[str, str]]] = {}
    for first, *others in groups.values():
        for other in others:
            levels, own = by_label[first].levels, by_label[other].levels
            for factor in study.factors:
                name = factor.name
                if levels[name] is not own[name] and (name, first) not in is_unread and (name, other) not in is_unread:
                    alike.setdefault(name, []).append((other, first))
    for name, pairs in alike.items():
        (row, like), more = pairs[0], len(pairs) - 1
        rest = f" (and so in {more:,} more row{'s' if more > 1 else ''})" if more else ""
        yield f"factor {name!r} changes nothing in row {row!r}: its value acts like that of row {like!r}{rest}"


def _about_config(study: Study, trials: Sequence[Trial]) -> Iterator[str]:
    rows = [trial for trial in trials if trial.kind != REFERENCE]
    set_elsewhere = {key for factor in study.factors for key in factor.sets}
    set_elsewhere |= {key for each in study.entry.unread if each.asks_data for key in each.keys}
    if study.search is not None:
        set_elsewhere |= {key for dimension in study.search.dimensions for key in dimension.keys}
    kinds = {id(trial.unread): trial.unread for trial in rows}
    meant = set(_meant_reasons(study, [one.config for one in {id(trial.unread): trial for trial in rows}.values()]))
    by_reason: dict[str, list[str]] = {}
    for key, value in flattened(study.written).items():
        if value in ([], {}, None, False) or any(overlaps(key, other) for other in set_elsewhere):
            continue  # nothing to read, reported with its factor, or a value that says what happens anyway
        reasons = [unread_reason(key, value, unread) for unread in kinds.values()]
        if reasons and None not in reasons and not meant & set(reasons):
            by_reason.setdefault("; or ".join(dict.fromkeys(map(str, reasons))), []).append(key)
    for reason, keys in by_reason.items():
        yield f"{listed(keys)} {'is' if len(keys) == 1 else 'are'} not read in any row: {reason}"


def _meant_reasons(study: Study, configs: Sequence[Config]) -> Iterator[str | None]:
    """Yield the reasons that need no warning about keys of the config."""
    for each in study.entry.unread:
        if each.is_meant:
            yield from (each.why(*(value_at(config, key) for key in each.given)) for config in configs)
