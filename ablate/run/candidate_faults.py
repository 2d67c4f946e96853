"""Candidates of a search that cannot run, or whose tests can show nothing, found before any is queued."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from ablate.study.config_keys import Config
from ablate.study.factors import label_word
from ablate.study.model import Study
from ablate.study.plan.limits import limit_faults, row_limits
from ablate.study.search_space.candidates import Candidates, Point
from ablate.study.search_space.space import ChoiceDimension, Dimension, RangeDimension


def candidate_faults(study: Study, known: Collection[str]) -> Iterator[str]:
    """Yield why candidates cannot run on their data, and why their tests can show nothing, with the values.

    Each choice is tried, and both ends of each range, with the first value of every other dimension. Faults that are
    `known` of rows are left out.
    """
    choices, ends = _configs(study, _choices), _configs(study, _ends)
    for shared in row_limits(study.entry, choices):
        for fault in limit_faults(study, shared, searching=True):
            if fault not in known:
                yield _named(shared.rows, fault)
    configs = {**choices, **ends}
    labels: dict[str, list[str]] = {}
    for label, faults in zip(configs, study.entry.faults(list(configs.values())), strict=True):
        for fault in faults:
            labels.setdefault(fault, []).append(label)
    yield from (_named(values, fault) for fault, values in labels.items() if fault not in known)


def _named(values: Sequence[str], fault: str) -> str:
    return f"search.space: candidates with {' or '.join(values)}: {fault}"


def _configs(study: Study, values: Callable[[Dimension], Sequence[Any]]) -> Mapping[str, Config]:
    """Return {`dimension=value`: plain config} for the `values` of each dimension, with the first of the others."""
    if study.search is None:
        return {}
    candidates, configs = Candidates(study), {}
    first = {dimension.name: _first(dimension) for dimension in study.search.dimensions}
    for dimension in study.search.dimensions:
        for value in values(dimension):
            point: Point = {**first, dimension.name: value}
            try:
                configs[label_word(dimension.name, value)] = candidates.config(point)
            except ValidationError:  # such candidates fail by themselves, and the search goes on
                continue
    return configs


def _choices(dimension: Dimension) -> Sequence[Any]:
    return dimension.values if isinstance(dimension, ChoiceDimension) else ()


def _ends(dimension: Dimension) -> Sequence[Any]:
    return (dimension.low, dimension.high) if isinstance(dimension, RangeDimension) else ()


def _first(dimension: Dimension) -> Any:
    return dimension.low if isinstance(dimension, RangeDimension) else dimension.values[0]
