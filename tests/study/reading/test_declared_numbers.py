"""Numbers of a study file that are possible but make no sense: faults with a guess, and warnings."""

import json
from pathlib import Path

import pytest

from ablate.study.reading.schema import json_schema
from tests.support.study_text import faults, read

HEAD = """\
study: demo
trainer: simulated
factors: {a: {sets: settings.a, levels: [1, 2]}}
design: [{add_one: {from: {}}}]
"""
SEARCH = HEAD + "search: {space: {a: {low: 1, high: 9}}, "


@pytest.mark.parametrize(
    ("alpha", "guess"),
    [("0.95", "0.05"), ("0.99", "0.01"), ("0.9", "0.1"), ("5", "0.05"), ("95", "0.05"), ("0.51", None), ("2", None)],
)
def test_a_confidence_is_no_error_rate(tmp_path: Path, alpha: str, guess: str | None) -> None:
    (fault,) = faults(tmp_path, f"{HEAD}alpha: {alpha}\n")
    meant = f" did you mean {guess}?" if guess else ""
    assert fault.startswith(f"study.yaml:5: alpha: found {alpha};{meant} accepted: ")
    assert "at most 0.5" in fault
    assert ("did you mean" in fault) == (guess is not None)


@pytest.mark.parametrize("alpha", ["0", "-0.05"])
def test_an_error_rate_is_above_0(tmp_path: Path, alpha: str) -> None:
    (fault,) = faults(tmp_path, f"{HEAD}alpha: {alpha}\n")
    assert "more than 0 and at most 0.5" in fault


@pytest.mark.parametrize("place", ["file", "--set", "profile"])
def test_it_is_refused_wherever_it_is_written(tmp_path: Path, place: str) -> None:
    text = HEAD + {"file": "alpha: 0.95\n", "--set": "", "profile": "profiles: {quick: {alpha: 0.95}}\n"}[place]
    (fault,) = faults(tmp_path, text, settings=["alpha=0.95"] if place == "--set" else [])
    assert "did you mean 0.05?" in fault


@pytest.mark.parametrize("delta", ["100", "150", "1e9", "0", "-1"])
def test_a_delta_that_no_rate_can_reach(tmp_path: Path, delta: str) -> None:
    (fault,) = faults(tmp_path, f"{HEAD}delta: {delta}\n")
    assert "more than 0 and less than 100 percentage points" in fault


WORDS = "study: demo\ntrainer: simulated\nfactors: {w: {sets: settings.w, levels: [off, on]}}\n"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (HEAD + "alpha: 0.3\n", "alpha is 0.3: a study without any effect claims one with a probability of up to 30 %"),
        (HEAD + "alpha: 1e-9\n", "alpha is 1e-09: hardly any number of seeds can show an effect"),
        (HEAD + "delta: 50\n", "delta is 50 percentage points: every smaller effect counts as none"),
        (HEAD + "delta: 0.005\n", "for a rate of 0.005 write 0.5"),
        (SEARCH + "trials: 3}\n", "search.finalists.top is 3, and search.trials is 3: every trial becomes a finalist"),
        (SEARCH + "finalists: {top: 1, seeds: 1}}\n", "search.finalists.seeds is 1: one seed has no spread"),
        (SEARCH + "trials: 5, pruner: median}\n", "search.pruner median stops no trial before number 6"),
        (SEARCH + "hours: 0.001}\n", "search.hours is 0.001, which is 3.6 s"),
        (
            HEAD + "search: {space: {a: {low: 0, high: 1, step: 0.3}}}\n",
            "search.space.a: with steps of 0.3 from 0 the last value is 0.9; high, 1, is not searched",
        ),
        (
            HEAD + "search: {space: {settings.free: {low: 1, high: 3}}}\n",
            "search.space.settings.free: 1 to 3 is searched with fractions, as no value is declared",
        ),
        (
            WORDS + "search: {space: {w: {low: 0, high: 1}}}\n",
            "search.space.w: a range searches numbers, and factor 'w' has levels such as off and on; `choices`",
        ),
    ],
)
def test_numbers_that_are_hardly_meant_are_warnings(tmp_path: Path, text: str, warning: str) -> None:
    assert any(warning in one for one in read(tmp_path, text).warnings)


def test_usual_numbers_have_no_warning(tmp_path: Path) -> None:
    text = SEARCH + "trials: 40, pruner: median, hours: 1, finalists: {top: 3, seeds: 5}}\nalpha: 0.05\ndelta: 0.5\n"
    assert read(tmp_path, text).warnings == ()


def test_finalists_need_seeds_that_exist(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, SEARCH + "trials: 9}\nseeds: [2147483647]\n")
    assert "the search has seed 2147483647, and its finalists the 5 seeds after it" in fault


def test_editors_know_the_bounds() -> None:
    properties = json.loads(json.dumps(json_schema()))["properties"]
    assert (properties["alpha"]["exclusiveMinimum"], properties["alpha"]["maximum"]) == (0, 0.5)
    assert properties["delta"]["exclusiveMinimum"] == 0


@pytest.mark.parametrize(
    ("levels", "row", "words"),
    [
        ("[on, off]", "null", "unknown level of a null; "),
        ("[on, off]", "[1, on, null]", "[1, on, null]"),
        ("[1, 2]", "on", "unknown level of a 'on'"),
        ("[1, 2]", "1e-5", "unknown level of a 1e-05"),
    ],
)
def test_unknown_levels_are_printed_as_they_are_written(tmp_path: Path, levels: str, row: str, words: str) -> None:
    text = f"study: demo\ntrainer: simulated\nfactors: {{a: {{sets: settings.a, levels: {levels}}}}}\n"
    found = "\n".join(faults(tmp_path, f"{text}design: [{{rows: {{x: {{a: {row}}}, y: {{}}}}}}]\n"))
    assert words in found
    assert "None" not in found
    assert "True" not in found
