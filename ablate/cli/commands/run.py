"""`ablate run`: runs what the file asks for and the store lacks."""

import contextlib
import time
from pathlib import Path
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
    from ablate.cli.request import Request
    from ablate.run.session import Work
    from ablate.store import Store


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
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Look after look, with more seeds for rows of which a verdict is open."),
    ] = False,
) -> None:
    """Run what the study asks for and the store lacks."""
    from ablate.cli.request import read_request

    started = time.monotonic()
    _check_until_decided(until_decided, only, seeds)
    overrides = all_settings(settings, seeds)
    request = read_request(path, profile, overrides, only, prepare=True)

    from ablate.run.devices import slots
    from ablate.run.planning import prepare
    from ablate.run.session import Work  # after the request, so that a fault in it answers at once
    from ablate.store import open_store

    executor = executor_of(executor, workers)
    places = slots(request.selected, 1 if executor == "inline" else workers)
    opened = open_store(store)
    if warning := opened.warning():
        typer.echo(f"warning: {warning}", err=True)
    how = {"retry_failed": retry_failed, "accept_stale": accept_stale}
    work = Work(opened, executor, places)
    looked = None
    if _has_looks(opened, request, path, until_decided, seeds):
        looked = _follow(request, path, work, until_decided, overrides, how)
    else:
        work(prepare(opened, request.study, request.trials, request.selected, overrides, **how))
    with contextlib.suppress(OSError):  # nobody reads stderr any more
        _summary(request.study.name, work, time.monotonic() - started, looked)
    if work.failed:
        raise typer.Exit(FAILED)


def _check_until_decided(until_decided: bool, only: object, seeds: object) -> None:
    """AblateError for options that do not go with looks."""
    if until_decided and only:
        raise AblateError("--until-decided looks at all rows, which share the study's error; leave out --only")
    if until_decided and seeds is not None:
        advice = "leave out --seeds, and declare other looks in the file, as `seeds: {looks: [2, 3, 5, 7, 10]}`"
        raise AblateError(f"--until-decided gives each row the seeds of declared looks; {advice}")


def _has_looks(store: "Store", request: "Request", path: Path, until_decided: bool, seeds: str | None) -> bool:
    """Whether the run goes by looks; says so where the file does not."""
    from ablate.adaptive.looks.schedule_state import stand

    study = request.study
    if study.looks:
        return True
    course = stand(store, study, path, until_decided)
    if course is None:
        return False
    if seeds is not None:
        raise AblateError(
            f"--seeds {seeds}: looks were taken at {study.name} ({study.profile}), and say which seeds each row has; "
            "leave out --seeds, or give the study another name (`--set study=...`), which reuses its results"
        )
    why = "the file has none, and these are usual" if until_decided else "as were taken before"
    looks = ", ".join(map(str, course.study.looks))
    typer.echo(f"looks at {looks} seeds: {why}; the file's `seeds` is for runs without looks", err=True)
    return True


def _follow(
    request: "Request", path: Path, work: "Work", until_decided: bool, overrides: list[str], how: dict[str, bool]
) -> str:
    """Runs look by look; what the looks have come to, if any was taken."""
    from ablate.adaptive.looks.driver import LookRequest, follow, summary

    only = None if request.selected is request.trials else {trial.label for trial in request.selected}
    asked = LookRequest(request.study, path, until_decided, only, overrides, **how)
    course = follow(work.store, asked, work, lambda text: typer.echo(text, err=True))
    return summary(course, until_decided) if course.taken else ""


def _summary(study: str, work: "Work", seconds: float, looked: str | None) -> None:
    trainings, failed, earlier = len(work.before), len(work.failed), work.failed_before
    if not work.ran and not failed:
        already = f"all {trainings} trainings are done already; " if trainings else ""
        typer.echo(f"{study}: {already}nothing to run", err=True)
    else:
        before = f" ({earlier} of them in an earlier run)" if earlier else ""
        text = f"{work.ran} of {trainings} trainings run in {seconds:.1f} s, {failed} failed{before}"
        typer.echo(f"{study}: {text}", err=True)
    if looked:
        typer.echo(f"{study}: {looked}", err=True)
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
