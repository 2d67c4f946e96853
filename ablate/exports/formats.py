"""The formats of `ablate export`, by name."""

from collections.abc import Callable

from ablate.exports import tables
from ablate.exports.trials import ExportedStudy

TEXTS: dict[str, Callable[[ExportedStudy], str]] = {
    "csv": tables.csv_text,
    "jsonl": tables.jsonl_text,
}
"""{format: the function that returns it as text}."""

FORMATS = tuple(TEXTS)
