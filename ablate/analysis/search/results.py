"""The results of a search: its candidates on the validation split, and its finalists with fresh seeds.

The test split is read for finalists only, as for any other row: by the Analysis of their plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from math import isfinite
from typing import Any

import numpy as np

from ablate.analysis.results import StudyResults
from ablate.analysis.search.importance import Importance, importance
from ablate.analysis.search.reruns import Finalist, rerun
from ablate.measurement import Direction, Metric
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
        done = [one for one in candidates if one.state == DONE]
        unscored = {one.trial_key for one in done if not set(search.metrics) <= set(one.scores or {})}
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
        stored = values.get(one.trial_key, {})
        without_score = [name for name in metrics if name not in scores] if done else []
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
                unscored={name: f"{stored[name].value}" if name in stored else "missing" for name in without_score},
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
        metric.name: rerun(metric, scores.get(metric.name), [one.get(metric.name) for one in trials], confidence)
        for metric in metrics
    }
    return Finalist(finalist.label, finalist.number, reruns)
