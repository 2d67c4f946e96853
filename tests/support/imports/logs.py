"""The canonical study as text logs, with the settings in their names."""

from pathlib import Path

from tests.support.imports import canonical

KIND = "logs"
PATTERNS = {"acc": "val acc: ([0-9.]+)"}


def write(folder: Path) -> Path:
    """Write the study; return the path to import."""
    place = folder / "logs"
    place.mkdir()
    for run in canonical.runs():
        text = f"start\nepoch 1 val acc: 0.1\nepoch 2 val acc: {run.acc}\ndone\n"
        (place / f"lr{run.lr}_norm-{run.norm}_seed{run.seed}.log").write_text(text, encoding="utf-8")
    return place
