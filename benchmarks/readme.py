"""Run the commands whose output the README shows, and keep what they print.

    python benchmarks/readme.py [FOLDER]

It imports the experiment log that ships with the project, runs the README's first own study, and prints the report of
each. It takes seconds. `tools/readme.py` copies the kept outputs into the README. The picture of the log's contrasts
goes to docs/images. With a FOLDER, all files go there instead.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
LOG = ROOT / "studies" / "reference" / "baseline-log.md"
FIRST = ROOT / "benchmarks" / "first.yaml"
COMMANDS = {
    "readme-log.txt": (("import", str(LOG), "--study", "baseline-log"), ("report", "baseline-log")),
    "readme-first.txt": (("run", str(FIRST)), ("report", "first")),
}
"""Each kept file with a command to prepare it and the command that prints it."""


def printed(folder: Path) -> dict[str, str]:
    """Run all commands in an empty folder and return {kept file: printed report}, without the paths of figures."""
    reports = {}
    for name, (first, second) in COMMANDS.items():
        ablate(folder, *first)
        lines = ablate(folder, *second).splitlines()
        reports[name] = "\n".join(line for line in lines if not line.startswith("figure: ")) + "\n"
    return reports


def ablate(folder: Path, *words: str) -> str:
    """Run one command as typed in the folder and return its standard output."""
    environment = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    environment.pop("ABLATE_STORE", None)
    command = [sys.executable, "-m", "ablate", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def main() -> None:
    results, images = (Path(sys.argv[1]),) * 2 if len(sys.argv) > 1 else (RESULTS, ROOT / "docs" / "images")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in printed(Path(folder)).items():
            (results / name).write_text(text, encoding="utf-8")
        figure = next(Path(folder).glob("results/figures/baseline-log/*/forest.png"))
        shutil.copy(figure, images / "forest.png")


if __name__ == "__main__":
    main()
