"""`ablate status`: the queue as it stands."""

from contextlib import closing
from typing import Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded


@guarded
def status(
    study: Annotated[str | None, typer.Argument(help="Only this study.")] = None,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Show what is running, pending and failed, and why."""
    from ablate.cli.options import require_store
    from ablate.store import overview

    with closing(require_store(store)) as opened, opened.read() as connection:
        counts = overview.counts(connection, study)
        failures = overview.failures(connection, study)
        running = overview.running(connection, study)
    overview.require(counts, study, opened.url)
    for plan, states in counts.items():
        summary = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        typer.echo(f"{plan[0]} ({plan[1]}): {summary}")
        for item in running:
            if item.plan == plan:
                typer.echo(f"  running  {item.label}, seed {item.seed}: {item.owner}, since {item.seconds:.0f} s")
        for failed in failures:
            if failed.plan == plan:
                typer.echo(f"  failed   {failed.label}, seed {failed.seed}, attempt {failed.attempt}: {failed.reason}")
