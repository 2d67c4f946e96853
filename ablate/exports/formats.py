"""The formats of `ablate export`, by name."""

from collections.abc import Callable

from ablate.exports import parquet, tables
from ablate.exports.trials import ExportedStudy

TEXTS: dict[str, Callable[[ExportedStudy], str]] = {
    "csv": tables.csv_text,
    "jsonl": tables.jsonl_text,
}
"""{format: the function that returns it as text}."""

FILES: dict[str, Callable[[ExportedStudy], bytes]] = {
    "parquet": parquet.parquet_bytes,
}
"""{format: the function that returns the content of its file}."""

FORMATS = (*TEXTS, *FILES)
