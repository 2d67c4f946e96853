"""Options that several commands share, and the exit codes. A user's mistake ends with a message and exit code 2."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ablate.api.stores import DEFAULT_STORE as DEFAULT_STORE
from ablate.errors import AblateError, StudyError

FAILED, WRONG, INTERRUPTED = 1, 2, 130
"""Exit codes: some trial failed; the request is wrong; Ctrl-C."""

StudyPath = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.", show_default=False)]
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="ABLATE_STORE", metavar="URL", help="The store: a path or a database URL.")
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="NAME", help="A profile of the study (a named variant; key `profiles` of its file)."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the study file. May be given several times."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="GLOB", help="Only rows whose label matches. May be given several times."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Number of worker processes. Default: one a GPU; without GPUs, cores / threads."),
]
Executor = Annotated[
    str | None, typer.Option(help="Where trials run: processes (default), or inline, one by one in this process.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")]
Seeds = Annotated[
    str | None, typer.Option("--seeds", metavar="N", help="A number of seeds like 5, or a range like 0..4.")
]


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command with an end for every error that is no bug: a message and an exit code, never a traceback."""

    @functools.wraps(command)
    def guard(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except AblateError as error:
            _print_error(error)
            raise typer.Exit(WRONG) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # `ablate report | head`: the reader of stdout has ended
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            typer.echo("interrupted; finished results are kept, and the same command continues", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return guard


def _print_error(error: AblateError) -> None:
    if isinstance(error, StudyError) and len(error.faults) > 1:
        typer.echo(f"{len(error.faults)} faults:", err=True)
    typer.echo(str(error), err=True)
