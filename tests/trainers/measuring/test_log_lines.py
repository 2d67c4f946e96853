"""Values in the output of a script: regular expressions, and lines of JSON."""

import random
import re
import tracemalloc
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.trainers.measuring import log_lines
from ablate.trainers.measuring.log_lines import blocks, blocks_from_end, json_points, regex_points
from ablate.trainers.measuring.regexes import compiled
from ablate.trainers.measuring.takes import Take, last_of
from tests.support.trainers.outputs import outputs, reading, reason, value

LOG = """\
loading data
epoch 1: loss=0.5 val_acc: 0.25
epoch 2: loss=0.25 val_acc: 0.75
epoch 3: loss=0.125 val_acc: 0.5
saved model.pt
"""
ACC = "stdout:val_acc: ([0-9.]+)"


def test_the_last_match_and_that_of_a_step(tmp_path: Path) -> None:
    left = outputs(tmp_path, LOG)
    assert value(left, ACC) == 0.5
    assert value(left, ACC, Take(step=2)) == 0.75
    assert value(left, r"stdout:epoch (?P<step>\d+): loss=(?P<value>\S+)", Take(step=1)) == 0.5
    assert value(left, "stdout:(?P<accuracy>[0-9.]+)$") == 0.5
    assert value(left, "stdout:^epoch ([0-9]+)") == 3
    assert value(left, "stdout:loss=(?P<value>([0-9])[.]?[0-9]*)") == 0.125


def test_no_match_names_the_numbers_that_were_printed(tmp_path: Path) -> None:
    no_match = "no line of the output matches `val_ac: ([0-9.]+)`"
    told = reason(outputs(tmp_path, LOG), "stdout:val_ac: ([0-9.]+)", metric="val_ac", is_validation=True)
    assert told == f"{no_match}; seen: val_acc = 0.5, which `from: 'stdout:val_acc: ([-+.0-9eE]+)'` reads"
    for metric in ("wer", "acc"):  # the number that was printed is of validation data
        assert reason(outputs(tmp_path, LOG), "stdout:val_ac: ([0-9.]+)", metric=metric) == no_match
    assert reason(outputs(tmp_path, ""), ACC) == "no line of the output matches `val_acc: ([0-9.]+)`"


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-inf", "Infinity", "NAN"])
def test_a_group_of_digits_does_not_hide_that_the_last_value_is_not_finite(tmp_path: Path, text: str) -> None:
    left = outputs(tmp_path, f"{LOG}epoch 4: loss=1 val_acc: {text}\n")
    assert reading(left, ACC).not_finite == {"acc": text}
    assert reading(left, "stdout:val_acc: (?P<value>[0-9.]+)").not_finite == {"acc": text}
    assert reading(left, r"stdout:\b[(]?val_acc: ([^\d\])]*?[0-9.]+)").not_finite == {"acc": text}


def test_words_that_begin_like_nan_are_no_numbers(tmp_path: Path) -> None:
    assert value(outputs(tmp_path, "acc: 0.5\nacc: nano\nacc: information\n"), "stdout:acc: ([0-9.]+)") == 0.5


@pytest.mark.parametrize(
    ("printed", "regex", "part"),
    [
        ("loss: 3.25e-05", "loss: ([0-9.]+)", "3.25"),
        ("loss: 1e-05", "loss: ([0-9.]+)", "1"),
        ("acc: 93.1", "acc: ([0-9]+)", "93"),
        ("acc: 0.93", "acc:.*([0-9.]+)", "3"),
        ("acc: 0.93", "acc: 0([0-9.]+)", ".93"),
        ("acc: 1e-05", "acc: 1e([-0-9.]+)", "-05"),
    ],
)
def test_a_group_that_takes_a_part_of_the_number(tmp_path: Path, printed: str, regex: str, part: str) -> None:
    told = reason(outputs(tmp_path, f"begin\n{printed}\n"), f"stdout:{regex}")
    assert told.startswith(
        f"the group takes only {part!r} of the number in {printed!r}; write the group as ([-+.0-9eE]+)"
    )


@pytest.mark.parametrize("printed", ["acc: 1,234.5", "acc: 0,93", "acc: -0,93", "acc: 12,5 %"])
@pytest.mark.parametrize("regex", ["acc: ([-+.0-9eE]+)", "acc: (-?[0-9.]+)", "acc: (?P<value>-?[0-9]+)"])
def test_a_number_with_a_comma_is_not_cut_off_there(tmp_path: Path, printed: str, regex: str) -> None:
    told = reason(outputs(tmp_path, f"begin\n{printed}\nend\n"), f"stdout:{regex}")
    assert f"of {printed.removeprefix('acc: ')!r}, and a number has no comma" in told


def test_numbers_between_commas(tmp_path: Path) -> None:
    left = outputs(tmp_path, "step,7,acc,3,0.5,9\n")
    assert value(left, "stdout:acc,([0-9]+),") == 3
    assert value(left, "stdout:acc,3,([0-9.]+)") == 0.5


@pytest.mark.parametrize("text", ["-inf", "-Infinity", "+inf", "nan", "-nan"])
@pytest.mark.parametrize("group", ["[-+.0-9eE]+", "-?[0-9.]+", r"\S+"])
def test_a_value_that_is_not_finite_is_read_with_its_sign(tmp_path: Path, text: str, group: str) -> None:
    left = outputs(tmp_path, f"loss: 0.5\nloss: {text}\n")
    assert reading(left, f"stdout:loss: ({group})").not_finite == {"acc": text}


def test_colours_of_a_terminal_are_no_part_of_the_output(tmp_path: Path) -> None:
    printed = "\x1b[32macc:\x1b[0m \x1b[1;38;5;208m0.25\x1b[0m\x1b[K\n"
    assert value(outputs(tmp_path, printed), "stdout:^acc: ([0-9.]+)$") == 0.25
    assert value(outputs(tmp_path, printed), r"stdout:acc: (\S+)") == 0.25
    link = "\x1b]8;;http://x\x07acc\x1b]8;;\x1b\\: 0.5\n"
    assert value(outputs(tmp_path, link), "stdout:^acc: ([0-9.]+)$") == 0.5


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("acc: 0.93.", 0.93),
        ("acc: 0.93, loss", 0.93),
        ("acc: 93.1%", 0.931),
        ("acc: 93.1 %", 0.931),
        ("acc: 1e-3", 0.001),
        ("acc: -2", -2),
        ("acc: .5", 0.5),
        ("acc: 1/10", 1),
        ("acc: 5s", 5),
    ],
)
def test_numbers_as_they_are_printed(tmp_path: Path, printed: str, number: float) -> None:
    assert value(outputs(tmp_path, printed), "stdout:acc: ([-+.0-9eE,]+ ?%?)") == pytest.approx(number, rel=1e-12)


def test_a_value_that_is_no_number(tmp_path: Path) -> None:
    told = reason(outputs(tmp_path, "acc: high\n"), "stdout:acc: (.*)")
    assert told == "the value is the text 'high', not a number"
    told = reason(outputs(tmp_path, "step a acc 1\n"), "stdout:step (?P<step>.) acc (?P<value>.)", Take(step=1))
    assert told.startswith("the step is the text 'a', not a number, in the line 'step a acc 1'")


def test_lines_end_at_carriage_returns_as_progress_bars_print_them(tmp_path: Path) -> None:
    log = b"\rval_acc: 0.25\rval_acc: 0.5\r\nval_acc: 0.75\r\xff\xfe\r\n"
    left = outputs(tmp_path, log)
    assert value(left, "stdout:^val_acc: ([0-9.]+)$") == 0.75
    assert value(left, "stdout:^val_acc: ([0-9.]+)$", Take(step=2)) == 0.5


def test_a_match_lies_in_one_line(tmp_path: Path) -> None:
    left = outputs(tmp_path, "acc:\n0.25\nacc: 0.5\nacc:\n")
    assert value(left, r"stdout:acc:\s*([0-9.]+)") == 0.5
    assert value(left, r"stdout:acc:\s*([0-9.]+)", Take(step=1)) == 0.5


def test_an_optional_group_without_a_value_is_passed_over(tmp_path: Path) -> None:
    assert value(outputs(tmp_path, "acc: 0.5\nacc: none\n"), "stdout:acc: (?:(?P<value>[0-9.]+)|none)") == 0.5


@pytest.mark.parametrize(
    ("regex", "told"),
    [
        ("acc: [0-9.]+", "put the number in round brackets, as in `val_acc: ([-+.0-9eE]+)`"),
        (
            "acc: ([0-9.]+",
            "the regular expression is not valid at its character 6, '([0-9.]+': missing ), ",
        ),
        ("acc: [0-9", "the regular expression is not valid at its character 6, '[0-9': unterminated character set"),
        ("(a) (b)", "the regular expression has several groups; name that of the number `(?P<value>...)` and that of "),
        ("(?P<step>.) (.)", "the regular expression has several groups; name that of the number"),
        ("(?P<step>.)", "the regular expression has a step and no value; put the number in `(?P<value>...)`"),
        ("([0-9.]*)", "the regular expression matches every empty line; let it match at least one letter"),
        ("a{99999999999}(b)", "the regular expression is "),
    ],
)
def test_regular_expressions_that_cannot_be_used(regex: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        compiled(regex)


@pytest.mark.parametrize(
    "regex",
    [
        r"acc\(x\)[()\]] (?:a|b)(?P<value>[0-9)]+)(?=.)",
        "(?#no group ( here)acc ([0-9]+)",
        "(?i)ACC ([0-9]+)",
        "(?x) acc [ ] ([0-9]+) # (comment",
        r"[^]()]x([0-9]+)",
    ],
)
def test_every_sort_of_regular_expression_still_matches_what_it_did(regex: str) -> None:
    text = "acc(x)) a12) . acc 12\nzx12"
    before = [match.span(1) for match in re.compile(regex, re.MULTILINE).finditer(text)]
    pattern = compiled(regex)
    assert before
    assert [match.span(1) for match in pattern.finditer(text)] == before


PARTS = ["a", "acc: 1", "acc: 22 acc: 3", "\n", "\r", "\r\n", "é", "{", "x" * 30]


@given(parts=st.lists(st.sampled_from(PARTS)), size=st.integers(1, 9))
def test_blocks_of_any_size_give_the_matches_of_the_whole_text(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], size: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks.log"
    path.write_bytes("".join(parts).encode())
    text = "".join(parts).replace("\r\n", "\n").replace("\r", "\n")
    expected = [match[1] for line in text.split("\n") for match in re.finditer(r"acc: (\d+)", line)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_lines, "BLOCK", size)
        assert [point.raw for point in regex_points(path, r"acc: (\d+)")] == expected
        assert [point.raw for point in regex_points(path, r"acc: (\d+)", is_last_wanted=True)] == expected[::-1]
        assert re.sub("\n+", "\n", "".join(blocks(path))) == re.sub("\n+", "\n", text)
        assert re.sub("\n+", "\n", "".join([*blocks_from_end(path)][::-1])) == re.sub("\n+", "\n", text)


def test_a_large_output_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        for _ in range(16):
            file.write(b"acc: 0.25\n" + b"x" * 2**20)
        file.write(b"\nacc: 0.5\n" + b"line\n" * 2**18)
    tracemalloc.start()
    try:
        values = [point.raw for point in regex_points(path, "acc: ([0-9.]+)")]
        first = next(regex_points(path, "acc: ([0-9.]+)", is_last_wanted=True))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (values[-1], len(values), first.raw) == ("0.5", 17, "0.5")
    assert peak < 2**20 * 12


def test_long_lines_are_matched_in_parts_as_some_patterns_take_quadratic_time(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"acc: 1\n" + b"x" * 2**17 + b"\nacc: 0.5\n")
    parts = [len(str(point.raw)) for point in regex_points(path, "(x+)")]
    assert (sum(parts), max(parts) <= 2 * log_lines.LONGEST_MATCHED) == (2**17, True)
    assert last_of(regex_points(path, "acc: ([0-9.]+)")).raw == "0.5"


def test_a_regular_expression_that_is_too_slow_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "PATIENCE", -1.0)
    told = reason(outputs(tmp_path, LOG), ACC, Take(step=1))
    assert told.startswith("the regular expression is too slow: after -1 s the output is not read; begin it with")


JSON = """\
{"step": 1, "acc": 0.25, "deep": {"n": 1}}
 {"step": 2, "acc": 0.5, "ü": 3}\r
[1, 2]
{"acc": torn
{'acc': 7}
{"loss": 1}
INFO {"acc": 9}
"""


def test_the_last_line_of_json_with_the_key(tmp_path: Path) -> None:
    left = outputs(tmp_path, JSON)
    assert value(left) == 0.5
    assert value(left, "json:acc", Take(step=1)) == 0.25
    assert value(left, "json:deep.n") == 1
    assert value(left, "json:ü") == 3
    told = reason(left, "json:top5")
    assert told.startswith("no line of the output is a JSON object with 'top5'")
    told = reason(left, metric="top5")
    assert told.startswith(
        "the script wrote no result.json, the file that ABLATE_RESULT names, and no line of the output "
    )


def test_lines_of_json_without_steps_are_counted(tmp_path: Path) -> None:
    left = outputs(tmp_path, '{"acc": 0.5}\n{"loss": 1}\n{"acc": 0.75}\n{"acc": NaN}\n')
    assert value(left, "json:acc", Take(step=2)) == 0.75
    assert reading(left, "json:acc").not_finite == {"acc": "nan"}
    assert [point.step for point in json_points(left.log, "acc")] == [1, 2, 3]


def test_the_first_value_from_the_end_is_the_last_from_the_start(tmp_path: Path) -> None:
    rng = random.Random(0)
    for _ in range(20):
        number = rng.randrange(99)
        lines = [rng.choice([f"acc: {number + at}", f'{{"acc": {number + at}}}', "x"]) for at in range(50)]
        log = outputs(tmp_path, "\n".join(lines)).log
        for points in (partial(regex_points, log, "acc: ([0-9]+)"), partial(json_points, log, "acc")):
            assert next(points(is_last_wanted=True)).raw == last_of(points()).raw
