"""The output of a command: text to stdout or to the file of `--output`, then the paths of its figures."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from ablate.cli.messages import say
from ablate.cli.terminal import has_colour
from ablate.errors import AblateError
from ablate.filesystem import expanded, path_fault


def is_coloured(output: Path | None) -> bool:
    """Return True if the text goes to stdout and colours are wanted there."""
    return output is None and has_colour(sys.stdout)


def write_text(text: str, output: Path | None) -> None:
    """Write the text to stdout, or to the file `output` and print its path to stderr.

    Raises AblateError if the file cannot be written.
    """
    if output is None:
        sys.stdout.write(text)
        return
    output = Path(expanded(str(output)))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = path_fault(str(output)) or getattr(error, "strerror", None) or error
        raise AblateError(f"--output {output}: cannot be written: {reason}") from None
    print(f"written: {output}", file=sys.stderr)


def print_figures(draw: Callable[[], Iterable[Path]], as_markdown: bool) -> None:
    """Draw the figures and print their paths, or one Markdown image for each figure: its PNG file, after a blank line.

    A store's folder may be read-only; the text above is still complete, so figures that cannot be written cost a
    warning only.
    """
    try:
        for path in draw():
            if not as_markdown:
                typer.echo(f"figure: {path}")
            elif path.suffix == ".png":
                typer.echo(f"\n![{path.name}]({path})")
    except AblateError as error:
        say(f"warning: {error}")
