"""The canonical study as a JSON file that maps run names to results."""

import json
from pathlib import Path

from tests.support.imports import canonical

KIND = "mapping"


def write(folder: Path) -> Path:
    """Write the study; return the path to import."""
    path = folder / "runs.json"
    runs = {f"lr{run.lr}_norm={run.norm}_seed{run.seed}": {"acc": run.acc} for run in canonical.runs()}
    path.write_text(json.dumps({"created": "2026-01-05", "runs": runs}), encoding="utf-8")
    return path
