"""The words for verdicts: every verdict has some, with the numbers and names that belong to it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ablate.analysis import verdicts
from ablate.analysis.analysis import analyse
from ablate.analysis.contrasts import Contrast
from ablate.analysis.loading import load
from ablate.analysis.results import StudyResults
from ablate.report import wording
from ablate.store import require_store
from tests.conftest import Ablate
from tests.support.paths import SEED_LOG


@pytest.fixture
def results(ablate: Ablate) -> StudyResults:
    ablate("import", SEED_LOG, "--study", "baseline-log")
    store = require_store("results/ablate.db")
    return load(store, "baseline-log")


def as_verdict(results: StudyResults, code: str, more_seeds: int | None = None) -> Contrast:
    contrast = next(c for c in analyse(results).contrasts if c.differs == ("omega",))
    return replace(contrast, estimate=replace(contrast.estimate, verdict=code, more_seeds=more_seeds, seeds=3))


@pytest.mark.parametrize("code", verdicts.ALL)
def test_each_verdict_has_a_phrase_and_a_sentence(results: StudyResults, code: str) -> None:
    contrast = as_verdict(results, code)
    assert 0 < len(wording.phrase(contrast)) <= 22
    sentence = wording.sentence(contrast, results)
    assert sentence.startswith("omega 0.9 → 0.7 (rows 1 → 3): −1.10 pp [−2.16, −0.04]")
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert "significant" not in sentence


def test_no_two_verdicts_read_alike() -> None:
    assert set(wording.PHRASES) == set(wording.MEANINGS) == set(verdicts.ALL)
    assert len(set(wording.PHRASES.values())) == len(set(wording.MEANINGS.values())) == len(verdicts.ALL)


@pytest.mark.parametrize(
    ("more", "phrase", "sentence"),
    [
        (1, "undecided, ~1 more", "about 1 more seed per row would decide it"),
        (1234, "undecided, ~1234 more", "about 1,234 more seeds per row would decide it"),
        (None, "undecided", "no practical number of additional seeds would decide it"),
    ],
)
def test_undecided_says_about_how_many_more_seeds(
    results: StudyResults, more: int | None, phrase: str, sentence: str
) -> None:
    contrast = as_verdict(results, verdicts.UNDECIDED, more)
    assert wording.phrase(contrast) == phrase
    assert sentence in wording.sentence(contrast, results)


def test_one_seed_says_nothing_about_the_factor_and_counts_hits(results: StudyResults) -> None:
    contrast = next(c for c in analyse(results).contrasts if c.differs == ("random_erasing",))
    sentence = wording.sentence(contrast, results)
    assert "+2.48 pp [+1.35, +3.61], +307 of 12,377 queries" in sentence
    assert "the trained networks differ" in sentence
    assert "with one seed this is no evidence about the factor" in sentence


def test_confounded_names_with_what(results: StudyResults) -> None:
    step = analyse(results).steps[0]
    assert wording.phrase(step) == "confounded"
    assert "margin and normalization change at once" in wording.sentence(step, results)
    undeclared = replace(step, differs=(), undeclared=("device",))
    assert "the two rows differ in device, which no factor declares" in wording.sentence(undeclared, results)


def test_an_undeclared_circumstance_is_named_once(results: StudyResults) -> None:
    contrast = as_verdict(results, verdicts.CONFOUNDED)
    contrast = replace(contrast, undeclared=("torch",))
    lines = wording.sentences([contrast, contrast], results)
    assert len(lines) == 1
    assert "rows 1 → 3 −1.10 pp (omega, torch (undeclared));" in lines[0]
    assert "2 at once" not in lines[0]
    assert wording.sentence(contrast, results).startswith("rows 1 → 3: −1.10 pp")


def test_rows_of_equal_settings_are_a_repeat(results: StudyResults) -> None:
    contrast = replace(as_verdict(results, verdicts.CONFOUNDED), differs=())
    assert (wording.moved(contrast), wording.phrase(contrast)) == ("nothing", "a repeat")
    for sentence in (wording.sentence(contrast, results), *wording.sentences([contrast, contrast], results)):
        assert sentence.endswith("a repeat: nothing differs.")
        assert "confounded" not in sentence.lower()


def test_an_effect_that_cannot_be_told_apart_names_from_what(results: StudyResults) -> None:
    (other,) = analyse(results).other_readings.values()
    effects = {effect.factor: effect for effect in analyse(other).effects}
    assert wording.phrase(effects["margin"]) == "not estimable"
    assert wording.sentence(effects["margin"], other).endswith("cannot be separated from normalization.")


@pytest.mark.parametrize(
    ("seeds", "failed", "reason"),
    [((), (0,), "row 3 failed"), ((), (), "row 3 has no result yet"), ((1,), (), "in common")],
)
def test_without_a_result_it_says_why(
    results: StudyResults, seeds: Sequence[int], failed: Sequence[int], reason: str
) -> None:
    contrast = as_verdict(results, verdicts.NOT_ESTIMABLE)
    nothing = replace(contrast.estimate, effect=None, interval=None)
    (result,) = contrast.after.results.values()
    row = replace(contrast.after, results=dict.fromkeys(seeds, result), failed=tuple(failed))
    contrast = replace(contrast, after=row, estimate=nothing)
    assert wording.phrase(contrast) == "no result"
    assert reason in wording.sentence(contrast, results)


def test_what_one_sentence_says_of_many_names_each(results: StudyResults) -> None:
    contrasts = [c for c in analyse(results).contrasts if c.in_family and c.estimate.verdict == verdicts.CANNOT_TELL]
    (line,) = wording.sentences(contrasts, results)
    assert all(f"rows {wording.pair(c)}" in line for c in contrasts)
    assert len(contrasts) > 2


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.209, "0.209"), (0.00012, "0.0001"), (0.00009, "<0.0001"), (0.0046, "0.0046"), (1.0, "1"), (None, "–")],
)
def test_p_values(p: float | None, text: str) -> None:
    assert wording.p_value(p) == text
