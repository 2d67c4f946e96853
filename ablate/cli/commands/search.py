"""`ablate search`: finds the best values of the study's search space, and compares them with the baseline."""

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
    if not summary.finalists and summary.finished:
        text = "only the baseline has a result, so there is nothing to compare it with; search a wider space"
        say(f"{summary.study}: {text}")
        return
    if not summary.finalists:
        say(f"{summary.study}: no trial has a result, so there is nothing to compare; {typeable(RETRY, summary.study)}")
    elif summary.failed:
        failed = f"{summary.failed} of {summary.trainings} trainings failed"
        say(f"{summary.study}: {failed}; {typeable(RETRY, summary.study)}")
    else:
        say_next("report", summary.study)
        return
    raise typer.Exit(FAILED)
