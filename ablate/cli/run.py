"""`ablate run`: runs what the file asks for and the store lacks."""

import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import (
    DEFAULT_STORE,
    FAILED,
    Executor,
    Only,
    Profile,
    Seeds,
    Settings,
    StoreUrl,
    StudyPath,
    Workers,
    all_settings,
    guarded,
)
from ablate.errors import AblateError, unknown_name

if TYPE_CHECKING:
    from ablate.study.plan import PlannedTrial


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
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")] = False,
    accept_stale: Annotated[
        bool, typer.Option("--accept-stale", help="Keep stale results, and record that, instead of running anew.")
    ] = False,
) -> None:
    """Run what the study asks for and the store lacks."""
    from ablate.cli.request import read_request

    started = time.monotonic()
    overrides = all_settings(settings, seeds)
    request = read_request(path, profile, overrides, only, prepare=True)

    from ablate.cli.live import watch  # after the request, so that a fault in it answers at once
    from ablate.run.dispatch import Dispatch
    from ablate.run.interrupt import interruptible
    from ablate.run.planning import prepare
    from ablate.run.slots import slots
    from ablate.store import open_store

    executor = executor_of(executor, workers)
    places = slots(request.selected, 1 if executor == "inline" else workers)
    opened = open_store(store, write=True)
    assert opened is not None
    if warning := opened.warning():
        typer.echo(f"warning: {warning}", err=True)
    study = request.study
    prepared = prepare(
        opened,
        study,
        request.trials,
        request.selected,
        overrides,
        retry_failed=retry_failed,
        accept_stale=accept_stale,
    )
    before = prepared.before
    _tell_accepted(prepared.selected)
    shown = [item.trial for item in prepared.selected if item.trial.training_key in before]
    with interruptible() as asked, watch(shown, before, prepared.expected) as observer:
        states = Dispatch(opened, prepared.trials, observer, executor, places, asked).run()
    if asked.is_set() and not set(states.values()) <= {"done", "failed"}:
        raise KeyboardInterrupt
    failed = [key for key, state in states.items() if state == "failed"]
    earlier = sum(before[key] == "failed" and not retry_failed for key in failed)
    ran = sum(state not in ("done", "failed") for state in before.values())
    with contextlib.suppress(OSError):  # nobody reads stderr any more
        _summary(study.name, len(before), ran, len(failed), earlier, time.monotonic() - started)
    if failed:
        raise typer.Exit(FAILED)


def _tell_accepted(selected: "Sequence[PlannedTrial]") -> None:
    kept = sum(item.state == "accepted" for item in selected)
    if kept:
        typer.echo(f"{kept} stale result{'s' if kept > 1 else ''} kept as accepted; `ablate plan` says why", err=True)


def _summary(study: str, trainings: int, ran: int, failed: int, earlier: int, seconds: float) -> None:
    if not ran and not failed:
        already = f"all {trainings} trainings are done already; " if trainings else ""
        typer.echo(f"{study}: {already}nothing to run", err=True)
    else:
        before = f" ({earlier} of them in an earlier run)" if earlier else ""
        typer.echo(f"{study}: {ran} of {trainings} trainings run in {seconds:.1f} s, {failed} failed{before}", err=True)
    if failed:
        typer.echo("`ablate status` says why; `ablate run --retry-failed` runs the failed ones again", err=True)
    else:
        typer.echo(f"next: ablate report {study}", err=True)


def executor_of(asked: str | None, workers: int | None) -> str:
    """The executor that is asked for; AblateError if there is none of that name."""
    from ablate.run.executors import EXECUTORS

    if asked is not None and asked not in EXECUTORS:
        raise AblateError(f"--executor: {unknown_name('executor', asked, list(EXECUTORS))}")
    if asked == "inline" and (workers or 1) > 1:
        raise AblateError("--executor inline runs one trial at a time; leave out --workers, or give 1")
    return asked or "processes"
