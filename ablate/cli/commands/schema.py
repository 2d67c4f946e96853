"""`ablate schema`: prints the JSON Schema of a study file, for editors that complete and check it."""

import json

import typer

from ablate.cli.options import guarded


@guarded
def schema() -> None:
    """Print the JSON Schema of a study file."""
    from ablate.study.reading.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
