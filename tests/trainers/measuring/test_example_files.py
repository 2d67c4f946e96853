"""The outcomes of examples, and their agreement with the value that the script writes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ablate.measurement import TEST, VALIDATION, Measurement
from ablate.trainers.measuring.example_files import agree
from tests.support.trainers.outputs import outputs, reading, reason, value, write


def measured(tmp_path: Path, content: str, name: str = "preds.csv", **source: object) -> Measurement:
    left = outputs(tmp_path)
    write(left.folder / name, content)
    read = reading(left, examples=name, **source)  # type: ignore[arg-type]
    assert read.missing == {}
    return read.measurements[0]


def test_zeros_and_ones_are_a_proportion_with_names(tmp_path: Path) -> None:
    one = measured(tmp_path, "id,value\na,1\nb,0\nc,1.0\nd,1\n", is_rate=True)
    assert (one.value, one.n, one.ids, one.clusters, one.split) == (0.75, 4, ("a", "b", "c", "d"), None, TEST)
    assert one.examples is not None
    assert (one.examples.dtype, one.examples.tolist()) == (np.dtype(bool), [True, False, True, True])


def test_real_values_and_clusters(tmp_path: Path) -> None:
    one = measured(tmp_path, "value\tid\tcluster\n0.5\tx 1\tb\n2\tx 2\ta\n0.25\tx 3\tb\n", "losses.tsv")
    assert one.value == pytest.approx(2.75 / 3, rel=1e-15)
    assert one.examples is not None
    assert one.clusters is not None
    assert (one.examples.dtype, one.examples.tolist()) == (np.dtype(np.float32), [0.5, 2.0, 0.25])
    assert (one.ids, one.clusters.tolist()) == (("x 1", "x 2", "x 3"), [1, 0, 1])


def test_words_for_right_and_wrong(tmp_path: Path) -> None:
    assert measured(tmp_path, "ID,Value\n1,True\n2,false\n", is_rate=True).value == 0.5


def test_a_validation_metric_has_its_examples_on_both_splits(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "preds.csv", "id,value\na,1\nb,0\n")
    test, validation = reading(left, examples="preds.csv", is_validation=True).measurements
    assert (test.split, validation.split) == (TEST, VALIDATION)
    assert test.examples is validation.examples


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "preds.csv is empty; its first line must be `id,value` or `id,value,cluster`"),
        ("a,1\nb,0\n", "the first line of preds.csv is `a,1`; its first line must be `id,value` or"),
        ("id,value,clusters\na,1,x\n", "the first line of preds.csv is `id,value,clusters`; its first line must be"),
        ("id,value\n", "preds.csv has a header and no examples"),
        ("id,value\na,1\nb,0\na,1\n", "line 4 of preds.csv has the id 'a', which line 2 has too"),
        ("id,value\na,1\nb", "line 3 of preds.csv has 1 of 2 columns; it may be cut off"),
        ("id,value\na,1\nb,\n", "line 3 of preds.csv has no value"),
        ("id,value\na,1\n,1\n", "line 3 of preds.csv has no id"),
        ("id,value,cluster\na,1,\n", "line 2 of preds.csv has no cluster"),
        ("id,value\na,1\nb,cat\n", "line 3 of preds.csv has the value 'cat', not a number"),
        ("id,value\na,1\nb,7\n", "line 3 of preds.csv has the value 7, but examples of a metric with the unit "),
    ],
)
def test_files_that_are_no_examples(tmp_path: Path, content: str, told: str) -> None:
    left = outputs(tmp_path)
    write(left.folder / "preds.csv", content)
    assert reason(left, examples="preds.csv", is_rate=True).startswith(told)


def test_an_example_that_is_not_finite(tmp_path: Path) -> None:
    left = outputs(tmp_path)
    write(left.folder / "preds.csv", "id,value\na,0.5\nb,NaN\n")
    assert reading(left, examples="preds.csv").not_finite == {"acc": "NaN"}


def test_no_file_of_examples(tmp_path: Path) -> None:
    assert reason(outputs(tmp_path, result={"acc": 1}), examples="preds.csv").startswith(
        "there is no preds.csv in ${dir}"
    )


THREE = "id,value\na,1\nb,0\nc,1\n"


@pytest.mark.parametrize(
    ("printed", "options"),
    [
        ("0.667", {}),
        ("0.6666667", {}),
        ("0.66666667", {}),
        ("66.7%", {}),
        ("66.7", {"is_percent": True}),
        ("66.7%", {"is_percent": True}),
    ],
)
def test_a_value_that_agrees_with_its_examples_has_all_their_digits(
    tmp_path: Path, printed: str, options: dict[str, bool]
) -> None:
    left = outputs(tmp_path, f"acc: {printed}\n")
    write(left.folder / "preds.csv", THREE)
    assert value(left, "stdout:acc: ([0-9.]+%?)", examples="preds.csv", is_rate=True, **options) == 2 / 3


@pytest.mark.parametrize("printed", ["0.668", "0.6667777", "0.7", "0.66", "1", "66%"])
def test_a_value_that_does_not_agree_with_its_examples(tmp_path: Path, printed: str) -> None:
    left = outputs(tmp_path, f"acc: {printed}\n")
    write(left.folder / "preds.csv", THREE)
    told = reason(left, "stdout:acc: ([0-9.]+%?)", examples="preds.csv", is_rate=True)
    assert "but the mean of its 3 examples in preds.csv is 0.6666667; leave `from` out if the examples" in told


@pytest.mark.parametrize(
    ("text", "mean", "is_equal"),
    [
        ("0.931", 0.93149, True),
        ("0.931", 0.93151, False),
        ("0.93099999427", 0.931, True),
        ("12.3", 12.345, True),
        ("12.3", 12.365, False),
        ("1.5e3", 1504.0, True),
        ("0.0", 0.0, True),
        ("0.5", 0.52, False),
        ("1234567", 1234567.4, True),
    ],
)
def test_rounding_explains_half_a_digit_and_at_most_a_two_hundredth(text: str, mean: float, is_equal: bool) -> None:
    assert agree(text, float(text), mean) == is_equal


def test_numpy_is_loaded_for_examples_only(tmp_path: Path) -> None:
    left = outputs(tmp_path, "acc: 1\n", result={"acc": 1})
    script = (
        "import sys; from pathlib import Path; from ablate.trainers.measuring.files import Outputs\n"
        "from ablate.trainers.measuring.reader import read_measurements\n"
        "from ablate.trainers.measuring.sources import MetricSource\n"
        f"folder = Path({str(left.folder)!r})\n"
        "left = Outputs(folder, folder / 'attempt-1.log', folder / 'result.json', None, folder, 0)\n"
        "sources = [MetricSource('acc'), MetricSource('b', 'stdout:acc: (.)'), MetricSource('c')]\n"
        "assert len(read_measurements(sources, left).measurements) == 2\n"
        "assert not {'numpy', 'torch', 'pandas'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
