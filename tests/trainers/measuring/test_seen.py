"""All numbers in the outputs of a training, and the `from:` that reads each of them."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.trainers.measuring.seen import SeenValue, seen_values
from ablate.trainers.measuring.sources import parse_origin
from tests.support.trainers.outputs import event_file, outputs, value, write


def seen(log: str, folder: Path) -> dict[str, tuple[float, str]]:
    return {one.name: (one.value, one.origin) for one in seen_values(outputs(folder, log))}


def test_every_source_is_listed_with_a_from_that_reads_it(tmp_path: Path) -> None:
    log = 'epoch 1: loss=0.5 (val_acc: 0.25)\n{"top1": 0.125, "deep": {"n": 3}}\n'
    log += "epoch 2: loss=0.25\nTest accuracy 93.5%\n"
    left = outputs(tmp_path, log, result={"acc": 0.5, "name": "x", "flag": True, "hist": [1, 2]})
    write(left.folder / "a" / "metrics.csv", "step,val loss,note\n1,0.5,x\n2,,y\n")
    write(left.folder / "log.jsonl", '{"step": 1, "f1": 0.75}\n')
    write(left.folder / "state.json", {"log_history": [{"eval_loss": 0.5}, {"eval_loss": 0.25}]})
    write(left.folder / "tb" / "events.out.tfevents.1", event_file(("train/loss", 1, 0.5), ("train/loss", 2, 0.25)))
    write(left.folder / "old.csv", "old\n1\n", is_old=True)
    write(left.folder / "model.bin", b"\x00" * 100)
    expected = {
        "result:acc": 0.5,
        "result:hist": 2,
        "json:top1": 0.125,
        "json:deep.n": 3,
        "log.jsonl:step": 1,
        "log.jsonl:f1": 0.75,
        "state.json:log_history.eval_loss": 0.25,
        "a/metrics.csv:step": 2,
        "a/metrics.csv:val loss": 0.5,
        "tensorboard:train/loss": 0.25,
        "stdout:loss=([-+.0-9eE]+)": 0.25,
        "stdout:val_acc: ([-+.0-9eE]+)": 0.25,
        "stdout:Test accuracy ([-+.0-9eE]+%)": 0.935,
    }
    listed = {one.origin: one.value for one in seen_values(left)}
    assert {origin: listed.get(origin) for origin in expected} == expected
    assert all(value(left, one.origin) == one.value for one in seen_values(left))
    assert not any("old" in one.origin for one in seen_values(left))


def test_a_tag_in_several_folders_is_listed_for_each(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    for folder, number in (("train", 1.0), ("val", 2.0)):
        write(left.folder / folder / "events.out.tfevents.1", event_file(("loss", 1, number)))
    assert set(seen_values(left)) == {
        SeenValue("loss", 1.0, "train/events.out.tfevents.*:loss"),
        SeenValue("loss", 2.0, "val/events.out.tfevents.*:loss"),
    }
    assert [value(left, one.origin) for one in sorted(seen_values(left), key=lambda one: one.value)] == [1.0, 2.0]


def test_the_values_of_a_function(tmp_path: Path) -> None:
    assert seen_values(outputs(tmp_path, returned={"acc": 0.5})) == (SeenValue("acc", 0.5, "result:acc"),)


@pytest.mark.parametrize(
    ("line", "name", "number"),
    [
        ("val_acc: 0.93", "val_acc", 0.93),
        ("loss=0.1", "loss", 0.1),
        ("loss = 1e-05", "loss", 1e-5),
        ("Accuracy 93.1%", "Accuracy", 0.931),
        ("{'eval_loss': 0.5, 'epoch': 1.0}", "eval_loss", 0.5),
        ("Test set: Average loss: 0.0284, Accuracy: 9911/10000 (99%)", "Average loss", 0.0284),
        ("[1] val/mAP50(B): 0.5 | top-1: 0.25", "top-1", 0.25),
        ("| epoch   3 | loss   0.25 |", "loss", 0.25),
        ("2024-01-01 12:30:05 INFO acc: nan", "INFO acc", math.nan),
        ("time: 12.5s", "time", 12.5),
        ("acc=-0.5;", "acc", -0.5),
    ],
)
def test_printed_numbers(tmp_path: Path, line: str, name: str, number: float) -> None:
    left = outputs(tmp_path, f"start\n{line}\n")
    (one,) = [one for one in seen_values(left) if one.name == name]
    assert one.value == pytest.approx(number, nan_ok=True)


@pytest.mark.parametrize(
    "line", ["Epoch 3/10", "2024-01-01", "12:30:05", "at 12:30", "no numbers: here", "v1.2.3", "x: "]
)
def test_numbers_without_a_name(tmp_path: Path, line: str) -> None:
    assert seen(line, tmp_path) == {}


def test_a_name_that_ends_like_another_one_is_told_apart(tmp_path: Path) -> None:
    left = outputs(tmp_path, "acc: 0.25 val_acc: 0.5\n")
    read = {one.name: (one.value, value(left, one.origin)) for one in seen_values(left)}
    assert read == {"acc": (0.25, 0.25), "val_acc": (0.5, 0.5)}


NAMES = st.text("abAB_/.-(1[+", min_size=1, max_size=6)
SIGNS = st.sampled_from([": ", "=", " = ", "  ", ":", "': "])
NUMBERS = st.sampled_from(["0.5", "1e-05", "-3.25", "93.1%", "7", "nan", ".5", "12."])


@given(printed=st.lists(st.tuples(NAMES, SIGNS, NUMBERS, st.sampled_from([" ", ", ", "\n", "s\n"])), max_size=8))
def test_whatever_is_listed_is_read_by_its_from(
    tmp_path_factory: pytest.TempPathFactory, printed: list[tuple[str, str, str, str]]
) -> None:
    left = outputs(tmp_path_factory.getbasetemp() / "seen", "".join(map("".join, printed)))
    for one in seen_values(left):
        parse_origin(one.origin, one.name)
        if not math.isnan(one.value):
            assert value(left, one.origin) == one.value


def test_outputs_without_anything(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    assert seen_values(left) == ()
    left.log.unlink()
    assert seen_values(left) == ()
