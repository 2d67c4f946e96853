"""From a bare script to verdicts: `init`, `run` and `report`, with no line of the script changed."""

import json
from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.paths import ROOT

SCRIPTS = ROOT / "tests" / "support" / "project" / "scripts"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("script", "metric", "factors"),
    [
        ("digits_argparse.py", "val_acc", ["augment", "dropout", "lr"]),
        ("digits_typer.py", "test_accuracy", ["flip", "model", "scale"]),
    ],
)
def test_a_script_becomes_a_table(ablate: Ablate, script: str, metric: str, factors: list[str]) -> None:
    Path("train.py").write_bytes((SCRIPTS / script).read_bytes())
    assert ablate("init", "train.py").code == 0
    lines = [line for line in Path("study.yaml").read_text().splitlines() if not line.lstrip().startswith("#")]
    assert len(lines) <= 15
    assert ablate("run", "study.yaml", "--workers", "2", "--seeds", "2").code == 0
    report = json.loads(ablate("report", "train", "--format", "json").out)
    assert report["primary"] == metric
    assert [row["missing"] for row in report["rows"]] == [[]] * 4
    assert all(0.5 < value < 1 for row in report["rows"] for value in row["metrics"][metric]["values"])
    assert sorted(effect["factor"] for effect in report["effects"]) == factors
    assert all(effect["identified"] == "direct" for effect in report["effects"])
    assert Path("train.py").read_bytes() == (SCRIPTS / script).read_bytes()
