"""Python scripts as text, read as `ablate init` reads them, and run as a test may."""

import contextlib
import io
from pathlib import Path
from typing import Any

from ablate.study.starting.scanning.source import PythonSource, read_source


def source_of(text: str, folder: Path) -> PythonSource:
    """Write a script into a folder and return it as it is read."""
    path = folder / "script.py"
    path.write_text(text, encoding="utf-8")
    return read_source(path)


def names_after(text: str, **names: Any) -> dict[str, Any]:
    """Run a script and return its names."""
    scope: dict[str, Any] = {"__name__": "script", **names}
    exec(compile(text, "script.py", "exec"), scope)
    return scope


def output_of(text: str, **names: Any) -> str:
    """Run a script and return the text that it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        names_after(text, **names)
    return out.getvalue()
