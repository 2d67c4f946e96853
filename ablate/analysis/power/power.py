"""The conclusions to expect from a design, by simulated studies, and the smallest effect that it can show.

A guessed effect is the effect of one level of one factor, with no other effects: the rows that have the level are
shifted by it. The same studies are shifted by every guess, so that chances grow smoothly with it. Effects are in the
metric's unit; on a log scale they are logarithms of ratios.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.power.batch_verdicts import BatchVerdicts, judge_weighted
from ablate.analysis.power.hypotheses import Hypotheses
from ablate.analysis.power.proportions import LEAST_STUDIES, ProportionTruth
from ablate.analysis.power.real_values import ValueTruth
from ablate.analysis.stats.sample_size import seeds_for_equivalence, seeds_needed

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Chances = Mapping[str, float]
"""{verdict: probability}, for all verdicts."""

Truth = ProportionTruth | ValueTruth
"""The truth behind simulated studies of one metric."""

STUDIES = 2000
MOST_VALUES = 1_000_000
"""The largest number of differences that are judged at a time: for large families, fewer studies are simulated."""
CHANCE = 0.8
BEYOND = 1e5
"""Effects of that many SDs, and of that small a part of delta, are not tried: values may not vary at all."""
CLAIMS = {
    1: (verdicts.BETTER, verdicts.BETTER_BELOW_DELTA),
    -1: (verdicts.WORSE, verdicts.WORSE_BELOW_DELTA),
}


@dataclass(frozen=True)
class Power:
    """The chances of a design."""

    hypotheses: Hypotheses
    truth: Truth
    """The assumptions about its rows, with no effects."""
    seeds: int
    alpha: float
    delta: float
    """In the metric's unit."""
    sign: int = 1
    """1 if an increase of the metric is an improvement, otherwise −1."""
    seed: int = 0
    """The seed of the random numbers."""

    @property
    def studies(self) -> int:
        """The number of studies that are simulated."""
        affordable = MOST_VALUES // max(1, len(self.hypotheses.weights) * self.seeds)
        most = self.truth.most_of_one_seed if self.seeds == 1 else STUDIES
        return min(STUDIES, most, max(LEAST_STUDIES, affordable))

    def chances(self, effect: float) -> Chances:
        """Return the chance of each verdict on contrasts with this true effect; for several seeds."""
        judged = self._judge_shifted(effect).verdict[self._has_effect]
        return {verdict: float(np.mean(judged == verdict)) for verdict in verdicts.ALL}

    def chance_to_show(self, effect: float) -> float:
        """Return the chance of a claim of the right sign, for a true effect; for several seeds."""
        judged, share = self._judge_shifted(effect), self._shares * np.sign(self.sign * effect)
        right = (judged.says(*CLAIMS[1]) & (share > 0)) | (judged.says(*CLAIMS[-1]) & (share < 0))
        return float(np.mean(right[self._has_effect]))

    @cached_property
    def smallest(self) -> float | None:
        """The size of the smallest effect that is shown with a chance of 80 %, to 1 %.

        None if it is larger than the value can rise or fall.
        """
        room = min(max(self.truth.room), BEYOND * (self.delta + self.truth.run_sd))
        low, high = 0.0, self.delta
        while self.chance_to_show(high) < CHANCE:
            low, high = high, 2 * high
            if low > room:
                return None
        while high - low > 0.01 * high and high > self.delta / BEYOND:
            middle = (low + high) / 2
            low, high = (middle, high) if self.chance_to_show(middle) < CHANCE else (low, middle)
        return high if high <= room else None

    def seeds_to_decide(self, effect: float) -> int | None:
        """Return about how many seeds show the effect, or show that it is below delta, with a chance of 80 %.

        By the formula of the t test; None if no number of seeds is known to be enough.
        """
        level = self.alpha / len(self.hypotheses.weights)
        rows = len(self.truth.effects)
        to_show = seeds_needed(effect, self._difference_sd, rows, level, CHANCE)
        to_exclude = seeds_for_equivalence(effect, self._difference_sd, rows, level, self.delta, CHANCE)
        return min((seeds for seeds in (to_show, to_exclude) if seeds is not None), default=None)

    def true_chances(self, effects: Sequence[float]) -> list[tuple[float, Chances]]:
        """Return (true effect, chance of each verdict) of each contrast. `effects`: the true ones of the rows."""
        true = np.nan_to_num(self.hypotheses.weights) @ np.array(effects)
        truth = replace(self.truth, effects=tuple(effects))
        pairs = self.hypotheses.pairs
        if self.seeds == 1 and pairs is not None:
            judged = self._judge_one_seed(truth, pairs, self.studies)
        else:
            judged = self._judge(self._draw(truth))
        chances = {verdict: np.mean(judged.verdict == verdict, axis=0) for verdict in verdicts.ALL}
        return [
            (float(effect), {verdict: float(chance[k]) for verdict, chance in chances.items()})
            for k, effect in enumerate(true)
        ]

    @property
    def simulates_one_seed(self) -> bool:
        """True if studies of one seed can be simulated: contrasts of two rows, whose networks can be compared."""
        return self.hypotheses.pairs is not None and self.truth.simulates_one_seed

    def chances_of_one_seed(self, effect: float) -> Chances:
        """Return the chance of each verdict about two networks with this true difference.

        ValueError if a contrast is not of two rows.
        """
        pairs = self.hypotheses.pairs
        if pairs is None:
            raise ValueError("a contrast is not of two rows; studies of one seed can compare two rows only")
        columns = self.hypotheses.isolated[:LEAST_STUDIES]
        studies = math.ceil(self.studies / len(columns))
        judged_verdicts = []
        for column in columns:
            truth = replace(self.truth, effects=tuple(effect * self.hypotheses.columns[column]))
            judged = self._judge_one_seed(truth, pairs, studies)
            judged_verdicts.append(judged.verdict[:, self.hypotheses.shares[column] != 0].ravel())
        every = np.concatenate(judged_verdicts)
        return {verdict: float(np.mean(every == verdict)) for verdict in verdicts.ALL}

    def _judge_one_seed(self, truth: Truth, pairs: Sequence[tuple[int, int]], studies: int) -> BatchVerdicts:
        return truth.judge_one_seed(pairs, studies, np.random.default_rng(self.seed), self.alpha, self.sign)

    @cached_property
    def _difference_sd(self) -> float:
        """The SD of a contrast's value of one seed, for contrasts that isolate a column."""
        isolated = self.hypotheses.shares.any(axis=0)
        squares = np.nan_to_num(self.hypotheses.weights[isolated]) ** 2
        return self.truth.run_sd * float(np.sqrt(np.mean(squares.sum(axis=1))))

    @cached_property
    def _without_effect(self) -> Floats:
        """Values of studies with no effect, shape (studies, rows, seeds)."""
        return self._draw(replace(self.truth, effects=(0.0,) * len(self.truth.effects)))

    def _draw(self, truth: Truth) -> Floats:
        return truth.draw(self.seeds, self.studies, np.random.default_rng(self.seed))

    @cached_property
    def _columns(self) -> NDArray[np.intp]:
        """The column that has the effect in each study: all isolated columns in turn."""
        return np.resize(self.hypotheses.isolated, self.studies)

    @cached_property
    def _shares(self) -> Floats:
        """1 for contrasts that have the effect, −1 for those that have its opposite; shape (studies, contrasts)."""
        shares: Floats = self.hypotheses.shares[self._columns]
        return shares

    @property
    def _has_effect(self) -> Bools:
        has_effect: Bools = self._shares != 0
        return has_effect

    def _judge_shifted(self, effect: float) -> BatchVerdicts:
        """Return the verdicts if the column of each study has this effect."""
        shift = effect * self.hypotheses.columns[self._columns]
        return self._judge(self._without_effect + shift[:, :, None])

    def _judge(self, values: Floats) -> BatchVerdicts:
        weights, resolution = self.hypotheses.weights, self.truth.resolution
        return judge_weighted(values, weights, self.alpha, self.delta, resolution=resolution, sign=self.sign)


def guesses(delta: float, truth: Truth, sign: int = 1) -> Iterator[float]:
    """Return effects worth a line if the user names none: improvements, as far as the value has room for them."""
    room = truth.room[1 if sign > 0 else 0]
    yield from (sign * effect for effect in (0.0, delta / 2, delta, 2 * delta, 4 * delta) if effect <= room + 1e-11)
