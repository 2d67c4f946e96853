"""A search: its candidates go through the same queue as all trials; what it knows lies in the store alone."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ablate.adaptive.search import grid
from ablate.adaptive.search.optuna_sampler import Interims, OptunaSampler
from ablate.errors import StudyError
from ablate.store import Connection, Store, plans, searches
from ablate.store.queue import claims
from ablate.store.schema import DONE, FAILED, PRUNED, QUEUED, RUNNING
from ablate.store.search_progress import read_interims
from ablate.store.searches import Candidate, SearchRow
from ablate.study.model import Study
from ablate.study.search_space.candidates import Candidates
from ablate.study.search_space.space import GRID, SearchSpec
from ablate.study.trials.identity import Trial
from ablate.trainers.protocol import Interim


def begin(store: Store, study: Study, points: Candidates, path: str) -> SearchRow:
    """The search that goes on, or a new one that is told what the study has run already.

    StudyError if the file asks for another search than the one that goes on.
    """
    search = _search(study)
    declared = {**search.declared, "seed": seed_of(study)}
    context = points.context()
    with store.write(alone=True) as connection:
        row = searches.latest_search(connection, study.name, study.profile)
        if row is not None:
            _refuse_changes(row, declared, path)
            if row.context == context:
                return row
        why = "config, data or code have changed" if row is not None else None
        row = searches.begin_search(connection, study.name, study.profile, declared, context, why)
        searches.add_candidates(connection, row.id, list(_known(connection, study, points)))
    return row


def _refuse_changes(row: SearchRow, declared: Mapping[str, Any], path: str) -> None:
    """A fault for each thing that the search began with and that the file now says otherwise."""
    faults = []
    for name, value in _flat(declared).items():
        was = _flat(row.declared).get(name)
        if was != value:
            faults.append(f"{path}: search.{name}: was {_said(was)} when this search began, and is {_said(value)} now")
    faults += [
        f"{path}: search.{name}: was {_said(was)} when this search began, and is missing now"
        for name, was in _flat(row.declared).items()
        if name not in _flat(declared)
    ]
    if faults:
        remedy = "put it back to go on, or give the study another name: it then searches anew, and reuses what has run"
        raise StudyError([*faults[:-1], f"{faults[-1]}; {remedy}"])


def _flat(declared: Mapping[str, Any]) -> dict[str, Any]:
    space = {f"space.{name}": ends for name, ends in declared["space"].items()}
    return {**space, **{name: value for name, value in declared.items() if name != "space"}}


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {inner}" for name, inner in value.items()) + "}"
    return str(value)


def _known(connection: Connection, study: Study, points: Candidates) -> Iterator[Candidate]:
    """The points of the space that the study's rows have run with the search's seed."""
    found: dict[str, dict[str, Any]] = {}
    for row in study.rows:
        if (point := points.point_of(row)) is not None:
            found.setdefault(points.trial(point, seed_of(study), row.label).key, point)
    scores = searches.read_scores(connection, found)
    done = [(key, point) for key, point in found.items() if key in scores]
    for number, (key, point) in enumerate(done):
        yield Candidate(number, True, point, key, {}, DONE, scores[key], number)


def queue_failed(store: Store, row: SearchRow, points: Candidates, study: Study) -> int:
    """Has the failed candidates run again, and be told anew; how many there are."""
    with store.write() as connection:
        failed = [one for one in searches.read_candidates(connection, row.id) if one.state == FAILED]
        trials = [points.trial(one.point, seed_of(study), searches.label(one.number)) for one in failed]
        claims.retry(connection, [trial.training_key for trial in trials])
        for one in failed:
            searches.tell(connection, row.id, replace(one, state=RUNNING, told=None))
    return len(failed)


def seed_of(study: Study) -> int:
    """The one seed that all candidates are trained with, so that they are paired: the study's first."""
    return study.seeds[0]


def fresh_seeds(study: Study) -> range:
    """Seeds that no candidate was trained with."""
    after = seed_of(study) + 1
    return range(after, after + _search(study).finalist_seeds)


def _search(study: Study) -> SearchSpec:
    assert study.search is not None
    return study.search


@dataclass
class SearchDriver:
    """Hands the queue one candidate after another; satisfies `dispatch.Supply`.

    `named` is told of each that is handed out: its training key and label. `counted`: after each look at the store,
    with what is known then. `given`: {training key: candidate} of what was handed out and runs.
    """

    store: Store
    study: Study
    points: Candidates
    row: SearchRow
    named: Callable[[str, str], None]
    counted: Callable[["SearchDriver"], None]
    given: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.search = _search(self.study)
        self.metric = int(self.search.metrics[0].removeprefix("top"))
        self.spent, self.looked = self.row.seconds, time.monotonic()
        (baseline,) = self.points.baseline((seed_of(self.study),))
        self.baseline = baseline.key
        self.watches = self.search.pruner is not None
        self.over = False
        self._forget()

    def _forget(self) -> None:
        """Begins with what the store knows."""
        self.known: dict[int, Candidate] = {}
        self.trainings: dict[int, Trial] = {}
        self.tried: set[str] = set()
        self.last = -1
        self.sampling = OptunaSampler(self.search, seed_of(self.study))
        self.left = grid.points(self.search) if self.search.sampler == GRID else None
        self.next: dict[str, Any] | None = None

    def more(self) -> list[Trial]:
        """The first candidate that waits, or the next that is proposed."""
        given = self.given.copy()
        try:
            with self.store.write() as connection:
                self._hold(connection)
                self._take_in(connection)
                trial = self._waiting(connection)
                while trial is None and self._may_ask():
                    trial = self._ask(connection)
        except BaseException:  # what was asked and told is not in the store, and may be asked and told again
            self.given = given
            self._forget()
            raise
        self.over = trial is None and not self._may_ask() and not self._running()
        self.counted(self)
        if trial is None:
            return []
        self.named(trial.training_key, trial.label)
        return [trial]

    def is_over(self) -> bool:
        return self.over

    def ended(self, key: str) -> None:
        self.given.pop(key, None)

    def is_worth(self, key: str, interim: Interim) -> bool:
        number = self.given.get(key)
        if number is None or number >= len(self.sampling):
            return True
        return self.sampling.is_worth(number, interim.part, interim.hits[self.metric] / interim.queries)

    def _hold(self, connection: Connection) -> None:
        """Keeps other runners from asking at the same time, and counts the time."""
        now = time.monotonic()
        passed, self.looked = now - self.looked, now
        searches.hold(connection, self.row.id, passed)
        self.spent += passed

    def _take_in(self, connection: Connection) -> None:
        """What other runners have added and told, and what has ended since."""
        rows = searches.read_candidates(connection, self.row.id, self.last)
        new = [row for row in rows if row.number not in self.known]
        interims = self._interims(connection, new)
        for row in new:
            self.sampling.add(row, interims.get(row.number) if row.told is not None else None)
            self._note(row)
        for row in new:
            for part, rate in interims.get(row.number, {}).items() if row.told is None else ():
                self.sampling.is_worth(row.number, part, rate)  # as it was asked before, one part after another
        for row in rows:
            if row.told is not None and self.known[row.number].told is None:
                self.sampling.tell(row)
                self._note(row)
        for ended in self._ended(connection, [row for row in rows if row.told is None]):
            searches.tell(connection, self.row.id, ended)
            self.sampling.tell(ended)
            self._note(ended)

    def _note(self, row: Candidate) -> None:
        self.known[row.number] = row
        self.tried.add(_text(row.point))
        self.last = max(self.last, -1 if row.told is None else row.told)

    def _ended(self, connection: Connection, running: Sequence[Candidate]) -> Iterator[Candidate]:
        """Those of the candidates whose trainings have ended, in the order of their numbers."""
        keys = {row.trial_key for row in running}
        scores, states = searches.read_scores(connection, keys), searches.standing(connection, keys)
        told = self.last
        for row in running:
            state = DONE if row.trial_key in scores else states[row.trial_key]
            if state in (FAILED, PRUNED) or row.trial_key in scores:
                told += 1
                notes = self.sampling.notes(row.number)
                yield replace(row, state=state, scores=scores.get(row.trial_key), told=told, notes=notes)

    def _interims(self, connection: Connection, rows: Sequence[Candidate]) -> Mapping[int, Interims]:
        """{candidate: {part: rate}} of those that were watched."""
        if self.search.pruner is None or not rows:
            return {}
        keys = {row.number: self._trial(row).training_key for row in rows}
        found = read_interims(connection, set(keys.values()))
        return {
            number: {part: rates[self.metric] for part, rates in found.get(key, {}).items()}
            for number, key in keys.items()
        }

    def _waiting(self, connection: Connection) -> Trial | None:
        """A candidate that runs by the store, and that nobody runs."""
        rows = [row for row in self._running() if self._trial(row).training_key not in self.given]
        states = searches.standing(connection, {row.trial_key for row in rows})
        for row in rows:
            if states[row.trial_key] in (QUEUED, DONE):  # done: for another evaluation than ours
                return self._hand(row)
        return None

    def _ask(self, connection: Connection) -> Trial | None:
        """The trial of the next number, which the store may have run already."""
        number = len(self.sampling)
        point, notes = self._suggested(number)
        trial = self.points.trial(point, seed_of(self.study), searches.label(number))
        plans.save_trials(connection, [trial], revive=False)
        row = Candidate(number, False, point, trial.key, notes, RUNNING, None, None)
        searches.add_candidates(connection, self.row.id, [row])
        self.trainings[number] = trial
        self._note(row)
        for ended in self._ended(connection, [row]):
            searches.tell(connection, self.row.id, ended)
            self.sampling.tell(ended)
            self._note(ended)
            return None
        return self._hand(row) if trial.training_key not in self.given else None

    def _suggested(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        point = self._untried()
        if point is None:
            return self.sampling.suggest()
        self.sampling.add(Candidate(number, False, point, "", {}, RUNNING, None, None))
        return point, {}

    def _untried(self) -> dict[str, Any] | None:
        """The next point of a grid that has not been tried."""
        while self.left and (self.next is None or _text(self.next) in self.tried):
            self.next = next(self.left, None)
            if self.next is None:
                break
        return self.next

    def _hand(self, row: Candidate) -> Trial:
        trial = self._trial(row)
        self.given[trial.training_key] = row.number
        return trial

    def _trial(self, row: Candidate) -> Trial:
        if row.number not in self.trainings:
            label = searches.label(row.number)
            self.trainings[row.number] = self.points.trial(row.point, seed_of(self.study), label)
        return self.trainings[row.number]

    def _running(self) -> list[Candidate]:
        return [row for row in self.known.values() if row.told is None]

    def _may_ask(self) -> bool:
        """Whether the budget, and a grid, hold another candidate."""
        asked = sum(not row.known for row in self.known.values())
        in_trials = self.search.trials is None or asked < self.search.trials
        in_time = self.search.hours is None or self.spent < 3600 * self.search.hours
        return in_trials and in_time and (self.left is None or self._untried() is not None)


def _text(point: Mapping[str, Any]) -> str:
    """A point as something that can be looked up; a boolean is no number."""
    return repr(sorted(point.items()))
