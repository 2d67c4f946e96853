"""Simulated studies of real values with known truth: means over examples, single numbers, and ratios.

The unit is that in which a run's own shift has an SD of .3, as for rates in pp: delta is .5, and real effects are 2.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.power.batch_verdicts import BatchVerdicts, judge, judge_means_of_one_seed, pair_weights
from ablate.analysis.power.real_values import ValueTruth
from tests.support.analysis.simulated_calibration import (
    ALPHA,
    CLAIMS,
    COVERS_HALF,
    COVERS_NULL,
    FALSE_HALF,
    FALSE_NULL,
    FIRST,
    HALF,
    NO_EFFECTS,
    ROWS,
    SECOND,
    WIDE,
    Rate,
    all_of,
    any_of,
    several_seeds,
)

Floats = NDArray[np.float64]

OWN, SHARED = 0.3, 0.2
NUMBER, MEAN, RATIO = "a number", "a mean, lower is better", "a ratio"
LAWS = (NUMBER, MEAN, RATIO)
EXAMPLES = 100
"""The examples of a mean over several seeds. Their part of a run's variance is as large as that of its own shift."""
NOISES = ("normal", "t5", "skewed")
COUNTS = ((100, 0), (1000, 0), (100, 20), (1000, 50))
"""Numbers of examples and of their clusters, 0 if they are independent, with one seed."""
CLUSTER_SHARE = 0.3
CHUNK = 250


@dataclass(frozen=True)
class ValueCase:
    """A design and the law of its runs, all of which spread alike: one line of the tables of several seeds."""

    design: str
    law: str
    tails: str

    def draw(self, effects: tuple[float, ...], seeds: int, studies: int, rng: np.random.Generator) -> Floats:
        """Return the values of new runs, shape (studies, rows, seeds), as a trainer would report them."""
        values = ValueTruth(effects, (OWN,) * ROWS, SHARED, self.tails).draw(seeds, studies, rng)  # type: ignore[arg-type]
        if self.law == RATIO:
            return np.exp(values)
        if self.law == MEAN:  # the sum of exponential losses follows the gamma law
            losses = rng.gamma(EXAMPLES, size=values.shape) / EXAMPLES - 1
            return values + OWN * EXAMPLES**0.5 * losses
        return values

    def judge(self, values: Floats, delta: float, /) -> BatchVerdicts:
        """Return the verdicts on studies of several seeds; of ratios by their logarithms."""
        compared = np.log(values) if self.law == RATIO else values
        return judge(compared, *self.pairs, ALPHA, delta, sign=-1 if self.law == MEAN else 1)

    def wide(self, seeds: int) -> float:
        """WIDE standard errors of a contrast of two rows."""
        variance = OWN**2 * (2 if self.law == MEAN else 1)
        return float(WIDE * (2 * variance / seeds) ** 0.5)

    @property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return FIRST[self.design], SECOND

    def true(self, effects: tuple[float, ...]) -> Floats:
        return pair_weights(*self.pairs, ROWS) @ np.array(effects)


@dataclass(frozen=True)
class OneSeedCase:
    """A design, and the law of the examples of a mean with one seed: one line of the table of one seed."""

    design: str
    noise: str
    examples: int
    clusters: int = 0

    def differences(self, effects: tuple[float, ...], studies: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return the mean difference of each pair of networks and its standard error, shape (studies, pairs).

        The noise of an example has an SD of 1. If it is skewed, it is exponential in every other row and normal in the
        others, so that differences are skewed too. Examples of one cluster share a part of their noise.
        """
        parts = [self._errors(effects, min(CHUNK, studies - start), rng) for start in range(0, studies, CHUNK)]
        return np.concatenate([mean for mean, _ in parts]), np.concatenate([error for _, error in parts])

    @property
    def units(self) -> int:
        """The number of independent examples, or of clusters."""
        return self.clusters or self.examples

    def judge(self, difference: Floats, error: Floats) -> BatchVerdicts:
        return judge_means_of_one_seed(difference, error, self.units - 1, ALPHA)

    def _errors(self, effects: tuple[float, ...], studies: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        values = self._noise((studies, ROWS, self.examples), rng)
        if self.clusters:
            of_cluster = np.arange(self.examples) % self.clusters
            shared = self._noise((studies, ROWS, self.clusters), rng)[..., of_cluster]
            values = np.sqrt(CLUSTER_SHARE) * shared + np.sqrt(1 - CLUSTER_SHARE) * values
        values += np.array(effects)[:, None]
        pairs = values[:, SECOND] - values[:, FIRST[self.design]]
        if self.clusters:  # examples are listed cluster by cluster in turn, all of one size
            pairs = pairs.reshape(*pairs.shape[:2], -1, self.clusters).mean(axis=2)
        return pairs.mean(axis=-1), pairs.std(axis=-1, ddof=1) / self.units**0.5

    def _noise(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        if self.noise == "t5":
            return rng.standard_t(5, shape) / (5 / 3) ** 0.5
        noise = rng.standard_normal(shape)
        if self.noise == "skewed":
            noise[:, 1::2] = rng.standard_exponential(noise[:, 1::2].shape) - 1
        return noise


def value_cases() -> Iterator[ValueCase]:
    """Return the cases of several seeds."""
    yield from (ValueCase(*of) for of in itertools.product(FIRST, LAWS, ("normal", "t5")))


def one_seed_cases() -> Iterator[OneSeedCase]:
    """Return the cases of one seed."""
    yield from (OneSeedCase(design, noise, *of) for design, noise, of in itertools.product(FIRST, NOISES, COUNTS))


def calibrate_values(
    case: ValueCase | OneSeedCase, seeds: int, studies: int, rng: np.random.Generator
) -> dict[str, Rate]:
    """Return all rates of one case; for one seed, claims about the two networks and coverage of their difference."""
    if isinstance(case, ValueCase):
        return several_seeds(case, seeds, studies, rng)
    true = pair_weights(FIRST[case.design], SECOND, ROWS) @ np.array(HALF[case.design])
    null, half = (case.judge(*case.differences(effects, studies, rng)) for effects in (NO_EFFECTS, HALF[case.design]))
    says = (*CLAIMS, "checkpoints_differ")
    return {
        FALSE_NULL: any_of(null.says(*says)),
        FALSE_HALF: any_of(half.says(*says)[:, true == 0]),
        COVERS_NULL: all_of(null.covers(0.0)),
        COVERS_HALF: all_of(half.covers(true)),
    }
