"""The values that cross from a worker to the process of a user's function, and back, as JSON files."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablate.trainers.measuring.example_files import Examples
from ablate.trainers.measuring.files import OWN

SAVED, ENDED_EARLY = 75, 76
"""Exit codes of a training that saved its state: it was requested to stop, or a search ended it."""
RETURNED = f"{OWN}returned.json"
"""The file with the return of a child process."""


@dataclass(frozen=True)
class FunctionJob:
    """The work of one child process."""

    function: str
    """The function, as the study file names it."""
    evaluate: str | None
    """The function that evaluates, if that is another one."""
    folder: str
    """The folder of the study file."""
    configs: Sequence[Mapping[str, Any]]
    """The configs to evaluate under, or to check; they differ in `evaluate` only."""
    seed: int
    attempt: int
    run_folder: str
    """The folder of the training."""
    with_examples: Sequence[str] = ()
    """The metrics of which the values of examples are declared."""
    channel: int | None = None
    """The file descriptor of a socket for messages."""
    check: bool = False
    """True if the function is imported, the configs are checked against its annotation, and nothing is run."""


@dataclass
class FunctionReturn:
    """The file that a child process writes at its end."""

    values: list[dict[str, Any]] = field(default_factory=list)
    """{metric: value} for each config."""
    examples: list[dict[str, Any]] = field(default_factory=list)
    """{metric: the fields of its `Examples`} for each config."""
    curve: list[tuple[int, float]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """A sentence for each fault of a checked config."""

    def outcomes(self, at: int) -> dict[str, Examples]:
        """Return the outcomes of the examples under a config, by metric."""
        return {
            name: Examples(**{key: each[key] and tuple(each[key]) for key in each})
            for name, each in self.examples[at].items()
        }


def kept_return(folder: Path) -> FunctionReturn:
    """Return the file that a child process wrote in the folder of a training; without values if there is none."""
    path = folder / RETURNED
    return FunctionReturn(**json.loads(path.read_bytes())) if path.exists() else FunctionReturn()


def child_command(folder: Path, job: FunctionJob) -> list[str]:
    """Write a job into a folder, and return the command of the process that does it."""
    path = folder / f"{OWN}function.json"
    path.write_text(json.dumps(asdict(job)), encoding="utf-8")
    path.with_name(RETURNED).unlink(missing_ok=True)
    return [sys.executable, "-P", "-m", "ablate.trainers.function.child", str(path)]
