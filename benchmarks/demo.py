"""What the demos cost after the install: seconds, and the most memory that their processes hold at once.

    python benchmarks/demo.py [run|search]...

`run` is `make demo`. Each uses a store of its own; the pictures of searches in docs/images are those of these runs.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import keep

ROOT = Path(__file__).parent.parent
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True)
class Demo:
    """A command on a study file, and the pictures of its report that are kept."""

    file: str
    study: str
    profile: str
    pictures: tuple[str, ...]
    kept_as: str


DEMOS = {
    "run": Demo("studies/bnneck.yaml", "bnneck", "quick", (), "demo"),
    "search": Demo(
        "studies/margin_omega.yaml",
        "margin-omega",
        "quick+search",
        ("search-map.png", "search-history.png"),
        "demo-search",
    ),
}


def main() -> None:
    for command in sys.argv[1:] or DEMOS:
        show(command, DEMOS[command])


def show(command: str, demo: Demo) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "ablate.db")
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "ablate", command, demo.file, "--store", store], cwd=ROOT)
        most = 0
        while process.poll() is None:
            most = max(most, tree_memory(process.pid))
            time.sleep(SAMPLE_SECONDS)
        ran = time.perf_counter() - started
        report = [sys.executable, "-m", "ablate", "report", demo.study, "--format", "markdown", "--store", store]
        text = subprocess.run(report, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in demo.pictures:
            drawn = Path(store).parent / "figures" / demo.study / demo.profile / name
            shutil.copy(drawn, ROOT / "docs" / "images" / name)
    table = text.partition("\n![")[0].replace(f"# {demo.study}", f"## {demo.study}", 1)
    lines = [f"`ablate {command} {demo.file}`: {ran:.0f} s, exit code {process.returncode};"]
    lines += [f"its processes held at most {most / 2**30:.2f} GiB at once (proportional set size).", "", table]
    keep(demo.kept_as, [f"# The demo: {command}", "", *lines])


def tree_memory(root: int) -> int:
    """Bytes held by a process and its descendants; pages that they share count once."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    family = {root}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(proportional(process) for process in family)


def proportional(process: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
