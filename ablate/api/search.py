"""Searching for the best values of a study, and comparing the best ones with the baseline."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.api.run import open_session
from ablate.api.stores import DEFAULT_STORE, StoreOrUrl
from ablate.errors import AblateError
from ablate.run.observer import Observer, RunOutline
from ablate.run.request import StudyRequest, StudySource, read_source, request_to_run
from ablate.study.model import Study
from ablate.study.plan.unread_warnings import check_search
from ablate.text import listed, listed_in_part, plural

if TYPE_CHECKING:
    from ablate.adaptive.search.dashboard_export import DashboardExport
    from ablate.adaptive.search.driver import SearchDriver
    from ablate.run.preparation import PreparedRun
    from ablate.run.session import Session
    from ablate.store.searches import Candidate, SearchRow
    from ablate.study.search_space.candidates import Candidates
    from ablate.study.search_space.space import SearchSpec

EXAMPLE = "search: {space: {margin: {low: 0.05, high: 1.0}}, trials: 40}"

MOST_NAMED = 4
"""Candidates without a score that are named one by one."""


@dataclass(frozen=True)
class SearchRunSummary:
    """The end of a search."""

    study: str
    """The study's name."""
    candidates: int
    """Candidates that were tried; without those that are rows of the study."""
    finalists: int
    """Candidates that were compared with the baseline; 0 if no candidate other than the baseline has a result."""
    trainings: int
    """Trainings of the finalists and the baseline."""
    failed: int
    """Trainings among these that failed."""
    finished: int
    """Candidates with a score, those included that the study had run before."""
    failed_candidates: int = 0
    """Candidates that failed: they have no result, and no finalist is chosen among them."""
    unscored: int = 0
    """Candidates that have finished, but not with a finite score on each metric of the search."""
    diverged: int = 0
    """Trainings of the finalists and the baseline that diverged. They are an outcome, and not among `failed`."""
    diverged_candidates: int = 0
    """Candidates that diverged. They count as worse than all others."""


def search_study(
    study: Study | Path | str,
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    profile: str | None = None,
    settings: Sequence[str] = (),
    workers: int | None = None,
    executor: str | None = None,
    retry_failed: bool = False,
    observer: Observer | None = None,
) -> SearchRunSummary:
    """Try candidates of the study's search space on the validation split, then compare the best with the baseline.

    The comparison has fresh seeds and the test split. `study` is a study file or a Study; `profile` and `KEY=VALUE`
    `settings` change a file. `workers`, `executor`, `retry_failed` and `observer` are those of `run_study`.

    A search that was interrupted continues with the same call. Raises AblateError for a request that cannot be carried
    out, and KeyboardInterrupt if a stop was requested by Ctrl-C.
    """
    observer = observer or Observer()
    source = replace(read_source(study, profile, settings), searching=True)
    space = _space(source)  # before anything is packed
    request = request_to_run(source, (), observer.message)
    check_search(request.study)
    from ablate.adaptive.search import finalists  # here: Optuna takes long to import
    from ablate.adaptive.search.driver import begin, queue_failed
    from ablate.store.schema import DIVERGED, DONE, FAILED
    from ablate.study.search_space.candidates import Candidates

    points = Candidates(request.study)
    session = open_session(store, points.baseline(request.study.seeds), workers, executor, observer)
    row = begin(session.store, request.study, points, request.source.place)
    if row.why:
        observer.message(f"{request.study.name}: search {row.number} begins, as {row.why}")
    if not finalists.is_planned(session.store, request.study, row):  # so that a report finds the search from now on
        _prepare_finalists(session, request, points, row, [])
    if retry_failed:
        queue_failed(session.store, row, points, request.study)
    driver = _try_candidates(session, request, space, points, row)
    candidates = list(driver.candidates.values())
    best = finalists.best(candidates, space, driver.baseline)
    tried = sum(not candidate.known for candidate in candidates)
    failed = sum(candidate.state == FAILED for candidate in candidates)
    diverged = sum(candidate.state == DIVERGED for candidate in candidates)
    finished = sum(finalists.has_scores(candidate, space) for candidate in candidates)
    if unscored := [one for one in candidates if one.state == DONE and not finalists.has_scores(one, space)]:
        observer.message(f"warning: {request.study.name}: {_unscored_words(unscored, space)}")
    if best and finalists.baseline_is_best(candidates, space, driver.baseline):
        observer.message(f"{request.study.name}: the best candidate is the baseline itself; nothing tried was better")
    if finalists.are_level(candidates, space):
        observer.message(
            f"warning: {request.study.name}: all {finished} candidates have the same score, so the search could not "
            "tell them apart"
        )
    ended = (finished, failed, len(unscored))
    if not best:
        return SearchRunSummary(request.study.name, tried, 0, 0, 0, *ended, 0, diverged)
    is_candidate = any(candidate.trial_key == driver.baseline for candidate in candidates)
    observer.message(f"{request.study.name}: {_best_words(len(best), space.top, is_candidate)}, with fresh seeds")
    session.run(_prepare_finalists(session, request, points, row, best, retry_failed))
    trainings, failed_trainings = len(session.states), len(session.failed)
    of_finalists = (len(best), trainings, failed_trainings)
    return SearchRunSummary(request.study.name, tried, *of_finalists, *ended, session.diverged, diverged)


def _best_words(finalists: int, requested: int, is_candidate: bool) -> str:
    """Return the rows that run next: `the baseline and the best 3 candidates`. `is_candidate`: the baseline was one."""
    noun = f"{'other ' if is_candidate else ''}candidate{'s' if finalists > 1 else ''}"
    best = f"the best {finalists} {noun}" if finalists > 1 else f"the best {noun}"
    fewer = f" ({requested} requested; no more have a result)" if finalists < requested else ""
    return f"the baseline and {best}{fewer}"


def _unscored_words(unscored: "Sequence[Candidate]", space: "SearchSpec") -> str:
    """Return the candidates that have finished without a finite score, in words."""
    names = [name for name in space.names if any(name not in (one.scores or {}) for one in unscored)]
    trials = listed_in_part([f"trial {one.number}" for one in unscored], MOST_NAMED)
    verb, pronoun = ("has", "it counts") if len(unscored) == 1 else ("have", "they count")
    return f"{trials} {verb} no finite {listed(names, 'or')}, so {pronoun} as worse than all others"


def _space(source: StudySource) -> "SearchSpec":
    if source.study.search is None:
        raise AblateError(f"{source.place}: has no `search` section; it declares what is searched, like {EXAMPLE}")
    return source.study.search


def _prepare_finalists(
    session: "Session",
    request: StudyRequest,
    points: "Candidates",
    row: "SearchRow",
    best: "Sequence[Candidate]",
    retry_failed: bool = False,
) -> "PreparedRun":
    """Save the plan that compares the best candidates with the baseline, and return its trials."""
    from ablate.adaptive.search.finalists import study_of
    from ablate.run.preparation import prepare

    compared, trials = study_of(request.study, points, row, best)
    return prepare(session.store, compared, trials, trials, request.source.overrides, retry_failed=retry_failed)


def _try_candidates(
    session: "Session", request: StudyRequest, space: "SearchSpec", points: "Candidates", row: "SearchRow"
) -> "SearchDriver":
    """Run candidates until the budget is spent. Raises KeyboardInterrupt if a stop was requested before."""
    from ablate.adaptive.search.driver import SearchDriver
    from ablate.run.dispatch.dispatcher import Dispatcher
    from ablate.run.dispatch.signals import interruptible

    started, study, store = time.monotonic(), request.study, session.store
    with (
        interruptible() as stop_requested,
        session.observer.dispatching(RunOutline()) as observer,
        _dashboard_export(store.folder, study, space, session.observer) as export,
    ):
        driver = SearchDriver(store, study, points, row, observer, export)
        Dispatcher(store, [], observer, session.executor, session.slots, stop_requested, driver).run()
    if not driver.is_over():
        raise KeyboardInterrupt
    session.observer.message(_candidate_counts(study.name, driver, time.monotonic() - started))
    return driver


@contextmanager
def _dashboard_export(
    folder: Path, study: Study, space: "SearchSpec", observer: Observer
) -> "Iterator[DashboardExport | None]":
    """Open the copy for Optuna's dashboard. A folder that cannot be written costs the copy, not the search."""
    from ablate.adaptive.search.dashboard_export import DashboardExport

    try:
        export = DashboardExport(folder / "optuna", study.name, study.profile, space)
    except OSError as error:
        observer.message(_no_copy(error))
        yield None
        return
    try:
        yield export
    finally:
        export.close()
        if export.error:
            observer.message(_no_copy(export.error))


def _no_copy(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"warning: no copy for optuna-dashboard: {place}{error.strerror}"


def _candidate_counts(study: str, driver: "SearchDriver", seconds: float) -> str:
    candidates = driver.candidates.values()
    counts = Counter(candidate.state for candidate in candidates if not candidate.known)
    words = [plural(counts.total(), "trial")]
    words += [f"{counts[state]} {state}" for state in ("pruned", "failed", "diverged") if counts[state]]
    if from_rows := sum(candidate.known for candidate in candidates):
        words.append(f"{from_rows} known from the study's rows")
    return f"{study}: {', '.join(words)}, in {seconds:.1f} s"
