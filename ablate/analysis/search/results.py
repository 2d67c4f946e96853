"""What a search found: its candidates on the validation split, and its finalists on fresh seeds.

The test split is read of finalists only, as that of any row: by the Analysis of their plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from statistics import fmean
from typing import Any

import numpy as np

from ablate.analysis.results import KS, StudyResults
from ablate.analysis.search.importance import Importance, SearchAxis, importance
from ablate.analysis.stats.t_tests import t_interval
from ablate.store import Store
from ablate.store.results import TrialResult, read_trials
from ablate.store.schema import DONE, PRUNED
from ablate.store.search_progress import TrainingProgress, read_progress
from ablate.store.searches import VALIDATION, Candidate, read_candidates, read_search
from ablate.study.search_space.origin import FinalistName, SearchedDimension


@dataclass(frozen=True)
class EvaluatedCandidate:
    """A candidate. `scores`: {metric: rate on the validation split}, of one that has finished.

    `interim`: where it stood when it was last looked at, of one that was pruned; `taken`: the share of its training's
    steps that the search took, and `steps` how many it has, None where nobody noted it. `repeats`: the same trial as an
    earlier candidate.
    """

    number: int
    known: bool
    point: Mapping[str, Any]
    state: str
    scores: Mapping[str, float]
    interim: Mapping[str, float]
    taken: float | None
    steps: int | None
    repeats: bool
    told: int | None

    def value(self, metric: str) -> float | None:
        """Its rate at the end, or of one that was pruned where it stood last."""
        return self.scores.get(metric, self.interim.get(metric))


@dataclass(frozen=True)
class FinalistRerun:
    """A finalist on the validation split: the search's `score`, of one seed, and `rates` of fresh seeds, in [0, 1]."""

    score: float | None
    rates: tuple[float, ...]
    confidence: float

    @property
    def mean(self) -> float | None:
        return fmean(self.rates) if self.rates else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean, in [0, 1]: Student's t over the fresh seeds; with fewer than two there is none."""
        if len(self.rates) < 2:
            return None
        rates = np.array(self.rates)
        error = rates.std(ddof=1) / np.sqrt(len(rates))
        low, high = t_interval(rates.mean(), error, np.array(float(len(rates) - 1)), self.confidence)
        return float(low), float(high)

    @property
    def optimism(self) -> float | None:
        """By how many pp the search's score is above the mean of the fresh seeds."""
        return None if self.score is None or self.mean is None else 100 * (self.score - self.mean)

    @property
    def optimism_interval(self) -> tuple[float, float] | None:
        """Of the optimism, pp: the score is a number that was seen, so that only the mean is uncertain."""
        if self.score is None or self.interval is None:
            return None
        low, high = self.interval
        return 100 * (self.score - high), 100 * (self.score - low)


@dataclass(frozen=True)
class Finalist:
    """A candidate that was trained anew; its row in the plan has its label. `reruns`: {metric: on validation}."""

    label: str
    number: int
    reruns: Mapping[str, FinalistRerun]


@dataclass(frozen=True)
class SearchResults:
    """A search as it stands. `finalists`: the best first, as chosen before any was trained anew; none while it goes on.

    `trials`, `hours`: its budget; `seconds`: how long it was at work. `baseline`: the baseline's place in the space, of
    those dimensions where it has one.
    """

    search_id: int
    sampler: str
    pruner: str | None
    seed: int
    metrics: tuple[str, ...]
    trials: int | None
    hours: float | None
    seconds: float
    dimensions: tuple[SearchAxis, ...]
    candidates: tuple[EvaluatedCandidate, ...]
    finalists: tuple[Finalist, ...]
    baseline: Mapping[str, Any]

    @property
    def metric(self) -> str:
        """The first, which one number is told of where there is room for one."""
        return self.metrics[0]

    @property
    def finished(self) -> list[EvaluatedCandidate]:
        return [one for one in self.candidates if set(self.metrics) <= set(one.scores)]

    @property
    def proposed(self) -> list[EvaluatedCandidate]:
        """Those of the sampler: others the study had run before."""
        return [one for one in self.candidates if not one.known]

    @property
    def reused(self) -> list[EvaluatedCandidate]:
        """Those that cost the search nothing."""
        return [one for one in self.candidates if one.known or one.repeats]

    def first_anew(self, metric: str) -> Finalist | None:
        """The finalist of the highest mean over fresh seeds; None until each has one."""
        means = [finalist.reruns[metric].mean for finalist in self.finalists]
        known = [mean for mean in means if mean is not None]
        return self.finalists[means.index(max(known))] if known and len(known) == len(means) else None

    @property
    def front(self) -> list[EvaluatedCandidate]:
        """Of several metrics, the finished candidates that none is as good as on all and better on one; else the best.

        Of equal ones the first counts.
        """
        found = self.finished
        if not found:
            return []
        if len(self.metrics) == 1:
            return [max(found, key=lambda one: one.scores[self.metric])]
        values = np.array([[one.scores[name] for name in self.metrics] for one in found])
        at_least = (values[:, None] >= values).all(axis=2)
        earlier = np.arange(len(found))[:, None] < np.arange(len(found))
        beaten = at_least & ((values[:, None] > values).any(axis=2) | earlier)
        return [found[at] for at in np.flatnonzero(~beaten.any(axis=0))]

    def best_so_far(self, metric: str) -> list[tuple[int, float]]:
        """(number, the best rate among the finished up to there), of every finished candidate."""
        found = [one for one in self.candidates if metric in one.scores]
        bests = accumulate((one.scores[metric] for one in found), max)
        return [(one.number, best) for one, best in zip(found, bests, strict=True)]

    @property
    def steps_saved(self) -> float | None:
        """The share of the steps of the search's trainings that pruning left out; None where nothing tells of it.

        Where the steps of some are not known, each training counts alike.
        """
        own = [one for one in self.proposed if not one.repeats and one.taken is not None]
        if not own:
            return None
        known = all(one.steps for one in own)
        weights = [float(one.steps or 1) if known else 1.0 for one in own]
        return 1 - float(np.average([one.taken or 0.0 for one in own], weights=weights))

    @cached_property
    def importance(self) -> Mapping[str, Importance]:
        """{metric: which dimensions explain how the finished candidates differ}."""
        points = [one.point for one in self.finished]
        return {
            name: importance(self.dimensions, points, [one.scores[name] for one in self.finished])
            for name in self.metrics
        }


def load_search(store: Store, results: StudyResults) -> SearchResults | None:
    """Return the search whose finalists are the rows of a plan; None for a plan that no search made."""
    search = results.document.search
    if search is None:
        return None
    with store.read() as connection:
        found = read_candidates(connection, search.search_id)
        seconds = read_search(connection, search.search_id).seconds
        ways = read_progress(connection, {one.trial_key for one in found})
        labels = {finalist.label for finalist in search.finalists}
        trials = {row.label: list(row.trials.values()) for row in results.rows if row.label in labels}
        rerun = read_trials(connection, {key for keys in trials.values() for key in keys}, VALIDATION)
    tried = _tried(found, ways, search.metrics)
    scores = {one.number: one.scores for one in tried}
    return SearchResults(
        search_id=search.search_id,
        sampler=search.sampler,
        pruner=search.pruner,
        seed=search.seed,
        metrics=search.metrics,
        trials=search.trials,
        hours=search.hours,
        seconds=seconds,
        dimensions=tuple(_axis(dimension) for dimension in search.dimensions),
        candidates=tried,
        finalists=tuple(
            _finalist(
                finalist,
                search.metrics,
                scores.get(finalist.number, {}),
                [rerun[key] for key in trials.get(finalist.label, [])],
                1 - results.alpha,
            )
            for finalist in search.finalists
        ),
        baseline=search.baseline,
    )


def _tried(
    found: Sequence[Candidate], ways: Mapping[str, TrainingProgress], metrics: Sequence[str]
) -> tuple[EvaluatedCandidate, ...]:
    seen: set[str] = set()
    tried = []
    for one in found:
        way, done, pruned = ways.get(one.trial_key, TrainingProgress()), one.state == DONE, one.state == PRUNED
        scores = {name: rate for name, rate in (one.scores or {}).items() if name in metrics}
        interim = {name: way.rates[k] for name, k in KS.items() if name in metrics and k in way.rates}
        tried.append(
            EvaluatedCandidate(
                number=one.number,
                known=one.known,
                point=one.point,
                state=one.state,
                scores=scores if done else {},
                interim={**interim, **scores} if pruned else {},
                taken=1.0 if done else way.taken if pruned else None,
                steps=way.steps,
                repeats=one.trial_key in seen,
                told=one.told,
            )
        )
        seen.add(one.trial_key)
    return tuple(tried)


def _axis(dimension: SearchedDimension) -> SearchAxis:
    return SearchAxis(
        dimension.name,
        dimension.low,
        dimension.high,
        dimension.step,
        dimension.log,
        dimension.whole,
        dimension.choices,
    )


def _finalist(
    finalist: FinalistName,
    metrics: Sequence[str],
    scores: Mapping[str, float],
    readings: Sequence[TrialResult],
    confidence: float,
) -> Finalist:
    """From what it scored in the search, and what its fresh seeds gave on the validation split."""
    reruns = {
        name: FinalistRerun(
            scores.get(name),
            tuple(one.hits[KS[name]] / one.queries for one in readings if one.queries and KS[name] in one.hits),
            confidence,
        )
        for name in metrics
    }
    return Finalist(finalist.label, finalist.number, reruns)
