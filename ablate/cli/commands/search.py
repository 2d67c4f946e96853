"""`ablate search`: the best point of the study's search space, and whether it is better than the baseline."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import (
    DEFAULT_STORE,
    FAILED,
    Executor,
    Profile,
    Settings,
    StoreUrl,
    StudyPath,
    Workers,
    guarded,
)
from ablate.errors import AblateError

if TYPE_CHECKING:
    from ablate.adaptive.search.dashboard_export import DashboardExport
    from ablate.adaptive.search.driver import SearchDriver
    from ablate.cli.live.board import Board
    from ablate.store.searches import Candidate
    from ablate.study.model import Study

RETRY = "`ablate status` says why; `ablate search --retry-failed` runs the failed ones again"
EXAMPLE = "search: {space: {margin: {low: 0.05, high: 1.0}}, trials: 40}"


@guarded
def search(
    path: StudyPath,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    settings: Settings = None,
    workers: Workers = None,
    executor: Executor = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")] = False,
) -> None:
    """Find the best values on the validation split; then try them against the baseline on fresh seeds and the test."""
    from ablate.cli.commands.run import executor_of
    from ablate.cli.request import read_request

    started = time.monotonic()
    overrides = list(settings or [])
    request = read_request(path, profile, overrides, None, prepare=True)
    study = request.study
    if study.search is None:
        raise AblateError(f"{path}: has no `search` section; it says what is searched, like {EXAMPLE}")

    from ablate.adaptive.search import finalists
    from ablate.adaptive.search.driver import SearchDriver, begin, queue_failed
    from ablate.cli.live import watch
    from ablate.run.devices import slots
    from ablate.run.dispatch import Dispatcher
    from ablate.run.planning import prepare
    from ablate.run.session import Work
    from ablate.run.signals import interruptible
    from ablate.store import open_store
    from ablate.study.search_space.candidates import Candidates

    executor = executor_of(executor, workers)
    points = Candidates(study)
    places = slots(points.baseline(study.seeds), 1 if executor == "inline" else workers)
    opened = open_store(store)
    if warning := opened.warning():
        typer.echo(f"warning: {warning}", err=True)
    row = begin(opened, study, points, str(path))
    if row.why:
        typer.echo(f"{study.name}: search {row.number} begins, as {row.why}", err=True)
    if not finalists.is_planned(opened, study, row):  # so that a report finds the search from now on
        compared, trials = finalists.study_of(study, points, row, [])
        prepare(opened, compared, trials, trials, overrides)
    if retry_failed:
        queue_failed(opened, row, points, study)
    with interruptible() as asked, watch([], {}) as board, _mirrored(opened.folder, study) as mirror:
        told = partial(_tell, board, mirror, study.search.trials)
        walk = SearchDriver(opened, study, points, row, board.added, told)
        Dispatcher(opened, [], board, executor, places, asked, walk).run()
    if not walk.is_over():
        raise KeyboardInterrupt
    tried = list(walk.known.values())
    _summary(study.name, tried, time.monotonic() - started)
    chosen = finalists.best(tried, study.search, walk.baseline)
    if not chosen:
        typer.echo(f"{study.name}: no trial has a result, so there is nothing to compare; {RETRY}", err=True)
        raise typer.Exit(FAILED)
    compared, trials = finalists.study_of(study, points, row, chosen)
    typer.echo(f"{study.name}: {_of_best(len(chosen))} and the baseline, with fresh seeds", err=True)
    work = Work(opened, executor, places)
    work(prepare(opened, compared, trials, trials, overrides, retry_failed=retry_failed))
    if work.failed:
        typer.echo(f"{study.name}: {len(work.failed)} of {len(work.states)} trainings failed; {RETRY}", err=True)
        raise typer.Exit(FAILED)
    typer.echo(f"next: ablate report {study.name}", err=True)


def _of_best(count: int) -> str:
    return f"the best {count}" if count > 1 else "the best"


@contextlib.contextmanager
def _mirrored(folder: Path, study: "Study") -> "Iterator[DashboardExport | None]":
    """The copy for Optuna's dashboard; a folder that cannot be written costs it, and not the search."""
    from ablate.adaptive.search.dashboard_export import DashboardExport

    assert study.search is not None
    try:
        mirror = DashboardExport(folder / "optuna", study.name, study.profile, study.search)
    except OSError as error:
        _warn(error)
        yield None
        return
    try:
        yield mirror
    finally:
        mirror.close()
        if mirror.trouble:
            _warn(mirror.trouble)


def _warn(error: OSError) -> None:
    where = f"{error.filename}: " if error.filename else ""
    typer.echo(f"warning: no copy for optuna-dashboard: {where}{error.strerror}", err=True)


def _tell(board: "Board", mirror: "DashboardExport | None", budget: int | None, walk: "SearchDriver") -> None:
    """Shows how far a search is, and copies what has ended."""
    counts = Counter(one.state for one in walk.known.values() if not one.known)
    board.total = budget or counts.total()
    board.counted(counts["done"] + counts["pruned"], counts["failed"])
    if mirror:
        mirror.take(walk.known)


def _summary(study: str, known: "Sequence[Candidate]", seconds: float) -> None:
    counts = Counter(one.state for one in known if not one.known)
    words = [f"{counts.total()} trials"]
    words += [f"{counts[state]} {state}" for state in ("pruned", "failed") if counts[state]]
    if before := sum(one.known for one in known):
        words.append(f"{before} known from the study's rows")
    typer.echo(f"{study}: {', '.join(words)}, in {seconds:.1f} s", err=True)
