"""What `make demo` costs after the install: seconds, and the most memory that its processes hold at once.

    python benchmarks/demo.py [STORE]

Without a store it uses one of its own. The pictures in docs/images are those of this run.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import keep

ROOT = Path(__file__).parent.parent
SAMPLE_SECONDS = 0.5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = sys.argv[1] if len(sys.argv) > 1 else str(Path(folder) / "ablate.db")
        started = time.perf_counter()
        command = [sys.executable, "-m", "ablate", "run", "studies/bnneck.yaml", "--store", store]
        process = subprocess.Popen(command, cwd=ROOT)
        most = 0
        while process.poll() is None:
            most = max(most, tree_memory(process.pid))
            time.sleep(SAMPLE_SECONDS)
        ran = time.perf_counter() - started
        report = [sys.executable, "-m", "ablate", "report", "bnneck", "--format", "markdown", "--store", store]
        text = subprocess.run(report, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in ("ladder.png", "topk.png"):
            shutil.copy(Path(store).parent / "figures" / "bnneck" / "quick" / name, ROOT / "docs" / "images" / name)
    table = text.partition("\n![")[0].replace("# bnneck", "## bnneck", 1)
    lines = [f"`ablate run studies/bnneck.yaml`: {ran:.0f} s, exit code {process.returncode};"]
    lines += [f"its processes held at most {most / 2**30:.2f} GiB at once (proportional set size).", "", table]
    keep("demo", ["# The demo", "", *lines])


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
