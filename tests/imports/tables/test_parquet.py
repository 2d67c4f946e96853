"""Parquet files, with pyarrow and without it."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ablate.errors import SourceError
from tests.support.imports.table_texts import read_text

RUNS = {"norm": ["batch", None, "layer"], "seed": [0, 1, 2], "lr": [0.1, 0.1, None], "bias": [True, False, True]}

WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "pyarrow" else find(name, *more)
from pathlib import Path
from ablate.imports.source import Request
from ablate.imports.tables.table import reader
reader.read(Path(sys.argv[1]), Request())
"""


def test_a_parquet_file(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame({**RUNS, "model": [{"layers": 2}, {"layers": 3}, {"layers": 4}]}).to_parquet(tmp_path / "runs.parquet")
    source = read_text(tmp_path, (tmp_path / "runs.parquet").read_bytes(), "runs.parquet")
    runs = source.runs.astype(object).where(source.runs.notna(), None)
    assert runs.to_dict("list") == {**RUNS, "model.layers": [2, 3, 4]}
    assert source.places[2] == "row 3"


@pytest.mark.parametrize(
    "content", [b"", b"no Parquet", b"PAR1" + bytes(100), b"PAR1" + bytes(range(256)) * 9 + b"PAR1"]
)
def test_a_damaged_file_is_a_fault(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match="Parquet"):
        read_text(tmp_path, content, "runs.parquet")


def test_without_pyarrow_the_message_gives_the_command(tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    path.write_bytes(b"PAR1" + bytes(100))
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYARROW, path], capture_output=True, text=True, timeout=60)
    assert "needs pyarrow, which is not installed; install it with `pip install 'ablate-study[parquet]'`" in done.stderr
