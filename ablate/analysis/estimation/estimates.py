"""All that is known of one effect, and how effects of one family are judged together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.estimators import CROSSED, SEPARATE_T, EstimateArrays
from ablate.analysis.looks.repeated_p_values import as_if_looked, repeated
from ablate.analysis.stats.group_sequential import nominal_level
from ablate.analysis.stats.sample_size import seeds_for_equivalence, seeds_needed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOTABLE = 0.01
"""pp: effects and spreads are rounded to it before seeds are counted, which is a rough count anyway."""


@dataclass(frozen=True, slots=True)
class EffectEstimate:
    """All that is known of one effect, in percentage points; what cannot be given is None.

    `interval` at 1 − alpha by itself, `simultaneous` for its whole family (Bonferroni); `p` of no effect, `p_holm`
    adjusted for the family, `p_equivalence` of an effect of delta or more, adjusted likewise. `separate`: the
    interval from its own seed-wise values alone. `more_seeds`: about how many more would decide what is undecided.
    """

    effect: float | None
    interval: tuple[float, float] | None
    simultaneous: tuple[float, float] | None
    method: str | None
    seeds: int
    p: float | None
    p_holm: float | None
    p_equivalence: float | None
    separate: tuple[float, float] | None
    verdict: str
    more_seeds: int | None = None

    @property
    def flipped(self) -> "EffectEstimate":
        """The same effect seen from the other side."""
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
    """What a study declares beforehand. `rows`: over how many, of different trainings, the variance is pooled.

    `schedule`: with how many seeds it is looked at; then what is said holds at any look.
    """

    alpha: float
    delta: float
    rows: int
    schedule: tuple[int, ...] = ()


@dataclass(frozen=True)
class FamilyInference:
    """Effects of one family, judged together; of no family where `size` is None: no adjustment, no verdict."""

    measured: EstimateArrays
    rules: InferenceRules
    size: int | None

    @property
    def p(self) -> Floats:
        return self._tested[0]

    @cached_property
    def _tested(self) -> tuple[Floats, Floats]:
        p, small = self.measured.p, self.measured.p_equivalence(self.rules.delta)
        for at, information in self._looked:
            p[at], small[at] = repeated(p[at], small[at], information)
        return p, small

    @cached_property
    def _looked(self) -> Sequence[tuple[Ints, tuple[float, ...]]]:
        schedule = self.rules.schedule
        return list(as_if_looked(self.measured.seeds, schedule)) if schedule else []

    @cached_property
    def _adjusted(self) -> tuple[Floats, Floats]:
        return verdicts.adjusted(*self._tested)

    @cached_property
    def _verdicts(self) -> NDArray[np.str_]:
        p, small = self._adjusted
        return verdicts.decide(self.measured.effect, p, small, self.measured.seeds == 1, self.rules.alpha)

    @cached_property
    def _intervals(self) -> tuple[Floats, Floats]:
        return self._repeated(self.measured.interval, self.rules.alpha)

    @cached_property
    def _simultaneous(self) -> tuple[Floats, Floats]:
        return self._repeated(self.measured.interval, self.rules.alpha / max(self.size or 1, 1))

    @cached_property
    def _separate(self) -> tuple[Floats, Floats]:
        return self._repeated(self.measured.own_interval, self.rules.alpha)

    def _repeated(self, interval: Callable[[float], tuple[Floats, Floats]], alpha: float) -> tuple[Floats, Floats]:
        """Intervals at 1 − alpha that hold at any look, where there are looks."""
        low, high = interval(1 - alpha)
        for at, information in self._looked:
            ends = interval(1 - nominal_level(information, alpha))
            low[at], high[at] = ends[0][at], ends[1][at]
        return low, high

    def __getitem__(self, at: int) -> EffectEstimate:
        effect = _known(self.measured.effect[at])
        verdict = self._verdict(at)
        in_family = self.size is not None and effect is not None
        return EffectEstimate(
            effect=effect,
            interval=_ends(self._intervals, at),
            simultaneous=_ends(self._simultaneous, at) if in_family else None,
            method=str(self.measured.methods[at]) or None,
            seeds=int(self.measured.seeds[at]),
            p=_known(self.p[at]),
            p_holm=_known(self._adjusted[0][at]) if in_family else None,
            p_equivalence=_known(self._adjusted[1][at]) if in_family else None,
            separate=_ends(self._separate, at),
            verdict=verdict,
            more_seeds=self._more_seeds(at) if verdict == verdicts.UNDECIDED else None,
        )

    def _verdict(self, at: int) -> str:
        if np.isnan(self.measured.effect[at]):
            return verdicts.NOT_ESTIMABLE
        return verdicts.CONFOUNDED if self.size is None else str(self._verdicts[at])

    def _more_seeds(self, at: int) -> int | None:
        """Seeds beyond those there are, until this effect, were it the true one, is shown or shown to be small."""
        seeds, error = int(self.measured.seeds[at]), float(self.measured.standard_error[at])
        if self.measured.methods[at] == CROSSED or np.isnan(error):  # more seeds do not narrow what queries add
            return None
        spread = error * seeds**0.5
        rows = 2 if self.measured.methods[at] == SEPARATE_T else self.rules.rows
        level = self.rules.alpha / max(self.size or 1, 1)
        wanted = _seeds_to_decide(
            round(abs(float(self.measured.effect[at])) / NOTABLE),
            max(1, round(spread / NOTABLE)),
            rows,
            level,
            self.rules.delta,
        )
        return None if wanted is None else max(1, wanted - seeds)


@lru_cache(maxsize=4096)
def _seeds_to_decide(effect: int, spread: int, rows: int, level: float, delta: float) -> int | None:
    shown = seeds_needed(effect * NOTABLE, spread * NOTABLE, rows, level)
    small = seeds_for_equivalence(effect * NOTABLE, spread * NOTABLE, rows, level, delta)
    return min((wanted for wanted in (shown, small) if wanted is not None), default=None)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _ends(interval: tuple[Floats, Floats], at: int) -> tuple[float, float] | None:
    low, high = float(interval[0][at]), float(interval[1][at])
    return None if np.isnan(low) or np.isnan(high) else (low, high)


def _flipped(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (-interval[1], -interval[0])
