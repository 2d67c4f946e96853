"""The output of a command: text to stdout or to the file of `--output`, then the paths of its figures."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import typer

from ablate.cli.messages import say
from ablate.cli.terminal import has_colour, json_for_stdout
from ablate.errors import AblateError
from ablate.filesystem import exists, expanded, path_fault


def is_coloured(output: Path | None) -> bool:
    """Return True if the text goes to stdout and colours are wanted there."""
    return output is None and has_colour(sys.stdout)


def shown_path(path: str | None) -> str | None:
    """Return an absolute path as it is typed in the working directory; None if the file is not there."""
    if path is None or not exists(Path(path)):
        return None
    return str(Path(path).relative_to(Path.cwd())) if Path(path).is_relative_to(Path.cwd()) else path


def write_text(text: str, output: Path | None, is_json: bool = False) -> None:
    """Write the text to stdout, or as UTF-8 to the file `output` and print its path to stderr.

    Raises AblateError if the file cannot be written.
    """
    if output is None:
        sys.stdout.write(json_for_stdout(text) if is_json else text)
        return
    output = Path(expanded(str(output)))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = path_fault(str(output)) or getattr(error, "strerror", None) or error
        raise AblateError(f"--output {output}: cannot be written: {reason}") from None
    print(f"written: {output}", file=sys.stderr)


def write_illustrated(text: str, output: Path | None, draw: Callable[[], Iterable[Path]], is_markdown: bool) -> None:
    """Draw the figures, and write the text with them: Markdown shows each once, after other text their paths follow.

    A store's folder may be read-only; the text is still complete, so figures that cannot be written cost a warning
    only.
    """
    if is_markdown:
        folder = Path() if output is None else Path(expanded(str(output))).parent
        images = [_image(path, folder) for path in _drawn(draw) if path.suffix == ".png"]
        write_text("\n".join([text, *(f"{image}\n" for image in images)]) if images else text, output)
        return
    write_text(text, output)
    for path in _drawn(draw):
        typer.echo(f"figure: {path}")


def _drawn(draw: Callable[[], Iterable[Path]]) -> list[Path]:
    """Return the paths of the figures; print a warning if they cannot be written."""
    try:
        return list(draw())
    except AblateError as error:
        say(f"warning: {error}")
        return []


def _image(path: Path, folder: Path) -> str:
    """Return a Markdown image whose path is relative to the folder of the file that shows it."""
    relative = Path(os.path.relpath(path, folder)).as_posix()
    return f"![{path.name}]({quote(relative)})"
