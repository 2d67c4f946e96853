"""What answers at once loads nothing heavy on the way."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import STUDIES

HEAVY = {"torch", "pandas", "scipy", "matplotlib", "alembic", "optuna", "torchvision", "timm", "PIL"}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["plan", str(STUDIES / "simulated.yaml")],
        ["plan", str(STUDIES.parents[1] / "studies" / "bnneck.yaml")],
        ["plan", "missing.yaml"],
        ["status"],
        ["run", "missing.yaml"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_loaded(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print('heavy:', sorted({HEAVY!r} & set(sys.modules))))\n"
        "from ablate.__main__ import main\n"
        f"sys.argv = ['ablate', *{words!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "heavy: []" in done.stdout, done.stdout + done.stderr


def test_looks_and_searches_are_read_without_numpy() -> None:
    modules = "ablate.store.looks, ablate.store.searches, ablate.adaptive.looks.taken_looks"
    code = f"import sys, {modules}; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
