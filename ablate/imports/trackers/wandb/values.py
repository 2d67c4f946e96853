"""The values of W&B's runs: which are settings, metrics, circumstances, and which are no single value."""

from collections.abc import Mapping

from ablate.imports.source import DONE, FAILED, RUNNING, Cell
from ablate.imports.trackers.cells import is_counter, number

STATES = {"finished": DONE, "failed": FAILED, "crashed": FAILED, "killed": FAILED, "preempted": FAILED}
STATES |= {"preempting": RUNNING, "running": RUNNING, "pending": RUNNING}
"""{state in W&B's words: state of a run}."""
OWN = ("_wandb", "wandb_version")
"""The beginnings of names that W&B keeps for itself."""
NOT_FINITE = ("NaN", "Infinity", "-Infinity")
"""The texts that stand for numbers that JSON does not have."""
LONGEST_TEXT = 1_000
"""Letters of a text in a summary that are kept."""
TYPE = "._type"
"""The end of the name that says that a value is an image, a histogram, a table or a file."""


def without_objects(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return the values without W&B's own ones, and without the parts of images, histograms, tables and files."""
    objects = tuple(name.removesuffix(TYPE) + "." for name in cells if name.endswith(TYPE))
    return {
        name: value
        for name, value in cells.items()
        if not (objects and name.startswith(objects)) and name.split(".")[0] not in OWN
    }


def metrics_in(summary: Mapping[str, Cell]) -> dict[str, float]:
    """Return the numbers of a summary, nan if they are not finite, without counters such as `epoch` and `_step`."""
    numbers = {name: _number(value) for name, value in summary.items() if not _is_bookkeeping(name)}
    return {name: number for name, number in numbers.items() if number is not None}


def circumstances_in(summary: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return the counters and the texts of a summary."""
    return {
        name: value[:LONGEST_TEXT] if isinstance(value, str) else value
        for name, value in summary.items()
        if _is_bookkeeping(name) or _number(value) is None
    }


def _number(value: Cell) -> float | None:
    """Return a number, nan for the text of one that is not finite; None for a truth value or another text."""
    is_text = isinstance(value, str) and value not in NOT_FINITE
    return None if is_text or isinstance(value, bool) else number(value)


def _is_bookkeeping(name: str) -> bool:
    return name.startswith("_") or is_counter(name)
