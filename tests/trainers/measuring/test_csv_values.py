"""Values in the columns of CSV and TSV files."""

from pathlib import Path

import pytest

from ablate.measurement import Direction
from ablate.trainers.measuring.takes import Take
from tests.support.trainers.outputs import outputs, reading, reason, value, write

LIGHTNING = """\
epoch,step,train_loss,val_acc,test_acc
0,49,0.75,,
0,99,,0.5,
1,149,0.25,,
1,199,,0.875,
2,299,,0.75,
2,300,,,0.625
"""
"""As the CSVLogger of Lightning writes metrics.csv: each value in a row of its own."""

YOLO = "   epoch,  train/box_loss,   metrics/mAP50(B)\n       1,      1.125,  0.25\n  2,  1.0,  0.5\n"
"""Padded with spaces, as older versions of Ultralytics write results.csv."""


def test_empty_cells_are_left_out(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "logs" / "version_0" / "metrics.csv", LIGHTNING)
    place = "logs/*/metrics.csv"
    assert value(left, f"{place}:train_loss") == 0.25
    assert value(left, f"{place}:test_acc") == 0.625
    assert value(left, f"{place}:val_acc", Take(step=99)) == 0.5
    assert value(left, f"{place}:epoch", Take(of="val_acc")) == 1
    assert value(left, f"{place}:step") == 300


def test_spaces_around_cells_do_not_count(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "results.csv", YOLO)
    assert value(left, "results.csv:metrics/mAP50(B)") == 0.5
    assert value(left, "results.csv:train/box_loss", Take(step=1)) == 1.125


def test_tabs_quotes_and_a_header_that_comes_again(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "log.tsv", 'acc\t"the loss"\n0.5\t1\nacc\t"the loss"\n0.75\t2\n')
    assert value(left, "log.tsv:acc") == 0.75
    assert value(left, "log.tsv:the loss", Take(step=1)) == 1
    write(left.folder / "again.csv", "epoch,acc\n1,0.5\nepoch,acc\n2,0.75\n")
    assert [value(left, "again.csv:acc", Take(step=step)) for step in (1, 2)] == [0.5, 0.75]


@pytest.mark.parametrize(
    "content",
    [
        '#{"t_start": 1.5, "env_id": "CartPole-v1"}\nr,l,t\n9,9,0.5\n21,21,0.75\n',  # Monitor of Stable-Baselines3
        "# r,l,t\n9,9,0.5\n21,21,0.75\n",  # numpy.savetxt(..., header="r,l,t", delimiter=",")
        "# of 1 December\n#\n# r,l,t\n9,9,0.5\n21,21,0.75\n",
    ],
)
def test_comments_above_the_header(tmp_path: Path, content: str) -> None:
    left = outputs(tmp_path)
    write(left.folder / "0.monitor.csv", content)
    assert value(left, "0.monitor.csv:r") == 21
    assert value(left, "0.monitor.csv:t", Take(step=1)) == 0.5


def test_a_table_without_steps_counts_its_rows(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "log.csv", "val_loss,acc\n3,0.5\n1,0.75\n2,\n")
    assert value(left, "log.csv:acc", Take(step=2)) == 0.75
    assert value(left, "log.csv:acc", Take(of="val_loss", better=Direction.MINIMIZE)) == 0.75
    assert value(left, "log.csv:acc", Take(of="val_loss", better=Direction.MAXIMIZE)) == 0.5
    write(left.folder / "log.csv", "val_loss,acc\n3,0.5\n2,0.75\n1,\n")
    told = reason(left, "log.csv:acc", Take(of="val_loss", better=Direction.MINIMIZE))
    assert told.startswith(
        "val_loss is best at step 3, but there is no value at step 3; of its 2 steps the nearest is 2"
    )


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-inf", "Infinity", "-nan(ind)", "1.#INF", "+Inf", "nan%"])
def test_spellings_of_numbers_that_are_not_finite(tmp_path: Path, text: str) -> None:
    left = outputs(tmp_path)
    write(left.folder / "log.csv", f"acc\n0.5\n{text}\n")
    assert reading(left, "log.csv:acc").not_finite == {"acc": text}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "log.csv is empty"),
        ("\n\n", "log.csv is empty"),
        ("# acc\n", "log.csv is empty"),
        ("epoch,acc\n", "the column acc of log.csv has no value"),
        ("epoch,acc\n1,\n2\n", "the column acc of log.csv has no value"),
        ("epoch,accuracy\n1,2\n", "log.csv: unknown column 'acc'; did you mean 'accuracy'? known: epoch, accuracy"),
        ("epoch;acc\n1;2\n", "log.csv is separated by semicolons; write it with commas, and numbers with a point"),
        ("epoch;acc\n1;0,9\n", "log.csv is separated by semicolons; write it with commas"),
        ("epoch,acc\n1,high\n", "the value is the text 'high', not a number"),
        ("epoch,acc\n1,1_000\n", "the value is the text '1_000', not a number"),
        ("epoch,acc\n,1\n", "line 2 of log.csv has no step next to its value"),
        ("acc\n" + "9" * 200_000 + "\n", "line 2 of log.csv cannot be read: field larger than field limit"),
    ],
)
def test_tables_without_the_value(tmp_path: Path, content: str, told: str) -> None:
    left = outputs(tmp_path)
    write(left.folder / "log.csv", content)
    assert reason(left, "log.csv:acc").startswith(told)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "log.csv", b"\xef\xbb\xbfacc,note\n0.5,\xff\xfe\n")
    assert value(left, "log.csv:acc") == 0.5
