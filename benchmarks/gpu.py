"""The log's setting on a GPU: the step beside a bare loop, and the nine rows at ResNet-50 with three seeds.

    python benchmarks/gpu.py [STORE]

Needs a CUDA device; results are kept as core-cuda.md and nine-rows-gpu.md. A store that has rows already is gone on
with.
"""

import subprocess
import sys
import time
from pathlib import Path

from machine import RESULTS, keep

ROOT = Path(__file__).parent.parent


def main() -> None:
    store = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "results" / "gpu.db")
    if subprocess.run([sys.executable, RESULTS.parent / "core.py", "cuda"], check=False).returncode:
        sys.exit("benchmarks/core.py cuda failed: is there a CUDA device?")
    ablate = [sys.executable, "-m", "ablate"]
    options = ["--profile", "gpu", "--store", store]
    started = time.perf_counter()
    code = subprocess.run([*ablate, "run", "studies/bnneck.yaml", *options], cwd=ROOT, check=False).returncode
    seconds = time.perf_counter() - started
    report = [*ablate, "report", "bnneck", *options, "--format", "markdown"]
    text = subprocess.run(report, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    table = text.partition("\n![")[0].replace("# bnneck", "## bnneck", 1)
    said = f"`ablate run studies/bnneck.yaml --profile gpu`: {seconds:.0f} s, exit code {code}."
    keep("nine-rows-gpu", ["# The nine rows at ResNet-50", "", said, "", table])


if __name__ == "__main__":
    main()
