"""What a design can be expected to conclude, by simulated studies; and the smallest effect that it can show.

A guessed effect is that of one level of one factor, all others having none: rows with the level are shifted by it. The
same studies are shifted by every guess, so that chances grow smoothly with it. Effects are in percentage points.
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
"""{verdict: how often}, of all verdicts that were given."""

STUDIES, LEAST_STUDIES = 2000, 200
MOST_VALUES = 1_000_000
"""Differences judged at a time: of large families, fewer studies."""
MOST_DRAWN = 200_000_000
"""Queries drawn one by one, in a second or two; where there are more, their sums follow the normal law."""
CHANCE = 0.8
CLAIMS = {
    1: (verdicts.BETTER, verdicts.BETTER_BELOW_DELTA),
    -1: (verdicts.WORSE, verdicts.WORSE_BELOW_DELTA),
}


@dataclass(frozen=True)
class Power:
    """The chances of a design: a family, what is assumed of its rows with no effect, and what the study declares."""

    asked: Hypotheses
    world: SimulationTruth
    seeds: int
    alpha: float
    delta: float
    seed: int = 0

    @property
    def studies(self) -> int:
        """How many are simulated."""
        wanted = MOST_VALUES // max(1, len(self.asked.weights) * self.seeds)
        most = self._affordable if self.seeds == 1 else STUDIES
        return min(STUDIES, most, max(LEAST_STUDIES, wanted))

    @property
    def run_sd(self) -> float:
        """The SD of one run in pp, its own shift and what its queries add; the seed's shared shift cancels."""
        return math.sqrt(np.mean(np.square(self.world.own_sd)) + query_variance(self.world))

    def chances(self, effect: float) -> Chances:
        """Of each verdict, of contrasts whose true effect is `effect`; several seeds."""
        said = self._judged(effect).verdict[self._shown]
        return {verdict: float(np.mean(said == verdict)) for verdict in verdicts.ALL}

    def chance_to_show(self, effect: float) -> float:
        """Of a claim of the right sign; several seeds."""
        judged, share = self._judged(effect), self._shares * np.sign(effect)
        right = (judged.says(*CLAIMS[1]) & (share > 0)) | (judged.says(*CLAIMS[-1]) & (share < 0))
        return float(np.mean(right[self._shown]))

    @cached_property
    def smallest(self) -> float | None:
        """The smallest effect that is shown with a chance of 80 %, to 1 %; None if there is no room for it."""
        room = 100 * max(self.world.base, 1 - self.world.base)
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
        """About how many seeds give a chance of 80 % to show it, or that it is below delta; by the formula of t."""
        level = self.alpha / len(self.asked.weights)
        rows = len(self.world.effects)
        shown = seeds_needed(effect, self._difference_sd, rows, level, CHANCE)
        small = seeds_for_equivalence(effect, self._difference_sd, rows, level, self.delta, CHANCE)
        return min((found for found in (shown, small) if found is not None), default=None)

    def true_chances(self, effects: Sequence[float]) -> list[tuple[float, Chances]]:
        """(true effect, chance of each verdict) of each contrast, where these are the rows' true effects."""
        true = np.nan_to_num(self.asked.weights) @ np.array(effects)
        world = replace(self.world, effects=tuple(effects))
        said = self._one_seed(world, self.studies) if self.seeds == 1 else self._judge(self._drawn(world))
        counts = {verdict: np.mean(said.verdict == verdict, axis=0) for verdict in verdicts.ALL}
        return [(float(at), {verdict: float(of[k]) for verdict, of in counts.items()}) for k, at in enumerate(true)]

    @property
    def tells_one_seed(self) -> bool:
        """Whether studies of one seed are simulated: contrasts of two rows, not too many queries."""
        drawn = LEAST_STUDIES * len(self.world.effects) * self.world.queries
        return self.asked.pairs is not None and drawn <= MOST_DRAWN

    def chances_of_one_seed(self, effect: float) -> Chances:
        """Of each verdict about two networks, of contrasts whose true effect is `effect`."""
        columns = self.asked.isolated[:LEAST_STUDIES]
        each = math.ceil(self.studies / len(columns))
        said = []
        for column in columns:
            world = replace(self.world, effects=tuple(effect * self.asked.columns[column]))
            said.append(self._one_seed(world, each).verdict[:, self.asked.shares[column] != 0].ravel())
        every = np.concatenate(said)
        return {verdict: float(np.mean(every == verdict)) for verdict in verdicts.ALL}

    @property
    def _affordable(self) -> int:
        """Studies of one seed whose queries are drawn in a moment, as they are for every guess."""
        return max(LEAST_STUDIES, MOST_DRAWN // 5 // (len(self.world.effects) * self.world.queries))

    def _one_seed(self, world: SimulationTruth, studies: int) -> BatchVerdicts:
        assert self.asked.pairs is not None
        pairs = list(zip(*self.asked.pairs, strict=True))
        drawn = draw_paired(world, pairs, studies, np.random.default_rng(self.seed))
        return judge_one_seed(drawn.gained, drawn.lost, world.queries, self.alpha)

    @cached_property
    def _difference_sd(self) -> float:
        """The SD of a contrast's value of one seed, of those that are isolated."""
        isolated = self.asked.shares.any(axis=0)
        squares = np.nan_to_num(self.asked.weights[isolated]) ** 2
        return self.run_sd * float(np.sqrt(np.mean(squares.sum(axis=1))))

    @cached_property
    def _null(self) -> Floats:
        """Hits of studies with no effect, shape (studies, rows, seeds)."""
        return self._drawn(replace(self.world, effects=(0.0,) * len(self.world.effects)))

    def _drawn(self, world: SimulationTruth) -> Floats:
        return draw_any_hits(world, self.seeds, self.studies, np.random.default_rng(self.seed))

    @cached_property
    def _columns(self) -> NDArray[np.intp]:
        """The column that has the effect, of each study: all in turn."""
        return np.resize(self.asked.isolated, self.studies)

    @cached_property
    def _shares(self) -> Floats:
        """Of each study, which contrasts have the effect: (studies, contrasts), −1 where with the other sign."""
        found: Floats = self.asked.shares[self._columns]
        return found

    @property
    def _shown(self) -> Bools:
        found: Bools = self._shares != 0
        return found

    def _judged(self, effect: float) -> BatchVerdicts:
        shift = effect / 100 * self.world.queries * self.asked.columns[self._columns]
        return self._judge(self._null + shift[:, :, None])

    def _judge(self, hits: Floats) -> BatchVerdicts:
        return judge_weighted(hits, self.world.queries, self.asked.weights, self.alpha, self.delta)


def query_variance(world: SimulationTruth) -> float:
    """What queries add to the variance of a run's rate, in pp²: half of what they add to a difference."""
    return 100**2 * world.discordance / 2 / world.queries


def draw_any_hits(world: SimulationTruth, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
    """Shape (studies, rows, seeds): query by query, or of very many queries their sum by its normal law."""
    if studies * len(world.effects) * seeds * world.queries <= MOST_DRAWN:
        return draw_hits(world, seeds, studies, rng).astype(float)
    rates = run_rates(world, seeds, studies, rng)
    most = world.base * (1 - world.base)
    scale = rates * (1 - rates) / most if most else np.zeros(rates.shape)
    noise = np.sqrt(world.queries * world.discordance / 2 * scale) * rng.standard_normal(rates.shape)
    hits: Floats = np.clip(np.rint(world.queries * rates + noise), 0, world.queries)
    return hits


def guesses(delta: float, base: float) -> Iterator[float]:
    """Effects that are worth a line where nobody names any, as far as the rate can grow."""
    room = 100 * (1 - base)
    yield from (effect for effect in (0.0, delta / 2, delta, 2 * delta, 4 * delta) if effect <= room + 1e-9)
