"""Studies on data sets of a user's own through the command line: packed, trained on, tested; and what is refused."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Ablate

STUDY = """
study: own
trainer: retrieval
config:
  data: {name: csv, root: list.csv, size: [32, 32]}
  model: {backbone: resnet18, bn_grouping: fused}
  loss: {target: item, mining: batch-hard}
  augment: {pad: 2}
  batch: {sampling: pk, items: 4, images: 2}
  schedule: {steps: 1, milestones: []}
  evaluate: {scope: all}
factors:
  expansion: {sets: evaluate.query_expansion, levels: {off: null, on: {k: 2}}}
  cameras: {sets: evaluate.cameras, levels: [other, all]}
design:
  - add_one: {from: {}}
"""


def listed(rows: list[str], header: str = "path,item,split,category,camera") -> None:
    Path("list.csv").write_text("\n".join([header, *rows, ""]))


@pytest.fixture
def rows(tmp_path: Path) -> list[str]:
    """Thirty items, six of them for the test, with four images each by two cameras."""
    random = np.random.default_rng(0)
    made = []
    for item in range(60):
        for number in range(4):
            path = f"{item}-{number}.png"
            Image.fromarray(random.integers(0, 256, (24, 24, 3), np.uint8)).save(path)
            made.append(
                f"{path},item {item},{'test' if item >= 54 else 'train'},{'hats' if item % 2 else 'shoes'},{number % 2}"
            )
    listed(made)
    Path("study.yaml").write_text(STUDY)
    return made


@pytest.mark.slow
def test_a_csv_is_packed_trained_on_and_tested(ablate: Ablate, rows: list[str]) -> None:
    done = ablate("run", "study.yaml", "--workers", 1)
    assert done.code == 0, done.err
    assert "1 of 1 trainings run" in done.err  # the rows differ in the evaluation alone
    report = json.loads(ablate("report", "--format", "json").out)
    assert report["data"]["name"] == "csv"
    assert (report["data"]["queries"], report["data"]["gallery"]) == (24, 24)
    with sqlite3.connect("results/ablate.db") as connection:
        shown = dict(connection.execute("SELECT label, map FROM results").fetchall())
    assert len(shown) == 3
    assert all(0 < value <= 1 for value in shown.values())
    assert "csv" in ablate("data", "list").out


@pytest.mark.slow
def test_whitening_to_more_dimensions_than_a_network_has_beside_another_fault(ablate: Ablate, rows: list[str]) -> None:
    cells = ("--set", "config.evaluate.whitening={dimensions: 150}", "--set", "config.model.backbone=timm/test_resnet")
    small = ("--set", "config.model.last_stride=2", "--set", "config.evaluate.rerank={k1: 90}")
    told = ablate("run", "study.yaml", *cells, *small)
    assert told.code == 2
    assert "150 is more than the 96 that the features of timm/test_resnet have" in told.err
    assert "evaluate.rerank.k1: 90 neighbours are needed" in told.err
    assert not Path("results/ablate.db").exists()


def test_a_query_whose_category_is_not_in_the_gallery(ablate: Ablate, rows: list[str]) -> None:
    split = [row.replace(",test,", ",query," if "-0." in row else ",gallery,") for row in rows]
    wrong = [row.replace("shoes", "bags") if ",query," in row else row for row in split]
    listed(wrong)
    told = ablate("run", "study.yaml", "--set", "config.evaluate.scope=category")
    assert told.code == 2
    line = next(number for number, row in enumerate(wrong, start=2) if "bags" in row)
    assert f"list.csv, line {line}" in told.err
    assert "'bags' (3 queries)" in told.err
    assert "evaluate.scope" in told.err
    assert not Path("results/ablate.db").exists()


def test_k_beyond_the_gallery(ablate: Ablate, rows: list[str]) -> None:
    told = ablate("run", "study.yaml", "--set", "factors.expansion.levels={off: null, on: {k: 24}}")
    assert told.code == 2
    assert "evaluate.query_expansion.k: 24" in told.err
    assert "row 'expansion=on'" in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda rows: listed(rows, "path,item,part,category,camera"), "line 1: there is no column split"),
        (lambda rows: Path("list.csv").unlink(), "data.root: list.csv cannot be read"),
        (lambda rows: Path("3-1.png").unlink(), "list.csv, line 15: 3-1.png: found no file"),
        (lambda rows: Path("3-1.png").write_bytes(b"no image"), "3-1.png"),
        (lambda rows: listed([f"{row},0 0 90 9" for row in rows], "path,item,split,category,camera,box"), "90, 9"),
    ],
)  # fmt: skip
def test_files_that_are_no_data_set(ablate: Ablate, rows: list[str], spoil, said: str) -> None:  # type: ignore[no-untyped-def]
    spoil(rows)
    for command in (("run", "study.yaml"), ("data", "prepare", "csv", "--root", "list.csv", "--size", 32, 32)):
        told = ablate(*command)
        assert told.code == 2, told.err
        assert said in told.err
        assert "Traceback" not in told.err
