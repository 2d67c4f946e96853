"""Critical values for looks at the results before all seeds have run: the error of all looks together is alpha.

Look k after looks[k] seeds has the information fraction t = looks[k] / looks[-1]. B(t) = √t·z is a Brownian motion. A
claim is made at the first look at which it leaves the region |z| < bound.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

FARTHEST = 38.0  # |z| beyond which the probability of a normal tail is too small for a float

LEAST_ALPHA = 1e-12
ALPHAS = np.append(np.geomspace(LEAST_ALPHA, 0.3, 48), [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995, 1 - 1e-6])
"""The alphas for which boundaries are tabulated, for `repeated_p`."""

SPENDING: dict[str, Callable[[float, Floats], Floats]] = {
    "power": lambda alpha, t: alpha * t**2,
    "obrien-fleming": lambda alpha, t: 4 * special.ndtr(special.ndtri(alpha / 4) / np.sqrt(t)),
    "pocock": lambda alpha, t: alpha * np.log1p((math.e - 1) * t),
}


class _Paths(NamedTuple):
    """The distribution of the paths that have not crossed a bound so far."""

    t: float
    """The information."""
    places: Floats
    """Values of B(t), shape (n,)."""
    mass: Floats
    """The probability of each place, shape (n,)."""


def boundaries(looks: ArrayLike, alpha: float = 0.05, spending: str = "power") -> Floats:
    """Return two-sided critical |z|, shape (K,), at K looks, given as increasing numbers of seeds.

    Each look may spend a part of alpha. spending: "power" α·t² (Kim & DeMets 1987), "obrien-fleming"
    4 − 4Φ(z(α/4)/√t), half of it a side, and "pocock" α·ln(1 + (e − 1)t) (both Lan & DeMets 1983). Each bound is
    computed from the sub-density of the paths that have not crossed, integrated look by look (Armitage, McPherson &
    Rowe 1969). It is correct to 1e-6, and inf if there is less to spend than the smallest float. ValueError if looks do
    not increase from above 0, if alpha is not between 0 and 1, and for another spending.
    """
    return _boundaries(_information(looks), alpha, spending)


def nominal_level(information: Sequence[float], alpha: float, spending: str = "power") -> float:
    """Return the level at which a test at the last of these looks crosses its boundary: 2Φ(−bound); 0 if it cannot.

    information: for each look so far, its fraction of the information at the last look that was declared; increasing,
    up to 1. An interval at 1 − this level is a repeated confidence interval (Jennison & Turnbull 1989). ValueError as
    in `boundaries`.
    """
    return float(2 * special.ndtr(-_boundaries(_shares(information), alpha, spending)[-1]))


def repeated_p(p: ArrayLike, information: Sequence[float], spending: str = "power") -> Floats:
    """Return the smallest alpha for which a nominal two-sided p crosses the boundary at the last of these looks.

    The result has the shape of `p`. information: as in `nominal_level`. It is valid at every look, for any later looks
    (Jennison & Turnbull 1984), and so is the smallest over several looks. It is interpolated between alphas, to 1e-4 of
    its logarithm, and never below LEAST_ALPHA. nan stays nan. ValueError as in `boundaries`.
    """
    log_nominal, log_alpha = _levels(tuple(_shares(information).tolist()), spending)
    with np.errstate(divide="ignore"):
        log_p = np.clip(np.log(np.asarray(p, dtype=float)), log_nominal[0], log_nominal[-1])
    return np.exp(_interpolated(log_p, log_nominal, log_alpha))


@cache
def _levels(information: tuple[float, ...], spending: str) -> tuple[Floats, Floats]:
    """Return logarithms of nominal levels at the last look, increasing, and of the alphas that they belong to."""
    nominal = np.array([nominal_level(information, alpha, spending) for alpha in ALPHAS])
    positive = nominal > 0
    return np.log(nominal[positive]), np.append(np.log(ALPHAS[positive][:-1]), 0.0)


def _interpolated(x: Floats, table_x: Floats, table_y: Floats) -> Floats:
    """Return y at x by cubic Hermite interpolation in a table, with differences for slopes.

    The result is monotone if the table is, because no slope is above three times its neighbours' (Fritsch & Carlson
    1980).
    """
    slopes = np.gradient(table_y, table_x)
    at = np.clip(np.searchsorted(table_x, x) - 1, 0, len(table_x) - 2)
    width = table_x[at + 1] - table_x[at]
    s = (x - table_x[at]) / width
    y: Floats = (
        table_y[at] * (1 + 2 * s) * (1 - s) ** 2
        + table_y[at + 1] * s**2 * (3 - 2 * s)
        + width * s * (1 - s) * (slopes[at] * (1 - s) - slopes[at + 1] * s)
    )
    return y


def crossing(looks: ArrayLike, bounds: ArrayLike, drift: float = 0.0) -> Floats:
    """Return the probability, shape (K,), that |z| has exceeded its bound at one of the K looks so far: error or power.

    drift: the mean of z at the last look; it is drift·√t at information t. A bound of inf is never crossed.
    ValueError for looks as in `boundaries`, and unless each look has one bound of 0 or more. Armitage, McPherson &
    Rowe 1969.
    """
    t, bounds = _information(looks), np.asarray(bounds, dtype=float)
    if bounds.shape != t.shape or not (bounds >= 0).all():
        raise ValueError(f"bounds {bounds.tolist()} at {len(t)} looks; one of 0 or more is needed for each")
    paths, crossed = _start(), np.empty(len(t))
    for k, until in enumerate(t):
        crossed[k] = _crossed(paths, until, bounds[k], drift)
        paths = _advance(paths, t, k, bounds[k], drift)
    return np.cumsum(crossed)


def wang_tsiatis(looks: ArrayLike, alpha: float = 0.05, shape: float = 0.0) -> Floats:
    """Return two-sided critical |z|, shape (K,), of the form C·t^(shape − ½) at K looks; Wang & Tsiatis 1987.

    shape ½ is Pocock's (1977) constant, 0 O'Brien & Fleming's (1979). ValueError as in `boundaries`.
    """
    t = _information(looks)
    _check_alpha(alpha)
    form: Floats = t ** (shape - 0.5)
    enough = -special.ndtri(alpha / 2 / len(t)) / form.min()  # by Bonferroni's inequality
    bounds: Floats = form * _root(lambda constant: float(crossing(t, constant * form)[-1]), alpha, enough)
    return bounds


def legendre_nodes(low: float, high: float, widest: float) -> tuple[Floats, Floats]:
    """Return nodes and weights, shape (n,), that integrate a smooth function from low to high.

    The range is split into parts no wider than `widest`. Gauss & Legendre, 16 points per part; Abramowitz & Stegun
    1964, 25.4.29. Empty for low = high.
    """
    nodes, weights = _gauss_legendre()
    ends = np.linspace(low, high, math.ceil((high - low) / widest) + 1)
    half = np.diff(ends)[:, None] / 2
    return (ends[:-1, None] + half * (nodes + 1)).ravel(), (half * weights).ravel()


@cache
def _gauss_legendre() -> tuple[Floats, Floats]:
    """Return nodes and weights on [−1, 1]; cached, because computing them takes longer than using them."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    return nodes, weights


def _information(looks: ArrayLike) -> Floats:
    looks = np.atleast_1d(np.asarray(looks, dtype=float))
    increasing = looks.ndim == 1 and len(looks) and looks[0] > 0 and np.isfinite(looks).all()
    if not increasing or not (np.diff(looks) > 0).all():
        raise ValueError(f"looks are {looks.tolist()}; increasing numbers above 0 are needed, such as [2, 3, 5]")
    t: Floats = looks / looks[-1]
    return t


def _shares(information: Sequence[float]) -> Floats:
    """Return the information unchanged after a check; the last look need not be the last that was declared."""
    t = np.asarray(information, dtype=float)
    if not len(t) or not t[0] > 0 or not (np.diff(t) > 0).all() or not t[-1] <= 1:
        raise ValueError(f"information is {t.tolist()}; increasing shares above 0 and up to 1 are needed")
    return t


def _boundaries(t: Floats, alpha: float, spending: str) -> Floats:
    _check_alpha(alpha)
    if spending not in SPENDING:
        raise ValueError(f"spending is {spending!r}; accepted: {', '.join(SPENDING)}")
    spent = np.diff(SPENDING[spending](alpha, t), prepend=0.0)
    paths, bounds = _start(), np.empty(len(t))
    for k, until in enumerate(t):
        bounds[k] = _bound(paths, until, spent[k])
        paths = _advance(paths, t, k, bounds[k], 0.0)
    return bounds


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; a number between 0 and 1 is needed")


def _start() -> _Paths:
    return _Paths(0.0, np.zeros(1), np.ones(1))


def _crossed(paths: _Paths, until: float, bound: float, drift: float) -> float:
    """Return the probability of |z| > bound at the next look, from the tails: 1 − Φ would lose small probabilities."""
    step, edge = math.sqrt(until - paths.t), bound * math.sqrt(until)
    expected = paths.places + drift * (until - paths.t)
    return float(paths.mass @ (special.ndtr((expected - edge) / step) + special.ndtr((-edge - expected) / step)))


def _advance(paths: _Paths, t: Floats, k: int, bound: float, drift: float) -> _Paths:
    """Return the paths that are still inside the bound at look k, at the nodes of an integral over their new places."""
    until, step = t[k], math.sqrt(t[k] - paths.t)
    edge, middle = bound * math.sqrt(until), drift * until
    farthest = FARTHEST * math.sqrt(until)
    low, high = np.clip([-edge, edge], middle - farthest, middle + farthest)
    finest = min(step, math.sqrt(t[k + 1] - until)) if k + 1 < len(t) else step
    places, weights = legendre_nodes(low, high, 4 * finest)
    expected = paths.places + drift * (until - paths.t)
    density = np.exp(-(((places[:, None] - expected) / step) ** 2) / 2) @ paths.mass / (step * math.sqrt(2 * math.pi))
    return _Paths(until, places, density * weights)


def _bound(paths: _Paths, until: float, spent: float) -> float:
    """Return the bound that a fraction `spent` of all paths crosses first at the next look; inf if it is too small."""
    if _crossed(paths, until, FARTHEST, 0.0) >= spent:
        return math.inf
    return _root(lambda bound: _crossed(paths, until, bound, 0.0), spent, FARTHEST)


def _root(falling: Callable[[float], float], target_value: float, high: float) -> float:
    """Return the argument in [0, high] at which a falling probability has the target value.

    By regula falsi, Illinois variant (Dowell & Jarratt 1971), on a scale on which a normal tail is almost a straight
    line.
    """
    target = _straight(target_value)
    other, value, before = 0.0, high, math.inf
    at_other, at_value = _straight(falling(other)) - target, _straight(falling(value)) - target
    for _ in range(100):
        if at_value in (0.0, at_other) or abs(value - before) < 1e-14 * high:
            break
        before, following = value, value - at_value * (value - other) / (at_value - at_other)
        at_following = _straight(falling(following)) - target
        if at_following * at_value < 0:
            other, at_other = value, at_value
        else:
            at_other /= 2
        value, at_value = following, at_following
    return value


def _straight(tail: float) -> float:
    """Return the probability of a tail on a scale on which a normal tail is almost a straight line."""
    return math.sqrt(max(0.0, -2 * math.log(max(tail, math.ulp(0.0)))))
