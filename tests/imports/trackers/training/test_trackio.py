"""Projects of Trackio: JSON columns of both versions, values in words, media, several projects."""

from math import isnan
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.source import ColumnRole, Request
from ablate.imports.trackers.training.trackio import reader
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.training_trackio import OLD_SCHEMA, TrackioProject, write


def test_the_last_value_of_each_metric_counts(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path), Request())
    assert source.runs[["lr", "model.norm", "seed", "acc"]].values.tolist() == [list(run) for run in runs()]
    assert source.roles["created"] is source.roles["run_id"] is ColumnRole.CIRCUMSTANCE


def test_words_for_numbers_media_and_nested_metrics(tmp_path: Path) -> None:
    project = TrackioProject(tmp_path / "p.db")
    image = {"_type": "trackio.image", "file_path": "a.png"}
    project.add("run", {}, [{"loss": 0.5, "val": {"acc": 0.25}}, {"loss": "NaN", "picture": image, "note": "text"}])
    source = reader.read(tmp_path, Request())
    assert isnan(source.runs["loss"][0])
    assert source.runs["val/acc"].tolist() == [0.25]
    assert [text.split(":")[0] for text in source.unused] == ["note", "picture"]


def test_a_project_of_a_version_without_ids_and_without_configs(tmp_path: Path) -> None:
    project = TrackioProject(tmp_path / "old.db", OLD_SCHEMA)
    for number in range(2):
        project.add(f"run{number}", {}, [{"acc": 0.5}, {"acc": number / 4}])
    source = reader.read(project.path, Request(names="run{number}"))
    assert source.runs[["number", "acc"]].values.tolist() == [[0, 0.0], [1, 0.25]]


def test_runs_of_one_name_and_several_projects(tmp_path: Path) -> None:
    for name in ("p", "q"):
        project = TrackioProject(tmp_path / f"{name}.db")
        project.add("same", {}, [{"acc": 1}], "1" * 32)
        project.add("same", {}, [{"acc": 2}], "2" * 32)
    source = reader.read(tmp_path, Request())
    assert source.places == [f"{name}/same ({key * 8})" for name in "pq" for key in "12"]
    assert source.runs["project"].tolist() == ["p", "p", "q", "q"]


def test_what_is_no_project_gives_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "p.db"
    for content in (b"", b"SQLite format 3\0" + bytes(5000), b"PK\3\4" + bytes(1000)):
        path.write_bytes(content)
        assert reader.recognise(path) == ""
        with pytest.raises(SourceError, match=r"p\.db|no run with results"):
            reader.read(path, Request())
    path.unlink()
    TrackioProject(path).add("run", {}, [["no", "object"]])  # type: ignore[list-item]
    with pytest.raises(SourceError, match="run run, metrics: must be an object"):
        reader.read(path, Request())
