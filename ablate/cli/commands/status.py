"""`ablate status`: the queue as it stands."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded

if TYPE_CHECKING:
    from ablate.store.looks import LookRow
    from ablate.store.queue.status import FailedTrial, RunningTrial

MOST = 20
"""Failures that are listed one by one; of more, only the reasons are."""


@guarded
def status(
    study: Annotated[str | None, typer.Argument(help="Only this study.")] = None,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Show what is running, pending, stale and failed, and why."""
    from ablate.store import looks, require_store, searches
    from ablate.store.queue import status as overview

    with closing(require_store(store)) as opened, opened.read() as connection:
        counts = overview.counts(connection, study)
        failures = overview.failures(connection, study)
        running = overview.running(connection, study)
        searched = searches.summaries(connection, study)
        taken = {plan: looks.read_looks(connection, *plan) for plan in counts}
    overview.require(counts, study, opened.url)
    for plan, states in counts.items():
        typer.echo(f"{plan[0]} ({plan[1]}): {_counted(states)}")
        if taken[plan]:
            typer.echo(_looks(looks.latest_family(taken[plan])))
        for item in running:
            if item.plan == plan:
                typer.echo(_running(item))
        typer.echo("".join(_failed([item for item in failures if item.plan == plan])), nl=False)
    for one in searched:
        typer.echo(f"{one.study} ({one.profile}), its search: {_counted(one.counts) or 'no candidate yet'}")
        typer.echo("".join(_failed(one.failed)), nl=False)


def _counted(states: "Mapping[str, int]") -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def _looks(family: "Sequence[LookRow]") -> str:
    last = family[-1]
    going = sum(seeds > last.seeds for seeds in last.asked.values())
    seeds = ", ".join(str(look.seeds) for look in family)
    goes_on = f"; {going} rows go on to {max(last.asked.values())} seeds" if going else ""
    earlier = f" of family {last.family}" if last.family > 1 else ""
    return f"  looks    {last.number} of {len(last.rules['looks'])}{earlier} taken, at {seeds} seeds{goes_on}"


def _running(item: "RunningTrial") -> str:
    at = f"step {item.step}/{item.steps}, " if item.step is not None else ""
    again = f", attempt {item.attempt}" if item.attempt > 1 else ""
    gone = ", which is gone: the next run takes it up" if item.gone else ""
    return f"  running  {item.label}, seed {item.seed}{again}: {at}since {item.seconds:.0f} s by {item.owner}{gone}"


def _failed(failures: "Sequence[FailedTrial]") -> Iterator[str]:
    if len(failures) <= MOST:
        for one in failures:
            yield f"  failed   {one.label}, seed {one.seed}, attempt {one.attempt}: {one.reason}\n"
        return
    by_reason: dict[str, list[FailedTrial]] = {}
    for one in failures:
        by_reason.setdefault(one.reason, []).append(one)
    for reason, same in list(by_reason.items())[:MOST]:
        yield f"  failed   {len(same)}, such as {same[0].label}, seed {same[0].seed}: {reason}\n"
    if len(by_reason) > MOST:
        yield f"  and {len(by_reason) - MOST} more reasons; the table ablate_attempts has them all\n"
