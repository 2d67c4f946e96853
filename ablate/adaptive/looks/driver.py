"""A run from look to look: the seeds of each row, a look at what they gave, more seeds where something is open."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ablate.adaptive.looks.schedule_state import LookSchedule, seen_of, stand
from ablate.analysis.loading import load
from ablate.analysis.looks.history import Look, as_json, from_json
from ablate.analysis.looks.take_look import rows_to_go_on, take_look
from ablate.analysis.results import StudyResults
from ablate.analysis.verdicts import CONFOUNDED, NOT_ESTIMABLE, UNDECIDED
from ablate.errors import AblateError
from ablate.run.planning import PreparedRun, prepare
from ablate.store import Store
from ablate.store.looks import LookRow, record_look
from ablate.store.plan_document import rules
from ablate.study.model import Study
from ablate.study.trials.identity import ROW

TRIES = 3
"""How often somebody else may come between the end of a look's trials and the look."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class LookRequest:
    """What a command line asks of a study with looks. `where`: its file; `only`: labels of the rows that it runs."""

    study: Study
    where: object
    until_decided: bool = False
    only: Collection[str] | None = None
    overrides: Sequence[str] = ()
    retry_failed: bool = False
    accept_stale: bool = False

    def course(self, store: Store) -> LookSchedule:
        """How the study stands; it has looks."""
        rows = (row.label for row in self.study.rows)
        accepting = {label for label in rows if self.only is None or label in self.only} if self.accept_stale else ()
        course = stand(store, self.study, self.where, self.until_decided, accepting)
        assert course is not None
        return course


def follow(store: Store, asked: LookRequest, work: Callable[[PreparedRun], None], say: Say) -> LookSchedule:
    """Runs what is asked for and takes the look that is due; with `until_decided` look after look, until none is.

    `work` runs what was prepared, and raises KeyboardInterrupt if it is told to stop; `say` hears of every look. A
    look is taken when all its trials are done or have failed, and some have a result. Returns where the study then
    stands. AblateError if something keeps coming between.
    """
    told, retry, tries = None, asked.retry_failed, 0
    while tries < TRIES:
        course = asked.course(store)
        if course.why and course.why != told:
            say(f"a new family of looks begins: {course.why}; earlier looks stay on record")
            told = course.why
        due = course.is_due(asked.until_decided)
        prepared = _prepare(store, asked, course, due, retry)
        work(prepared)
        retry = False  # what fails in this run has been tried
        after = asked.course(store)
        if not after.is_at(course):  # another runner took the look, or what was run again gave something else
            tries += after.family != course.family
            continue
        if not due:
            return course
        results = load(store, course.study.name, course.study.profile)
        if not _is_finished(results, prepared) and asked.until_decided:
            tries += 1
            continue
        if not _is_finished(results, prepared):
            return course
        if not any(row.seeds for row in results.rows):
            say(f"{_name(course)}: not taken, as no trial has a result")
            return course
        say(_take(store, course, results, prepared))
        if not asked.until_decided:
            return asked.course(store)
    raise AblateError(
        f"{course.study.name}: {_name(course)}: its trials do not stay finished; another runner or a reset changes "
        "them meanwhile; `ablate status` says how they stand, and the same command goes on"
    )


def summary(course: LookSchedule, until_decided: bool) -> str:
    """What the looks have come to, and what they have saved; or what goes on with them."""
    last, most = course.taken[-1], course.study.looks[-1]
    spent = sum(min(seeds, last.seeds) for seeds in last.asked.values())
    decided = _decided(from_json(last), course.study)
    counted = f"{decided} after {len(course.taken)} of {len(course.study.looks)} looks, {spent} trials"
    if not until_decided and any(seeds > last.seeds for seeds in last.asked.values()):
        return f"{counted}; --until-decided goes on"
    return f"{counted}; {most} seeds of every row would be {most * len(last.asked)}"


def _prepare(store: Store, asked: LookRequest, course: LookSchedule, due: bool, retry_failed: bool) -> PreparedRun:
    wanted = course.trials(due)
    selected = wanted if asked.only is None else [trial for trial in wanted if trial.label in asked.only]
    how = {"retry_failed": retry_failed, "accept_stale": asked.accept_stale}
    return prepare(store, course.study, wanted, selected, asked.overrides, **how)


def _cells(prepared: PreparedRun) -> dict[str, dict[int, str]]:
    """{row: {seed: trial}} of what was asked for, without references."""
    found: dict[str, dict[int, str]] = {}
    for item in prepared.planned:
        if item.trial.kind == ROW:
            found.setdefault(item.trial.label, {})[item.trial.seed] = item.key
    return found


def _is_finished(results: StudyResults, prepared: PreparedRun) -> bool:
    """Whether these are results of what was prepared, by no other runner's plan, and nothing is to come."""
    cells = _cells(prepared)
    return cells.keys() == {row.label for row in results.rows} and all(
        set(row.missing) == set(row.failed)
        and {*row.seeds, *row.missing} == cells[row.label].keys()
        and row.trials.items() <= cells[row.label].items()
        for row in results.rows
    )


def _take(store: Store, course: LookSchedule, results: StudyResults, prepared: PreparedRun) -> str:
    """Takes the look and records it; what is to be said of it."""
    looks = course.study.looks
    look = take_look(results, looks, [from_json(row) for row in course.taken])
    has = {label: len(seeds) for label, seeds in _cells(prepared).items()}
    going = rows_to_go_on(results, look) if course.number < len(looks) else frozenset()
    asked = {label: looks[course.number] if label in going else seeds for label, seeds in has.items()}
    row = LookRow(
        family=course.family,
        number=course.number,
        seeds=looks[course.number - 1],
        rules=rules(course.study),
        why=course.why,
        seen=as_json(look)["seen"],
        asked=asked,
        trials=_seen(course.study, results, prepared),
        taken=time.time(),
    )
    with store.write() as connection:
        record_look(connection, course.study.name, course.study.profile, row)
    return f"{_name(course)}: {_decided(look, course.study)}; {_next(course, len(going), look)}"


def _seen(study: Study, results: StudyResults, prepared: PreparedRun) -> Mapping[str, object]:
    hits = {
        (row.label, seed): count
        for row in results.rows
        if row.seeds
        for seed, count in zip(row.seeds, row.metrics[study.primary].hits, strict=True)
    }
    cells = _cells(prepared)
    return {
        row.label: seen_of(row, {seed: (key, hits.get((row.label, seed))) for seed, key in cells[row.label].items()})
        for row in study.rows
    }


def _name(course: LookSchedule) -> str:
    return f"look {course.number} of {len(course.study.looks)}, {course.study.looks[course.number - 1]} seeds"


def _decided(look: Look, study: Study) -> str:
    counts = [seen.verdict for seen in look.results]
    blind = sum(verdict in (CONFOUNDED, NOT_ESTIMABLE) for verdict in counts)
    decided = len(counts) - counts.count(UNDECIDED) - blind
    without = f", {blind} without a claim (confounded, or without results)" if blind else ""
    noun = "effect" if study.family.kind == "effects" else "contrast"
    return f"{decided} of {len(counts)} {noun}{'' if len(counts) == 1 else 's'} decided{without}"


def _next(course: LookSchedule, going: int, look: Look) -> str:
    if going:
        return f"{going} rows go on to {course.study.looks[course.number]} seeds"
    return "no look is left" if any(seen.verdict == UNDECIDED for seen in look.results) else "no row goes on"
