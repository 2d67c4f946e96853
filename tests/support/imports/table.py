"""The canonical study as a table in a CSV file."""

from pathlib import Path

from tests.support.imports.canonical import runs


def write(folder: Path) -> Path:
    """Write the table, with the host and the time of each run, and return its path."""
    lines = ["host,lr,norm,seed,seconds,acc"]
    lines += [f"node{at % 2},{run.lr},{run.norm},{run.seed},{60 + at}.5,{run.acc}" for at, run in enumerate(runs())]
    path = folder / "results.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
