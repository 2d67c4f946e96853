"""Searches: what is searched, which candidates were tried, and what their samplers were told of them."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from ablate.store.queue.claims import KS
from ablate.store.queue.status import FailedTrial
from ablate.store.schema import FAILED, attempts, candidates, hits, results, searches, trainings, trials
from ablate.store.sql import of_keys

VALIDATION = "validation"


@dataclass(frozen=True)
class SearchRow:
    """A search. `declared`: what may not change midway; `context`: digest of the rest of every candidate.

    `why`: why the search of the number before does not go on; `seconds`: how long it was at work so far.
    """

    id: int
    study: str
    profile: str
    number: int
    declared: Mapping[str, Any]
    context: str
    why: str | None
    began: float
    seconds: float


@dataclass(frozen=True)
class Candidate:
    """A point that a search tried. `known`: the study had run it before.

    `state`: running, done, pruned or failed, as the sampler was told; `scores`: {metric: rate on the validation split};
    `told`: in which order they ended, None while it runs; `notes`: the sampler's own.
    """

    number: int
    known: bool
    point: Mapping[str, Any]
    trial_key: str
    notes: Mapping[str, Any]
    state: str
    scores: Mapping[str, float] | None
    told: int | None


def read_search(connection: Connection, search_id: int) -> SearchRow:
    """A search, which must be there."""
    return SearchRow(*connection.execute(select(*_COLUMNS).where(searches.c.id == search_id)).one())


def latest_search(connection: Connection, study: str, profile: str) -> SearchRow | None:
    """The search that goes on, of a study and profile."""
    same = (searches.c.study == study) & (searches.c.profile == profile)
    row = connection.execute(select(*_COLUMNS).where(same).order_by(searches.c.number.desc()).limit(1)).first()
    return SearchRow(*row) if row else None


def begin_search(
    connection: Connection, study: str, profile: str, declared: Mapping[str, Any], context: str, why: str | None
) -> SearchRow:
    """A new search, which goes on from now on in place of earlier ones."""
    before = latest_search(connection, study, profile)
    number = before.number + 1 if before else 1
    values = {"study": study, "profile": profile, "number": number, "declared": declared, "context": context}
    adding = insert(searches).values(**values, why=why, began=time.time(), seconds=0.0).returning(searches.c.id)
    return read_search(connection, connection.execute(adding).scalar_one())


def hold(connection: Connection, search_id: int, seconds: float) -> None:
    """Adds to the seconds of a search; until the transaction ends, no other runner asks or tells."""
    same = searches.c.id == search_id
    connection.execute(update(searches).where(same).values(seconds=searches.c.seconds + seconds))


def read_candidates(connection: Connection, search_id: int, told_after: int | None = None) -> list[Candidate]:
    """The candidates of a search by number: all, or those that run, and those that ended after the one told then."""
    query = select(*_OF_CANDIDATE).where(candidates.c.search_id == search_id).order_by(candidates.c.number)
    if told_after is not None:
        query = query.where(candidates.c.told.is_(None) | (candidates.c.told > told_after))
    return [Candidate(*row) for row in connection.execute(query)]


def add_candidates(connection: Connection, search_id: int, added: Sequence[Candidate]) -> None:
    """Adds candidates; their trials must be there."""
    if added:
        connection.execute(insert(candidates), [{"search_id": search_id, **_values(one)} for one in added])


def tell(connection: Connection, search_id: int, candidate: Candidate) -> None:
    """Writes how a candidate ended, or that it runs again."""
    same = and_(candidates.c.search_id == search_id, candidates.c.number == candidate.number)
    connection.execute(update(candidates).where(same).values(**_values(candidate)))


def read_scores(connection: Connection, keys: Collection[str]) -> dict[str, dict[str, float]]:
    """{trial key: {metric: rate}} on the validation split, of the trials that have a result there."""
    found: dict[str, dict[str, float]] = {}
    for key, k, count, queries in of_keys(connection, _SCORES, trials.c.key, keys):
        if k in KS and queries:
            found.setdefault(key, {})[f"top{k}"] = count / queries
    return found


def standing(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """{trial key: the state of its training}; it is done only with a result of this very trial."""
    query = select(trials.c.key, trainings.c.state).join(trainings, trainings.c.key == trials.c.training_key)
    return dict(of_keys(connection, query, trials.c.key, keys))


def label(number: int) -> str:
    """What a candidate is called."""
    return f"trial {number}"


@dataclass(frozen=True)
class SearchSummary:
    """How far a study's search is: {state: candidates}, and those that failed."""

    study: str
    profile: str
    counts: Mapping[str, int]
    failed: Sequence[FailedTrial]


def glances(connection: Connection, study: str | None) -> list[SearchSummary]:
    """The searches that go on, of one study or of all."""
    latest = select(func.max(searches.c.id)).group_by(searches.c.study, searches.c.profile)
    query = select(*_COLUMNS).where(searches.c.id.in_(latest)).order_by(searches.c.study, searches.c.profile)
    rows = [SearchRow(*row) for row in connection.execute(query)]
    return [_glance(connection, row) for row in rows if study in (None, row.study)]


def _glance(connection: Connection, row: SearchRow) -> SearchSummary:
    of_search = candidates.c.search_id == row.id
    counts = select(candidates.c.state, func.count().label("number")).where(of_search).group_by(candidates.c.state)
    reasons = _REASONS.where(of_search, candidates.c.state == FAILED).order_by(candidates.c.number)
    return SearchSummary(
        row.study,
        row.profile,
        {found.state: found.number for found in connection.execute(counts)},
        [
            FailedTrial((row.study, row.profile), label(number), seed, attempt, reason or "no reason given")
            for number, seed, attempt, reason in connection.execute(reasons)
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
_COUNTS = and_(results.c.trial_key == trials.c.key, results.c.attempt_id == trials.c.attempt_id)
_SCORES = (
    select(trials.c.key, hits.c.k, hits.c.hits, results.c.queries)
    .join(results, _COUNTS)
    .join(
        hits,
        and_(
            hits.c.trial_key == results.c.trial_key,
            hits.c.attempt_id == results.c.attempt_id,
            hits.c.split == results.c.split,
        ),
    )
    .where(results.c.split == VALIDATION)
)
_REASONS = (
    select(candidates.c.number, trainings.c.seed, attempts.c.number, attempts.c.reason)
    .join(trials, trials.c.key == candidates.c.trial_key)
    .join(trainings, trainings.c.key == trials.c.training_key)
    .join(attempts, and_(attempts.c.training_key == trainings.c.key, attempts.c.number == trainings.c.attempts))
)
