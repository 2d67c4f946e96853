"""`ablate gc`: removes the checkpoints that nothing needs."""

from typing import Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.errors import AblateError

MEGABYTE = 1_000_000
MOST_LISTED = 5


@guarded
def gc(
    store: StoreUrl = DEFAULT_STORE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove the checkpoints of trainings that are finished or that no plan or search waits for; never a result."""
    from ablate.run.maintenance import leftovers
    from ablate.store import require_store
    from ablate.text import plural

    found = leftovers(require_store(store))
    size = found.size()
    if not dry_run:
        try:
            found.remove()
        except OSError as error:
            raise AblateError(f"{error.filename}: cannot be removed: {error.strerror}") from None
    would = "would remove" if dry_run else "removed"
    typer.echo(f"{would} the checkpoints of {plural(len(found.removable), 'training')}, {size / MEGABYTE:.1f} MB")
    if found.parts:
        typer.echo(f"{would} {plural(len(found.parts), 'unfinished file')} of processes that are gone")
    if found.needed:
        typer.echo(f"kept those of {plural(len(found.needed), 'training')} that a plan or a search waits for")
    if found.unknown:
        listed = ", ".join(path.name for path in found.unknown[:MOST_LISTED])
        more = ", ..." if len(found.unknown) > MOST_LISTED else ""
        where = found.unknown[0].parent
        typer.echo(f"left alone in {where}, as another store may know them: {len(found.unknown)} ({listed}{more})")
    if found.removable:
        typer.echo(
            "a row added later that differs only in the evaluation, or that a search has pruned, will train anew",
            err=True,
        )
