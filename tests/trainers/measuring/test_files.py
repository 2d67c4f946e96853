"""Files of this attempt, of earlier ones, and in the wrong folder."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.trainers.measuring import files
from ablate.trainers.measuring.files import newest_file
from ablate.trainers.measuring.seen import seen_values
from ablate.trainers.measuring.takes import NoValueError
from tests.support.trainers.outputs import outputs, reason, value, write

ACC = "metrics.csv:acc"
TABLE = "acc\n0.5\n"


def test_the_newest_of_several_files(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    now = time.time()
    for age, name in enumerate(("b", "a", "c")):
        os.utime(write(left.folder / f"version_{name}" / "metrics.csv", f"acc\n{age}\n"), (now + age, now - age / 10))
    assert value(left, "version_*/metrics.csv:acc") == 0
    assert value(left, "**/metrics.csv:acc") == 0
    told = reason(left, "version_*/metrics.csv:loss", metric="loss")
    assert told.startswith("version_b/metrics.csv (the newest of 3 files): unknown column 'loss'; known: acc")


def test_files_of_ablate_itself_are_not_those_of_the_script(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "metrics.json", {"acc": 0.5})
    for name in ("ablate-config.json", "ablate-finished.json", "ablate-returned.json"):
        write(left.folder / name, {"acc": 7})
    assert value(left, "*.json:acc") == 0.5
    assert [one.origin for one in seen_values(left)] == ["metrics.json:acc"]


def test_a_name_with_brackets_is_a_name_first(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "log[1].csv", TABLE)
    assert value(left, "log[1].csv:acc") == 0.5


def test_a_file_that_an_earlier_attempt_left_is_not_read(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "metrics.csv", TABLE, is_old=True)
    told = "metrics.csv is from an earlier attempt, written 17 min before this one began; this attempt did not write it"
    assert reason(left, ACC) == told
    write(left.folder / "result.json", {"acc": 1}, is_old=True)
    assert reason(left).startswith(
        "result.json is from an earlier attempt, and this one did not write it, and no line "
    )
    assert reason(left, "result:acc") == "result.json is from an earlier attempt, and this one did not write it"
    write(left.folder / "preds.csv", "id,value\na,1\n", is_old=True)
    assert reason(left, examples="preds.csv").startswith("preds.csv is from an earlier attempt")


@pytest.mark.parametrize(("age", "is_read"), [(0.0, True), (1.5, True), (2.5, False)])
def test_clocks_may_differ_by_two_seconds(tmp_path: Path, age: float, is_read: bool) -> None:
    left = outputs(tmp_path)
    path = write(left.folder / "metrics.csv", TABLE)
    os.utime(path, (left.since - age, left.since - age))
    assert value(left, ACC) == 0.5 if is_read else "is from an earlier attempt" in reason(left, ACC)


def test_a_file_in_the_working_directory(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(tmp_path / "metrics.csv", TABLE, is_old=True)
    assert reason(left, ACC) == "there is no metrics.csv in ${dir}"
    write(tmp_path / "lightning_logs" / "version_3" / "metrics.csv", TABLE)
    assert reason(left, ACC) == (
        "there is no metrics.csv in ${dir}; the script wrote lightning_logs/version_3/metrics.csv in the working "
        "directory, where trials that run at the same time overwrite each other's files; let the script write to "
        "${dir}, or set `cwd: ${dir}` in the trainer"
    )
    write(tmp_path / "runs" / "Jan01" / "events.out.tfevents.1.host", b"")
    assert "the script wrote runs/Jan01/events.out" not in reason(left, "tensorboard:acc")  # those of all trainings
    write(tmp_path / "tb" / "events.out.tfevents.1.host", b"")
    assert "there is no event file in ${dir}; the script wrote tb/events.out.tfevents.1.host in" in reason(
        left, "tensorboard:acc"
    )


def test_files_of_other_trainings_are_not_in_the_working_directory(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder.parent / "other" / "metrics.csv", TABLE)
    assert reason(left, ACC) == "there is no metrics.csv in ${dir}"
    assert reason(replace(left, cwd=left.folder), ACC) == "there is no metrics.csv in ${dir}"


def test_a_file_elsewhere_in_the_folder_of_the_training(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "logs" / "metrics.csv", TABLE)
    told = "there is no metrics.csv in ${dir}; the script wrote logs/metrics.csv, so name that in `from:`; seen: acc"
    assert reason(left, ACC).startswith(told)


def test_a_search_in_a_folder_of_many_files_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_VISITED", 20)
    left = outputs(tmp_path)
    for number in range(30):
        write(tmp_path / "data" / f"{number:02}.txt", "")
    write(tmp_path / "zebra" / "metrics.csv", TABLE)
    assert reason(left, ACC) == "there is no metrics.csv in ${dir}"
    write(tmp_path / "metrics.csv", TABLE)
    assert "the script wrote metrics.csv in the working directory" in reason(left, ACC)


def test_a_folder_of_the_name_is_no_file(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    (left.folder / "metrics.csv").mkdir()
    with pytest.raises(NoValueError, match="there is no metrics"):
        newest_file(left, "metrics.csv")


def test_a_log_that_cannot_be_read_is_a_reason(tmp_path: Path) -> None:
    left = replace(outputs(tmp_path), log=tmp_path)
    assert reason(left, "stdout:acc: (.)") == f"{tmp_path} cannot be read: Is a directory"
