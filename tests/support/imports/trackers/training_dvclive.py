"""Folders in the form of DVCLive, as it writes them with a report switched off."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.imports.canonical import runs


def save(folder: Path, summary: Mapping[str, Any], params: str = "", **series: Sequence[float]) -> Path:
    """Write a folder of DVCLive, and return it. `series`: {metric: values of its steps}, `__` for a slash."""
    folder.mkdir(parents=True, exist_ok=True)
    if summary:
        (folder / "metrics.json").write_text(json.dumps(summary, indent=4))
    if params:
        (folder / "params.yaml").write_text(params)
    for name, values in series.items():
        file = folder / "plots" / "metrics" / f"{name.replace('__', '/')}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join([f"step\t{file.stem}\n", *(f"{at}\t{value}\n" for at, value in enumerate(values))]))
    return folder


def write(folder: Path) -> Path:
    """Write the canonical study as twelve copies of a project, one for each commit."""
    for number, run in enumerate(runs()):
        params = f"lr: {run.lr}\nmodel:\n  norm: {run.norm}\nseed: {run.seed}\n"
        save(
            folder / "commits" / f"c{number}" / "dvclive", {"acc": run.acc, "step": 2}, params, acc=[0.9, 0.1, run.acc]
        )
    return folder / "commits"
