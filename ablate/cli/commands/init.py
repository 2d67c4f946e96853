"""`ablate init`: writes a first study file for a script, a function or images."""

from pathlib import Path
from typing import Annotated

import typer

from ablate.cli.messages import say, say_next
from ablate.cli.options import guarded


@guarded
def init(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="train.py, train.py:main, package.module:main, run.sh, or a folder of images."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="PATH", help="The study file. Default: study.yaml, or NAME.yaml, next to TARGET."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The name of the study. Default: made from TARGET.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a first study file, with comments, for a script, a function or images.

    TARGET is read; nothing of it is imported or run.
    """
    from ablate.api.init import init_study

    start = init_study(target, output, name=name, force=force)
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
