"""Folders `mlruns` of MLflow, read as runs."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.kinds import recognise
from ablate.imports.source import ColumnRole, Request, Source
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.mlflow_folder import MlflowFolder, series, write


def read(path: Path) -> Source:
    reader, why = recognise(path)
    assert reader.kind == "mlflow"
    assert why
    return reader.read(path, Request())


OF = [lambda root: root, lambda root: root.parent, lambda root: root / "394962979225480788"]


@pytest.mark.parametrize("of", OF, ids=["mlruns", "its parent", "an experiment"])
def test_every_run_has_its_settings_as_numbers_and_its_last_value(tmp_path: Path, of: Callable[[Path], Path]) -> None:
    source = read(of(write(tmp_path)))
    assert [*source.runs[["lr", "norm", "seed", "acc"]].itertuples(index=False, name=None)] == list(runs())
    assert source.roles["lr"] is ColumnRole.SETTING
    assert source.roles["acc"] is ColumnRole.METRIC
    assert source.roles["run_id"] is ColumnRole.CIRCUMSTANCE
    assert "experiment" not in source.runs
    assert list(source.unused) == []


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        ("3 0.1 7\n1 0.2 9\n2 0.3 8\n", 0.2),
        ("1 0.1\n5 0.2\n3 0.3\n", 0.2),
        ("1 0.1 0 train 0abc\n2 0.2 0 train 0abc\n", 0.2),
        ("1 0.5 0\n2 nan 1\n", math.nan),
        ("1 0.5 0\n2 -inf 1\n", math.nan),
        ("1 0.5 0\n2 0.", 0.0),
        ("1 0.5 0\n2", 0.5),
        ("1 0.5 0\r\n2 0.7 1\r\n", 0.7),
    ],
    ids=["by step", "old, by time", "with a data set", "nan", "inf", "no end", "torn", "CRLF"],
)
def test_the_last_value_of_a_metric(tmp_path: Path, lines: str, last: float) -> None:
    MlflowFolder(tmp_path / "mlruns").add("a", {}, {"acc": lines})
    assert read(tmp_path).runs["acc"][0] == pytest.approx(last, nan_ok=True)


def test_names_with_slashes_are_folders_on_the_disk(tmp_path: Path) -> None:
    kept = MlflowFolder(tmp_path / "mlruns")
    kept.add("a", {"opt/name": "adam", "opt/betas/1": "0.9"}, {"val/loss": series(0.5)}, {"note/x": "y"})
    row = read(tmp_path).runs.iloc[0].to_dict()
    assert (row["opt/name"], row["opt/betas/1"], row["val/loss"], row["note/x"]) == ("adam", 0.9, 0.5, "y")


def test_states_deleted_runs_and_parents(tmp_path: Path) -> None:
    kept = MlflowFolder(tmp_path / "mlruns")
    kept.experiment("77", "thrown away", "deleted")
    parent = kept.add("sweep", {}, {})
    for status in (1, 2, 3, 4, 5):
        kept.add(f"s{status}", {"lr": 0.1}, {"acc": series(0.5)}, {"mlflow.parentRunId": parent.name}, status)
    kept.add("gone", {}, {"acc": series(0.5)}, stage="deleted")
    kept.add("trash", {}, {"acc": series(0.5)}, experiment=".trash/77")
    source = read(tmp_path)
    assert list(source.states) == ["running", "running", "done", "failed", "failed"]
    assert source.unused[0] == "2 deleted runs: gone and trash"
    assert source.unused[1].startswith("run sweep: only holds 5 nested runs together")


def test_several_experiments_are_a_column(tmp_path: Path) -> None:
    kept = MlflowFolder(tmp_path / "mlruns")
    for experiment in ("0", "394962979225480788"):
        kept.add("a", {}, {"acc": series(0.5)}, experiment=experiment)
    assert list(read(tmp_path).runs["experiment"]) == ["Default", "study"]


def test_every_fault_is_reported_with_its_place(tmp_path: Path) -> None:
    kept = MlflowFolder(tmp_path / "mlruns")
    first = kept.add("a", {"lr": 0.1}, {"acc": "1 0.5 0\nsoon\n", "empty": ""})
    (first / "params" / "broken").write_bytes(b"\xff\x00")
    second = kept.add("b", {}, {"acc": series(0.5)})
    (second / "meta.yaml").write_text("run_id: [\n")
    with pytest.raises(SourceError) as raised:
        read(tmp_path)
    message = str(raised.value)
    assert "metrics/acc:2: 'soon' is no line `time value step` of a metric" in message
    assert "metrics/empty: is empty" in message
    assert "params/broken: is not UTF-8 text (byte 0)" in message
    assert f"{second}/meta.yaml: is no valid YAML" in message


def test_links_in_a_circle_and_other_files_are_passed_over(tmp_path: Path) -> None:
    kept = MlflowFolder(tmp_path / "mlruns")
    run = kept.add("a", {"lr": 0.1}, {"acc": series(0.5)})
    (run / "metrics" / "loop").symlink_to(run, target_is_directory=True)
    (kept.root / "loop").symlink_to(kept.root / "loop")
    (kept.root / "models").mkdir()
    assert list(read(tmp_path).runs["acc"]) == [0.5]


def test_a_folder_of_artifacts_alone_is_not_taken_for_runs(tmp_path: Path) -> None:
    (tmp_path / "mlruns" / "1" / "abc" / "artifacts").mkdir(parents=True)
    with pytest.raises(SourceError, match="holds no experiment of MLflow"):
        recognise(tmp_path, "mlflow").reader.read(tmp_path, Request())
    with pytest.raises(SourceError, match="of no kind that is known"):
        recognise(tmp_path)


def test_names_of_more_values_than_memory_holds_are_not_read(tmp_path: Path) -> None:
    run = MlflowFolder(tmp_path / "mlruns").add("a", {"lr": 0.1}, {"acc": series(0.5)})
    levels = "".join(f"a{at + 1}: &a{at + 1} [{', '.join([f'*a{at}'] * 9)}]\n" for at in range(9))
    (run / "meta.yaml").write_text(f"a0: &a0 [x, x]\n{levels}run_id: r\nrun_name: *a9\nstatus: 3\n")
    with pytest.raises(SourceError, match=r"meta\.yaml: is no valid YAML: it has more than 100,000 values"):
        read(tmp_path)
