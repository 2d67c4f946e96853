"""The finalists of a search: the best candidates, and the study that compares them with the baseline on fresh seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablate.adaptive.search.driver import fresh_seeds, seed_of
from ablate.store import Store, plans, searches
from ablate.store.schema import DONE
from ablate.store.searches import Candidate, SearchRow
from ablate.study.config_keys import Config, value_at
from ablate.study.design.space import FactorSpace
from ablate.study.factors import Factor, Level
from ablate.study.model import Family, Row, Study
from ablate.study.search_space.candidates import Candidates
from ablate.study.search_space.goals import Gains, dominates, gains, is_better_somewhere, is_scored
from ablate.study.search_space.origin import SEARCHED, FinalistName, SearchedDimension, SearchOrigin
from ablate.study.search_space.space import ChoiceDimension, Dimension, SearchSpec
from ablate.study.trials.identity import Trial

BASELINE = "baseline"
CONFIGURATION = "configuration"
"""The factor that finalists differ in. It stands for all dimensions at once: the effect of each is not identified."""


def profile_of(study: Study) -> str:
    """Return the profile that the finalists of a search are stored under, next to the study's own rows."""
    return f"{study.profile}{SEARCHED}"


def is_planned(store: Store, study: Study, row: SearchRow) -> bool:
    """Return True if a plan of the search is stored already, perhaps with finalists of a smaller budget."""
    with store.read() as connection:
        if not any((one.study, one.profile) == (study.name, profile_of(study)) for one in plans.read_plans(connection)):
            return False
        search = plans.read_plan(connection, study.name, profile_of(study)).document.search
    return search is not None and search.search_id == row.id


def best(candidates: Sequence[Candidate], search: SearchSpec, baseline: str) -> list[Candidate]:
    """Return the finalists, best first, by their results on the validation split.

    Candidates that fewer others dominate come first, then those that are better on the first metric. Candidates with
    the same trial count once. The `baseline`, a trial key, is left out, as it runs in any case.
    """
    scored = [candidate for candidate in reversed(candidates) if has_scores(candidate, search)]
    distinct = {candidate.trial_key: candidate for candidate in scored if candidate.trial_key != baseline}.values()
    gained = {each.number: gains(search.metrics, each.scores or {}) for each in distinct}
    dominators = _dominators(gained)
    ranked = sorted(distinct, key=lambda each: (dominators[each.number], -gained[each.number][0], each.number))
    return ranked[: search.top]


def has_scores(candidate: Candidate, search: SearchSpec) -> bool:
    """Return True if a candidate has finished with a score on every metric of its search."""
    return candidate.state == DONE and is_scored(search.metrics, candidate.scores)


def baseline_is_best(candidates: Sequence[Candidate], search: SearchSpec, baseline: str) -> bool:
    """Return True if the `baseline`, a trial key, was a candidate and no other was better on any metric."""
    scored = [one for one in candidates if has_scores(one, search)]
    gained = {one.number: gains(search.metrics, one.scores or {}) for one in scored}
    own = next((gained[one.number] for one in scored if one.trial_key == baseline), None)
    return own is not None and not any(is_better_somewhere(other, own) for other in gained.values())


def are_level(candidates: Sequence[Candidate], search: SearchSpec) -> bool:
    """Return True if several different trials have finished, all of them with the same scores."""
    scored = {one.trial_key: gains(search.metrics, one.scores or {}) for one in candidates if has_scores(one, search)}
    return len(scored) > 1 and len(set(scored.values())) == 1


def _dominators(gained: Mapping[int, Gains]) -> dict[int, int]:
    """Return {candidate: number of others that are better in some metric and worse in none}; with one metric, all 0."""
    if gained and len(next(iter(gained.values()))) == 1:
        return dict.fromkeys(gained, 0)
    return {one: sum(dominates(theirs, own) for theirs in gained.values()) for one, own in gained.items()}


def study_of(
    study: Study, points: Candidates, row: SearchRow, chosen: Sequence[Candidate]
) -> tuple[Study, list[Trial]]:
    """The finalists and the baseline as a study of its own with fresh seeds, and its trials.

    The family is declared here, before any of it runs: each finalist against the baseline, and the best, which is the
    winner, against the others.
    """
    seeds = fresh_seeds(study)
    labels = [BASELINE, *(_label(one, points) for one in chosen)]
    trials = points.baseline(seeds, BASELINE)
    for one, label in zip(chosen, labels[1:], strict=True):
        trials += points.trials(one.point, seeds, label)
    levels = [Level(label, ()) for label in labels]
    keys = tuple(dict.fromkeys(key for dimension in points.search.dimensions for key in dimension.keys))
    factor = Factor(CONFIGURATION, keys, tuple(levels), levels[0])
    space = FactorSpace([factor])
    winner = labels[1:2]
    pairs = [(BASELINE, label) for label in labels[1:]] + [(other, label) for label in winner for other in labels[2:]]
    compared = replace(
        study,
        profile=profile_of(study),
        factors=space.factors,
        rows=tuple(Row(label, space.levels((number,))) for number, label in enumerate(labels)),
        references=(),
        seeds=tuple(seeds),
        family=Family("pairs", tuple(pairs)) if pairs else Family(),
        aliases=(),
        excluded=(),
        warnings=(),
        looks=(),
        steps=(),
        found_by=_origin(study, row, chosen, points),
    )
    return compared, trials


def _label(one: Candidate, points: Candidates) -> str:
    """Return the label of a finalist: `trial 17 (margin=0.213, omega=0.712)`."""
    return f"{searches.label(one.number)} ({points.words(one.point)})"


def _origin(study: Study, row: SearchRow, chosen: Sequence[Candidate], points: Candidates) -> SearchOrigin:
    """Return the facts about the search that the plan keeps for reports."""
    search = points.search
    (baseline,) = points.baseline((seed_of(study),))
    config = baseline.config
    return SearchOrigin(
        search_id=row.id,
        study=study.name,
        profile=study.profile,
        seed=seed_of(study),
        dimensions=tuple(_dimension(dimension) for dimension in search.dimensions),
        baseline={dimension.name: _usual(dimension, study, config) for dimension in search.dimensions},
        metrics=tuple(search.names),
        sampler=search.sampler,
        pruner=search.pruner,
        trials=search.trials,
        hours=search.hours,
        finalists=tuple(FinalistName(_label(one, points), one.number) for one in chosen),
        top=search.top,
        baseline_trial=baseline.key,
    )


def _usual(dimension: Dimension, study: Study, config: Config) -> Any:
    """Return the baseline's value of a dimension; if the choices are a factor's levels, the name of its baseline."""
    factor = next((factor for factor in study.factors if factor.name == dimension.name), None)
    return (
        factor.baseline.word
        if factor and isinstance(dimension, ChoiceDimension)
        else value_at(config, dimension.keys[0])
    )


def _dimension(dimension: Dimension) -> SearchedDimension:
    if isinstance(dimension, ChoiceDimension):
        return SearchedDimension(dimension.name, choices=tuple(choice.word for choice in dimension.choices))
    return SearchedDimension(
        dimension.name, dimension.low, dimension.high, dimension.step, dimension.log, dimension.is_whole
    )
