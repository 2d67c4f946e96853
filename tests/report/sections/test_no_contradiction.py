"""The verdict and the intervals next to it never contradict each other without a word of explanation."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import Contrast
from ablate.analysis.effects import Effect
from ablate.report import wording
from ablate.report.figures.forest import COLUMNS, _record, forest
from ablate.report.formats import json as json_report
from ablate.report.formats import markdown
from ablate.report.sections.contrasts import effects
from ablate.report.sections.summary import summary
from tests.support.analysis.analysis_rows import results, row
from tests.support.examples import examples

ALONE = "the interval is for this comparison alone"
BEYOND = "no effect beyond delta: the test of absence has one error for each side"


def star(means: list[float], seeds: int, noise: float, seed: int, delta: float = 0.5) -> Analysis:
    """A baseline and rows that each change one factor, with these means in hits of 1,000."""
    rng = np.random.default_rng(seed)
    factors = {f"f{at}": ["off", "on"] for at in range(1, len(means))}
    rows = [
        row(
            at + 1,
            {name: "on" if name == f"f{at}" else "off" for name in factors},
            {s: float(np.clip(np.rint(mean + rng.normal(0, noise)), 0, 1000)) for s in range(seeds)},
        )
        for at, mean in enumerate(means)
    ]
    return analyse(results(factors, rows, delta_pp=delta))


def check(items: list[Contrast | Effect], analysis: Analysis) -> None:
    """A claim has an interval of the family without 0, or the direction alone; no claim has one with 0."""
    notes = " ".join([*wording.direction_note(items), *wording.disagreements(items, analysis.results)])
    delta = analysis.results.delta
    for item in items:
        estimate, text = item.estimate, wording.simultaneous(item.estimate)
        if estimate.verdict in (verdicts.CONFOUNDED, verdicts.NOT_ESTIMABLE) or estimate.seeds < 2:
            continue
        effect, interval = estimate.effect, estimate.interval
        assert effect is not None
        assert interval is not None
        if estimate.verdict in verdicts.CLAIMS:
            assert (effect > 0) == (estimate.verdict in (verdicts.BETTER, verdicts.BETTER_BELOW_DELTA))
            if estimate.agreeing is None:
                assert text == ("above 0" if effect > 0 else "below 0")
                assert "Holm's procedure shows the direction" in notes
            else:
                assert estimate.agreeing[0] > 0 or estimate.agreeing[1] < 0
            assert not interval[0] <= 0 <= interval[1]
        else:
            assert estimate.agreeing == estimate.simultaneous
            assert estimate.agreeing is not None
            assert estimate.agreeing[0] <= 0 <= estimate.agreeing[1]
            assert interval[0] <= 0 <= interval[1] or ALONE in notes or estimate.verdict == verdicts.NO_EFFECT
        if estimate.verdict == verdicts.NO_EFFECT:
            assert abs(effect) < delta
            assert (-delta <= interval[0] and interval[1] <= delta) or BEYOND in notes
        if estimate.simultaneous and -delta < estimate.simultaneous[0] and estimate.simultaneous[1] < delta:
            assert estimate.verdict in (verdicts.NO_EFFECT, verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)


@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 4, 8, 15, 40, -15, -40]), min_size=1, max_size=5),
    st.integers(2, 5),
    st.sampled_from([0.0, 1.0, 3.0, 8.0]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.5, 2.0, 10.0]),
)
def test_no_family_has_a_verdict_that_its_intervals_contradict(
    effects: list[int], seeds: int, noise: float, seed: int, delta: float
) -> None:
    analysis = star([300.0, *(300.0 + effect for effect in effects)], seeds, noise, seed, delta)
    check([one for one in analysis.contrasts if one.in_family], analysis)
    check(list(analysis.effects), analysis)


def one_by_holm() -> Analysis:
    """The first family of random ones in which Holm's procedure decides what Bonferroni's interval leaves open."""
    for seed in range(200):
        analysis = star([300, 340, 307], 2, 2.0, seed)
        if any(one.estimate.agreeing is None for one in analysis.contrasts if one.in_family):
            return analysis
    raise AssertionError("no family of the kind among 200")


def test_a_claim_of_holm_is_printed_with_its_direction_alone() -> None:
    analysis = one_by_holm()
    (item,) = (one for one in analysis.contrasts if one.in_family and one.estimate.agreeing is None)
    assert item.estimate.verdict in (verdicts.BETTER, verdicts.BETTER_BELOW_DELTA)
    assert item.estimate.simultaneous is not None
    assert item.estimate.simultaneous[0] <= 0
    text = markdown.render(analysis)
    assert "above 0" in text
    assert "Holm's procedure shows the direction of this change" in text
    assert wording.interval(item.estimate.metric, item.estimate.simultaneous) not in text
    found = json_report.document(analysis)["contrasts"]
    assert [one["ci_simultaneous_pp"] for one in found if (one["from"], one["to"]) == ("row 1", item.after.label)] == [
        None
    ]
    at = COLUMNS.index("low_simultaneous")
    (line,) = (one for one in forest(analysis) if one.estimate == item.estimate and one.kind.startswith("One"))
    assert _record(line, True)[at : at + 2] == ["", ""]


def test_families_without_such_a_claim_do_not_explain_it() -> None:
    text = markdown.render(star([300, 340, 380], 3, 1.0, 0))
    assert "above 0" not in text
    assert "Holm's procedure shows the direction" not in text


@pytest.mark.parametrize(("seeds", "noise"), [(2, 8.0), (5, 0.0)])
def test_the_note_on_more_seeds_has_a_number_of_its_table(seeds: int, noise: float) -> None:
    analysis = star([300, 304, 340], seeds, noise, 4)
    text = markdown.render(analysis)
    for sections in text.split("\n#"):
        explained = re.findall(
            r"^(?:- )?~(\d+) more: about ([\d,]+) more seeds? per row would decide it\.", sections, re.M
        )
        printed = re.findall(r"undecided, ~(\d+) more", sections.partition("In words")[0])
        if printed and "|" in sections and "In words" not in sections:
            assert explained, sections
        for short, long in explained:
            assert short in printed
            assert short == long.replace(",", "")


@pytest.mark.parametrize(
    ("means", "delta", "sentence"),
    [
        ([500, 520], 60.0, "No change can reach delta (60 pp): with rates from 50.00 to 52.00 %"),
        ([30, 40], 5.0, "No row can be worse by delta (5 pp)"),
        ([970, 980], 5.0, "No row can be better by delta (5 pp)"),
        ([500, 520], 5.0, ""),
    ],
)
def test_a_delta_beyond_the_rates_is_reported(means: list[float], delta: float, sentence: str) -> None:
    text = " ".join(summary(star(means, 2, 0.0, 0, delta)))
    assert sentence in text
    assert bool(sentence) == ("by delta" in text or "reach delta" in text)


def test_the_direction_is_that_of_the_verdict() -> None:
    """A verdict of an earlier look stays, even if later seeds turn the estimate."""
    analysis = one_by_holm()
    (item,) = (one for one in analysis.contrasts if one.in_family and one.estimate.agreeing is None)
    turned = replace(item.estimate, effect=-0.1)
    assert wording.simultaneous(turned) == "above 0"
    assert wording.simultaneous(item.flipped.estimate) == "below 0"


def test_a_narrow_page_does_not_explain_a_column_of_a_wide_one() -> None:
    analysis = one_by_holm()
    section = effects(analysis, 60)
    assert "simultaneous" in " ".join(section.notes)
    assert "simultaneous" in [column.name for column in section.columns]
    for page in (section.narrow, section.on_screen):
        assert "simultaneous" not in [column.name for column in page.columns]
        assert "simultaneous" not in " ".join(page.notes)
        assert "above 0" not in " ".join(page.notes)
        assert "p Holm is adjusted among the effects" in " ".join(page.notes)
