"""The machine that a benchmark ran on, in words, and the place where its output is kept."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("torch", "numpy", "pandas", "sqlalchemy", "matplotlib")


def describe() -> list[str]:
    """Processor, cores, memory, Python, libraries, and the commit that was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True, cwd=RESULTS.parent, check=False).stdout.strip()
    return [
        f"- processor: {processor}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB",
        f"- Python {platform.python_version()}; " + ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        f"- commit: {commit or 'unknown'}",
    ]


def keep(name: str, lines: list[str]) -> None:
    """Print a benchmark's output and keep it under results/, with the machine's description."""
    RESULTS.mkdir(exist_ok=True)
    write(RESULTS / f"{name}.md", lines)


def write(path: Path, lines: list[str]) -> None:
    """Print a benchmark's output and write it to a file, with the machine's description."""
    text = "\n".join([*lines, "", "Measured on:", "", *describe()]) + "\n"
    print(text)
    path.write_text(text, encoding="utf-8")
