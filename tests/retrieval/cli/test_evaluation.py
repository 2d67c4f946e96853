"""Rows that differ only in how a network is tested, through the command line: one training for all of them."""

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from ablate.retrieval.data.formats import emoji
from ablate.store import require_store
from ablate.store.examples import read_artifact
from tests.conftest import Ablate
from tests.support.paths import ROOT

EVALUATION = ROOT / "studies" / "evaluation.yaml"
SMALL = (
    *("model.backbone=timm/test_efficientnet", "model.last_stride=2", "data.size=[16, 16]"),
    *("batch.quadruplets=4", "schedule.steps=2"),
)
QUICKLY = [word for setting in SMALL for word in ("--set", f"config.{setting}")]


@pytest.fixture
def quarter(tmp_path: Path) -> Path:
    """The embedded data with three in four of the items that are tested moved to training."""
    folder = tmp_path / "emoji"
    shutil.copytree(emoji.HERE, folder)
    head, *lines = (folder / "items.tsv").read_text().splitlines()
    items = [line.split("\t") for line in lines]
    for number, item in enumerate(items):
        item[3] = item[3] if number % 4 == 0 else "train"
    content = "".join("\t".join(item) + "\n" for item in [[head], *items]).encode()
    (folder / "items.tsv").write_bytes(content)
    index = json.loads((folder / "index.json").read_text())
    index["files"]["items.tsv"] = hashlib.sha256(content).hexdigest()
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.mark.network
def test_all_rows_of_the_study_are_one_training(ablate: Ablate, quarter: Path) -> None:
    options = [*QUICKLY, "--set", f"config.data.root={quarter}"]
    told = ablate("plan", EVALUATION, *options).out
    assert "8 rows and 1 reference × 1 seed: 9 trials, 2 trainings (" in told
    assert ablate("run", EVALUATION, *options, "--executor", "inline").code == 0
    with sqlite3.connect("results/ablate.db") as connection:
        attempts = connection.execute("SELECT training_key, state FROM ablate_attempts").fetchall()
        rows = connection.execute(
            "SELECT state, trial, training_key FROM results JOIN ablate_trials ON key = trial"
        ).fetchall()
    assert sorted(state for _, state in attempts) == ["done", "done"], "the rows' training, and the reference's"
    assert len(rows) == len({trial for _, trial, _ in rows}) == 8
    assert {state for state, _, _ in rows} == {"done"}
    assert len({training for *_, training in rows}) == 1
    store = require_store("results/ablate.db")
    with store.read() as connection:
        found = [read_artifact(connection, trial, "ranks/test") for _, trial, _ in rows]
    assert len(set(found) - {None}) == 8, "each setting does something"
    assert "nothing to run" in ablate("run", EVALUATION, *options).err


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("evaluate.rerank={k1: 0}", "config.evaluate.rerank.k1: found 0; accepted: at least 1"),
        ("evaluate.whitening={dimension: 8}", "did you mean 'config.evaluate.whitening.dimensions'?"),
        ("evaluate.cameras=some", "config.evaluate.cameras: found 'some'; accepted: 'other' or 'all'"),
        ("evaluate.flip=1", "config.evaluate.flip: found 1; accepted: on or off"),
        (f"evaluate.detections_sha256={'ab' * 32}", "there is no file to have that hash; set evaluate.detections to"),
        ("evaluate.detections=nowhere.json", "evaluate.detections: nowhere.json cannot be read (No such file"),
    ],
)
def test_values_that_are_none(ablate: Ablate, setting: str, said: str) -> None:
    result = ablate("plan", EVALUATION, "--set", f"config.{setting}")
    assert result.code == 2
    assert said in result.err
