"""The sampler and the pruner: Optuna, on a study in memory that is rebuilt from the store.

All that Optuna knows comes from stored candidates, so a search that was killed continues as if it had not been: the
suggestion for a number depends on the seed, the number, and the states of the candidates before it.
"""

import warnings
from collections.abc import Iterator, Mapping
from itertools import product
from math import isfinite, nan
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from ablate.measurement import Direction
from ablate.store.schema import DIVERGED, DONE, FAILED, PRUNED, RUNNING
from ablate.store.searches import Candidate
from ablate.study.search_space.goals import is_scored
from ablate.study.search_space.space import (
    CMAES,
    GP,
    HYPERBAND,
    MEDIAN,
    RANDOM,
    TPE,
    ChoiceDimension,
    Dimension,
    SearchSpec,
)
from ablate.trainers.protocol import PARTS
from ablate.trainers.random_streams import number as seeded

STATES = {
    DONE: TrialState.COMPLETE,
    PRUNED: TrialState.PRUNED,
    DIVERGED: TrialState.PRUNED,
    FAILED: TrialState.FAIL,
    RUNNING: TrialState.RUNNING,
}
DIRECTIONS = {
    Direction.MAXIMIZE: StudyDirection.MAXIMIZE,
    Direction.MINIMIZE: StudyDirection.MINIMIZE,
}
NAME = "search"
"""The name of the study in memory. Hyperband picks brackets by it, so it is the same in all searches."""

Interims = Mapping[int, float]
"""{part: value of the first metric on the validation split} of a training that is watched."""

optuna.logging.set_verbosity(optuna.logging.ERROR)  # its messages are not about the users' files
warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


class OptunaSampler:
    """The candidates of a search in the form of Optuna. They are added in the order of their numbers, from 0."""

    def __init__(self, search: SearchSpec, seed: int) -> None:
        self.search, self.seed = search, seed
        self.distributions = distributions(search)
        self.storage = InMemoryStorage()
        self.study = optuna.create_study(
            storage=self.storage,
            study_name=NAME,
            directions=directions(search),
            pruner=pruner(search.pruner),
            sampler=RandomSampler(seed=0),
        )
        self.id = self.storage.get_study_id_from_name(NAME)
        self.judged: dict[tuple[int, int], bool] = {}  # {(candidate, part): the pruner's answer}

    def __len__(self) -> int:
        return self.storage.get_n_trials(self.id)

    def add(self, candidate: Candidate, interims: Interims | None = None) -> None:
        """Add the candidate whose number is next."""
        self.storage.create_new_trial(self.id, frozen(candidate, self.search, interims))

    def suggest(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the point of the next number and the sampler's notes. The candidate counts as running from now on."""
        self.study.sampler = sampler(self.search.sampler, seeded(self.seed, "search", len(self)) % 2**32)
        proposed = self.study.ask(self.distributions)
        return dict(proposed.params), self.notes(proposed.number)

    def notes(self, number: int) -> dict[str, Any]:
        """Return the notes of sampler and pruner about a candidate."""
        return dict(self._at(number).system_attrs)

    def tell(self, candidate: Candidate) -> None:
        """Pass on the end of a candidate that ran."""
        state, values = outcome(candidate, self.search, self._at(candidate.number).intermediate_values)
        self.storage.set_trial_state_values(self._id(candidate.number), state, values)

    def is_worth(self, number: int, part: int, value: float) -> bool:
        """Return True if a candidate should continue that has this value after `part` tenths of its training.

        The value is that of the first metric. A training that resumes from an older checkpoint reaches a part again;
        the pruner judges each part once.
        """
        if (number, part) not in self.judged:
            trial_id = self._id(number)
            value = value if isfinite(value) else nan  # to a pruner, as bad as can be, whatever the direction
            self.storage.set_trial_intermediate_value(trial_id, part, value)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # numpy warns if all values so far are not numbers
                is_over = self.study.pruner.prune(self.study, self.storage.get_trial(trial_id))
            self.judged[number, part] = not is_over
        return self.judged[number, part]

    def _at(self, number: int) -> FrozenTrial:
        return self.storage.get_trial(self._id(number))

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self.id, number)


def frozen(candidate: Candidate, search: SearchSpec, interims: Interims | None = None) -> FrozenTrial:
    """Return a candidate in the form of Optuna."""
    state, values = outcome(candidate, search, interims or {})
    return create_trial(
        state=state,
        params=dict(candidate.point),
        distributions=distributions(search),
        values=values,
        system_attrs=dict(candidate.notes),
        intermediate_values=dict(interims or {}),
    )


def outcome(candidate: Candidate, search: SearchSpec, interims: Interims) -> tuple[TrialState, list[float] | None]:
    """Return a candidate's state and its values in the order of the search's metrics, None without values.

    A pruned candidate has its last interim value. A candidate that has finished without a finite score on every metric
    is one that was pruned without any, and so is one that has diverged: TPE takes it for worse than all others, and the
    other samplers leave it out. A failed one shows nothing about its point, so that TPE leaves it out too.
    """
    if candidate.state == PRUNED and interims and isfinite(last := interims[max(interims)]):
        return TrialState.PRUNED, [last]
    if candidate.state == DONE and candidate.scores and is_scored(search.metrics, candidate.scores):
        return TrialState.COMPLETE, [candidate.scores[metric.name] for metric in search.metrics]
    return TrialState.PRUNED if candidate.state == DONE else STATES[candidate.state], None


def directions(search: SearchSpec) -> list[StudyDirection]:
    """Return the direction of each metric of a search. Samplers and pruners go by them."""
    return [DIRECTIONS[metric.direction] for metric in search.metrics]


def distributions(search: SearchSpec) -> dict[str, BaseDistribution]:
    """Return {dimension: its range or choices}."""
    return {dimension.name: _distribution(dimension) for dimension in search.dimensions}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, ChoiceDimension):
        return CategoricalDistribution([choice.name for choice in dimension.choices])
    if dimension.is_whole:
        return IntDistribution(int(dimension.low), int(dimension.high), dimension.log, int(dimension.step or 1))
    return FloatDistribution(dimension.low, dimension.high, dimension.log, dimension.step)


def sampler(name: str, seed: int) -> BaseSampler:
    """Return the sampler for one suggestion. All but `random` use the results that are known by then."""
    if name == TPE:
        return TPESampler(seed=seed, multivariate=True, constant_liar=True)
    if name == GP:
        return GPSampler(seed=seed)
    if name == CMAES:
        return CmaEsSampler(seed=seed, warn_independent_sampling=False)
    assert name == RANDOM, f"{name} proposes by a list, see `walk.py`"
    return RandomSampler(seed=seed)


def pruner(name: str | None) -> BasePruner:
    """Return the pruner. `median` ends a candidate that is worse than the median of earlier ones at the same part, once
    five have finished; None ends none."""
    if name == MEDIAN:
        return MedianPruner(n_startup_trials=5, n_warmup_steps=3)
    if name == HYPERBAND:
        return HyperbandPruner(min_resource=1, max_resource=PARTS, reduction_factor=3)
    return NopPruner()


def part_of(fraction: float) -> int:
    """Return the number of tenths of a training that a fraction is, by which the pruner counts."""
    return round(fraction * PARTS)


def grid_points(search: SearchSpec) -> Iterator[dict[str, Any]]:
    """Yield all points of a space whose dimensions have steps or choices.

    They come in the order of the study file, with the last dimension varying fastest.
    """
    names = [dimension.name for dimension in search.dimensions]
    for values in product(*(dimension.values for dimension in search.dimensions)):
        yield dict(zip(names, values, strict=True))
