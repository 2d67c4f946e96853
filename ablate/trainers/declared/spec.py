"""The declaration of a trainer in a study file: its files, its data, its time limit, and the command that runs it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ablate.trainers.config import ListOf, Section
from ablate.trainers.project.data import DataEntry

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
"""{unit of a duration: seconds}."""
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


def seconds_of(text: str) -> float | None:
    """Return the seconds of a duration such as `90`, `30s`, `10m`, `2h` or `1d`; None if it is none."""
    parts = DURATION.fullmatch(text.strip())
    return float(parts[1]) * UNITS[parts[2] or "s"] if parts else None


def _duration(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a time above 0, such as 90s, 10m or 2h")
    seconds = seconds_of(value) if isinstance(value, str) else float(value)
    if seconds is None or not 0 < seconds < float("inf"):
        raise ValueError("a time above 0, such as 90s, 10m or 2h")
    return seconds


def _as_text(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value}" if is_number else value


def _one_line(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError("text that is not empty")
    return text


Item = Annotated[str, BeforeValidator(_as_text)]
"""One argument of a command; a number is taken as its text."""
Text = Annotated[str, AfterValidator(_one_line)]
Duration = Annotated[float, BeforeValidator(_duration)]


class DataSpec(Section):
    """A file or folder whose content decides results."""

    path: Text = Field(description="The path of the file or folder, relative to the study file.")
    by: Literal["content", "time"] = Field(
        "content", description="content, or time: by size and time of the last change of each file."
    )


def _as_data(value: Any) -> Any:
    """Return a path as a mapping."""
    if isinstance(value, str):
        return {"path": value}
    if not isinstance(value, Mapping | DataSpec):
        raise ValueError("a path, or {path: ..., by: time}")
    return value


class DeclaredSpec(Section):
    """The keys of every declared trainer."""

    silence: ClassVar[str] = "no output and no changed file in ${dir}"
    """The words for a training that gives no sign of life."""

    files: Annotated[tuple[Text, ...], ListOf] | None = Field(
        None,
        description="Files that decide results, as paths or patterns relative to the study file; default: the script "
        "and the modules that it imports from the project.",
    )
    data: Annotated[tuple[Annotated[DataSpec, BeforeValidator(_as_data)], ...], ListOf] = Field(
        (), description="Data files and folders that decide results: a path, or {path, by: time}."
    )
    timeout: Duration | None = Field(None, description="The longest time of an attempt, such as 90s, 10m or 2h.")
    cwd: Text = Field(".", description="The working directory, relative to the study file; ${dir} is the training's.")

    @property
    def data_entries(self) -> list[DataEntry]:
        """The declared data."""
        return [DataEntry(each.path, each.by) for each in self.data]
