"""Folders and logs that W&B's runs leave, read as runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.kinds import recognise
from ablate.imports.source import ColumnRole, Request, Source
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.wandb_runs import (
    CONFIG,
    EXIT,
    HISTORY,
    SUMMARY,
    add,
    add_files,
    config,
    history,
    item,
    log,
    message,
    record,
    records,
    write,
)

STEPS = [{"acc": 0.1, "val/loss": 2.0}, {"acc": 0.5, "val/loss": float("nan")}]


def read(path: Path) -> Source:
    reader, why = recognise(path)
    assert reader.kind == "wandb"
    assert why
    return reader.read(path, Request())


@pytest.mark.parametrize("of", [lambda root: root, lambda root: root.parent], ids=["wandb", "its parent"])
def test_every_offline_run_has_its_settings_and_last_values(tmp_path: Path, of: Callable[[Path], Path]) -> None:
    source = read(of(write(tmp_path)))
    assert [*source.runs[["lr", "norm", "seed", "acc"]].itertuples(index=False, name=None)] == list(runs())
    assert source.roles["lr"] is ColumnRole.SETTING
    assert source.roles["acc"] is ColumnRole.METRIC
    assert {source.roles[name] for name in ("epoch", "_step", "run", "run_id")} == {ColumnRole.CIRCUMSTANCE}
    assert set(source.states) == {"done"}
    assert list(source.unused) == []


@pytest.mark.parametrize("of", [lambda folder: folder, lambda folder: folder / "run-abc.wandb"], ids=["folder", "log"])
def test_a_single_run(tmp_path: Path, of: Callable[[Path], Path]) -> None:
    folder = add(tmp_path, 1, log(records("abc", "lively-sun-1", {"lr": 0.1}, STEPS)), key="abc")
    source = read(of(folder))
    assert list(source.places) == ["run lively-sun-1"]
    row = source.runs.iloc[0].to_dict()
    assert (row["acc"], row["run_id"], row["host"]) == (0.5, "abc", "vm")
    assert source.runs["val/loss"].isna().all()


def test_files_count_before_the_log(tmp_path: Path) -> None:
    folder = add(tmp_path, 1, log(records("a", "n", {"lr": 0.1}, STEPS)), kind="run")
    add_files(folder, {"lr": 0.2, "opt": {"betas": [0.9, 0.99]}, "tiny": 1e-5}, {"acc": 0.75, "best": {"max": 0.8}})
    row = read(tmp_path).runs.iloc[0].to_dict()
    assert (row["lr"], row["opt.betas"], row["tiny"]) == (0.2, "[0.9, 0.99]", 1e-05)
    assert (row["acc"], row["best.max"], row["run"]) == (0.75, 0.8, "n")


def test_files_without_a_log(tmp_path: Path) -> None:
    add_files(add(tmp_path, 1, None, kind="run"), {"lr": 0.2}, {"acc": "NaN", "txt": "hello"})
    source = read(tmp_path)
    assert list(source.states) == ["done"]
    assert source.runs["acc"].isna().all()
    assert source.roles["txt"] is ColumnRole.CIRCUMSTANCE


def test_states_by_the_exit_code(tmp_path: Path) -> None:
    for number, code in enumerate((0, 1, 255, None)):
        add(tmp_path, number, log(records(f"r{number}", f"n{number}", {}, STEPS, code)), key=f"r{number}")
    source = read(tmp_path)
    assert list(source.states) == ["done", "failed", "failed", "running"]
    assert list(source.unused) == [
        "offline-run-20260101_120003-r3: the log ends early, because it has no record of the run's end"
    ]


def test_records_that_cross_blocks_and_changes_of_config_and_summary(tmp_path: Path) -> None:
    long = "x" * 100_000
    body = [
        *records("a", "n", {"lr": 0.1, "gone": 1}, STEPS, None),
        record(9, CONFIG, config({"long": long}) + message((2, item(["gone"], None)))),
        record(10, SUMMARY, message((1, item(["best"], {"max": 0.9})), (1, item(["a", "b"], 7)))),
        record(11, HISTORY, history(5, {"best": 0.4, "a.c": 8, "im._type": "image-file", "im.size": 3})),
        record(12, EXIT, b""),
    ]
    add(tmp_path, 1, log(body))
    source = read(tmp_path)
    row = source.runs.iloc[0].to_dict()
    assert row["long"] == long[:10_000]
    assert (row["best"], row["best.max"], row["a.b"], row["a.c"]) == (0.4, 0.9, 7, 8)
    assert not {"gone", "im.size"} & set(row)


def test_a_log_gives_what_it_has_wherever_it_is_cut(tmp_path: Path) -> None:
    """A log of three blocks, cut anywhere: never a traceback, and never another value than one that was logged."""
    whole = log(records("a", "n", {"lr": 0.1, "long": "x" * 60_000}, [{"acc": step / 100} for step in range(100)]))
    folder = add(tmp_path, 1, b"", key="a")
    counts = []
    for cut in [*range(7, len(whole), 997), len(whole) - 1]:
        (folder / "run-a.wandb").write_bytes(whole[:cut])
        try:
            source = read(folder)
        except SourceError as error:
            assert str(error) == "run a: no metric has a value" or "run has a metric" in str(error)  # noqa: PT017
            counts.append(-1)
            continue
        assert list(source.states) == ["running"]
        assert "the log ends early, because" in source.unused[0]
        counts.append(round(source.runs["acc"][0] * 100))
    assert counts == sorted(counts)
    assert counts[-1] == 99


def test_a_log_ends_at_the_first_record_that_was_damaged(tmp_path: Path) -> None:
    whole = bytearray(log(records("a", "n", {"lr": 0.1}, [{"acc": 0.1}, {"acc": 0.2}, {"acc": 0.3}])))
    at = whole.rindex(b"0.3")
    whole[at : at + 3] = b"9.9"
    add(tmp_path, 1, bytes(whole))
    source = read(tmp_path)
    assert list(source.runs["acc"]) == [0.2]
    assert source.unused[0].endswith("because a record has another checksum than its content")


def test_a_resumed_run_is_one_run(tmp_path: Path) -> None:
    for number, acc in enumerate((0.1, 0.2)):
        add(tmp_path, number, log(records("a", "n", {}, [{"acc": acc}])), key="a")
    (tmp_path / "latest-run").symlink_to("offline-run-20260101_120001-a")
    source = read(tmp_path)
    assert list(source.runs["acc"]) == [0.2]
    assert list(source.unused) == ["offline-run-20260101_120000-a: a later folder goes on with the same run"]


def test_every_fault_is_reported(tmp_path: Path) -> None:
    first, second = add(tmp_path, 1, None), add(tmp_path, 2, None)
    (first / "files" / "config.yaml").write_text("lr: [\n")
    (second / "files" / "wandb-summary.json").write_text('{"acc": 0.5,}')
    add(tmp_path, 3, b"PK\x03\x04 an archive")
    with pytest.raises(SourceError) as raised:
        read(tmp_path)
    message = str(raised.value)
    assert "config.yaml: is no valid YAML" in message
    assert "wandb-summary.json: is no valid JSON" in message
    assert "run-run00003.wandb: is no log of W&B" in message


def test_no_tag_of_yaml_builds_an_object(tmp_path: Path) -> None:
    folder = add(tmp_path, 1, None)
    add_files(folder, {"lr": 0.1}, {"acc": 0.5})
    hostile = f"opt:\n  value: !!python/object/apply:os.mkdir [{tmp_path}/made]\nlr:\n  value: 1e-05\n"
    (folder / "files" / "config.yaml").write_text(hostile)
    source = read(tmp_path)
    assert list(source.runs["lr"]) == [1e-05]
    assert "opt is left out: its value is an object" in source.unused[0]
    assert not (tmp_path / "made").exists()


def test_a_run_without_metrics_is_left_out_and_none_with_metrics_is_a_fault(tmp_path: Path) -> None:
    add(tmp_path, 1, log(records("a", "n", {}, [])))
    with pytest.raises(SourceError, match=r"no run has a metric \(1 run\); log metrics with wandb.log"):
        read(tmp_path)
    add(tmp_path, 2, log(records("b", "m", {}, STEPS)))
    assert list(read(tmp_path).unused) == ["1 finished run without a metric: offline-run-20260101_120001-run00001"]


def test_other_folders_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "wandb" / "run-7" / "files").mkdir(parents=True)
    assert recognise(tmp_path, "wandb").reader.recognise(tmp_path) == ""
    with pytest.raises(SourceError, match="holds no folder of a W&B run"):
        recognise(tmp_path, "wandb").reader.read(tmp_path, Request())
