"""The whole analysis of a study: one object from which every table, figure and sentence is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from ablate.analysis.contrasts import Contrast, Contrasts, contrasts
from ablate.analysis.design.additive_model import AdditiveModel, Variable, lay_out
from ablate.analysis.design.next_run import Suggestion, suggest
from ablate.analysis.design.undeclared_differences import RecordedCircumstances, circumstances
from ablate.analysis.effects import Effect, EffectContrasts, Interaction, ModelRows, effects, interactions, weigh
from ablate.analysis.estimation.estimates import FamilyInference, InferenceRules
from ablate.analysis.estimation.estimators import measure_pairs
from ablate.analysis.estimation.observations import Observations, cells, cells_of_precision
from ablate.analysis.estimation.single_seed import NEWCOMBE
from ablate.analysis.estimation.unpaired_totals import Pairing, pairing
from ablate.analysis.looks.standing import FamilyMembers, LookStatus
from ablate.analysis.results import MeanPrecision, Metric, RowResult, StudyResults
from ablate.analysis.search.results import SearchResults
from ablate.analysis.stats.multiplicity import holm
from ablate.analysis.stats.proportions import wilson
from ablate.analysis.stats.t_tests import t_interval

Population = Literal["seeds", "queries-and-seeds"]
"""What several seeds speak of: new seeds on these queries (E1), or new seeds and new queries (E2)."""


@dataclass(frozen=True)
class FamilySummary:
    """The contrasts or effects that share the study's error: how many, and how many of them have a result."""

    name: str
    size: int
    tested: int


@dataclass(frozen=True)
class NoisyRow:
    """A row whose seeds spread more than the others': its SD and the others' in pp, and the p of that."""

    row: RowResult
    sd: float
    others_sd: float
    p: float


@dataclass(frozen=True)
class Analysis:
    """A study's results with what may be said of them. Nothing here is computed a second time elsewhere.

    `search`: where the rows are finalists of a search, what it found.
    """

    results: StudyResults
    population: Population
    search: SearchResults | None = None

    @cached_property
    def contrasts(self) -> Contrasts:
        """Pairs of rows: all, or of many rows those that share the error and each row's step and baseline."""
        return contrasts(self.results, self._cells, self._layout, self.results.seeds, self._new_queries)

    @cached_property
    def steps(self) -> list[Contrast]:
        """Each row against the one above it."""
        rows = self.results.rows
        return [self.contrasts.between(above, row) for above, row in pairwise(rows)]

    @cached_property
    def against_baseline(self) -> Mapping[int, Contrast]:
        """{row number: that row against the baseline}, of all other rows."""
        start = self.results.baseline
        return {row.number: self.contrasts.between(start, row) for row in self.results.rows if row is not start}

    @cached_property
    def family(self) -> FamilySummary:
        kind = self.results.family.kind
        if kind == "effects":
            return FamilySummary("effects", len(self.effects), sum(e.estimate.effect is not None for e in self.effects))
        measured = self.contrasts.groups[0].measured
        tested = int(np.sum(~np.isnan(measured.effect)))
        return FamilySummary("listed" if kind == "pairs" else kind, len(measured.effect), tested)

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """One entry a factor and level other than its baseline."""
        looked_at = bool(self.results.schedule) and self.results.family.kind == "effects"
        standing = LookStatus(self.results, self.watched) if looked_at else None
        return effects(self._weighed, self._layout, self._finished, self._rules, standing)

    @cached_property
    def watched(self) -> FamilyMembers:
        """The family as it is measured now, which looks are at."""
        effects_are = self.results.family.kind == "effects"
        return self._weighed.watched(self._layout) if effects_are else self.contrasts.watched

    @cached_property
    def interactions(self) -> tuple[Interaction, ...]:
        """Where four cells exist; for exploring."""
        return interactions(self._cells, self._finished, self._rules, self._new_queries)

    @cached_property
    def aliases(self) -> list[tuple[str, ...]]:
        """Groups of factors, or circumstances, that the finished rows cannot tell apart; of the plan if none is."""
        layout = self._finished.layout if len(self._finished.at) else self._layout
        return [tuple(layout.variables[at].name for at in group) for group in layout.aliases]

    @cached_property
    def suggestions(self) -> list[Suggestion]:
        """Runs to add, the most telling first."""
        readings = [self, *(analyse(reading, self.population) for reading in self.other_readings.values())]
        layouts = [one._finished.layout if len(one._finished.at) else one._layout for one in readings]
        return suggest(layouts, self.results.document.get("excluded", []), _free(self.results))

    @cached_property
    def other_readings(self) -> Mapping[str, StudyResults]:
        """An imported log whose row does not agree with itself, read the other way: {what was changed: results}."""
        return {words: _read_as(self.results, changes) for words, changes in _readings(self.results).items()}

    @cached_property
    def noisy_rows(self) -> list[NoisyRow]:
        """Rows whose contrasts use their own spread, since it is larger than that of all others can explain."""
        found, spread = self._cells, self._cells.spread
        if not found.noisy.any():
            return []
        repeated = np.sum(~np.isnan(found.rates), axis=1) > 1
        variances = np.full(len(found.n), np.nan)
        variances[repeated] = np.nanvar(found.rates[repeated], axis=1, ddof=1)
        return [
            NoisyRow(
                self.results.rows[at],
                float(np.sqrt(variances[at])),
                float(np.sqrt(np.nanmean(np.delete(variances, at)))),
                float(spread.noisy_p[found.groups[at]]),
            )
            for at in np.flatnonzero(found.noisy & repeated)
        ]

    @cached_property
    def best(self) -> frozenset[str]:
        """The labels of the best row and of all that cannot be told from it, by Holm over its contrasts."""
        finished = self._finished.at
        if not len(finished):
            return frozenset()
        top = int(finished[np.argmax(np.nanmean(self._cells.rates[finished], axis=1))])
        others = finished[finished != top]
        measured = measure_pairs(self._cells, others, np.full(len(others), top), self._new_queries)
        p = holm(FamilyInference(measured, self._rules, None).p)
        tied = [int(at) for at, value in zip(others, p, strict=True) if not value <= self.results.alpha]
        return frozenset(self.results.rows[at].label for at in (top, *tied))

    def pairing(self, contrast: Contrast) -> Pairing | None:
        """What a contrast can mean of which totals alone are known; None where more is known, or nothing."""
        if contrast.estimate.method != NEWCOMBE:
            return None
        one, other = contrast.before.metrics[contrast.metric], contrast.after.metrics[contrast.metric]
        (seed,) = set(contrast.before.seeds) & set(contrast.after.seeds)
        hits = [m.hits[row.seeds.index(seed)] for m, row in ((one, contrast.before), (other, contrast.after))]
        if one.n != other.n:
            return None
        return pairing(hits[0], hits[1], one.n, self.results.alpha, self.results.delta)

    def interval(self, row: RowResult, metric: str) -> tuple[float, float]:
        """A row's rate at 1 − alpha: Wilson's with one seed; t on its seeds with several, pooled over all rows.

        A noisy row and a reference have a spread of their own.
        """
        found = row.metrics[metric]
        confidence = 1 - self.results.alpha
        if len(row.seeds) < 2:
            low, high = wilson(sum(found.hits) / len(found.hits), found.n, confidence)
            return float(low), float(high)
        return self._over_seeds(row, found, metric)

    def precision_interval(self, row: RowResult, name: str) -> tuple[float, float] | None:
        """A row's mAP or mAP@R at 1 − alpha over its seeds, as `interval`; None with one seed."""
        return self._over_seeds(row, row.precisions[name], name) if len(row.seeds) > 1 else None

    def _over_seeds(self, row: RowResult, found: Metric | MeanPrecision, name: str) -> tuple[float, float]:
        if row.label in self._by_themselves:
            variance, df = float(np.var(100 * np.array(found.values), ddof=1)), float(len(found.values) - 1)
        else:
            variance, df = self._mean_variances[name]
        error = np.sqrt(np.array(variance / len(row.seeds)))
        low, high = t_interval(np.array(100 * found.mean), error, np.array(df), 1 - self.results.alpha)
        return max(0.0, float(low) / 100), min(1.0, float(high) / 100)

    @cached_property
    def _by_themselves(self) -> frozenset[str]:
        """Rows whose spread is their own: those that are noisy, and references, which are compared with none."""
        return frozenset(row.label for row in (*(n.row for n in self.noisy_rows), *self.results.references))

    @cached_property
    def _mean_variances(self) -> Mapping[str, tuple[float, float]]:
        """{metric: variance of one run about its row's mean in pp², its df}."""
        names = {name for row in self.results.rows for name in row.metrics}
        found = {name: cells(self.results, name).spread.mean_variance for name in names}
        for name in self.results.precisions:
            found[name] = cells_of_precision(self.results, name).spread.mean_variance
        return {name: (float(variance), float(df)) for name, (variance, df) in found.items()}

    @cached_property
    def _cells(self) -> Observations:
        return cells(self.results, self.results.primary, self.results.hits)

    @cached_property
    def _layout(self) -> AdditiveModel:
        return _layout(self.results)

    @cached_property
    def _weighed(self) -> EffectContrasts:
        return weigh(self._cells, self._layout, self._finished, self._around, self._new_queries)

    @cached_property
    def _around(self) -> RecordedCircumstances:
        return circumstances(self.results, self.results.seeds)

    @cached_property
    def _finished(self) -> ModelRows:
        """The rows that have results; circumstances that no factor declares are variables of their own."""
        at = np.flatnonzero(~np.isnan(self._cells.hits).all(axis=1))
        variables = list(self._layout.variables)
        levels = [[v.levels[code] for v, code in zip(variables, self._layout.codes[row], strict=True)] for row in at]
        for name, classes in self._undeclared().items():
            variables.append(Variable(f"{name} (undeclared)", tuple(dict.fromkeys([(), *classes])), declared=False))
            levels = [[*of_row, classes[row]] for of_row, row in zip(levels, at, strict=True)]
        return ModelRows(lay_out(variables, levels), at)

    def _undeclared(self) -> dict[str, list[tuple[int, ...]]]:
        """{circumstance: what is unusual in each row's runs}: usual is what most rows of a seed have."""
        found = {}
        for name, codes, declares in zip(self._around.names, self._around.codes, self._around.declares, strict=True):
            usual = [np.bincount(seed[seed >= 0]).argmax() if np.any(seed >= 0) else -1 for seed in codes.T]
            unusual = [tuple(sorted(set(row[(row >= 0) & (row != usual)].tolist()))) for row in codes]
            if any(unusual) and not declares.any():
                found[name] = unusual
        return found

    @cached_property
    def _rules(self) -> InferenceRules:
        return InferenceRules(self.results.alpha, self.results.delta, self._cells.spread.rows, self.results.schedule)

    @property
    def _new_queries(self) -> bool:
        return self.population == "queries-and-seeds"


def analyse(results: StudyResults, population: Population = "seeds", search: SearchResults | None = None) -> Analysis:
    """The analysis of a study's results; its parts are computed when they are asked for.

    Looks are about new seeds on these queries, whatever the population.
    """
    return Analysis(results, "seeds" if results.schedule else population, search)


def _layout(results: StudyResults) -> AdditiveModel:
    """All rows as levels of the declared factors, the baseline's first."""
    variables = []
    for factor in results.document["factors"]:
        levels = [factor["baseline"], *(level for level in factor["levels"] if level != factor["baseline"])]
        variables.append(Variable(factor["name"], tuple(levels)))
    return lay_out(variables, [[row.levels.get(v.name) for v in variables] for row in results.rows])


def _free(results: StudyResults) -> set[str]:
    """The factors that are read at evaluation only, so that another level of theirs costs no training."""
    factors = results.document["factors"]
    return {f["name"] for f in factors if f["sets"] and all(key.startswith("evaluate.") for key in f["sets"])}


def _readings(results: StudyResults) -> dict[str, list[Mapping[str, Any]]]:
    """What an imported log may have meant instead, each doubt alone and then all together."""
    doubts = list(results.document.get("doubts", []))
    found = {_doubt(doubt): [doubt] for doubt in doubts}
    if len(doubts) > 1:
        found["all of these"] = doubts
    return found


def _doubt(doubt: Mapping[str, Any]) -> str:
    return f"row {doubt['row']} with {doubt['factor']} {doubt['implied']}, not {doubt['listed']}"


def _read_as(results: StudyResults, changes: Sequence[Mapping[str, Any]]) -> StudyResults:
    """The same results with some rows' levels as their titles imply."""
    implied = {(change["row"], change["factor"]): change["implied"] for change in changes}
    rows = tuple(
        replace(row, levels={name: implied.get((row.number, name), level) for name, level in row.levels.items()})
        for row in results.rows
    )
    return replace(results, rows=rows)
