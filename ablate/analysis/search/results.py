"""The results of a search: its candidates on the validation split, and its finalists with fresh seeds.

The test split is read for finalists only, as for any other row: by the Analysis of their plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from math import exp, isfinite, log
from statistics import fmean
from typing import Any

import numpy as np

from ablate.analysis.results import StudyResults
from ablate.analysis.search.importance import Importance, importance
from ablate.analysis.stats.resolution import variance_of_seeds
from ablate.analysis.stats.t_tests import t_interval
from ablate.measurement import Direction, Kind, Metric, Scale
from ablate.store import Store
from ablate.store.results import StoredValue
from ablate.store.schema import DONE, PRUNED
from ablate.store.search_progress import TrainingProgress, read_progress
from ablate.store.searches import Candidate, read_candidates, read_score_values, read_search
from ablate.study.metrics import metric_named
from ablate.study.search_space.goals import Gains, gains, is_better_somewhere, is_scored
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
    """{metric: score in its own unit} if it has finished, finite values only; otherwise empty."""
    interim: Mapping[str, float]
    """{metric: last value during training} if it was pruned; otherwise empty."""
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
    unscored: Mapping[str, str] = field(default_factory=dict)
    """{metric: the reason why it has no score: nan, inf, -inf or missing} if it has finished; otherwise empty."""

    def value(self, metric: str) -> float | None:
        """Return its score at the end of training; if it was pruned, its last value."""
        return self.scores.get(metric, self.interim.get(metric))


@dataclass(frozen=True)
class FinalistRerun:
    """A finalist on one metric, in the metric's unit. On a log scale, means and differences are those of logarithms."""

    metric: Metric
    score: float | None
    """Its score in the search, of one seed."""
    values: tuple[float, ...]
    """Its scores with fresh seeds, finite ones only."""
    confidence: float
    n: int = 0
    """The number of examples that each of its scores with fresh seeds is the mean over; 0 if it is not known."""
    unscored: int = 0
    """The number of further fresh seeds, which have a result without a finite score."""

    @property
    def mean(self) -> float | None:
        """The mean of `values`, on a log scale the geometric one; None without any, and if it is `off_scale`."""
        return self._value(fmean(self._compared(self.values))) if self.values and not self.off_scale else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval of the mean, by Student's t over the fresh seeds.

        It is None with fewer than two seeds. Seeds that agree exactly still spread by the rounding of a proportion to
        whole examples; of other metrics, no rounding is known, so that there is no interval.
        """
        ends = self._compared_interval
        if ends is None:
            return None
        low, high = self.metric.bounds
        return max(low, self._value(ends[0])), min(high, self._value(ends[1]))

    @property
    def off_scale(self) -> tuple[float, ...]:
        """The values that have no place on a log scale, as they are not positive; empty on any other scale."""
        every = self.values if self.score is None else (self.score, *self.values)
        return tuple(value for value in every if value <= 0) if self.metric.scale is Scale.LOG else ()

    @property
    def is_constant(self) -> bool:
        """True if several fresh seeds agree exactly, so that there is no interval."""
        return len(self.values) > 1 and not self.off_scale and self._compared_interval is None

    @property
    def optimism(self) -> float | None:
        """How much better the search's score is than the mean of the fresh seeds; negative if it is worse.

        It is a difference in the metric's unit; on a log scale, a difference of natural logarithms.
        """
        if self.score is None or self.mean is None:
            return None
        score, mean = self._compared((self.score, self.mean))
        return self.metric.direction.sign * (score - mean)

    @property
    def optimism_interval(self) -> tuple[float, float] | None:
        """The interval of the optimism. The score is an observed number, so that only the mean is uncertain."""
        if self.score is None or self.interval is None:
            return None
        score, *ends = self._compared((self.score, *self.interval))
        one, other = (self.metric.direction.sign * (score - end) for end in ends)
        return min(one, other), max(one, other)

    @property
    def _compared_interval(self) -> tuple[float, float] | None:
        if len(self.values) < 2 or self.off_scale:
            return None
        values = np.array(self._compared(self.values))
        error = np.sqrt(variance_of_seeds(values, self._resolution) / len(values))
        if np.isnan(error):
            return None
        low, high = t_interval(values.mean(), error, np.array(float(len(values) - 1)), self.confidence)
        return float(low), float(high)

    @property
    def _resolution(self) -> float:
        return 1 / self.n if self.metric.kind is Kind.PROPORTION and self.n else 0.0

    def _compared(self, values: Sequence[float]) -> list[float]:
        """Return values as they are compared: their logarithms on a log scale."""
        return [log(value) for value in values] if self.metric.scale is Scale.LOG else list(values)

    def _value(self, compared: float) -> float:
        return exp(compared) if self.metric.scale is Scale.LOG else compared


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
    metrics: tuple[Metric, ...]
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
    def metric(self) -> Metric:
        """The first metric, which is shown if there is room for one number only."""
        return self.metrics[0]

    @property
    def finished(self) -> list[EvaluatedCandidate]:
        """The candidates that have a score on every metric."""
        return [one for one in self.candidates if is_scored(self.metrics, one.scores)]

    @property
    def unscored(self) -> list[EvaluatedCandidate]:
        """The candidates that have finished without a score on every metric. They count as worse than all others."""
        return [one for one in self.candidates if one.unscored]

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
        return not any(is_better_somewhere(self._gains(one), self._gains(own)) for one in self.different)

    def level_with(self, candidate: EvaluatedCandidate) -> list[EvaluatedCandidate]:
        """Return the other trials among the finished candidates that have the same scores on every metric."""
        others = [one for one in self.finished if one is not candidate and not one.repeats]
        return [one for one in others if self._gains(one) == self._gains(candidate)]

    def best_rerun(self, metric: str) -> Finalist | None:
        """Return the finalist with the best mean over fresh seeds; None until each finalist has a mean."""
        sign = self.named(metric).direction.sign
        means = [finalist.reruns[metric].mean for finalist in self.finalists]
        gained = [sign * mean for mean in means if mean is not None]
        return self.finalists[gained.index(max(gained))] if gained and len(gained) == len(means) else None

    def named(self, metric: str) -> Metric:
        """Return a metric of the search by its name; KeyError if it has none of that name."""
        return metric_named(self.metrics, metric)

    def _gains(self, candidate: EvaluatedCandidate) -> Gains:
        return gains(self.metrics, candidate.scores)

    @property
    def front(self) -> list[EvaluatedCandidate]:
        """The best finished candidate; with several metrics, the Pareto front.

        No other finished candidate is at least as good on all metrics and better on one. Of equal ones, the first.
        """
        finished = self.finished
        if not finished:
            return []
        if len(self.metrics) == 1:
            return [max(finished, key=self._gains)]
        values = np.array([self._gains(one) for one in finished])
        at_least = (values[:, None] >= values).all(axis=2)
        earlier = np.arange(len(finished))[:, None] < np.arange(len(finished))
        beaten = at_least & ((values[:, None] > values).any(axis=2) | earlier)
        return [finished[at] for at in np.flatnonzero(~beaten.any(axis=0))]

    def best_so_far(self, metric: str) -> list[tuple[int, float]]:
        """Return (number, best score so far) for every finished candidate."""
        best = max if self.named(metric).direction is Direction.MAXIMIZE else min
        scored = [one for one in self.candidates if metric in one.scores]
        bests = accumulate((one.scores[metric] for one in scored), best)
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
            metric.name: importance(self.dimensions, points, [one.scores[metric.name] for one in self.finished])
            for metric in self.metrics
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
        fresh = {key for keys in trials.values() for key in keys}
        reruns = read_score_values(connection, fresh, search.metrics)
        unscored = {one.trial_key for one in candidates if not set(search.metrics) <= set(one.scores or {})}
        values = read_score_values(connection, unscored, search.metrics)
    metrics = tuple(results.metrics[name] for name in search.metrics)
    evaluated = _evaluated(candidates, progress, values, search.metrics, search.baseline_trial)
    scores = {one.number: one.scores for one in evaluated}
    return SearchResults(
        search_id=search.search_id,
        sampler=search.sampler,
        pruner=search.pruner,
        seed=search.seed,
        metrics=metrics,
        trials=search.trials,
        hours=search.hours,
        seconds=seconds,
        dimensions=search.dimensions,
        candidates=evaluated,
        finalists=tuple(
            _finalist(
                finalist,
                metrics,
                scores.get(finalist.number, {}),
                [reruns[key] for key in trials.get(finalist.label, []) if key in reruns],
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
    values: Mapping[str, Mapping[str, StoredValue]],
    metrics: Sequence[str],
    baseline: str | None,
) -> tuple[EvaluatedCandidate, ...]:
    earlier_trials: set[str] = set()
    evaluated = []
    for one in candidates:
        of_trial = progress.get(one.trial_key, TrainingProgress())
        done, pruned = one.state == DONE, one.state == PRUNED
        scores = {name: score for name, score in (one.scores or {}).items() if name in metrics}
        unscored = {name: values.get(one.trial_key, {}).get(name) for name in metrics if name not in scores}
        interim = {name: value for name, value in of_trial.values.items() if name in metrics and isfinite(value)}
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
                unscored={name: f"{value.value}" if value else "missing" for name, value in unscored.items()}
                if done
                else {},
            )
        )
        earlier_trials.add(one.trial_key)
    return tuple(evaluated)


def _finalist(
    finalist: FinalistName,
    metrics: Sequence[Metric],
    scores: Mapping[str, float],
    trials: Sequence[Mapping[str, StoredValue]],
    confidence: float,
) -> Finalist:
    """Return a finalist. `scores`: in the search. `trials`: the values of each trial with a fresh seed."""
    reruns = {
        metric.name: _rerun(metric, scores.get(metric.name), [one.get(metric.name) for one in trials], confidence)
        for metric in metrics
    }
    return Finalist(finalist.label, finalist.number, reruns)


def _rerun(
    metric: Metric, score: float | None, values: Sequence[StoredValue | None], confidence: float
) -> FinalistRerun:
    finite = [one for one in values if one is not None and isfinite(one.value)]
    n = min((one.n for one in finite if one.n), default=0)
    return FinalistRerun(metric, score, tuple(one.value for one in finite), confidence, n, len(values) - len(finite))
