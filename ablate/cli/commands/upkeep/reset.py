"""`ablate reset`: queues rows again. Their results stay as history."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli import completion
from ablate.cli.messages import say
from ablate.cli.options import DEFAULT_STORE, WRONG, Profile, StoreUrl, guarded
from ablate.text import plural, visible

if TYPE_CHECKING:
    from ablate.store.queue.maintenance import TrialStatus

MOST_LISTED = 10
"""Rows that a line lists."""


@guarded
def reset(
    study: Annotated[
        str,
        typer.Argument(metavar="STUDY", help="The study, by its name in the store.", autocompletion=completion.studies),
    ],
    rows: Annotated[
        list[str],
        typer.Argument(
            metavar="ROW...",
            help="Labels of rows, or patterns like 'margin=*'.",
            autocompletion=completion.labels_in_store,
        ),
    ],
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", metavar="N", help="Only this seed. May be given several times.")
    ] = None,
) -> None:
    """Queue rows again. Their attempts and results stay as history and no longer count."""
    from ablate.api.reset import reset_rows

    done = reset_rows(study, rows, store, profile=profile, seeds=seeds or ())
    plan, result = done.plan, done.result
    if result.queued:
        results = plural(result.results, "result")
        typer.echo(f"queued again: {visible(_listed(result.queued))}; {results} kept as history")
    if result.others:
        typer.echo(
            f"queued with them, as they share a training: {visible(_listed(result.others, plan.study, plan.profile))}"
        )
    if result.queued:
        command = "search" if plan.document.search else "run"
        say(f"next: run the study file of {plan.study!r} again, like `ablate {command} FILE.yaml`")
    for status, owner in result.running.items():
        say(f"not reset: {status.label}, seed {status.seed}: {owner} is running it; stop that run, or wait")
    if result.running:
        raise typer.Exit(WRONG)


def _listed(statuses: "Sequence[TrialStatus]", study: str = "", profile: str = "") -> str:
    """Return `plain, seeds 0, 1; normalized, seed 0`; with the name of the study if it is another than `study`."""
    seeds_of_rows: dict[tuple[str, str, str], list[int]] = {}
    for status in statuses:
        seeds_of_rows.setdefault((status.study, status.profile, status.label), []).append(status.seed)
    words = []
    for (of_study, of_profile, label), seeds in list(seeds_of_rows.items())[:MOST_LISTED]:
        place = f" of {of_study} ({of_profile})" if study and (of_study, of_profile) != (study, profile) else ""
        words.append(f"{label}{place}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}")
    more = len(seeds_of_rows) - len(words)
    return "; ".join(words) + (f"; and {more} more row{'s' if more > 1 else ''}" if more else "")
