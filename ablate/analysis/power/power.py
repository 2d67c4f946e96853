"""The conclusions to expect from a design, by simulated studies, and the smallest effect that it can show.

A guessed effect is the effect of one level of one factor, with no other effects: the rows that have the level are
shifted by it. The same studies are shifted by every guess, so that chances grow smoothly with it. Effects are in
percentage points (pp).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.power.batch_verdicts import BatchVerdicts, judge_one_seed, judge_weighted
from ablate.analysis.power.hypotheses import Hypotheses
from ablate.analysis.power.simulation import SimulationTruth, draw_hits, draw_paired, run_rates
from ablate.analysis.stats.sample_size import seeds_for_equivalence, seeds_needed

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Chances = Mapping[str, float]
"""{verdict: probability}, for all verdicts."""

STUDIES, LEAST_STUDIES = 2000, 200
MOST_VALUES = 1_000_000
"""The largest number of differences that are judged at a time: for large families, fewer studies are simulated."""
MOST_DRAWN = 200_000_000
"""The largest number of queries drawn one by one, in a second or two; of more, the sums follow the normal law."""
CHANCE = 0.8
CLAIMS = {
    1: (verdicts.BETTER, verdicts.BETTER_BELOW_DELTA),
    -1: (verdicts.WORSE, verdicts.WORSE_BELOW_DELTA),
}


@dataclass(frozen=True)
class Power:
    """The chances of a design."""

    hypotheses: Hypotheses
    truth: SimulationTruth
    """The assumptions about its rows, with no effects."""
    seeds: int
    alpha: float
    delta: float
    """In pp."""
    seed: int = 0
    """The seed of the random numbers."""

    @property
    def studies(self) -> int:
        """The number of studies that are simulated."""
        affordable = MOST_VALUES // max(1, len(self.hypotheses.weights) * self.seeds)
        most = self._affordable_with_one_seed if self.seeds == 1 else STUDIES
        return min(STUDIES, most, max(LEAST_STUDIES, affordable))

    @property
    def run_sd(self) -> float:
        """The SD of one run in pp: its own shift and the part from its queries. A seed's shared shift cancels."""
        return math.sqrt(np.mean(np.square(self.truth.own_sd)) + query_variance(self.truth))

    def chances(self, effect: float) -> Chances:
        """Return the chance of each verdict on contrasts with this true effect in pp; for several seeds."""
        judged = self._judge_shifted(effect).verdict[self._has_effect]
        return {verdict: float(np.mean(judged == verdict)) for verdict in verdicts.ALL}

    def chance_to_show(self, effect: float) -> float:
        """Return the chance of a claim of the right sign, for a true effect in pp; for several seeds."""
        judged, share = self._judge_shifted(effect), self._shares * np.sign(effect)
        right = (judged.says(*CLAIMS[1]) & (share > 0)) | (judged.says(*CLAIMS[-1]) & (share < 0))
        return float(np.mean(right[self._has_effect]))

    @cached_property
    def smallest(self) -> float | None:
        """The smallest effect in pp that is shown with a chance of 80 %, to 1 %.

        None if it is larger than the rate can rise or fall.
        """
        room = 100 * max(self.truth.base, 1 - self.truth.base)
        low, high = 0.0, self.delta
        while self.chance_to_show(high) < CHANCE:
            low, high = high, 2 * high
            if low > room:
                return None
        while high - low > 0.01 * high:
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
        """Return (true effect in pp, chance of each verdict) of each contrast. `effects`: the true ones of the rows."""
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
        """True if studies of one seed can be simulated: contrasts of two rows, and not too many queries."""
        drawn = LEAST_STUDIES * len(self.truth.effects) * self.truth.queries
        return self.hypotheses.pairs is not None and drawn <= MOST_DRAWN

    def chances_of_one_seed(self, effect: float) -> Chances:
        """Return the chance of each verdict about two networks with this true difference in pp.

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

    @property
    def _affordable_with_one_seed(self) -> int:
        """The number of studies of one seed for which queries are drawn in a moment, as they are for every guess."""
        return max(LEAST_STUDIES, MOST_DRAWN // 5 // (len(self.truth.effects) * self.truth.queries))

    def _judge_one_seed(self, truth: SimulationTruth, pairs: Sequence[tuple[int, int]], studies: int) -> BatchVerdicts:
        drawn = draw_paired(truth, pairs, studies, np.random.default_rng(self.seed))
        return judge_one_seed(drawn.gained, drawn.lost, truth.queries, self.alpha)

    @cached_property
    def _difference_sd(self) -> float:
        """The SD in pp of a contrast's value of one seed, for contrasts that isolate a column."""
        isolated = self.hypotheses.shares.any(axis=0)
        squares = np.nan_to_num(self.hypotheses.weights[isolated]) ** 2
        return self.run_sd * float(np.sqrt(np.mean(squares.sum(axis=1))))

    @cached_property
    def _hits_without_effect(self) -> Floats:
        """Hits of studies with no effect, shape (studies, rows, seeds)."""
        return self._draw(replace(self.truth, effects=(0.0,) * len(self.truth.effects)))

    def _draw(self, truth: SimulationTruth) -> Floats:
        return draw_any_hits(truth, self.seeds, self.studies, np.random.default_rng(self.seed))

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
        """Return the verdicts if the column of each study has this effect in pp."""
        shift = effect / 100 * self.truth.queries * self.hypotheses.columns[self._columns]
        return self._judge(self._hits_without_effect + shift[:, :, None])

    def _judge(self, hits: Floats) -> BatchVerdicts:
        return judge_weighted(hits, self.truth.queries, self.hypotheses.weights, self.alpha, self.delta)


def query_variance(truth: SimulationTruth) -> float:
    """Return the part of a run's variance that comes from its queries, in pp²: half of that of a difference."""
    return 100**2 * truth.discordance / 2 / truth.queries


def draw_any_hits(truth: SimulationTruth, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
    """Return numbers of hits, shape (studies, rows, seeds).

    Queries are drawn one by one; if they are very many, their sum is drawn from its normal law.
    """
    if studies * len(truth.effects) * seeds * truth.queries <= MOST_DRAWN:
        return draw_hits(truth, seeds, studies, rng).astype(float)
    rates = run_rates(truth, seeds, studies, rng)
    most = truth.base * (1 - truth.base)
    scale = rates * (1 - rates) / most if most else np.zeros(rates.shape)
    noise = np.sqrt(truth.queries * truth.discordance / 2 * scale) * rng.standard_normal(rates.shape)
    hits: Floats = np.clip(np.rint(truth.queries * rates + noise), 0, truth.queries)
    return hits


def guesses(delta: float, base: float) -> Iterator[float]:
    """Return effects in pp worth a line if the user names none: as far as the rate `base` can grow."""
    room = 100 * (1 - base)
    yield from (effect for effect in (0.0, delta / 2, delta, 2 * delta, 4 * delta) if effect <= room + 1e-9)
