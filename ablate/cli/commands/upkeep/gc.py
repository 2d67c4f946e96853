"""`ablate gc`: removes the checkpoints that nothing needs."""

from typing import Annotated

import typer

from ablate.cli.messages import say
from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.errors import AblateError
from ablate.text import plural

MEGABYTE = 1_000_000
MOST_LISTED = 5
"""Folders that a line lists."""


@guarded
def gc(
    store: StoreUrl = DEFAULT_STORE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be removed. Remove nothing.")] = False,
) -> None:
    """Remove the checkpoints of trainings that are finished or that no plan or search waits for. Keeps all results."""
    from ablate.run.maintenance import leftovers
    from ablate.store import require_store

    folders = leftovers(require_store(store))
    size = folders.size()
    if not dry_run:
        try:
            folders.remove()
        except OSError as error:
            raise AblateError(f"{error.filename}: cannot be removed: {error.strerror}") from None
    would = "would remove" if dry_run else "removed"
    if folders.removable:
        trainings = plural(len(folders.removable), "training")
        typer.echo(f"{would} the checkpoints of {trainings}, {size / MEGABYTE:.1f} MB")
    else:
        typer.echo("no checkpoints to remove")
    if folders.parts:
        typer.echo(f"{would} {plural(len(folders.parts), 'unfinished file')} of processes that are gone")
    if folders.needed:
        typer.echo(
            f"kept the checkpoints of {plural(len(folders.needed), 'training')} that a plan or a search waits for"
        )
    if folders.unknown:
        listed = ", ".join(path.name for path in folders.unknown[:MOST_LISTED])
        more = ", ..." if len(folders.unknown) > MOST_LISTED else ""
        parent = folders.unknown[0].parent
        typer.echo(f"left alone in {parent}, as another store may know them: {len(folders.unknown)} ({listed}{more})")
    if folders.removable:
        say("a row added later that differs only in its evaluation, or that a search has pruned, is trained again")
