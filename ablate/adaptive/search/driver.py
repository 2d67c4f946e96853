"""A search. Its candidates go through the same queue as all trials, and its state is kept in the store alone."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ablate.adaptive.search.dashboard_export import DashboardExport
from ablate.adaptive.search.optuna_sampler import Interims, OptunaSampler, grid_points, part_of
from ablate.errors import StudyError
from ablate.measurement import Interim
from ablate.run.observer import Observer
from ablate.store import Connection, Store, plans, searches
from ablate.store.queue import claims
from ablate.store.schema import DIVERGED, DONE, FAILED, PRUNED, QUEUED, RUNNING
from ablate.store.search_progress import read_interims
from ablate.store.searches import Candidate, SearchRow
from ablate.study.factors import level_text
from ablate.study.model import Study
from ablate.study.search_space.candidates import Candidates
from ablate.study.search_space.space import GRID, SearchSpec
from ablate.study.trials.identity import Trial


def begin(store: Store, study: Study, points: Candidates, path: str) -> SearchRow:
    """Return the search that this run continues, or a new one that begins with the results of the study's rows.

    `path` is the study file, for messages. Raises StudyError if the file declares another search than the one that
    has begun.
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
        searches.add_candidates(connection, row.id, list(_candidates_of_rows(connection, study, points, search.names)))
    return row


def _refuse_changes(row: SearchRow, declared: Mapping[str, Any], path: str) -> None:
    """Raise StudyError with a fault for each key of the search that has changed since it began."""
    faults = []
    before, now = _flat(row.declared), _flat(declared)
    for name in [*now, *(name for name in before if name not in now)]:
        if before.get(name) != now.get(name):
            was, is_now = (level_text(each[name]) if name in each else "missing" for each in (before, now))
            faults.append(f"{path}: search.{name}: was {was} when this search began, and is {is_now} now")
    were, are = _directions(row.declared), _directions(declared)
    for name in (name for name in are if were.get(name, are[name]) != are[name]):
        faults.append(f"{path}: {name}: {were[name]} was better when this search began, and {are[name]} is now")
    if faults:
        remedy = "put it back to continue, or give the study another name: a new search then reuses finished trials"
        raise StudyError([*faults[:-1], f"{faults[-1]}; {remedy}"])


def _flat(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a search section, with one for each dimension."""
    space = {f"space.{name}": ends for name, ends in declared["space"].items()}
    return {**space, **{name: value for name, value in declared.items() if name not in ("space", "better")}}


def _directions(declared: Mapping[str, Any]) -> dict[str, str]:
    """Return {metric: which values are better, higher or lower}."""
    return {name: declared.get("better", {}).get(name, "higher") for name in declared["metric"]}


def _candidates_of_rows(
    connection: Connection, study: Study, points: Candidates, metrics: Sequence[str]
) -> Iterator[Candidate]:
    """Yield the points of the space that the study's rows have run with the search's seed, as finished candidates."""
    points_of_trials: dict[str, dict[str, Any]] = {}
    for row in study.rows:
        if (point := points.point_of(row)) is not None:
            points_of_trials.setdefault(points.trial(point, seed_of(study), row.label).key, point)
    scores = searches.read_scores(connection, points_of_trials, metrics)
    done = [(key, point) for key, point in points_of_trials.items() if key in scores]
    for number, (key, point) in enumerate(done):
        yield Candidate(number, True, point, key, {}, DONE, scores[key], number)


def queue_failed(store: Store, row: SearchRow, points: Candidates, study: Study) -> int:
    """Queue the failed candidates again, as running ones of the search. Return their number."""
    with store.write() as connection:
        failed = [one for one in searches.read_candidates(connection, row.id) if one.state == FAILED]
        trials = [points.trial(one.point, seed_of(study), searches.label(one.number)) for one in failed]
        claims.retry(connection, [trial.training_key for trial in trials])
        for one in failed:
            searches.tell(connection, row.id, replace(one, state=RUNNING, told=None))
    return len(failed)


def seed_of(study: Study) -> int:
    """Return the seed that all candidates are trained with, so that they are paired: the study's first."""
    return study.seeds[0]


def fresh_seeds(study: Study) -> range:
    """Return the seeds of the finalists, which no candidate was trained with."""
    after = seed_of(study) + 1
    return range(after, after + _search(study).finalist_seeds)


def _search(study: Study) -> SearchSpec:
    if study.search is None:
        raise StudyError([f"{study.name}: has no `search` section"])
    return study.search


@dataclass
class SearchDriver:
    """Proposes one candidate after another to the queue; a `TrialSupply` of the dispatcher."""

    store: Store
    study: Study
    points: Candidates
    row: SearchRow
    """The search in the store."""
    observer: Observer
    """Receives every candidate that is handed out, and the counts after each look at the store."""
    export: DashboardExport | None = None
    """Receives the candidates that have ended."""

    def __post_init__(self) -> None:
        self.search = _search(self.study)
        self.metric = self.search.names[0]
        self.is_warned = False
        self.spent_seconds, self.looked_at = self.row.seconds, time.monotonic()
        (baseline,) = self.points.baseline((seed_of(self.study),))
        self.baseline = baseline.key
        self.watches = self.search.pruner is not None
        self.handed_out: dict[str, int] = {}  # {training key: number of the candidate} of those that run here
        self.over = False
        self._forget()

    def _forget(self) -> None:
        """Drop everything that was read from the store, so that the next look reads it again."""
        self.candidates: dict[int, Candidate] = {}
        self.trials: dict[int, Trial] = {}
        self.tried: set[str] = set()
        self.last_ended = -1  # the place of the last candidate that ended, in the order in which they ended
        self.sampling = OptunaSampler(self.search, seed_of(self.study))
        self.grid = grid_points(self.search) if self.search.sampler == GRID else None
        self.next_in_grid: dict[str, Any] | None = None

    def more(self) -> list[Trial]:
        """Return the first candidate that waits in the store, or the next one that the sampler proposes."""
        handed_out = self.handed_out.copy()
        try:
            with self.store.write() as connection:
                self._lock(connection)
                self._read_changes(connection)
                trial = self._waiting(connection)
                while trial is None and self._may_propose():
                    trial = self._propose(connection)
        except BaseException:  # the transaction is rolled back, so the sampler must be rebuilt from the store
            self.handed_out = handed_out
            self._forget()
            raise
        self.over = trial is None and not self._may_propose() and not self._running()
        self._report()
        if trial is None:
            return []
        self.observer.added(trial.training_key, trial.label)
        return [trial]

    def is_over(self) -> bool:
        return self.over

    def ended(self, key: str) -> None:
        self.handed_out.pop(key, None)

    def is_worth(self, key: str, interim: Interim) -> bool:
        number = self.handed_out.get(key)
        if number is None or number >= len(self.sampling):
            return True
        value = next((one.value for one in interim.measurements if one.metric == self.metric), None)
        if value is None:
            self._warn_once(number)
            return True
        return self.sampling.is_worth(number, part_of(interim.fraction), value)

    def _warn_once(self, number: int) -> None:
        """Report that the pruner has nothing to judge, as the trainer gives other metrics during a training."""
        if not self.is_warned:
            self.observer.message(
                f"warning: {self.study.name}: {searches.label(number)} reports no {self.metric} during its training, "
                f"so pruner {self.search.pruner} stops nothing"
            )
            self.is_warned = True

    def _report(self) -> None:
        """Report the counts of candidates that are not rows of the study, and export those that have ended."""
        counts = Counter(candidate.state for candidate in self.candidates.values() if not candidate.known)
        total = self.search.trials or counts.total()
        self.observer.counted(counts[DONE] + counts[PRUNED], counts[FAILED], total, counts[DIVERGED])
        if self.export:
            self.export.add(self.candidates)

    def _lock(self, connection: Connection) -> None:
        """Keep other runners from proposing at the same time, and add the time since the last look to the budget."""
        now = time.monotonic()
        passed, self.looked_at = now - self.looked_at, now
        searches.hold(connection, self.row.id, passed)
        self.spent_seconds += passed

    def _read_changes(self, connection: Connection) -> None:
        """Read the candidates that other runners added or ended, then end those whose trainings have ended."""
        rows = searches.read_candidates(connection, self.row.id, self.last_ended)
        self._add_new(connection, [row for row in rows if row.number not in self.candidates])
        for row in rows:
            if row.told is not None and self.candidates[row.number].told is None:
                self.sampling.tell(row)
                self._note(row)
        self._end_finished(connection, [row for row in rows if row.told is None])

    def _add_new(self, connection: Connection, rows: Sequence[Candidate]) -> None:
        """Add candidates to the sampler; those that run, with the questions that its pruner has answered before."""
        interims = self._interims(connection, rows)
        for row in rows:
            self.sampling.add(row, interims.get(row.number) if row.told is not None else None)
            self._note(row)
        for row in rows:
            if row.told is None:
                for part, value in interims.get(row.number, {}).items():
                    self.sampling.is_worth(row.number, part, value)

    def _end_finished(self, connection: Connection, running: Sequence[Candidate]) -> bool:
        """End the candidates whose trainings have ended, in the store and the sampler. Return True if there are any."""
        ended = list(self._finished(connection, running))
        for row in ended:
            searches.tell(connection, self.row.id, row)
            self.sampling.tell(row)
            self._note(row)
        return bool(ended)

    def _note(self, row: Candidate) -> None:
        self.candidates[row.number] = row
        self.tried.add(_point_text(row.point))
        self.last_ended = max(self.last_ended, -1 if row.told is None else row.told)

    def _finished(self, connection: Connection, running: Sequence[Candidate]) -> Iterator[Candidate]:
        """Yield those of the candidates whose trainings have ended, in the order of their numbers."""
        keys = {row.trial_key for row in running}
        scores = searches.read_scores(connection, keys, self.search.names)
        states = searches.standing(connection, keys)
        place = self.last_ended
        for row in running:
            state = DONE if row.trial_key in scores else states[row.trial_key]
            if state in (FAILED, DIVERGED, PRUNED) or row.trial_key in scores:
                place += 1
                notes = self.sampling.notes(row.number)
                yield replace(row, state=state, scores=scores.get(row.trial_key), told=place, notes=notes)

    def _interims(self, connection: Connection, rows: Sequence[Candidate]) -> Mapping[int, Interims]:
        """Return {candidate: {part: value of the first metric}}; empty without a pruner."""
        if self.search.pruner is None or not rows:
            return {}
        keys = {row.number: self._trial(row).training_key for row in rows}
        of_trainings = read_interims(connection, set(keys.values()))
        return {
            number: {
                part_of(done): values[self.metric]
                for done, values in of_trainings.get(key, {}).items()
                if self.metric in values
            }
            for number, key in keys.items()
        }

    def _waiting(self, connection: Connection) -> Trial | None:
        """Return a candidate that counts as running and that no runner trains; None if there is none."""
        rows = [row for row in self._running() if self._trial(row).training_key not in self.handed_out]
        states = searches.standing(connection, {row.trial_key for row in rows})
        for row in rows:
            if states[row.trial_key] in (QUEUED, DONE):  # done: for another evaluation than this one
                return self._hand_out(row)
        return None

    def _propose(self, connection: Connection) -> Trial | None:
        """Propose the next candidate and return its trial; None if the store has its result already."""
        number = len(self.sampling)
        point, notes = self._next_point(number)
        trial = self.points.trial(point, seed_of(self.study), searches.label(number))
        plans.save_trials(connection, [trial], revive=False)
        self._continue_if_pruned_elsewhere(connection, trial)
        row = Candidate(number, False, point, trial.key, notes, RUNNING, None, None)
        searches.add_candidates(connection, self.row.id, [row])
        self.trials[number] = trial
        self._note(row)
        if self._end_finished(connection, [row]):
            return None
        return self._hand_out(row) if trial.training_key not in self.handed_out else None

    def _continue_if_pruned_elsewhere(self, connection: Connection, trial: Trial) -> None:
        """Queue the training again if another search has pruned it: that one's judgement is not this one's."""
        if searches.standing(connection, {trial.key})[trial.key] != PRUNED:
            return
        if all(self._trial(row).training_key != trial.training_key for row in self.candidates.values()):
            claims.queue_pruned(connection, [trial.training_key])

    def _next_point(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the next point, and the sampler's notes about it."""
        point = self._untried_in_grid()
        if point is None:
            return self.sampling.suggest()
        self.sampling.add(Candidate(number, False, point, "", {}, RUNNING, None, None))
        return point, {}

    def _untried_in_grid(self) -> dict[str, Any] | None:
        """Return the next point of a grid that was not tried; None at its end, and without a grid."""
        while self.grid and (self.next_in_grid is None or _point_text(self.next_in_grid) in self.tried):
            self.next_in_grid = next(self.grid, None)
            if self.next_in_grid is None:
                break
        return self.next_in_grid

    def _hand_out(self, row: Candidate) -> Trial:
        trial = self._trial(row)
        self.handed_out[trial.training_key] = row.number
        return trial

    def _trial(self, row: Candidate) -> Trial:
        if row.number not in self.trials:
            label = searches.label(row.number)
            self.trials[row.number] = self.points.trial(row.point, seed_of(self.study), label)
        return self.trials[row.number]

    def _running(self) -> list[Candidate]:
        return [row for row in self.candidates.values() if row.told is None]

    def _may_propose(self) -> bool:
        """Return True if the budget of trials and hours, and a grid, allow another candidate."""
        proposed = sum(not row.known for row in self.candidates.values())
        in_trials = self.search.trials is None or proposed < self.search.trials
        in_time = self.search.hours is None or self.spent_seconds < 3600 * self.search.hours
        return in_trials and in_time and (self.grid is None or self._untried_in_grid() is not None)


def _point_text(point: Mapping[str, Any]) -> str:
    """Return a point as a text to compare; it keeps True and 1 apart."""
    return repr(sorted(point.items()))
