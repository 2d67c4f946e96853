"""The estimate of one effect, and tests of many effects as one family."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.estimators import CROSSED, SEPARATE_T, EstimateArrays
from ablate.analysis.estimation.row_spreads import REASONS
from ablate.analysis.looks.repeated_p_values import as_if_looked, repeated
from ablate.analysis.results import StudyResults
from ablate.analysis.stats.group_sequential import nominal_level
from ablate.analysis.stats.sample_size import seeds_for_equivalence, seeds_needed
from ablate.measurement import Metric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOTABLE = 50
"""Effects and spreads are rounded to this part of delta before seeds are counted, as the count is rough anyway."""


@dataclass(frozen=True, slots=True)
class EffectEstimate:
    """The estimate of one effect in the metric's unit. A field is None if it cannot be computed."""

    metric: Metric
    effect: float | None
    interval: tuple[float, float] | None
    """At 1 − alpha, for this effect by itself."""
    simultaneous: tuple[float, float] | None
    """At 1 − alpha for all effects of the family together (Bonferroni)."""
    method: str | None
    seeds: int
    p: float | None
    """The p of no effect, not adjusted."""
    p_holm: float | None
    """The p of no effect, adjusted for the family."""
    p_equivalence: float | None
    """The p of an effect of delta or more, adjusted for the family."""
    separate: tuple[float, float] | None
    """The interval at 1 − alpha from the effect's own seed-wise values alone."""
    verdict: str
    without_spread: bool = False
    """True if the seeds agree exactly and the metric's resolution is not known, so that nothing is claimed."""
    alike: bool = False
    """True if the results are equal in every seed, so that they show neither an effect nor its absence."""
    more_seeds: int | None = None
    """About how many more seeds would decide an undecided effect."""
    constant: float | None = None
    """The value that all results have, if they show neither an effect nor its absence; None otherwise."""
    lacking: str = ""
    """Why rows that are not paired by seed give no interval, one of `row_spreads.REASONS`; empty if they give one. Then
    `seeds` is 0 if a number of runs is not known."""

    @property
    def agreeing(self) -> tuple[float, float] | None:
        """The simultaneous interval; None if it includes 0 although the verdict is that there is a difference.

        Holm's procedure (1979) has more power than Bonferroni's intervals, which hold for all effects together. An
        interval that goes with such a decision has only one end, at 0 (Strassburger and Bretz 2008, Guilbaud 2008). To
        cut the other one off there would make it narrower than its confidence.
        """
        contradicts = self.verdict in verdicts.CLAIMS and includes_0(self.simultaneous)
        return None if contradicts else self.simultaneous

    @property
    def flipped(self) -> "EffectEstimate":
        """The same effect in the opposite direction."""
        return replace(
            self,
            effect=None if self.effect is None else -self.effect,
            interval=_flipped(self.interval),
            simultaneous=_flipped(self.simultaneous),
            separate=_flipped(self.separate),
            verdict=verdicts.FLIPPED.get(self.verdict, self.verdict),
        )


@dataclass(frozen=True)
class InferenceRules:
    """The rules that a study declares before it runs."""

    alpha: float
    delta: float
    """In the metric's unit; nan if the metric has none, and then no effect is shown to be absent."""
    rows: int
    """The number of rows, with trainings of their own, over which the variance is pooled."""
    metric: Metric
    judges: bool = True
    """True if verdicts are given. Effects on a metric that is not the study's primary one are shown for exploring."""
    schedule: tuple[int, ...] = ()
    """The numbers of seeds at which looks are taken. If there are any, all statements hold at every look."""


def inference_rules(results: StudyResults, rows: int) -> InferenceRules:
    """Return the rules of a study; `rows`: the number of rows over which the variance is pooled."""
    return InferenceRules(
        results.alpha,
        results.delta,
        rows,
        results.metric,
        judges=results.is_primary,
        schedule=results.schedule,
    )


@dataclass(frozen=True)
class FamilyInference:
    """Effects tested as one family.

    If `size` is None they belong to no family: p-values are not adjusted and there is no verdict.
    """

    estimates: EstimateArrays
    rules: InferenceRules
    size: int | None
    """The number of effects of the family."""

    @property
    def p(self) -> Floats:
        """The p of no effect, not adjusted for the family; shape (effects,), nan without a result."""
        return self._p_values[0]

    @cached_property
    def _p_values(self) -> tuple[Floats, Floats]:
        """The p of no effect and the p of equivalence, both valid at every look."""
        p, p_equivalence = self.estimates.p, self.estimates.p_equivalence(self.rules.delta)
        for at, information in self._looked_at:
            p[at], p_equivalence[at] = repeated(p[at], p_equivalence[at], information)
        return p, p_equivalence

    @cached_property
    def _looked_at(self) -> Sequence[tuple[Ints, tuple[float, ...]]]:
        """The positions of effects with the information that each look so far had; empty without a schedule."""
        schedule = self.rules.schedule
        return list(as_if_looked(self.estimates.seeds, schedule)) if schedule else []

    @cached_property
    def _adjusted(self) -> tuple[Floats, Floats]:
        return verdicts.adjusted(*self._p_values)

    @property
    def _improvement(self) -> Floats:
        """The effects in the direction in which the metric is better."""
        return self.rules.metric.direction.sign * self.estimates.effect

    @cached_property
    def _verdicts(self) -> NDArray[np.str_]:
        p, p_equivalence = self._adjusted
        return verdicts.decide(self._improvement, p, p_equivalence, self._without_spread, self.rules.alpha)

    @property
    def _without_spread(self) -> NDArray[np.bool_]:
        """True for effects whose results cannot show how much runs vary: of one seed, or of means alone."""
        one: NDArray[np.bool_] = self.estimates.seeds <= 1
        return one if self.estimates.unpaired is None else one | (self.estimates.unpaired.lacking > 0)

    @cached_property
    def _intervals(self) -> tuple[Floats, Floats]:
        return self._repeated(self.estimates.interval, self.rules.alpha)

    @cached_property
    def _simultaneous(self) -> tuple[Floats, Floats]:
        return self._repeated(self.estimates.interval, self.rules.alpha / max(self.size or 1, 1))

    @cached_property
    def _separate(self) -> tuple[Floats, Floats]:
        return self._repeated(self.estimates.own_interval, self.rules.alpha)

    def _repeated(self, interval: Callable[[float], tuple[Floats, Floats]], alpha: float) -> tuple[Floats, Floats]:
        """Return intervals at 1 − alpha; if the study has looks, they hold at every look."""
        low, high = interval(1 - alpha)
        for at, information in self._looked_at:
            ends = interval(1 - nominal_level(information, alpha))
            low[at], high[at] = ends[0][at], ends[1][at]
        return low, high

    def __getitem__(self, at: int) -> EffectEstimate:
        effect = float_or_none(self.estimates.effect[at])
        verdict = self._verdict(at)
        in_family = self.size is not None and effect is not None and self.rules.judges
        return EffectEstimate(
            metric=self.rules.metric,
            effect=effect,
            interval=interval_or_none(self._intervals, at),
            simultaneous=interval_or_none(self._simultaneous, at) if in_family else None,
            method=str(self.estimates.methods[at]) or None,
            seeds=int(self.estimates.seeds[at]),
            p=float_or_none(self.p[at]),
            p_holm=float_or_none(self._adjusted[0][at]) if in_family else None,
            p_equivalence=float_or_none(self._adjusted[1][at]) if in_family else None,
            separate=interval_or_none(self._separate, at),
            verdict=verdict,
            without_spread=bool(not self._without_spread[at] and np.isnan(self.estimates.standard_error[at])),
            alike=self._is_alike(at),
            more_seeds=self._more_seeds(at) if verdict == verdicts.UNDECIDED else None,
            constant=self._constant(at),
            lacking="" if self.estimates.unpaired is None else REASONS[int(self.estimates.unpaired.lacking[at])],
        )

    def _constant(self, at: int) -> float | None:
        compared = None if self.estimates.constant is None else float_or_none(self.estimates.constant[at])
        return None if compared is None else self.rules.metric.of_compared(compared)

    def _is_alike(self, at: int) -> bool:
        return self.estimates.alike is not None and bool(self.estimates.alike[at])

    def _verdict(self, at: int) -> str:
        if np.isnan(self.estimates.effect[at]):
            return verdicts.NOT_ESTIMABLE
        if not self.rules.judges:
            return verdicts.NOT_JUDGED
        return verdicts.CONFOUNDED if self.size is None else str(self._verdicts[at])

    def _more_seeds(self, at: int) -> int | None:
        """Return the further seeds needed to show the effect, or to show that it is small, if the estimate is true.

        None if no number of seeds is known to be enough.
        """
        seeds, error = int(self.estimates.seeds[at]), float(self.estimates.standard_error[at])
        if self.estimates.methods[at] == CROSSED or np.isnan(error):  # more seeds do not narrow the part from examples
            return None
        if self._is_alike(at):
            return None
        spread, rows = self._spread_of_one_seed(at)
        level = self.rules.alpha / max(self.size or 1, 1)
        if not self.rules.delta > 0:
            return None
        part = self.rules.delta / NOTABLE
        in_parts = abs(float(self.estimates.effect[at])) / part, spread / part
        if not all(map(isfinite, in_parts)):
            return None
        needed = _seeds_to_decide(round(in_parts[0]), max(1, round(in_parts[1])), rows, level)
        return None if needed is None else max(1, needed - seeds)

    def _spread_of_one_seed(self, at: int) -> tuple[float, int]:
        """Return the SD of an effect if each row had one seed, and the number of rows over which it is pooled."""
        unpaired = self.estimates.unpaired
        if unpaired is not None:
            return float(unpaired.sd[at]), int(unpaired.pooled_rows[at])
        rows = 2 if self.estimates.methods[at] == SEPARATE_T else self.rules.rows
        return float(self.estimates.standard_error[at] * self.estimates.seeds[at] ** 0.5), rows


@lru_cache(maxsize=4096)
def _seeds_to_decide(effect: int, spread: int, rows: int, level: float) -> int | None:
    """Return the seeds that show an effect or that it is small; `effect` and `spread` in parts of delta by NOTABLE."""
    to_show = seeds_needed(effect, spread, rows, level)
    to_exclude = seeds_for_equivalence(effect, spread, rows, level, NOTABLE)
    return min((seeds for seeds in (to_show, to_exclude) if seeds is not None), default=None)


def float_or_none(value: float) -> float | None:
    """Return the value as a float; None for nan."""
    return None if np.isnan(value) else float(value)


def interval_or_none(interval: tuple[Floats, Floats], at: int) -> tuple[float, float] | None:
    """Return one interval out of arrays of low and high ends; None if an end is nan."""
    low, high = float(interval[0][at]), float(interval[1][at])
    return None if np.isnan(low) or np.isnan(high) else (low, high)


def includes_0(interval: tuple[float, float] | None) -> bool:
    """Return True if there is an interval, and 0 is in it."""
    return interval is not None and interval[0] <= 0 <= interval[1]


def _flipped(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (-interval[1], -interval[0])
