"""The formats of `ablate export`, by name."""

from collections.abc import Callable
from pathlib import Path

from ablate.exports import mlflow, parquet, tables, tensorboard
from ablate.exports.folders import ExportFolder
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

FOLDERS: dict[str, Callable[[ExportedStudy, Path], ExportFolder]] = {
    "mlflow": mlflow.mlflow_folder,
    "tensorboard": tensorboard.tensorboard_folder,
}
"""{format: the function that returns the study's folder below the folder that is given}."""

FORMATS = (*TEXTS, *FILES, *FOLDERS)
