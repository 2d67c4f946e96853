"""Importance of a search's dimensions for its candidates' scores: functional ANOVA on a forest (Hutter et al. 2014).

The shares are no effects: they have no sign, they ignore confounding and noise, and they describe only the points that
the sampler chose.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ablate.study.factors import level_text
from ablate.study.search_space.libraries import IMPORTANCE
from ablate.study.search_space.origin import SearchedDimension

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FORESTS = 10
"""The number of forests, each with its own seed. The differences between them show how reliable the shares are."""
TREES, DEPTH = 32, 6
"""The number and the depth of a forest's trees. More and deeper trees give the same shares, but take minutes for a
thousand candidates."""
LEAST = 8
"""The smallest number of finished candidates for which shares are computed."""


@dataclass(frozen=True)
class VarianceShare:
    """A dimension's share of the variance, in [0, 1]."""

    name: str
    mean: float
    """Over the forests."""
    low: float
    """The smallest over the forests."""
    high: float
    """The largest over the forests."""


@dataclass(frozen=True)
class Importance:
    """The importance of all dimensions for one metric."""

    shares: tuple[VarianceShare, ...]
    """The largest first; empty if they cannot be computed."""
    why: str | None = None
    """The reason if there are no shares."""
    constant: tuple[str, ...] = ()
    """The dimensions with one value in all finished candidates. Their share is 0 because nothing was tried."""


def importance(
    dimensions: Sequence[SearchedDimension], points: Sequence[Mapping[str, Any]], values: Sequence[float]
) -> Importance:
    """Return the importance of each dimension.

    `points`: {dimension: value} of each finished candidate. `values`: their scores, parallel to `points`.
    """
    if len(points) < LEAST:
        finished = f"{len(points)} finished candidate{'' if len(points) == 1 else 's'}"
        return Importance((), f"{finished}; {LEAST} or more are needed")
    varying = [axis for axis in dimensions if len({level_text(point[axis.name]) for point in points}) > 1]
    constant = tuple(axis.name for axis in dimensions if axis not in varying)
    if len(set(values)) == 1 or not varying:
        why = "all finished candidates have the same score" if varying else "no dimension varies"
        return Importance((), why, constant)
    if fault := IMPORTANCE.fault():
        return Importance((), f"it {fault}", constant)
    shares_by_forest = _shares(varying, points, values)
    if shares_by_forest is None:
        return Importance((), "no tree tells the candidates apart", constant)
    shares = [VarianceShare(axis.name, *_mean_and_range(shares_by_forest[:, at])) for at, axis in enumerate(varying)]
    none = [VarianceShare(name, 0.0, 0.0, 0.0) for name in constant]
    return Importance((*sorted(shares, key=lambda share: -share.mean), *none), None, constant)


def _mean_and_range(shares: "np.ndarray[Any, np.dtype[np.float64]]") -> tuple[float, float, float]:
    return float(shares.mean()), float(shares.min()), float(shares.max())


def _shares(
    dimensions: Sequence[SearchedDimension], points: Sequence[Mapping[str, Any]], values: Sequence[float]
) -> "np.ndarray[Any, np.dtype[np.float64]] | None":
    """Return each forest's shares, shape (forests, dimensions); None if no tree finds a difference."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    values_of = {axis.name: [_value(axis, point) for point in points] for axis in dimensions}
    distributions = {axis.name: _distribution(axis, values_of[axis.name]) for axis in dimensions}
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # optuna logs every study that is created
    try:
        study = optuna.create_study(direction="maximize")
        for at, value in enumerate(values):
            params = {name: values_of[name][at] for name in distributions}
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


def _value(axis: SearchedDimension, point: Mapping[str, Any]) -> Any:
    """Return a point's value; of a choice its text, because a sampler takes `on` and 1 for the same."""
    return level_text(point[axis.name]) if axis.choices else point[axis.name]


def _distribution(axis: SearchedDimension, values: Sequence[Any]) -> "BaseDistribution":
    """Return the dimension without a step, and wide enough for all values.

    Candidates that the study had run before the search need not lie on the search's grid.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if axis.choices:
        return CategoricalDistribution(list(dict.fromkeys([*map(level_text, axis.choices), *values])))
    low, high = (float(end) for end in (min(_with_end(values, axis.low)), max(_with_end(values, axis.high))))
    return FloatDistribution(low, high, log=axis.log and low > 0)


def _with_end(values: Sequence[float], end: float | None) -> list[float]:
    return [*values, *([] if end is None else [end])]
