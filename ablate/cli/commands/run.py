"""`ablate run`: runs the trials of a study file that have no result in the store yet."""

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.hints import typeable
from ablate.cli.messages import say, say_next, say_options
from ablate.cli.options import (
    DEFAULT_STORE,
    FAILED,
    Executor,
    Only,
    Profile,
    RetryFailed,
    Seeds,
    Settings,
    StoreUrl,
    StudyPath,
    Workers,
    guarded,
)

if TYPE_CHECKING:
    from ablate.api.run import RunSummary

DIVERGED = (
    "`ablate status` shows why they diverged; reports count them in their rows, and nothing runs them again by itself"
)


@guarded
def run(
    path: StudyPath,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    settings: Settings = None,
    only: Only = None,
    seeds: Seeds = None,
    workers: Workers = None,
    executor: Executor = None,
    retry_failed: RetryFailed = False,
    accept_stale: Annotated[
        bool,
        typer.Option("--accept-stale", help="Keep stale results, and record that, instead of running trials again."),
    ] = False,
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Add seeds step by step, only to rows whose verdict is undecided."),
    ] = False,
) -> None:
    """Run the trials that have no result yet. Press Ctrl-C once to checkpoint and stop, twice to stop now."""
    from ablate.api.run import run_study
    from ablate.cli.live import TerminalObserver

    summary = run_study(
        path,
        store,
        profile=profile,
        settings=settings or (),
        seeds=seeds,
        only=only or (),
        until_decided=until_decided,
        workers=workers,
        executor=executor,
        retry_failed=retry_failed,
        accept_stale=accept_stale,
        observer=TerminalObserver(),
    )
    with contextlib.suppress(OSError):  # stderr may be closed
        _print_summary(summary)
    if summary.failed:
        raise typer.Exit(FAILED)


def _print_summary(summary: "RunSummary") -> None:
    study, trainings = summary.study, len(summary.states)
    if not summary.ran and not summary.failed:
        diverged = f", {summary.diverged} of them diverged" if summary.diverged else ""
        already = f"all {trainings} trainings are done already{diverged}; " if trainings else ""
        say(f"{study}: {already}nothing to run")
    else:
        before = f" ({summary.failed_before} of them in an earlier run)" if summary.failed_before else ""
        text = f"{summary.ran} of {trainings} trainings run in {summary.seconds:.1f} s, {summary.failed} failed{before}"
        say(f"{study}: {text}{f', {summary.diverged} diverged' if summary.diverged else ''}")
    if summary.looks:
        say(f"{study}: {summary.looks}")
    if summary.overrides:
        say_options(summary.overrides, summary.place, study)
    if summary.failed:
        say(typeable("`ablate status` shows why; `ablate run --retry-failed` runs the failed ones again", study))
    elif summary.diverged:
        say(typeable(DIVERGED, study))
    if not summary.failed:
        say_next("report", study)
