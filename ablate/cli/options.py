"""Options that several commands share, and how a user's mistake ends: a message on stderr and exit code 2."""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ablate.errors import AblateError, StudyError

DEFAULT_STORE = "sqlite:///results/ablate.db"

FAILED, WRONG, INTERRUPTED = 1, 2, 130

StudyPath = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.", show_default=False)]
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="ABLATE_STORE", metavar="URL", help="The store: a path or a database URL.")
]
Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile of the study file.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Sets any key of the study file; may be given again."),
]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="GLOB", help="Only rows whose label matches; may be given again.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes; default: cores / threads.")]
Executor = Annotated[str | None, typer.Option(help="Where trials run: processes, or inline.")]
Seeds = Annotated[str | None, typer.Option("--seeds", metavar="N", help="A number of seeds, or first..last.")]


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose faults are messages: never a traceback for a user's mistake."""

    @functools.wraps(command)
    def guard(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except AblateError as error:
            _complain(error)
            raise typer.Exit(WRONG) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # `ablate report | head`: the reader has seen enough
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            typer.echo("interrupted; what is finished is kept, and the same command goes on", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return guard


def all_settings(settings: Sequence[str] | None, seeds: str | None) -> list[str]:
    """`--set` options, and `--seeds N` as one of them."""
    return [*(settings or []), *([f"seeds={seeds}"] if seeds is not None else [])]


def is_new(url: str) -> bool:
    """Whether a store's file is not there yet, told without loading what opens stores."""
    path = url.removeprefix("sqlite:///")
    return bool(path) and "://" not in path and path != ":memory:" and not Path(path).exists()


def _complain(error: AblateError) -> None:
    if isinstance(error, StudyError) and len(error.faults) > 1:
        typer.echo(f"{len(error.faults)} faults:", err=True)
    typer.echo(str(error), err=True)
