"""The canonical study as a folder of runs: a configuration and results for each."""

import json
from pathlib import Path

from tests.support.imports import canonical

KIND = "folders"


def write(folder: Path) -> Path:
    """Write the study; return the path to import."""
    for number, run in enumerate(canonical.runs()):
        place = folder / "outputs" / f"run-{number}"
        place.mkdir(parents=True)
        config = {"lr": run.lr, "norm": run.norm, "seed": run.seed, "hostname": "node3"}
        (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (place / "results.json").write_text(json.dumps({"acc": run.acc}), encoding="utf-8")
        (place / "model.pt").write_bytes(b"\x80\x04")
    return folder / "outputs"
