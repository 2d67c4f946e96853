"""`ablate search`: finds the best values of the study's search space, and compares them with the baseline."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from ablate.cli.hints import typeable
from ablate.cli.messages import say, say_next
from ablate.cli.options import (
    DEFAULT_STORE,
    FAILED,
    Executor,
    Profile,
    RetryFailed,
    Settings,
    StoreUrl,
    StudyPath,
    Workers,
    guarded,
)

if TYPE_CHECKING:
    from ablate.api.search import SearchRunSummary

NO_SCORE = (
    "no candidate has a score, so there is nothing to compare; name another `search.metric`, or change what makes "
    "this one unusable, and search under another study name"
)
DIVERGED = "trainings of the finalists and the baseline diverged; the report counts them in their rows"
RETRY = "`ablate status` shows why; `ablate search --retry-failed` runs the failed ones again"


@guarded
def search(
    path: StudyPath,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    settings: Settings = None,
    workers: Workers = None,
    executor: Executor = None,
    retry_failed: RetryFailed = False,
) -> None:
    """Find the best values on the validation split, then compare them with the baseline on fresh seeds and the test
    split."""
    from ablate.api.search import search_study
    from ablate.cli.live import TerminalObserver

    summary = search_study(
        path,
        store,
        profile=profile,
        settings=settings or (),
        workers=workers,
        executor=executor,
        retry_failed=retry_failed,
        observer=TerminalObserver(),
    )
    if faults := list(_faults(summary)):
        say(f"{summary.study}: {', and '.join(faults)}; {typeable(RETRY, summary.study)}")
    without_score = summary.unscored + summary.diverged_candidates
    has_no_score = not summary.finished and not summary.failed_candidates and without_score > 0
    if summary.diverged:
        say(f"{summary.study}: {summary.diverged} of {summary.trainings} {DIVERGED}")
    if has_no_score:
        say(f"{summary.study}: {NO_SCORE}")
    if summary.finalists:
        say_next("report", summary.study)
    elif summary.finished:
        text = "only the baseline has a result, so there is nothing to compare it with; search a wider space"
        say(f"{summary.study}: {text}")
    if faults or has_no_score:
        raise typer.Exit(FAILED)


def _faults(summary: "SearchRunSummary") -> Iterator[str]:
    """Yield what failed in a search."""
    without_score = summary.unscored + summary.diverged_candidates
    if not summary.finished and (summary.failed_candidates or not without_score):
        yield "no trial has a result, so there is nothing to compare"
    elif summary.failed_candidates:
        yield f"{summary.failed_candidates} of {summary.candidates} trials of the search failed"
    if summary.failed:
        yield f"{summary.failed} of {summary.trainings} trainings of the finalists and the baseline failed"
