"""Searches in the store: their spaces, and their candidates with the results that were reported to the sampler."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from ablate.measurement import COST, VALIDATION
from ablate.store.queue.status import NO_REASON, EndedTrial
from ablate.store.results import StoredValue, that_are_measured
from ablate.store.schema import DIVERGED, FAILED, attempts, candidates, measurements, searches, trainings, trials
from ablate.store.sql import of_keys


@dataclass(frozen=True)
class SearchRow:
    """A search."""

    id: int
    study: str
    profile: str
    number: int
    """The number of the search among those of its study and profile, from 1. Only the latest one continues."""
    declared: Mapping[str, Any]
    """The parts of the study file that may not change while the search continues."""
    context: str
    """A digest of everything else that a candidate depends on: config, data, code."""
    why: str | None
    """The reason why the search before it does not continue; None for the first search."""
    began: float
    """When it began, in seconds since the epoch."""
    seconds: float
    """The time that `ablate search` has worked on it, over all its runs."""


@dataclass(frozen=True)
class Candidate:
    """A point of the search space that a search tries or has tried."""

    number: int
    known: bool
    """True if the study had run it before, so that it costs the search nothing."""
    point: Mapping[str, Any]
    """{dimension: value}."""
    trial_key: str
    notes: Mapping[str, Any]
    """Values that the sampler keeps for its next proposals."""
    state: str
    """Running, done, pruned, failed or diverged, as it was reported to the sampler."""
    scores: Mapping[str, float] | None
    """{metric: value on the validation split, or of the training itself}, finite ones only; None without a result."""
    told: int | None
    """Its position in the order in which candidates ended and were reported to the sampler; None while it runs."""


def read_search(connection: Connection, search_id: int) -> SearchRow:
    """Return a search, which must exist."""
    return SearchRow(*connection.execute(select(*_COLUMNS).where(searches.c.id == search_id)).one())


def latest_search(connection: Connection, study: str, profile: str) -> SearchRow | None:
    """Return the latest search of a study and profile, the one that continues; None without any."""
    same = (searches.c.study == study) & (searches.c.profile == profile)
    row = connection.execute(select(*_COLUMNS).where(same).order_by(searches.c.number.desc()).limit(1)).first()
    return SearchRow(*row) if row else None


def begin_search(
    connection: Connection, study: str, profile: str, declared: Mapping[str, Any], context: str, why: str | None
) -> SearchRow:
    """Add a search. From now on it continues in place of earlier ones."""
    before = latest_search(connection, study, profile)
    number = before.number + 1 if before else 1
    values = {"study": study, "profile": profile, "number": number, "declared": declared, "context": context}
    adding = insert(searches).values(**values, why=why, began=time.time(), seconds=0.0).returning(searches.c.id)
    return read_search(connection, connection.execute(adding).scalar_one())


def hold(connection: Connection, search_id: int, seconds: float) -> None:
    """Add to the seconds of a search, and lock it: until the transaction ends, no other runner changes it."""
    same = searches.c.id == search_id
    connection.execute(update(searches).where(same).values(seconds=searches.c.seconds + seconds))


def read_candidates(connection: Connection, search_id: int, told_after: int | None = None) -> list[Candidate]:
    """Return the candidates of a search by number.

    With `told_after`, only those that run, and those that ended after that position.
    """
    query = select(*_OF_CANDIDATE).where(candidates.c.search_id == search_id).order_by(candidates.c.number)
    if told_after is not None:
        query = query.where(candidates.c.told.is_(None) | (candidates.c.told > told_after))
    return [Candidate(*row) for row in connection.execute(query)]


def add_candidates(connection: Connection, search_id: int, added: Sequence[Candidate]) -> None:
    """Add candidates, whose trials must exist."""
    if added:
        connection.execute(insert(candidates), [{"search_id": search_id, **_values(one)} for one in added])


def tell(connection: Connection, search_id: int, candidate: Candidate) -> None:
    """Save the end of a candidate, or that it runs again."""
    same = and_(candidates.c.search_id == search_id, candidates.c.number == candidate.number)
    connection.execute(update(candidates).where(same).values(**_values(candidate)))


def read_scores(connection: Connection, keys: Collection[str], metrics: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return {trial key: {metric: score}} for trials that have a result. Only finite values are scores."""
    return {
        key: {name: one.value for name, one in values.items() if isfinite(one.value)}
        for key, values in read_score_values(connection, keys, metrics).items()
    }


def read_score_values(
    connection: Connection, keys: Collection[str], metrics: Sequence[str]
) -> dict[str, dict[str, StoredValue]]:
    """Return {trial key: {metric: value}} for trials that have a result.

    The value is that on the validation split; if there is none, that of the training itself, like its time.
    """
    is_score = and_(that_are_measured, measurements.c.split.in_((COST, VALIDATION)), measurements.c.metric.in_(metrics))
    columns = (trials.c.key, measurements.c.metric, measurements.c.value, measurements.c.n)
    query = select(*columns).outerjoin(measurements, is_score).where(trials.c.attempt_id.is_not(None))
    query = query.order_by(trials.c.key, measurements.c.split == VALIDATION)
    values: dict[str, dict[str, StoredValue]] = {}
    for key, metric, value, n in of_keys(connection, query, trials.c.key, keys):
        of_trial = values.setdefault(key, {})
        if metric is not None:
            of_trial[metric] = StoredValue(nan if value is None else value, n)
    return values


def standing(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Return {trial key: state of its training}. If the training is done, this trial may still have no result."""
    query = select(trials.c.key, trainings.c.state).join(trainings, trainings.c.key == trials.c.training_key)
    return dict(of_keys(connection, query, trials.c.key, keys))


def label(number: int) -> str:
    """Return the name of a candidate."""
    return f"trial {number}"


@dataclass(frozen=True)
class SearchSummary:
    """The progress of a study's search."""

    study: str
    profile: str
    counts: Mapping[str, int]
    """{state: number of candidates}."""
    without_result: Sequence[EndedTrial]
    """The candidates that failed or diverged."""


def summaries(connection: Connection, study: str | None) -> list[SearchSummary]:
    """Return the progress of the latest searches, of one study or of all."""
    latest = select(func.max(searches.c.id)).group_by(searches.c.study, searches.c.profile)
    query = select(*_COLUMNS).where(searches.c.id.in_(latest)).order_by(searches.c.study, searches.c.profile)
    rows = [SearchRow(*row) for row in connection.execute(query)]
    return [_summary(connection, row) for row in rows if study in (None, row.study)]


def _summary(connection: Connection, row: SearchRow) -> SearchSummary:
    of_search = candidates.c.search_id == row.id
    counts = select(candidates.c.state, func.count().label("number")).where(of_search).group_by(candidates.c.state)
    reasons = _REASONS.where(of_search, candidates.c.state.in_((FAILED, DIVERGED))).order_by(candidates.c.number)
    return SearchSummary(
        row.study,
        row.profile,
        {row_of_state.state: row_of_state.number for row_of_state in connection.execute(counts)},
        [
            EndedTrial((row.study, row.profile), label(number), seed, attempt, reason or NO_REASON, state)
            for number, seed, attempt, reason, state in connection.execute(reasons)
        ],
    )


def _values(candidate: Candidate) -> dict[str, Any]:
    return {
        "number": candidate.number,
        "known": candidate.known,
        "point": dict(candidate.point),
        "trial_key": candidate.trial_key,
        "notes": dict(candidate.notes),
        "state": candidate.state,
        "scores": None if candidate.scores is None else dict(candidate.scores),
        "told": candidate.told,
    }


_COLUMNS = (
    searches.c.id,
    searches.c.study,
    searches.c.profile,
    searches.c.number,
    searches.c.declared,
    searches.c.context,
    searches.c.why,
    searches.c.began,
    searches.c.seconds,
)
_OF_CANDIDATE = (
    candidates.c.number,
    candidates.c.known,
    candidates.c.point,
    candidates.c.trial_key,
    candidates.c.notes,
    candidates.c.state,
    candidates.c.scores,
    candidates.c.told,
)
_REASONS = (
    select(candidates.c.number, trainings.c.seed, attempts.c.number, attempts.c.reason, candidates.c.state)
    .join(trials, trials.c.key == candidates.c.trial_key)
    .join(trainings, trainings.c.key == trials.c.training_key)
    .join(attempts, and_(attempts.c.training_key == trainings.c.key, attempts.c.number == trainings.c.attempts))
)
