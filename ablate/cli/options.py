"""Options that several commands share, and the exit codes. A user's mistake ends with a message and exit code 2."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ablate.api.stores import DEFAULT_STORE as DEFAULT_STORE
from ablate.cli import completion
from ablate.cli.command_line import WRONG as WRONG
from ablate.cli.messages import print_error, say
from ablate.cli.terminal import forget_stream
from ablate.errors import AblateError

FAILED, INTERRUPTED = 1, 130
"""Exit codes: a trial failed, and Ctrl-C."""

StudyPath = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY.yaml", help="The study file.", show_default=False, autocompletion=completion.study_files
    ),
]
StudyName = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="The study: its name in the store, or its file. Default: the one that was last run or imported.",
        show_default=False,
        autocompletion=completion.studies_and_files,
    ),
]
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="ABLATE_STORE", metavar="URL", help="The store: a path or a database URL.")
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="A profile of the study (a named variant; key `profiles` of its file).",
        autocompletion=completion.profiles,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a key of the study file. May be given several times.",
        autocompletion=completion.setting_keys,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Only rows whose label matches. May be given several times.",
        autocompletion=completion.labels_in_file,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Number of worker processes. Default: one a GPU; without GPUs, cores / threads."
    ),
]
Executor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Where trials run: processes (default), or inline, one by one in this process.",
        autocompletion=completion.words("processes", "inline"),
    ),
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
            print_error(error)
            raise typer.Exit(WRONG) from None
        except BrokenPipeError:
            forget_stream(1)  # `ablate report | head`: the reader of stdout has ended
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            say("interrupted; finished results are kept, and the same command continues")
            raise typer.Exit(INTERRUPTED) from None

    return guard
