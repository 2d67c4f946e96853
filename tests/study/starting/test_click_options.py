"""Tests of the options of click and typer: they are those of the real commands, made from the same text."""

from pathlib import Path
from typing import Any

import typer.main

from ablate.study.starting.scanning.click_options import click_options
from ablate.study.starting.scanning.options import OptionKind
from ablate.study.starting.scanning.typer_options import typer_options
from tests.support.project.source_text import names_after, source_of

CLICK = """
import click
@click.command()
@click.option("-l", "--learning-rate", default=0.1, help="the step")
@click.option("--depth", type=click.IntRange(1, 9), default=3)
@click.option("--model", type=click.Choice(["mlp", "cnn"]), default="mlp")
@click.option("--augment", is_flag=True)
@click.option("--bias/--no-bias", default=True)
@click.option("--name", required=True)
@click.argument("data")
def main(learning_rate, depth, model, augment, bias, name, data): ...
"""
TYPER = """
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, Optional
import typer
app = typer.Typer(add_completion=False)
class Model(str, Enum):
    mlp = "mlp"
    cnn = "cnn"
@app.command()
def main(
    data: Path,
    model: Model = Model.mlp,
    learning_rate: Annotated[float, typer.Option(help="the step")] = 1e-3,
    n_trees: int = typer.Option(50, "--trees", "-t"),
    bias: bool = True,
    augment: Annotated[bool, typer.Option("--augment")] = False,
    limit: Optional[int] = None,
    name: str = typer.Option(...),
) -> None: ...
"""
GROUP = """
import click
@click.group()
def cli(): ...
@cli.command()
@click.option("--lr", default=0.1)
def train(lr): ...
@cli.command("score")
@click.option("--top", default=3)
def evaluate(top): ...
"""


def compared(options: Any, command: Any, words: list[str]) -> None:
    """Compare options that were read with the parameters of a real command, and their defaults with what it gets.

    `words`: a command line that gives what is required and no more.
    """
    real = {param.name: param for param in command.params if param.name != "help"}
    given = command.make_context("main", words).params
    assert {option.attribute for option in options} == set(real)
    for option in options:
        param = real[option.attribute]
        is_option = param.param_type_name == "option"
        assert (option.flag in param.opts) if is_option else option.flag == ""
        assert option.is_required == param.required
        assert (option.kind is OptionKind.PAIR) == bool(param.secondary_opts)
        if not param.required:
            assert option.default == getattr(given[option.attribute], "value", given[option.attribute])
        assert option.choices == (("mlp", "cnn") if option.name == "model" else ())


def test_options_of_click(tmp_path: Path) -> None:
    command = names_after(CLICK)["main"]
    compared(click_options(source_of(CLICK, tmp_path)).options, command, ["--name", "x", "y"])


def test_options_of_typer(tmp_path: Path) -> None:
    command: Any = typer.main.get_command(names_after(TYPER)["app"])
    compared(typer_options(source_of(TYPER, tmp_path)).options, command, ["--name", "x", "y"])


def test_options_of_a_function_that_typer_runs(tmp_path: Path) -> None:
    text = "import typer\ndef main(lr: float = 0.1): ...\ndef other(x: int = 1): ...\ntyper.run(main)\n"
    assert [option.flag for option in typer_options(source_of(text, tmp_path)).options] == ["--lr"]


def test_subcommands_of_click(tmp_path: Path) -> None:
    options = click_options(source_of(GROUP, tmp_path)).options
    assert {option.name: option.commands for option in options} == {"lr": ("train",), "top": ("score",)}


def test_decorators_of_other_libraries_are_no_options(tmp_path: Path) -> None:
    text = "from mine import app\n@app.command()\n@app.option('--lr')\ndef main(lr=0.1): ...\n"
    assert click_options(source_of(text, tmp_path)).options == ()
    assert typer_options(source_of(text, tmp_path)).options == ()
