"""`ablate init`: writes a first study file for a script, a function or images."""

from pathlib import Path
from typing import Annotated

import typer

from ablate.cli import completion
from ablate.cli.messages import say, say_next
from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.errors import AblateError

SOURCES = "a script, a function or a folder of images, or --from-import STUDY"


@guarded
def init(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="train.py, train.py:main, package.module:main, run.sh, or a folder of images.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="PATH", help="The study file. Default: study.yaml, or NAME.yaml, next to TARGET."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The name of the study. Default: made from TARGET.")
    ] = None,
    from_import: Annotated[
        str | None,
        typer.Option(
            "--from-import",
            metavar="STUDY",
            help="In place of TARGET: an imported study, of which the missing rows are to be run.",
            autocompletion=completion.studies,
        ),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a first study file, with comments, for a script, a function or images.

    TARGET is read; nothing of it is imported or run.
    """
    from ablate.api.init import init_from_import, init_study

    if target is None and from_import is None:
        raise AblateError(f"ablate init: TARGET is missing: give {SOURCES}; `ablate init -h` shows how it is written")
    if target is not None and from_import is not None:
        raise AblateError(f"ablate init: TARGET and --from-import are two sources; give {SOURCES}")
    if from_import is not None:
        start = init_from_import(from_import, store, output, name=name, force=force)
    else:
        start = init_study(target or "", output, name=name, force=force)
    for note in start.notes:
        say(f"- {note}")
    for path in (start.list_path, start.path):
        if path is not None:
            typer.echo(f"wrote {path}")
    for work in start.to_do:
        say(f"to do: {work}")
    for fault in start.faults:
        say(f"not accepted yet: {fault}")
    say_next("check" if start.is_own_code else "plan", str(start.path))
