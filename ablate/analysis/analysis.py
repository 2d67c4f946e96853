"""The whole analysis of a study: one object from which every table, figure and sentence is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ablate.analysis.contrasts import FAMILY, Contrast, Contrasts, contrasts
from ablate.analysis.design.next_run import Suggestion, suggest
from ablate.analysis.design.study_design import StudyDesign
from ablate.analysis.effects import Effect, EffectContrasts, Interaction, effect_contrasts, effects, interactions
from ablate.analysis.estimation.estimates import FamilyInference, InferenceRules, inference_rules
from ablate.analysis.estimation.estimators import estimate_pairs
from ablate.analysis.estimation.observations import Observations, observations_of
from ablate.analysis.estimation.row_intervals import NoisyRow, RowIntervals, UnequalSpread
from ablate.analysis.estimation.row_spreads import REASONS
from ablate.analysis.estimation.single_seed import NEWCOMBE
from ablate.analysis.estimation.unpaired_totals import Pairing, pairing
from ablate.analysis.estimation.welch import width_if_paired
from ablate.analysis.log_readings import other_readings
from ablate.analysis.looks.status import FamilyMembers, LookStatus
from ablate.analysis.results import TESTED_ON, RowResult, StudyResults
from ablate.analysis.search.results import SearchResults
from ablate.analysis.stats.multiplicity import holm
from ablate.analysis.stats.resolution import SAME
from ablate.measurement import Metric
from ablate.study.wiring.compared import is_of_machine
from ablate.study.wiring.outcomes import EqualResults

Population = Literal["seeds", "examples-and-seeds"]
"""The population that results of several seeds are about: new seeds on these examples (E1), or also new examples
(E2)."""


@dataclass(frozen=True)
class FamilySummary:
    """The contrasts or effects that share the study's error."""

    name: str
    size: int
    """Their number."""
    tested: int
    """The number of those that have a result."""


@dataclass(frozen=True)
class Analysis:
    """A study's results with all conclusions from them. Every part is computed once, when it is first read.

    Three private parts do the work: `_observations` (arrays of results), `_design` (rows and factors) and
    `_row_intervals` (each row by itself).
    """

    results: StudyResults
    population: Population
    search: SearchResults | None = None
    """The results of the search whose finalists the rows are; None for other studies."""

    # Comparisons of rows

    @cached_property
    def contrasts(self) -> Contrasts:
        """Pairs of rows: all, or with many rows those of the family and each row against its step and baseline."""
        return contrasts(self._observations, self._design, self._new_examples)

    @cached_property
    def steps(self) -> list[Contrast]:
        """Each row that builds on another one against that row; empty for a design whose rows have no order."""
        return [self.contrasts.between(above, row) for above, row in self.results.steps]

    @cached_property
    def step_to(self) -> Mapping[int, Contrast]:
        """{row number: the first step to that row}, for rows that build on another one."""
        return {step.after.number: step for step in reversed(self.steps)}

    @cached_property
    def against_baseline(self) -> Mapping[int, Contrast]:
        """{row number: that row against the baseline}, for all rows other than the baseline."""
        baseline = self.results.baseline
        rows = [row for row in self.results.rows if row is not baseline]
        return {row.number: self.contrasts.between(baseline, row) for row in rows}

    @cached_property
    def best(self) -> frozenset[str]:
        """The labels of the best row and of all rows not shown to be worse, by Holm over their contrasts with it.

        There is none if rows were tested on different examples, whose values cannot be ranked, and none on a metric
        that is not the primary one, of which nothing is claimed.
        """
        finished = self._design.finished.positions
        if not len(finished) or not self.results.same_examples or not self.results.is_primary:
            return frozenset()
        means = self.results.metric.direction.sign * np.nanmean(self._observations.values[finished], axis=1)
        highest = means >= means.max() - SAME * np.abs(means).max()
        top = int(finished[highest.argmax()])  # of equal means the first, also if they differ by rounding in floats
        others = finished[finished != top]
        estimates = estimate_pairs(self._observations, others, np.full(len(others), top), self._new_examples)
        p = holm(FamilyInference(estimates, self._rules, None).p)
        tied = [int(at) for at, value in zip(others, p, strict=True) if not value <= self.results.alpha]
        return frozenset(self.results.rows[at].label for at in (top, *tied))

    def pairing(self, contrast: Contrast) -> Pairing | None:
        """Return the conclusions from a contrast of two totals on the same examples.

        None if more is known than totals, or nothing, or if the examples are not the same.
        """
        if contrast.estimate.method != NEWCOMBE or TESTED_ON in contrast.undeclared:
            return None
        rows = [contrast.before.number - 1, contrast.after.number - 1]
        compared = ~np.isnan(self._observations.values[rows]).any(axis=0)
        at = int(np.flatnonzero(compared)[0])
        both = contrast.before.results, contrast.after.results
        seed = self.results.seeds[at]
        of_rows = [next(iter(of.values())) if self.results.unpaired else of[seed] for of in both]
        before, after = (one.values[contrast.metric] for one in of_rows)
        if before.n is None or before.n != after.n:
            return None
        total_before, total_after = (round(one.value * before.n) for one in (before, after))
        return pairing(total_before, total_after, before.n, self.results.alpha, self.results.delta)

    # Effects of factors

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """One effect for each factor and level other than its baseline."""
        look_status = None
        if self._rules.schedule and self._family_of_effects:
            look_status = LookStatus(self.results, self.family_members)
        return effects(self._effect_contrasts, self._design, self._rules, look_status)

    @cached_property
    def interactions(self) -> tuple[Interaction, ...]:
        """The interactions of two factors that four rows show, for exploring."""
        return interactions(self._observations, self._design.finished, self._rules, self._new_examples)

    @cached_property
    def aliases(self) -> list[tuple[str, ...]]:
        """Groups of factors, or circumstances, whose effects the finished rows cannot separate.

        If no row is finished, the groups of the plan.
        """
        return self._design.aliases

    @cached_property
    def by_metric(self) -> Mapping[str, "Analysis"]:
        """{metric: the analysis of the same results about it}, for all metrics of which there are values."""
        return {
            metric.name: self
            if metric.name == self.results.metric.name
            else Analysis(self._results_on(metric), self.population)
            for metric in self.results.measured
        }

    def _results_on(self, metric: Metric) -> StudyResults:
        """Return the results as those of another metric; trainings of equal results need not take the same time."""
        equal = EqualResults() if is_of_machine(metric) else self.results.equal
        return replace(self.results, about=metric.name, looks=(), equal=equal)

    @cached_property
    def suggestions(self) -> list[Suggestion]:
        """Runs to add, the one that resolves most first."""
        analyses = [self, *(analyse(reading, self.population) for reading in self.other_readings.values())]
        models = [analysis._design.current_model for analysis in analyses]
        excluded = [*self.results.document.excluded, *self._design.other_tests, *self._design.unread_cells]
        diverged = [row.levels for row in self.results.rows if row.diverged and not row.seeds]
        excluded += [{name: [level] for name, level in levels.items()} for levels in diverged]
        return suggest(models, excluded, self._design.free_factors)

    @cached_property
    def other_readings(self) -> Mapping[str, StudyResults]:
        """Alternative readings of an imported log that contradicts itself: {words for the change: results}."""
        return other_readings(self.results)

    @property
    def constant(self) -> float | None:
        """The value that every result has on the metric, if it is an end of the scale, or None."""
        end = self._observations.shared_end
        return None if end is None else self.results.metric.of_compared(end)

    # The family that shares the study's error

    @cached_property
    def family(self) -> FamilySummary:
        """The family in numbers."""
        kind = self.results.family.kind
        if kind == "effects":
            return FamilySummary("effects", len(self.effects), sum(e.estimate.effect is not None for e in self.effects))
        effect = self.contrasts.groups[FAMILY].inference.estimates.effect
        return FamilySummary("listed" if kind == "pairs" else kind, len(effect), int(np.sum(~np.isnan(effect))))

    @cached_property
    def family_members(self) -> FamilyMembers:
        """The family with its current estimates, for looks."""
        if self._family_of_effects:
            return self._effect_contrasts.family_members(self._design.model)
        return self.contrasts.family_members

    # Rows by themselves

    @property
    def noisy_rows(self) -> list[NoisyRow]:
        """Rows that spread more than the other rows; their contrasts use the variance of their own seeds."""
        return self._row_intervals.noisy_rows

    @property
    def unequal_spreads(self) -> list[UnequalSpread]:
        """Rows whose contrasts use their own seeds too, though nothing shows that it is they that spread more."""
        return self._row_intervals.unequal_spreads

    def interval(self, row: RowResult, metric: str) -> tuple[float, float] | None:
        """Return the interval of a row's mean at 1 − alpha, in the metric's unit; see `RowIntervals.interval`."""
        return self._row_intervals.interval(row, metric)

    # Rows that are not paired by seed

    def width_if_paired(self, correlation: float) -> float | None:
        """Return the median width of the contrasts' intervals if runs were paired by seed, as a share of Welch's.

        `correlation`: between paired runs. None if rows are paired, or without an interval.
        """
        spreads, pairs = self._observations.spreads, self.contrasts.pairs
        if spreads is None or not len(pairs):
            return None
        widths = width_if_paired(spreads, pairs[:, 0], pairs[:, 1], correlation, self.results.alpha)
        return float(np.nanmedian(widths)) if np.any(~np.isnan(widths)) else None

    @property
    def lacking_spreads(self) -> list[tuple[RowResult, str]]:
        """The rows that have a value and no interval, with the reason, if rows are not paired by seed."""
        spreads = self._observations.spreads
        if spreads is None:
            return []
        reasons = [REASONS[at] for at in spreads.lacking.tolist()]
        return [(row, reason) for row, reason in zip(self.results.rows, reasons, strict=True) if reason]

    @cached_property
    def _observations(self) -> Observations:
        examples = self.results.examples.get(self.results.metric.name)
        return observations_of(self.results, self.results.metric, examples)

    @cached_property
    def _design(self) -> StudyDesign:
        return StudyDesign(self.results, self._observations.values)

    @cached_property
    def _row_intervals(self) -> RowIntervals:
        return RowIntervals(self.results, self._observations)

    @cached_property
    def _effect_contrasts(self) -> EffectContrasts:
        return effect_contrasts(self._observations, self._design, self._new_examples)

    @property
    def _family_of_effects(self) -> bool:
        return self.results.family.kind == "effects"

    @property
    def _rules(self) -> InferenceRules:
        return inference_rules(self.results, self._observations.variance_model.rows)

    @property
    def _new_examples(self) -> bool:
        return self.population == "examples-and-seeds"


def analyse(results: StudyResults, population: Population = "seeds", search: SearchResults | None = None) -> Analysis:
    """Return the analysis of a study's results.

    If the study has looks, the population is new seeds on these examples, whatever `population` is.
    """
    return Analysis(results, "seeds" if results.schedule else population, search)
