"""Scalars in event files, as the real writers of TensorBoard's format wrote them."""

import math
from pathlib import Path

import pytest

from ablate.trainers.measuring.takes import NoValueError, Take
from ablate.trainers.measuring.tensorboard_events import scalars
from tests.support.trainers.outputs import (
    TENSORBOARD,
    TENSORBOARDX,
    TORCH,
    TORCH_NEW_STYLE,
    event_file,
    outputs,
    reading,
    reason,
    value,
    write,
)

NAME = "events.out.tfevents.1700000000.host.1.0"
ACC = "tensorboard:val/acc"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (TORCH, [("val/acc", 10, 0.5), ("val/acc", 20, 0.75)]),
        (TORCH_NEW_STYLE, [("val/acc", 7, 0.25), ("val/loss", 8, 0.1)]),
        (TENSORBOARD, [("val/acc", 4, 0.5), ("val/acc", 300, 0.625)]),
        (TENSORBOARDX, [("val/acc", -1, 0.125)]),
        (event_file(("a", 0, 1.5), ("b", 2**40, -2.0)), [("a", 0, 1.5), ("b", 2**40, -2.0)]),
    ],
)
def test_scalars_of_each_writer(tmp_path: Path, content: bytes, expected: list[tuple[str, int, float]]) -> None:
    read = list(scalars(write(tmp_path / NAME, content)))
    assert [(one.tag, one.step, one.value) for one in read if not math.isnan(one.value)] == expected
    assert all(one.wall_time > 1e8 for one in read)


def test_a_file_that_is_cut_off_anywhere_gives_the_scalars_before_the_cut(tmp_path: Path) -> None:
    whole = list(scalars(write(tmp_path / NAME, TENSORBOARD)))
    counts = []
    for length in (*range(0, len(TENSORBOARD), 5), len(TENSORBOARD) - 1, len(TENSORBOARD)):
        read = list(scalars(write(tmp_path / NAME, TENSORBOARD[:length])))
        assert read == whole[: len(read)]
        counts.append(len(read))
    assert (counts[0], counts[-2], counts[-1]) == (0, 1, 2)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    garbage = (20).to_bytes(8, "little") + b"\xff" * 60
    with pytest.raises(NoValueError, match="is no event file of TensorBoard"):
        list(scalars(write(tmp_path / NAME, garbage)))


def test_any_event_file_below_the_folder(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "lightning_logs" / "version_0" / NAME, TENSORBOARD)
    assert value(left, ACC) == 0.625
    assert value(left, ACC, Take(step=4)) == 0.5
    assert value(left, "lightning_logs/*/events.out.tfevents.*:val/acc") == 0.625


def test_the_last_value_is_that_of_the_last_step(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / NAME, event_file(("acc", 3, 0.5), ("acc", 1, 0.25), ("acc", 2, 0.75)))
    assert value(left, "tensorboard:acc") == 0.5


def test_a_value_that_is_not_finite(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / NAME, TORCH)
    read = reading(left, ACC)
    assert (read.not_finite, read.missing, read.measurements) == ({"acc": "nan"}, {}, ())


def test_an_attempt_that_went_on_completes_the_one_before(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "events.out.tfevents.1", event_file(("acc", 1, 0.5), ("acc", 2, 0.25)), is_old=True)
    again = event_file(("acc", 2, 0.75), ("acc", 3, 0.125), wall_time=2e9)
    write(left.folder / "events.out.tfevents.2", again)
    read = [value(left, "tensorboard:acc", Take(step=step)) for step in (1, 2, 3)]
    assert read == [0.5, 0.75, 0.125]


def test_a_tag_that_only_an_earlier_attempt_wrote(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "events.out.tfevents.1", event_file(("acc", 1, 0.5)), is_old=True)
    assert "events.out.tfevents.1 is from an earlier attempt, written 17 min" in reason(left, "tensorboard:acc")
    write(left.folder / "events.out.tfevents.2", event_file(("accuracy", 1, 0.5)))
    assert "unknown tag 'acc'; did you mean 'accuracy'? known: accuracy" in reason(left, "tensorboard:acc")


def test_a_tag_in_two_folders_may_be_two_series(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    for folder, number in (("train", 0.75), ("validation", 0.5)):
        write(left.folder / folder / NAME, event_file(("epoch_accuracy", 1, number)))
    told = reason(left, "tensorboard:epoch_accuracy")
    assert "the tag epoch_accuracy is in the event files of train and validation, which may be different" in told
    assert "`from: validation/events.out.tfevents.*:epoch_accuracy`" in told
    assert value(left, "validation/events.out.tfevents.*:epoch_accuracy") == 0.5


def test_no_event_file(tmp_path: Path) -> None:
    assert "there is no event file in ${dir}" in reason(outputs(tmp_path), ACC)
