"""`ablate status`: shows the queue."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli import completion
from ablate.cli.hints import command
from ablate.cli.messages import say
from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.text import plural, visible

if TYPE_CHECKING:
    from ablate.store.looks import LookRow
    from ablate.store.queue.status import FailedTrial, RunningTrial

MOST = 20
"""The largest number of failures that are listed one by one; of more, each reason is listed once."""


@guarded
def status(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY",
            help="Only this study, by its name in the store. Default: all studies.",
            show_default=False,
            autocompletion=completion.studies,
        ),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Print the whole traceback of each failed trial as well.")
    ] = False,
) -> None:
    """Show the trials that are running, queued, stale, done and failed, and why they failed."""
    from ablate.store import looks, plans, require_store, searches
    from ablate.store.queue import status as queue_status

    with closing(require_store(store)) as opened, opened.read() as connection:
        if study is not None:
            plans.choose(connection, study, None, opened.url)  # raises StoreError if there is no such study
        counts = queue_status.counts(connection, study)
        failures = queue_status.failures(connection, study, with_traceback=traceback)
        running = queue_status.running(connection, study)
        summaries = searches.summaries(connection, study)
        taken = {plan: looks.read_looks(connection, *plan) for plan in counts}
    for plan, states in counts.items():
        trials = plural(sum(states.values()), "trial")
        typer.echo(f"{plan[0]} ({plan[1]}), {trials}: {_counted(states)}")
        if taken[plan]:
            typer.echo(_looks(looks.latest_family(taken[plan])))
        for item in running:
            if item.plan == plan:
                typer.echo(visible(_running(item)))
        of_plan = [item for item in failures if item.plan == plan]
        typer.echo(visible("".join(_failed(of_plan))), nl=False)
        if traceback:
            typer.echo(visible("".join(_tracebacks(of_plan))), nl=False)
    for search in summaries:
        typer.echo(f"{search.study} ({search.profile}), its search: {_counted(search.counts) or 'no candidate yet'}")
        typer.echo(visible("".join(_failed(search.failed))), nl=False)
    if not traceback and any(item.has_traceback for item in failures):
        words = ("status", *([study] if study else []), "--traceback")
        say(f"where it was raised: `{command(*words)}` prints the tracebacks")


def _counted(states: "Mapping[str, int]") -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def _looks(family: "Sequence[LookRow]") -> str:
    """Return the line about the looks of a study's current family."""
    last = family[-1]
    continued = sum(seeds > last.seeds for seeds in last.asked.values())
    seeds = ", ".join(str(look.seeds) for look in family)
    next_seeds = f"; {continued} rows go on to {max(last.asked.values())} seeds" if continued else ""
    earlier = f" of family {last.family}" if last.family > 1 else ""
    return f"  looks    {last.number} of {len(last.rules['looks'])}{earlier} taken, at {seeds} seeds{next_seeds}"


def _running(item: "RunningTrial") -> str:
    at = f"step {item.step}/{item.steps}, " if item.step is not None else ""
    again = f", attempt {item.attempt}" if item.attempt > 1 else ""
    gone = " (process is gone; the next run will resume it)" if item.gone else ""
    return f"  running  {item.label}, seed {item.seed}{again}: {at}for {item.seconds:.0f} s on {item.owner}{gone}"


def _tracebacks(failures: "Sequence[FailedTrial]") -> Iterator[str]:
    """Yield the traceback of each failed trial; one that several trials share is printed once."""
    printed: set[str] = set()
    for trial in failures:
        if trial.traceback and trial.traceback not in printed:
            printed.add(trial.traceback)
            yield f"\n  {trial.label}, seed {trial.seed}, attempt {trial.attempt}:\n"
            yield textwrap.indent(trial.traceback.rstrip("\n"), "    ") + "\n"


def _failed(failures: "Sequence[FailedTrial]") -> Iterator[str]:
    """Yield a line for each failed trial; if there are many, a line for each reason."""
    if len(failures) <= MOST:
        for trial in failures:
            yield f"  failed   {trial.label}, seed {trial.seed}, attempt {trial.attempt}: {trial.reason}\n"
        return
    by_reason: dict[str, list[FailedTrial]] = {}
    for trial in failures:
        by_reason.setdefault(trial.reason, []).append(trial)
    for reason, same in list(by_reason.items())[:MOST]:
        yield f"  failed   {len(same)}, such as {same[0].label}, seed {same[0].seed}: {reason}\n"
    if len(by_reason) > MOST:
        yield f"  and {len(by_reason) - MOST} more reasons; the table ablate_attempts has them all\n"
