"""Text logs: values by regular expressions, settings in names."""

from pathlib import Path

import pytest

from ablate.errors import AblateError, SourceError
from ablate.imports.folders.logs import reader
from ablate.imports.options import request_of
from ablate.imports.source import FAILED, Request
from tests.support.imports import canonical, logs
from tests.support.imports.run_trees import write_tree

PATTERNS = {"acc": "val acc: ([0-9.]+)"}


def test_the_canonical_study(tmp_path: Path) -> None:
    source = reader.read(logs.write(tmp_path), Request(patterns=PATTERNS))
    columns = zip(source.runs["lr"], source.runs["norm"], source.runs["seed"], source.runs["acc"], strict=True)
    assert sorted(columns) == sorted(canonical.runs())


def test_without_a_pattern_one_that_fits_is_proposed(tmp_path: Path) -> None:
    path = logs.write(tmp_path)
    with pytest.raises(SourceError, match=r"--pattern 'val_acc=val acc: \(\[-\+\.0-9eE\]\+\)'"):
        reader.read(path, Request())


def test_a_metric_without_a_pattern_is_the_number_after_its_name(tmp_path: Path) -> None:
    write_tree(tmp_path, {"seed0.log": "val_acc=0.25 acc = 0.5\nval_acc=0.75\n"})
    source = reader.read(tmp_path, Request(metrics=("acc",)))
    assert list(source.runs["acc"]) == [0.5]
    assert any("--pattern" in sentence for sentence in source.unused)


def test_logs_in_folders_of_runs_with_configurations(tmp_path: Path) -> None:
    for seed in range(3):
        write_tree(
            tmp_path, {f"r{seed}/config.yaml": f"seed: {seed}\nlr: 0.1\n", f"r{seed}/out.log": f"val acc: 0.{seed}\n"}
        )
    source = reader.read(tmp_path, Request(patterns=PATTERNS))
    assert sorted(zip(source.runs["seed"], source.runs["acc"], strict=True)) == [(0, 0.0), (1, 0.1), (2, 0.2)]


def test_a_log_without_a_value_has_failed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"seed0.log": "val acc: 0.5\n", "seed1.log": "killed\n"})
    source = reader.read(tmp_path, Request(patterns=PATTERNS))
    assert list(source.states)[1] == FAILED
    assert any("no line of seed1.log matches" in sentence for sentence in source.unused)


def test_one_log(tmp_path: Path) -> None:
    write_tree(tmp_path, {"vit.txt": "val acc: 0.5\nval acc: 0.75\n"})
    source = reader.read(tmp_path / "vit.txt", Request(patterns=PATTERNS))
    assert list(source.runs["acc"]) == [0.75]


def test_patterns_of_options() -> None:
    assert request_of(patterns=["acc=val acc = ([0-9.]+)"]).patterns == {"acc": "val acc = ([0-9.]+)"}
    with pytest.raises(AblateError, match="round brackets") as error:
        request_of(patterns=["acc=val acc", "loss"])
    assert "'loss'" in str(error.value)
