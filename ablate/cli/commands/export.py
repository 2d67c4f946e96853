"""`ablate export`: writes the results of a study for other programs."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ablate.cli import completion
from ablate.cli.messages import say
from ablate.cli.options import DEFAULT_STORE, Profile, StoreUrl, StudyName, guarded
from ablate.cli.terminal import json_for_stdout


@guarded
def export(
    study: StudyName = None,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv, jsonl, parquet, mlflow or tensorboard.",
            autocompletion=completion.words("csv", "jsonl", "parquet", "mlflow", "tensorboard"),
        ),
    ] = "csv",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="PATH",
            help="The file; of mlflow and tensorboard the folder, which may hold other things. Default: stdout.",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Costs of the trainings to write as well, such as seconds,peak_memory."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there, or an earlier export of the study.")
    ] = False,
) -> None:
    """Write the results for other programs: a line for each row and seed, with its levels, state and values.

    Values are in the unit of their metric, and not rounded.
    """
    from ablate.api.export import export_results
    from ablate.store import require_store
    from ablate.store.schema import DONE

    with closing(require_store(store)) as opened:
        done = export_results(
            study,
            opened,
            format=form,
            output=output,
            profile=profile,
            columns=[name.strip() for name in (columns or "").split(",") if name.strip()],
            force=force,
        )
    sys.stdout.write(json_for_stdout(done.text) if form == "jsonl" else done.text)
    others = [f"{number} {state}" for state, number in done.states.items() if state != DONE]
    if others:
        say(f"{done.study}: {done.states.get(DONE, 0)} trials done, {', '.join(others)}")
    if done.path is not None:
        print(f"written: {done.path}", file=sys.stderr)
