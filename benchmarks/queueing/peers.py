"""The peers' environment, made where it is missing or other than `peers.txt` says."""

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from benchmarks.queueing.process import ROOT

WANTED = ROOT / "benchmarks" / "peers.txt"
DRIVERS = ROOT / "benchmarks" / "peers"
FOLDER = ROOT / ".bench-venv"
INSTALLED = FOLDER / "peers.txt"


@lru_cache(maxsize=1)
def python() -> Path:
    """The Python that has the peers."""
    found = FOLDER / "bin" / "python"
    wanted = WANTED.read_text(encoding="utf-8")
    if not INSTALLED.exists() or INSTALLED.read_text(encoding="utf-8") != wanted:
        print(f"making {FOLDER.name}, about 1 GB, for the peers", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
        pip = [str(found), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(WANTED)], check=True)
        INSTALLED.write_text(wanted, encoding="utf-8")
    return found
