"""The state of a family after the looks that were taken, for reports between two looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.estimates import EffectEstimate, float_or_none
from ablate.analysis.estimation.estimators import EstimateArrays
from ablate.analysis.looks.history import Look, LookResult, Name
from ablate.analysis.looks.repeated_p_values import RepeatedPValues, shares
from ablate.analysis.results import StudyResults
from ablate.analysis.stats.group_sequential import nominal_level

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class FamilyMembers:
    """The contrasts or effects of a family, with their current estimates."""

    names: tuple[Name, ...]
    touches: Bools
    """True for the rows that each contrast depends on, shape (contrasts, rows)."""
    estimates: EstimateArrays
    confounded: Bools
    """True for listed contrasts in which several things differ. They count in the family, but have no verdict."""


@dataclass(frozen=True)
class LookStatus:
    """The state of a study's family after its looks. Only another look changes a verdict."""

    results: StudyResults
    members: FamilyMembers

    @cached_property
    def _evidence(self) -> RepeatedPValues:
        return evidence_after(self.results.looks, self.members.names)

    @cached_property
    def _adjusted(self) -> tuple[Floats, Floats]:
        return self._evidence.adjusted()

    @cached_property
    def _latest(self) -> Mapping[Name, LookResult]:
        """The result of the last look at each contrast that had something new to test."""
        return {one.name: one for look in self.results.looks for one in look.results if one.interval is not None}

    @cached_property
    def _verdicts(self) -> Mapping[Name, str]:
        return {one.name: one.verdict for look in self.results.looks[-1:] for one in look.results}

    def after_looks(self, at: int, estimate: EffectEstimate) -> EffectEstimate:
        """Return the estimate of one contrast as its looks have it. `estimate`: the current one, without looks."""
        name = self.members.names[at]
        latest, verdict = self._latest.get(name), self._verdicts.get(name, verdicts.UNDECIDED)
        if verdict == verdicts.NOT_ESTIMABLE and estimate.effect is not None:
            verdict = verdicts.UNDECIDED  # its first results are newer than the last look
        shows_nothing = estimate.constant is not None or (latest is None and estimate.effect is None)
        if self.members.confounded[at] or shows_nothing:
            return estimate
        if latest is not None:
            after = replace(
                estimate,
                effect=latest.effect,
                interval=latest.interval,
                simultaneous=latest.simultaneous,
                seeds=latest.seeds,
                separate=estimate.separate if estimate.seeds == latest.seeds else None,
            )
        else:
            after = estimate if estimate.seeds > 1 else replace(estimate, interval=None, simultaneous=None)
        return replace(
            after,
            p=float_or_none(self._evidence.p[at]),
            p_holm=float_or_none(self._adjusted[0][at]),
            p_equivalence=float_or_none(self._adjusted[1][at]),
            verdict=verdict,
            more_seeds=self._more_seeds(after.seeds) if verdict == verdicts.UNDECIDED else None,
        )

    def _more_seeds(self, seeds: int) -> int | None:
        """Return the further seeds until the next look; None if no look is left, or if the next look is due."""
        latest = max((look.seeds for look in self.results.looks), default=0)
        following = next((look for look in self.results.schedule if look > latest), 0)
        return following - seeds if following > seeds else None


def evidence_after(looks: Sequence[Look], names: Sequence[Name]) -> RepeatedPValues:
    """Return the evidence for these contrasts after the looks, shape (contrasts,)."""
    evidence = RepeatedPValues.none(len(names))
    for look in looks:
        results = [look.by_name.get(name) for name in names]
        p, p_equivalence, effect = (
            np.array([np.nan if one is None or (value := getattr(one, field)) is None else value for one in results])
            for field in ("p", "p_equivalence", "effect")
        )
        evidence = evidence.after(p, p_equivalence, effect)
    return evidence


def repeated_intervals(
    estimates: EstimateArrays, path: Sequence[int], schedule: Sequence[int], alpha: float
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return the ends of repeated confidence intervals: of each contrast by itself, and for the whole family.

    `path`: the numbers of seeds at which the contrasts were looked at, this look the last.
    """
    levels = (nominal_level(shares(path, schedule), alpha / size) for size in (1, max(len(estimates.effect), 1)))
    alone, together = (estimates.interval(1 - level) for level in levels)
    return alone, together
