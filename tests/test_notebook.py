"""The notebook runs from top to bottom on the store of a finished run, and shows the table and the figures."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import Ablate
from tests.support.paths import ROOT, STUDIES


@pytest.mark.slow
def test_the_notebook_shows_table_and_figures(ablate: Ablate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ablate("run", STUDIES / "simulated.yaml", "--executor", "inline", "--set", "study=bnneck")
    notebook = nbformat.read(ROOT / "notebooks" / "bnneck.ipynb", as_version=4)
    monkeypatch.setenv("ABLATE_STORE", str(tmp_path / "results" / "ablate.db"))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute(env=dict(os.environ))
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = [kind for output in shown for kind in output.get("data", {})]
    assert kinds.count("image/png") == 3
    tables = [output["data"]["text/html"] for output in shown if "text/html" in output.get("data", {})]
    assert [("in_family" in table, "contexts" in table) for table in tables][-2:] == [(True, False), (False, True)]
    assert any("| row |" in output["data"].get("text/markdown", "") for output in shown if "data" in output)
    told = "".join(output.get("text", "") for output in shown)
    assert "normalization" in told
    assert "2 at once" in told, "a step that is confounded is said to be"
