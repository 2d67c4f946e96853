"""`ablate status`: shows the queue."""

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli import completion
from ablate.cli.hints import command
from ablate.cli.messages import say
from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.cli.terminal import folded
from ablate.text import plural, visible
from ablate.trainers.declared.reasons import log_of, without_log

if TYPE_CHECKING:
    from ablate.store.looks import LookRow
    from ablate.store.queue.status import EndedTrial, RunningTrial

MOST = 20
"""The largest number of trials without a result that are listed one by one; of more, each reason is listed once."""

LONG = 80
"""Letters of a reason above which it is printed once, and not again for each trial that has it."""


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
        bool, typer.Option("--traceback", help="Print the traceback or the last output of each failed trial as well.")
    ] = False,
) -> None:
    """Show the trials that are running, queued, stale, done, failed and diverged, and why they have no result."""
    from ablate.store import looks, plans, require_store, searches
    from ablate.store.queue import status as queue_status

    with closing(require_store(store)) as opened, opened.read() as connection:
        if study is not None:
            plans.choose(connection, study, None, opened.url)  # raises StoreError if there is no such study
        counts = queue_status.counts(connection, study)
        ended = queue_status.without_result(connection, study, with_traceback=traceback)
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
        of_plan = [item for item in ended if item.plan == plan]
        typer.echo(visible("".join(_ended(of_plan))), nl=False)
        if traceback:
            typer.echo(visible("".join(_outputs(of_plan))), nl=False)
    for search in summaries:
        typer.echo(f"{search.study} ({search.profile}), its search: {_counted(search.counts) or 'no candidate yet'}")
        typer.echo(visible("".join(_ended(search.without_result))), nl=False)
    if not traceback and any(item.has_traceback for item in ended):
        words = ("status", *([study] if study else []), "--traceback")
        say(f"`{command(*words)}` prints the traceback or the last output of each")


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
    at = f"step {item.step}/{item.steps}, " if item.steps else ""
    again = f", attempt {item.attempt}" if item.attempt > 1 else ""
    gone = " (process is gone; the next run will resume it)" if item.gone else ""
    return f"  running  {item.label}, seed {item.seed}{again}: {at}for {item.seconds:.0f} s on {item.owner}{gone}"


def _outputs(ended: "Sequence[EndedTrial]") -> Iterator[str]:
    """Yield the traceback or last output of each trial; one that several trials share is printed once."""
    printed: set[str] = set()
    for trial in ended:
        if trial.traceback and trial.traceback not in printed:
            printed.add(trial.traceback)
            yield f"\n  {_named(trial)}:\n"
            yield textwrap.indent(trial.traceback.rstrip("\n"), "    ") + "\n"


def _ended(ended: "Sequence[EndedTrial]") -> Iterator[str]:
    """Yield each trial that failed or diverged, with its reason and its log. Long reasons are printed once.

    Of many trials, each reason is printed once, those that many have first.
    """
    by_reason: dict[tuple[str, str], list[EndedTrial]] = {}
    for trial in ended:
        by_reason.setdefault((trial.state, without_log(trial.reason)), []).append(trial)
    if len(ended) <= MOST:
        for trial in ended:
            reason = without_log(trial.reason)
            first = by_reason[trial.state, reason][0]
            is_long = len(reason) > LONG or "\n" in reason
            shown = f"as {first.label}, seed {first.seed}" if is_long and trial is not first else reason
            yield _with_reason(trial.state, _named(trial), shown, log_of(trial.reason))
        return
    groups = sorted(by_reason.items(), key=lambda group: -len(group[1]))
    for (state, reason), same in groups[:MOST]:
        trials = f"{len(same)}, such as {same[0].label}, seed {same[0].seed}"
        yield _with_reason(state, trials, reason, log_of(same[0].reason))
    if len(groups) > MOST:
        yield f"  and {len(groups) - MOST} more reasons; the table ablate_attempts has them all\n"


def _named(trial: "EndedTrial") -> str:
    return f"{trial.label}, seed {trial.seed}, attempt {trial.attempt}"


def _with_reason(state: str, trials: str, reason: str, log: str) -> str:
    """Return trials with their reason, folded on a terminal, and the path of a log on a line of its own."""
    text = f"  {state:<8} {trials}: {reason}".replace("\n", "\n    ")
    lines = [folded(line, sys.stdout) for line in text.split("\n")]
    return "\n".join([*lines, *([f"    log: {log}"] if log else [])]) + "\n"
