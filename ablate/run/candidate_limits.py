"""The limits of the tests of a search's candidates: of each choice by itself, as choices may change the test."""

from collections.abc import Collection, Iterator, Mapping

from pydantic import ValidationError

from ablate.study.config_keys import Config
from ablate.study.factors import label_word
from ablate.study.model import Study
from ablate.study.plan.limits import limit_faults, row_limits
from ablate.study.search_space.candidates import Candidates, Point
from ablate.study.search_space.space import ChoiceDimension, Dimension, RangeDimension


def candidate_faults(study: Study, known: Collection[str]) -> Iterator[str]:
    """Yield why tests of candidates can show nothing, with the choice; without the faults that are `known` of rows."""
    for shared in row_limits(study.trainer, _configs_of_choices(study)):
        for fault in limit_faults(study, shared, searching=True):
            if fault not in known:
                yield f"search.space: candidates with {' or '.join(shared.rows)}: {fault}"


def _configs_of_choices(study: Study) -> Mapping[str, Config]:
    """Return {`dimension=choice`: plain config} for each choice, with the first value of every other dimension."""
    if study.search is None:
        return {}
    candidates, configs = Candidates(study), {}
    first = {dimension.name: _first(dimension) for dimension in study.search.dimensions}
    for dimension in study.search.dimensions:
        for choice in dimension.values if isinstance(dimension, ChoiceDimension) else ():
            point: Point = {**first, dimension.name: choice}
            try:
                configs[label_word(dimension.name, choice)] = candidates.config(point)
            except ValidationError:  # such candidates fail by themselves, and the search goes on
                continue
    return configs


def _first(dimension: Dimension) -> object:
    return dimension.low if isinstance(dimension, RangeDimension) else dimension.values[0]
