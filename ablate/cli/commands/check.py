"""`ablate check`: trains one row, and shows whether its metrics can be read and its settings arrive."""

from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli import completion
from ablate.cli.messages import say
from ablate.cli.options import (
    DEFAULT_STORE,
    FAILED,
    INTERRUPTED,
    Profile,
    Settings,
    StoreUrl,
    StudyPath,
    guarded,
)

if TYPE_CHECKING:
    from ablate.api.check import StudyCheck

NOTHING_LEFT = "interrupted; no process of the training is left, and nothing was stored"


@guarded
def check(
    path: StudyPath,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    settings: Settings = None,
    row: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="ROW",
            help="The row to train, by its label or a pattern. Default: the first one.",
            autocompletion=completion.labels_in_file,
        ),
    ] = None,
    factors: Annotated[
        bool,
        typer.Option(
            "--factors", help="Also train once with the same seed, and once for each factor, and compare the results."
        ),
    ] = False,
) -> None:
    """Train one row, and show whether its metrics can be read and its settings arrive. Nothing is stored.

    A script or function of your own is trained with two seeds.
    """
    from ablate.api.check import check_study

    try:
        checked = check_study(
            path, store, profile=profile, settings=settings or (), row=row, factors=factors, report=say
        )
    except KeyboardInterrupt:
        say(NOTHING_LEFT)
        raise typer.Exit(INTERRUPTED) from None
    _print(checked)
    if checked.is_interrupted:
        say(NOTHING_LEFT)
        raise typer.Exit(INTERRUPTED)
    if checked.findings:
        raise typer.Exit(FAILED)


def _print(checked: "StudyCheck") -> None:
    from ablate.cli.check_text import check_lines

    typer.echo("\n".join(check_lines(checked)))
