"""Which dimensions of a search explain how its candidates differ: functional ANOVA on a forest (Hutter et al. 2014).

The shares are unsigned, blind to confounding and to noise, and of the points that the sampler chose: no effects.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FORESTS = 10
"""Forests that are grown, each from a seed of its own: how far they differ is how far the shares may be trusted."""
TREES, DEPTH = 32, 6
"""Of a forest. Deeper trees and more of them give the same shares, and take minutes for a thousand candidates."""
LEAST = 8
"""Finished candidates."""


@dataclass(frozen=True)
class SearchAxis:
    """A dimension of the space that was searched: a range, or `choices` as the sampler saw them."""

    name: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False
    whole: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class VarianceShare:
    """A dimension's share of the variance, in [0, 1]: the mean, the least and the largest over the forests."""

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Importance:
    """The shares, the largest first; none where they cannot be given, and `why`."""

    shares: tuple[VarianceShare, ...]
    why: str | None = None


def importance(
    dimensions: Sequence[SearchAxis], points: Sequence[Mapping[str, Any]], values: Sequence[float]
) -> Importance:
    """`points`: a value a dimension, of each finished candidate; `values`: parallel to them, larger is better."""
    if len(points) < LEAST:
        finished = f"{len(points)} finished candidate{'' if len(points) == 1 else 's'}"
        return Importance((), f"{finished}; {LEAST} or more are needed")
    varying = [axis for axis in dimensions if len({repr(point[axis.name]) for point in points}) > 1]
    if len(set(values)) == 1 or not varying:
        return Importance((), "all finished candidates have the same score" if varying else "no dimension varies")
    found = _shares(varying, points, values)
    if found is None:
        return Importance((), "no tree tells the candidates apart")
    shares = [VarianceShare(axis.name, *_spread(found[:, at])) for at, axis in enumerate(varying)]
    constant = [VarianceShare(axis.name, 0.0, 0.0, 0.0) for axis in dimensions if axis not in varying]
    return Importance(tuple(sorted([*shares, *constant], key=lambda share: -share.mean)))


def _spread(shares: "np.ndarray[Any, np.dtype[np.float64]]") -> tuple[float, float, float]:
    return float(shares.mean()), float(shares.min()), float(shares.max())


def _shares(
    dimensions: Sequence[SearchAxis], points: Sequence[Mapping[str, Any]], values: Sequence[float]
) -> "np.ndarray[Any, np.dtype[np.float64]] | None":
    """Shape (forests, dimensions); None where no forest finds a difference."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    distributions = {axis.name: _distribution(axis, [point[axis.name] for point in points]) for axis in dimensions}
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of every study that is made
    try:
        study = optuna.create_study(direction="maximize")
        for point, value in zip(points, values, strict=True):
            params = {name: point[name] for name in distributions}
            study.add_trial(create_trial(params=params, distributions=distributions, value=value))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            forests = [
                get_param_importances(
                    study, evaluator=FanovaImportanceEvaluator(n_trees=TREES, max_depth=DEPTH, seed=seed)
                )
                for seed in range(FORESTS)
            ]
    except RuntimeError:  # zero total variance in all trees
        return None
    finally:
        optuna.logging.set_verbosity(before)
    return np.array([[forest[axis.name] for axis in dimensions] for forest in forests], dtype=float)


def _distribution(axis: SearchAxis, values: Sequence[Any]) -> "BaseDistribution":
    """Without a step, and as wide as the values: what the study had run before need not lie on the search's grid."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if axis.choices:
        return CategoricalDistribution(list(dict.fromkeys([*axis.choices, *values])))
    low, high = (float(end) for end in (min(_known(axis.low, values)), max(_known(axis.high, values))))
    return FloatDistribution(low, high, log=axis.log and low > 0)


def _known(end: float | None, values: Sequence[float]) -> list[float]:
    return [*values, *([] if end is None else [end])]
