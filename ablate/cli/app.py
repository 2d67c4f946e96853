"""The command line as one Typer application: every command under its name. Heavy imports wait inside the commands."""

import typer

from ablate.cli.command_line import CONTEXT, CommandLine, StudyCommand
from ablate.cli.commands.check import check
from ablate.cli.commands.compare import compare
from ablate.cli.commands.export import export
from ablate.cli.commands.import_results import import_results
from ablate.cli.commands.init import init
from ablate.cli.commands.plan import plan
from ablate.cli.commands.report import report
from ablate.cli.commands.run import run
from ablate.cli.commands.schema import schema
from ablate.cli.commands.search import search
from ablate.cli.commands.status import status
from ablate.cli.commands.upkeep.gc import gc
from ablate.cli.commands.upkeep.reset import reset
from ablate.cli.options import guarded
from ablate.trainers.registry import TRAINERS
from ablate.version import VERSION

app = typer.Typer(
    name="ablate",
    cls=CommandLine,
    help="Ablation studies that show what each factor changes, how sure that is, and what is confounded.",
    no_args_is_help=True,
    context_settings=CONTEXT,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich's takes a quarter of a second
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"ablate {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    pass


COMMANDS = {
    "Run a study": {"init": init, "check": check, "plan": plan, "run": run, "status": status, "report": report},
    "Search and compare": {"search": search, "compare": compare, "import": import_results, "export": export},
    "Keep order": {"reset": reset, "gc": gc},
    "Data and files": {"schema": schema},
}
"""{heading of `ablate --help`: {name on the command line: command}}, in its order."""

OF_TRAINERS = "Data and files"
"""The heading of the commands of trainers."""

for heading, commands in COMMANDS.items():
    for name, command in commands.items():
        app.command(name, cls=StudyCommand, rich_help_panel=heading)(command)
for trainer in TRAINERS.values():
    for name, group in trainer.commands().items():
        subcommands = typer.Typer(no_args_is_help=True, help=group.help, cls=CommandLine, rich_markup_mode=None)
        for subcommand, function in group.commands.items():
            subcommands.command(subcommand, cls=StudyCommand)(guarded(function))
        app.add_typer(subcommands, name=name, rich_help_panel=OF_TRAINERS)
