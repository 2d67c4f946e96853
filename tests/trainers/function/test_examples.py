"""The outcomes of examples that a function gives, and values on the way."""

from pathlib import Path

import pytest

import ablate
from tests.support.scripts.script_study import ends
from tests.support.trainers.own_script import one_row, project, ran, store_of, values


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return {'acc': 0.5}", "the function gave no examples; call run.examples('acc', values)"),
        (
            "run.examples('acc', [1, 7]); return {}",
            "an example has the value 7, but examples of a metric with the unit",
        ),
        ("run.examples('acc', [1, 0], ids='aa'); return {}", "two values of 'acc' have the id 'a'"),
        ("run.examples('acc', [1, 0]); return {'acc': 0.9}", "its value is 0.9, but the mean of its 2 examples in"),
    ],
)
def test_examples_that_cannot_be_right_are_no_result(tmp_path: Path, body: str, words: str) -> None:
    study = project(tmp_path, one_row(), train=f"def main(config, run):\n    {body}")
    assert ran(study).failed == 1
    ((state, reason),) = ends(str(tmp_path / "results" / "ablate.db"))
    assert (state, words in reason) == ("failed", True), reason


def test_a_result_gives_its_values_and_examples(tmp_path: Path) -> None:
    train = (
        "import numpy as np\nfrom ablate.measurement import TEST, Measurement, Result\n"
        "def main(config):\n    hits = np.array([1, 0, 1, 1], np.float32)\n"
        "    return Result([Measurement('acc', TEST, 0.75, 4, hits, ids=['a', 'b', 'c', 'd'])])"
    )
    study = project(tmp_path, one_row(), train=train)
    ran(study)
    measured = ablate.load_results(store=store_of(study)).rows[0].results[0].values["acc"]
    assert (measured.value, measured.n) == (0.75, 4)


def test_a_report_at_the_end_of_a_training_loses_no_result(tmp_path: Path) -> None:
    train = (
        "def main(config, run):\n    for step in (1, 2): run.report(step / 2, val_acc=0.1)\n"
        "    run.examples('acc', [1, 0]); return {}"
    )
    study = project(tmp_path, one_row(), train=train)
    assert ran(study).failed == 0
    assert values(study) == {"only": {0: 0.5}}
