"""The results of a search: its candidates on the validation split, and its finalists with fresh seeds.

The test split is read for finalists only, as for any other row: by the Analysis of their plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from statistics import fmean
from typing import Any

import numpy as np

from ablate.analysis.results import StudyResults
from ablate.analysis.search.importance import Importance, importance
from ablate.analysis.stats.resolution import variance_of_seeds
from ablate.analysis.stats.t_tests import t_interval
from ablate.measurement import VALIDATION
from ablate.store import Store
from ablate.store.results import TrialResult, read_trials
from ablate.store.schema import DONE, PRUNED
from ablate.store.search_progress import TrainingProgress, read_progress
from ablate.store.searches import Candidate, read_candidates, read_search
from ablate.study.search_space.origin import FinalistName, SearchedDimension


@dataclass(frozen=True)
class EvaluatedCandidate:
    """A candidate of a search."""

    number: int
    known: bool
    """True if the study had run it before the search."""
    point: Mapping[str, Any]
    """{dimension: value}."""
    state: str
    scores: Mapping[str, float]
    """{metric: rate on the validation split, in [0, 1]} if it has finished; otherwise empty."""
    interim: Mapping[str, float]
    """{metric: last rate during training, in [0, 1]} if it was pruned; otherwise empty."""
    taken: float | None
    """The fraction of its training's steps that the search ran; None if it is not recorded."""
    steps: int | None
    """The number of steps of a whole training; None if it is not recorded."""
    repeats: bool
    """True if it is the same trial as an earlier candidate."""
    told: int | None
    """The position in which it ended among the candidates, from 0; None while it runs. The JSON report prints it."""
    is_baseline: bool = False
    """True if it is the trial of the baseline with the search's seed."""

    def value(self, metric: str) -> float | None:
        """Return its rate at the end of training; if it was pruned, its last rate."""
        return self.scores.get(metric, self.interim.get(metric))


@dataclass(frozen=True)
class FinalistRerun:
    """A finalist on the validation split, on one metric."""

    score: float | None
    """Its rate in the search, of one seed, in [0, 1]."""
    rates: tuple[float, ...]
    """Its rates with fresh seeds, in [0, 1]."""
    confidence: float
    queries: int
    """The number of validation queries of its rates with fresh seeds; 0 without any."""

    @property
    def mean(self) -> float | None:
        """The mean of `rates`; None without any."""
        return fmean(self.rates) if self.rates else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval of the mean, in [0, 1], by Student's t over the fresh seeds; None with fewer than two.

        Seeds that agree exactly still spread by the rounding to whole queries.
        """
        if len(self.rates) < 2:
            return None
        rates = 100 * np.array(self.rates)
        error = np.sqrt(variance_of_seeds(rates, 100 / self.queries if self.queries else 0.0) / len(rates))
        low, high = t_interval(rates.mean(), error, np.array(float(len(rates) - 1)), self.confidence)
        return max(0.0, float(low) / 100), min(1.0, float(high) / 100)

    @property
    def optimism(self) -> float | None:
        """The search's score minus the mean of the fresh seeds, in pp."""
        return None if self.score is None or self.mean is None else 100 * (self.score - self.mean)

    @property
    def optimism_interval(self) -> tuple[float, float] | None:
        """The interval of the optimism, in pp. The score is an observed number, so that only the mean is uncertain."""
        if self.score is None or self.interval is None:
            return None
        low, high = self.interval
        return 100 * (self.score - high), 100 * (self.score - low)


@dataclass(frozen=True)
class Finalist:
    """A candidate that was trained again, with fresh seeds."""

    label: str
    """The label of its row in the plan."""
    number: int
    """Its number among the candidates."""
    reruns: Mapping[str, FinalistRerun]
    """{metric: its results on the validation split}."""


@dataclass(frozen=True)
class SearchResults:
    """A search in its current state."""

    search_id: int
    sampler: str
    pruner: str | None
    seed: int
    metrics: tuple[str, ...]
    trials: int | None
    """The budget in trials; None without such a limit."""
    hours: float | None
    """The budget in hours; None without such a limit."""
    seconds: float
    """The time that the search has worked."""
    dimensions: tuple[SearchedDimension, ...]
    candidates: tuple[EvaluatedCandidate, ...]
    finalists: tuple[Finalist, ...]
    """The best first, by their scores in the search; empty while the search goes on."""
    baseline: Mapping[str, Any]
    """{dimension: the baseline's value}, for dimensions that contain it."""
    top: int | None = None
    """The number of finalists that were requested; None if it is not recorded."""

    @property
    def metric(self) -> str:
        """The first metric, which is shown if there is room for one number only."""
        return self.metrics[0]

    @property
    def finished(self) -> list[EvaluatedCandidate]:
        """The candidates that have a score on every metric."""
        return [one for one in self.candidates if set(self.metrics) <= set(one.scores)]

    @property
    def proposed(self) -> list[EvaluatedCandidate]:
        """The candidates that the sampler proposed; the study had run the others before."""
        return [one for one in self.candidates if not one.known]

    @property
    def reused(self) -> list[EvaluatedCandidate]:
        """The candidates that needed no training of their own."""
        return [one for one in self.candidates if one.known or one.repeats]

    @property
    def running(self) -> list[EvaluatedCandidate]:
        """The candidates that have not ended. In a search that was interrupted nothing trains them."""
        return [one for one in self.candidates if one.told is None]

    @property
    def different(self) -> list[EvaluatedCandidate]:
        """The finished candidates that finalists are chosen from: each trial once, without the baseline."""
        return [one for one in self.finished if not one.repeats and not one.is_baseline]

    @property
    def baseline_candidate(self) -> EvaluatedCandidate | None:
        """The first finished candidate that is the baseline itself; None if there is none."""
        return next((one for one in self.finished if one.is_baseline), None)

    @property
    def is_baseline_best(self) -> bool | None:
        """True if no candidate was better than the baseline on any metric; None if the baseline was no candidate."""
        own = self.baseline_candidate
        if own is None:
            return None
        return not any(one.scores[name] > own.scores[name] for one in self.different for name in self.metrics)

    def level_with(self, candidate: EvaluatedCandidate) -> list[EvaluatedCandidate]:
        """Return the other trials among the finished candidates that have the same scores on every metric."""
        others = [one for one in self.finished if one is not candidate and not one.repeats]
        return [one for one in others if all(one.scores[name] == candidate.scores[name] for name in self.metrics)]

    def best_rerun(self, metric: str) -> Finalist | None:
        """Return the finalist with the highest mean over fresh seeds; None until each finalist has a mean."""
        means = [finalist.reruns[metric].mean for finalist in self.finalists]
        available = [mean for mean in means if mean is not None]
        return self.finalists[means.index(max(available))] if available and len(available) == len(means) else None

    @property
    def front(self) -> list[EvaluatedCandidate]:
        """The best finished candidate; with several metrics, the Pareto front.

        No other finished candidate is at least as good on all metrics and better on one. Of equal ones, the first.
        """
        finished = self.finished
        if not finished:
            return []
        if len(self.metrics) == 1:
            return [max(finished, key=lambda one: one.scores[self.metric])]
        values = np.array([[one.scores[name] for name in self.metrics] for one in finished])
        at_least = (values[:, None] >= values).all(axis=2)
        earlier = np.arange(len(finished))[:, None] < np.arange(len(finished))
        beaten = at_least & ((values[:, None] > values).any(axis=2) | earlier)
        return [finished[at] for at in np.flatnonzero(~beaten.any(axis=0))]

    def best_so_far(self, metric: str) -> list[tuple[int, float]]:
        """Return (number, best rate so far, in [0, 1]) for every finished candidate."""
        scored = [one for one in self.candidates if metric in one.scores]
        bests = accumulate((one.scores[metric] for one in scored), max)
        return [(one.number, best) for one, best in zip(scored, bests, strict=True)]

    @property
    def steps_saved(self) -> float | None:
        """The fraction of the steps of the search's trainings that pruning avoided; None if no fraction is recorded.

        If the steps of some trainings are not recorded, all trainings count equally.
        """
        own = [one for one in self.proposed if not one.repeats and one.taken is not None]
        if not own:
            return None
        has_steps = all(one.steps for one in own)
        weights = [float(one.steps or 1) if has_steps else 1.0 for one in own]
        return 1 - float(np.average([one.taken or 0.0 for one in own], weights=weights))

    @cached_property
    def importance(self) -> Mapping[str, Importance]:
        """{metric: importance of the dimensions for the scores of the finished candidates}."""
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
        candidates = read_candidates(connection, search.search_id)
        seconds = read_search(connection, search.search_id).seconds
        progress = read_progress(connection, {one.trial_key for one in candidates})
        labels = {finalist.label for finalist in search.finalists}
        trials = {row.label: list(row.trials.values()) for row in results.rows if row.label in labels}
        reruns = read_trials(connection, {key for keys in trials.values() for key in keys}, VALIDATION)
    evaluated = _evaluated(candidates, progress, search.metrics, search.baseline_trial)
    scores = {one.number: one.scores for one in evaluated}
    return SearchResults(
        search_id=search.search_id,
        sampler=search.sampler,
        pruner=search.pruner,
        seed=search.seed,
        metrics=search.metrics,
        trials=search.trials,
        hours=search.hours,
        seconds=seconds,
        dimensions=search.dimensions,
        candidates=evaluated,
        finalists=tuple(
            _finalist(
                finalist,
                search.metrics,
                scores.get(finalist.number, {}),
                [reruns[key] for key in trials.get(finalist.label, [])],
                1 - results.alpha,
            )
            for finalist in search.finalists
        ),
        baseline=search.baseline,
        top=search.top,
    )


def _evaluated(
    candidates: Sequence[Candidate],
    progress: Mapping[str, TrainingProgress],
    metrics: Sequence[str],
    baseline: str | None,
) -> tuple[EvaluatedCandidate, ...]:
    earlier_trials: set[str] = set()
    evaluated = []
    for one in candidates:
        of_trial = progress.get(one.trial_key, TrainingProgress())
        done, pruned = one.state == DONE, one.state == PRUNED
        scores = {name: rate for name, rate in (one.scores or {}).items() if name in metrics}
        interim = {name: value for name, value in of_trial.values.items() if name in metrics}
        evaluated.append(
            EvaluatedCandidate(
                number=one.number,
                known=one.known,
                point=one.point,
                state=one.state,
                scores=scores if done else {},
                interim={**interim, **scores} if pruned else {},
                taken=1.0 if done else of_trial.taken if pruned else None,
                steps=of_trial.steps,
                repeats=one.trial_key in earlier_trials,
                told=one.told,
                is_baseline=one.trial_key == baseline,
            )
        )
        earlier_trials.add(one.trial_key)
    return tuple(evaluated)


def _finalist(
    finalist: FinalistName,
    metrics: Sequence[str],
    scores: Mapping[str, float],
    trials: Sequence[TrialResult],
    confidence: float,
) -> Finalist:
    """Return a finalist. `scores`: in the search. `trials`: with fresh seeds, on the validation split."""
    reruns = {
        name: FinalistRerun(
            scores.get(name),
            tuple(one.values[name].value for one in trials if one.values and name in one.values),
            confidence,
            min((one.n for one in trials if one.n), default=0),
        )
        for name in metrics
    }
    return Finalist(finalist.label, finalist.number, reruns)
