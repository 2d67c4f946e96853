"""`ablate`, and `python -m ablate`: the commands, one a file; what is heavy is imported inside them."""

import gc

import typer

from ablate import __version__

app = typer.Typer(
    name="ablate",
    help="Ablation studies that say what each factor really does, how sure that is, and what is confounded.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich's costs a quarter of a second
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ablate {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def _add_commands() -> None:
    from ablate.cli.commands.compare import compare
    from ablate.cli.commands.gc import gc as gc_command
    from ablate.cli.commands.import_log import import_log
    from ablate.cli.commands.plan import plan
    from ablate.cli.commands.report import report
    from ablate.cli.commands.reset import reset
    from ablate.cli.commands.run import run
    from ablate.cli.commands.schema import schema
    from ablate.cli.commands.search import search
    from ablate.cli.commands.status import status
    from ablate.retrieval.cli.data import data_list, data_prepare

    for name, command in (("plan", plan), ("run", run), ("status", status), ("report", report)):
        app.command(name)(command)
    app.command("search")(search)
    app.command("compare")(compare)
    app.command("import")(import_log)
    app.command("reset")(reset)
    app.command("gc")(gc_command)
    app.command("schema")(schema)
    data = typer.Typer(no_args_is_help=True, help="Data sets: which are known, and packing one.")
    data.command("list")(data_list)
    data.command("prepare")(data_prepare)
    app.add_typer(data, name="data")


_add_commands()


def main() -> None:
    """The console script."""
    gc.set_threshold(50_000)  # start-up makes objects to keep, not garbage: looking for it costs a tenth of its time
    app()


if __name__ == "__main__":
    main()
