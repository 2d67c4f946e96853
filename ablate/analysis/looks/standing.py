"""Where the contrasts of a family stand after the looks that were taken: what reports say of them between looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.estimation.estimators import EstimateArrays
from ablate.analysis.looks.history import Ends, Look, LookResult, Name
from ablate.analysis.looks.repeated_p_values import RepeatedPValues, shares
from ablate.analysis.results import StudyResults
from ablate.analysis.stats.group_sequential import nominal_level

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class FamilyMembers:
    """The contrasts or effects of a family, as they are now. `touches`: the rows of each, shape (contrasts, rows).

    `confounded`: those that a study lists though several things differ; they count, but nothing is said of them.
    """

    names: tuple[Name, ...]
    touches: Bools
    measured: EstimateArrays
    confounded: Bools


@dataclass(frozen=True)
class LookStatus:
    """What the looks of a study say of its family now; nothing but another look changes a verdict."""

    results: StudyResults
    watched: FamilyMembers

    @cached_property
    def _evidence(self) -> RepeatedPValues:
        return replay(self.watched.names, self.results.looks)

    @cached_property
    def _adjusted(self) -> tuple[Floats, Floats]:
        return self._evidence.adjusted()

    @cached_property
    def _latest(self) -> Mapping[Name, LookResult]:
        """Of each contrast what was seen last, where there was something new to see."""
        return {seen.name: seen for look in self.results.looks for seen in look.seen if seen.interval is not None}

    @cached_property
    def _verdicts(self) -> Mapping[Name, str]:
        return {seen.name: seen.verdict for look in self.results.looks[-1:] for seen in look.seen}

    def __call__(self, at: int, now: EffectEstimate) -> EffectEstimate:
        """The estimate of one contrast, `now` without regard to looks, as its looks have it."""
        name = self.watched.names[at]
        seen, verdict = self._latest.get(name), self._verdicts.get(name, verdicts.UNDECIDED)
        if verdict == verdicts.NOT_ESTIMABLE and now.effect is not None:
            verdict = verdicts.UNDECIDED  # its first results have come since
        if self.watched.confounded[at] or (seen is None and now.effect is None):
            return now
        shown = now if now.seeds > 1 else replace(now, interval=None, simultaneous=None)
        if seen is not None:
            shown = replace(
                now,
                effect=seen.effect,
                interval=seen.interval,
                simultaneous=seen.simultaneous,
                seeds=seen.seeds,
                separate=now.separate if now.seeds == seen.seeds else None,
            )
        p_holm, p_equivalence = (_known(of[at]) for of in self._adjusted)
        p = _known(self._evidence.p[at])
        more = self._more_seeds(shown.seeds) if verdict == verdicts.UNDECIDED else None
        return replace(shown, p=p, p_holm=p_holm, p_equivalence=p_equivalence, verdict=verdict, more_seeds=more)

    def _more_seeds(self, seeds: int) -> int | None:
        """Until the next look; None where none is left, or the next is due."""
        taken = max((look.seeds for look in self.results.looks), default=0)
        coming = next((look for look in self.results.schedule if look > taken), 0)
        return coming - seeds if coming > seeds else None


def replay(names: Sequence[Name], looks: Sequence[Look]) -> RepeatedPValues:
    """The evidence of these contrasts after the looks, shape (contrasts,)."""
    found = RepeatedPValues.none(len(names))
    for look in looks:
        seen = [look.by_name.get(name) for name in names]
        p, small, effect = (
            np.array([np.nan if one is None or (value := getattr(one, of)) is None else value for one in seen])
            for of in ("p", "p_equivalence", "effect")
        )
        found = found.after(p, small, effect)
    return found


def repeated_intervals(
    measured: EstimateArrays, path: Sequence[int], schedule: Sequence[int], alpha: float
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Repeated confidence intervals of contrasts that were looked at with these seeds: alone, and for the family."""
    levels = (nominal_level(shares(path, schedule), alpha / size) for size in (1, max(len(measured.effect), 1)))
    alone, together = (measured.interval(1 - level) for level in levels)
    return alone, together


def ends(interval: tuple[Floats, Floats], at: int) -> Ends | None:
    low, high = float(interval[0][at]), float(interval[1][at])
    return None if np.isnan(low) or np.isnan(high) else (low, high)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
