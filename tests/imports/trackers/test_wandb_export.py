"""CSV files that W&B exported, read as runs."""

from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.kinds import recognise
from ablate.imports.source import ColumnRole, Request, Source
from tests.support.imports.canonical import METRIC, runs
from tests.support.imports.trackers.wandb_export import HEADER, write, write_chart, write_quoted


def read(path: Path) -> Source:
    reader, why = recognise(path)
    assert reader.kind == "wandb-csv"
    assert why
    return reader.read(path, Request())


def test_a_table_of_runs_has_its_values_and_no_role_but_bookkeeping(tmp_path: Path) -> None:
    source = read(write(tmp_path))
    assert [*source.runs[["lr", "norm", "seed", "acc"]].itertuples(index=False, name=None)] == list(runs())
    assert set(source.roles.values()) == {ColumnRole.CIRCUMSTANCE}
    assert set(source.roles) == {"Name", "Notes", "User", "Created", "Runtime", "_step"}
    assert list(source.places[:2]) == ["line 2", "line 3"]


def test_states_and_texts_of_numbers(tmp_path: Path) -> None:
    words = ["finished", "failed", "crashed", "killed", "running", "pending"]
    lines = [["Name", "State", "Created", "drop", "optim.lr", "acc"]]
    lines += [[word, word, "", "true", "1e-05", "NaN"] for word in words]
    source = read(write_quoted(tmp_path / "runs.csv", lines))
    assert list(source.states) == ["done", "failed", "failed", "failed", "running", "running"]
    assert source.runs["acc"].isna().all()
    assert (source.runs["drop"][0], source.runs["optim.lr"][0]) == (True, 1e-05)


def test_images_are_left_out_and_a_name_that_is_there_twice_is_two_columns(tmp_path: Path) -> None:
    lines = [["Name", "State", "Created", "acc", "acc", "im._type", "im.size"]]
    lines += [["a", "finished", "now", "high", "0.5", "image-file", "17"]]
    source = read(write_quoted(tmp_path / "runs.csv", lines))
    assert (source.runs["acc"][0], source.runs["acc.2"][0]) == ("high", 0.5)
    assert not [name for name in source.runs if name.startswith("im.")]
    assert list(source.unused) == ["column im: an image, histogram, table or file, and no single value"]


def test_a_chart_gives_the_last_value_of_each_run(tmp_path: Path) -> None:
    source = read(write_chart(tmp_path))
    assert list(source.runs[METRIC]) == [run.acc for run in runs()]
    assert list(source.runs["run"])[:2] == ["lr0.1-batch-seed0", "lr0.1-batch-seed1"]
    assert source.roles == {METRIC: ColumnRole.METRIC, "run": ColumnRole.CIRCUMSTANCE}


def test_the_form_of_names_gives_the_settings_of_a_chart(tmp_path: Path) -> None:
    reader, _ = recognise(write_chart(tmp_path))
    source = reader.read(tmp_path / "chart.csv", Request(names="lr{lr}-{norm}-seed{seed}"))
    assert [*source.runs[["lr", "norm", "seed", "acc"]].itertuples(index=False, name=None)] == list(runs())
    assert source.roles["lr"] is ColumnRole.SETTING


def test_a_run_that_ended_early_has_its_last_value_and_an_empty_one_is_named(tmp_path: Path) -> None:
    columns = [name + end for name in ("a - b - acc", "c - acc") for end in ("", "__MIN", "__MAX")]
    lines = [["epoch", *columns], ["0", "0.1", "0", "1", "", "", ""], ["1", "", "", "", "", "", ""]]
    source = read(write_quoted(tmp_path / "chart.csv", lines))
    assert (list(source.runs["run"]), list(source.runs["acc"])) == (["a - b"], [0.1])
    assert "column c: has no value" in source.unused


def test_lines_of_other_lengths_are_all_reported(tmp_path: Path) -> None:
    file = write(tmp_path)
    file.write_text(file.read_text() + "a,b\nc\n")
    with pytest.raises(SourceError, match=r":14: has 2 cells, but the header has 13(.|\n)*:15: has 1 cells"):
        read(file)


@pytest.mark.parametrize(
    "tail",
    [b"a\x00b," + b"1," * 11 + b"1\n", b"\xff\xfe," + b"1," * 11 + b"1\n", b'"' + b"9" * 2_000_000 + b'",1\n'],
    ids=["NUL", "no UTF-8", "a cell of 2 MB"],
)
def test_hostile_lines_are_faults(tmp_path: Path, tail: bytes) -> None:
    file = write(tmp_path)
    file.write_bytes(file.read_bytes() + tail)
    with pytest.raises(SourceError, match="cannot be read as a table that W&B exported"):
        read(file)


def test_a_hundred_thousand_columns_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    file.write_text("Name,State,Created" + ",x" * 100_000 + "\n")
    with pytest.raises(SourceError, match="has 100,003 columns"):
        recognise(file, "wandb-csv").reader.read(file, Request())


def test_a_word_in_a_chart_is_a_fault_with_its_line(tmp_path: Path) -> None:
    lines = [["Step", "a - acc", "a - acc__MIN", "a - acc__MAX"], ["0", "good", "", ""]]
    with pytest.raises(SourceError, match="2: a - acc: 'good' is no number"):
        read(write_quoted(tmp_path / "chart.csv", lines))


def test_a_chart_without_numbers_is_a_fault(tmp_path: Path) -> None:
    lines = [["Step", *["a - _step" + end for end in ("", "__MIN", "__MAX")]], ["0", "0", "0", "0"]]
    with pytest.raises(SourceError, match="has no number below the names of runs"):
        read(write_quoted(tmp_path / "chart.csv", lines))


@pytest.mark.parametrize("names", [["Name", "Group", "Notes", "acc"], ["Step", "a - acc"], ["Name"], []])
def test_other_tables_are_not_taken_for_exports(tmp_path: Path, names: list[str]) -> None:
    file = write_quoted(tmp_path / "table.csv", [names, ["1"] * len(names)])
    reader = recognise(tmp_path / "table.csv", "wandb-csv").reader
    assert reader.recognise(file) == ""
    with pytest.raises(SourceError, match="is no table that W&B exported"):
        reader.read(file, Request())


def test_a_table_without_runs_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no run below its header"):
        read(write_quoted(tmp_path / "runs.csv", [HEADER]))
