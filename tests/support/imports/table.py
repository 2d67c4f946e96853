"""The canonical study as a CSV file with a line for each run."""

from pathlib import Path

from tests.support.imports.canonical import runs


def write(folder: Path) -> Path:
    path = folder / "results.csv"
    lines = ["lr,norm,seed,acc,epochs", *(f"{run.lr},{run.norm},{run.seed},{run.acc},10" for run in runs())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
