"""Values in JSON: results, files with dotted keys and series, and files of one object a line."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ablate.trainers.measuring.takes import Take
from tests.support.trainers.outputs import outputs, reading, reason, value, write

TRAINER_STATE = {
    "best_metric": 0.4,
    "epoch": 2.0,
    "log_history": [
        {"epoch": 0.5, "loss": 1.5, "learning_rate": 5e-5, "step": 500},
        {"epoch": 1.0, "eval_loss": 0.5, "eval_runtime": 1.25, "step": 1000},
        {"epoch": 1.5, "loss": 0.75, "step": 1500},
        {"epoch": 2.0, "eval_loss": 0.625, "step": 2000},
        {"epoch": 2.0, "train_loss": 1.0, "step": 2000},
    ],
}
"""As the Trainer of Hugging Face writes trainer_state.json."""


def test_the_name_of_a_metric_in_its_results(tmp_path: Path) -> None:
    left = outputs(tmp_path, result={"acc": 0.875, "loss": {"val": 0.5, "test.top": [1, 2]}, "n": 3})
    assert value(left) == 0.875
    assert value(left, "result:acc", metric="other") == 0.875
    assert value(left, "result:loss.val") == 0.5
    assert value(left, metric="loss.val") == 0.5
    assert value(left, "result:loss.test.top") == 2
    assert value(left, "result.json:n") == 3


def test_a_key_with_dots_of_its_own(tmp_path: Path) -> None:
    content = {"a.b": {"c.d": 1}, "a": {"b": {"c": {"d": 2}}}, "eval/top.1": 3}
    left = outputs(tmp_path, result=content)
    assert value(left, "result:a.b.c.d") == 1
    assert value(left, "result:eval/top.1") == 3
    assert value(outputs(tmp_path, result={"a": content["a"]}), "result:a.b.c.d") == 2


def test_a_series_in_a_list_of_objects_with_other_keys(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "checkpoint-2000" / "trainer_state.json", TRAINER_STATE)
    key = "checkpoint-*/trainer_state.json:log_history"
    assert value(left, f"{key}.eval_loss") == 0.625
    assert value(left, f"{key}.eval_loss", Take(step=1000)) == 0.5
    assert value(left, f"{key}.loss", Take(step=500)) == 1.5
    assert value(left, f"{key}.learning_rate") == 5e-5
    told = reason(left, f"{key}.eval_los", metric="other")
    assert "unknown key 'log_history.eval_los'; did you mean 'log_history.eval_loss'?" in told


def test_a_series_of_plain_numbers_is_counted_from_1(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "history.json", {"val_acc": [0.25, 0.5, 0.375]})
    write(left.folder / "list.json", [{"acc": 0.5}, {"acc": 0.75}, {"loss": 1}])
    assert [value(left, "history.json:val_acc", Take(step=step)) for step in (1, 2, 3)] == [0.25, 0.5, 0.375]
    assert value(left, "history.json:val_acc") == 0.375
    assert value(left, "list.json:acc") == 0.75
    assert value(left, "list.json:acc", Take(step=1)) == 0.5
    told = reason(left, "list.json:acc", Take(step=3))
    assert told.startswith(
        "there is no value at step 3; of its 2 steps the nearest is 2; the source has no steps, so its "
    )


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '"nan"', '"-inf"', "1e999"])
def test_values_that_are_not_finite_are_not_missing(tmp_path: Path, text: str) -> None:
    left = outputs(tmp_path, result=f'{{"acc": {text}, "loss": 1}}')
    read = reading(left)
    assert (list(read.not_finite), read.missing, read.measurements) == (["acc"], {}, ())
    shown = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf", "1e999": "inf"}.get(text, text.strip('"'))
    assert read.not_finite["acc"] == shown


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"acc": 0.9', "result.json is cut off at line 1, column 12; the script may have ended while it wrote"),
        ('{"acc": 0.9, "los', "result.json is cut off at line 1, column 14"),
        ('{"acc": 0.9,}', "result.json is not JSON: "),
        ("{'acc': 0.9}", "result.json is not JSON: Expecting property name enclosed in double quotes at line 1"),
        ("", "result.json is empty"),
        ("  \n", "result.json is empty"),
        ("[0.9, 0.8]", "result.json holds a list without names, not an object with names"),
        ("0.9", "result.json holds a value of type float, not an object with names"),
        ('"0.9"', "result.json holds the text '0.9', not an object with names"),
        ("null", "result.json holds null, not an object with names"),
        ("[" * 100_000, "result.json has lists in lists, too deep to be read"),
        ('{"acc": "high"}', "the value is the text 'high', not a number"),
        ('{"acc": "0,9"}', "the value is the text '0,9', not a number"),
        ('{"acc": true}', "the value is true, not a number"),
        ('{"acc": null}', "the value is null, not a number"),
        ('{"acc": [[1]]}', "the value is a list, not a number"),
        ('{"acc": []}', "the value is a list, not a number"),
        (
            '{"acc": {"top1": 1, "top5": 2}}',
            "result.json has an object at acc, not a number; its keys are acc.top1, ac",
        ),
        ('{"accuracy": 0.9, "loss": 1}', "result.json: unknown key 'acc'; did you mean 'accuracy'? known: accuracy, "),
        ('{"x": {"accurcy": 1}, "y": 2}', "result.json: unknown key 'acc'; did you mean 'x.accurcy'? known: x.acc"),
        ("{}", "result.json: unknown key 'acc'; known: none"),
        ('{"acc": ' + "9" * 5000 + "}", "result.json is not JSON: Exceeds the limit"),
    ],
)
def test_results_without_a_number(tmp_path: Path, content: str, told: str) -> None:
    assert reason(outputs(tmp_path, result=content)).startswith(told)


def test_a_whole_number_beyond_floats_is_infinite(tmp_path: Path) -> None:
    assert reading(outputs(tmp_path, result='{"acc": ' + "9" * 400 + "}")).not_finite == {"acc": "9" * 400}


def test_bytes_that_are_no_text_and_a_byte_order_mark(tmp_path: Path) -> None:
    left = outputs(tmp_path, result=b'\xef\xbb\xbf{"acc": 0.5, "note": "\xff\xfe"}')
    assert value(left) == 0.5


@pytest.mark.parametrize("number", [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)])
def test_numbers_that_functions_return(tmp_path: Path, number: Any) -> None:
    left = outputs(tmp_path, returned={"acc": number, "inner": {"n": np.int64(3)}, "series": (0.1, 0.2)})
    assert value(left) == 0.5
    assert value(left, "result:inner.n") == 3
    assert value(left, "result:series", Take(step=1)) == 0.1


def test_values_that_functions_return_and_that_are_no_numbers(tmp_path: Path) -> None:
    left = outputs(tmp_path, returned={"a": np.bool_(True), "b": object(), "c": math.nan, 1: 2})
    assert reason(left, metric="a").startswith("the value is true, not a number")
    assert reason(left, metric="b").startswith("the value is a value of type object, not a number")
    assert reading(left, metric="c").not_finite == {"c": "nan"}
    assert reason(left, metric="d").startswith("the returned dict: unknown key 'd'; known: a, b, c, 1")


def test_a_dict_is_read_before_the_file(tmp_path: Path) -> None:
    assert value(outputs(tmp_path, returned={"acc": 0.25}, result={"acc": 0.5})) == 0.25


LINES = """\
{"step": 10, "val_acc": 0.5}

{"step": 20, "loss": 1.0}
{"step": 30, "val_acc": 0.75}
"""


def test_lines_of_objects(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    for name in ("log.jsonl", "log.ndjson"):
        write(left.folder / name, LINES)
        assert value(left, f"{name}:val_acc") == 0.75
        assert value(left, f"{name}:val_acc", Take(step=10)) == 0.5
    told = reason(left, "log.jsonl:val_ac")
    assert told.startswith("log.jsonl: unknown key 'val_ac'; did you mean 'val_acc'? known: step, val_acc, loss")


def test_a_broken_line_that_a_killed_attempt_left_is_passed_over(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    path = write(left.folder / "log.jsonl", LINES + '{"step": 40, "val{"step": 40, "val_acc": 1}\n' + LINES)
    assert value(left, "log.jsonl:val_acc") == 0.75
    path.write_text(LINES + '{"step": 40, "val_acc": 0.8')
    assert reason(left, "log.jsonl:val_acc").startswith("line 5 of log.jsonl, its last one, is no complete JSON object")


def test_lines_without_steps_are_counted(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "log.jsonl", '{"acc": 0.5}\n{"loss": 1}\n{"acc": 0.75}\n')
    assert value(left, "log.jsonl:acc", Take(step=3)) == 0.75
