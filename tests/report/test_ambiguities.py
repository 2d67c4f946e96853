"""The ambiguities of the imported log, against the numbers of its audit: two readings of a row, and totals only."""

import csv
import json
from typing import Any

import pytest

from ablate.analysis import frames
from ablate.analysis.analysis import analyse
from ablate.analysis.loading import load
from ablate.store import require_store
from tests.conftest import Ablate
from tests.support.paths import ROOT, SEED_LOG

pytestmark = pytest.mark.usefixtures("undrawn")

ORACLE = ROOT / "tests" / "oracles" / "seed_log_pairs.csv"
ROWS = ["b1", "b2", "b3", "b2+RE", "b1+RE"]
"""The oracle's names of the first rows, in their order."""


@pytest.fixture
def imported(ablate: Ablate) -> Ablate:
    assert ablate("import", SEED_LOG, "--study", "baseline-log").code == 0
    return ablate


@pytest.fixture
def report(imported: Ablate) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(imported("report", "baseline-log", "--format", "json").out)
    return document


def _direct(contrasts: list[dict[str, Any]]) -> dict[tuple[str, ...], list[float]]:
    p_values: dict[tuple[str, ...], list[float]] = {}
    for contrast in contrasts:
        if contrast["identified"] == "direct":
            p_values.setdefault(tuple(contrast["differs"]), []).append(contrast["p_holm"])
    return {differs: sorted(values) for differs, values in p_values.items()}


def test_holm_of_the_direct_contrasts_as_listed(report: dict[str, Any]) -> None:
    p_values = _direct(report["contrasts"])
    assert sum(map(len, p_values.values())) == 7
    assert p_values[("random_erasing",)] == pytest.approx([0.000101], abs=5e-7)
    assert p_values[("normalization",)] == pytest.approx([2.1e-14], rel=0.03)
    assert p_values[("omega",)] == pytest.approx([0.209, 1], abs=5e-4)
    assert p_values[("warmup",)] == p_values[("label_smoothing",)] == p_values[("backbone",)] == [1]
    assert report["aliases"] == []
    assert report["family"] == {"name": "direct", "size": 7, "tested": 7}


def test_holm_of_the_direct_contrasts_read_otherwise(report: dict[str, Any]) -> None:
    (reading,) = report["readings"]
    assert "row 5" in reading["reading"]
    assert "margin 0.2" in reading["reading"]
    p_values = _direct(reading["contrasts"])
    assert sum(map(len, p_values.values())) == 7
    assert p_values[("random_erasing",)] == pytest.approx([0.000118, 0.0274], rel=5e-3)
    assert p_values[("omega",)] == pytest.approx([0.209, 1], abs=5e-4)
    assert ("normalization",) not in p_values
    assert [sorted(group) for group in reading["aliases"]] == [["margin", "normalization"]]


def test_which_effects_each_reading_tells(report: dict[str, Any]) -> None:
    listed = {effect["factor"]: effect["identified"] for effect in report["effects"]}
    other = {effect["factor"]: effect for effect in report["readings"][0]["effects"]}
    assert (listed["margin"], listed["normalization"]) == ("additive", "direct")
    assert (other["margin"]["verdict"], other["margin"]["aliased_with"]) == ("not_estimable", ["normalization"])
    assert other["normalization"]["effect_pp"] is None


def test_one_more_run_settles_the_most(report: dict[str, Any]) -> None:
    first = report["suggestions"][0]
    levels = {"margin": 0.3, "normalization": "on", "omega": 0.9, "random_erasing": "off"}
    assert {name: first["levels"][name] for name in levels} == levels
    assert first["resolves"] == ["margin", "normalization"]


def test_what_totals_can_mean(report: dict[str, Any]) -> None:
    """All values of the oracle for pairs among the first five rows, as listed."""
    with ORACLE.open() as file:
        oracle = {(line["from"], line["to"]): line for line in csv.DictReader(file) if line["reading"] == "A"}
    labels = [row["label"] for row in report["rows"]]
    checked = 0
    for contrast in report["contrasts"]:
        numbers = [labels.index(contrast[end]) for end in ("from", "to")]
        line = oracle.get(tuple(ROWS[at] for at in numbers)) if max(numbers) < len(ROWS) else None
        if line is not None:
            checked += 1
            totals = contrast["totals"]
            assert totals["d_hits"] == int(line["d_hits"])
            assert totals["discordant"] == [int(line["D_min"]), int(line["D_max"])]
            assert totals["agresti_caffo_pp"] == pytest.approx([float(line["ac_lo"]), float(line["ac_hi"])], abs=2e-6)
            assert totals["significant_up_to"] == pytest.approx(float(line["D_sig"]), rel=1e-6)
            assert totals["tipping_sd_pp"] == pytest.approx(float(line["seed_sd_tip"]), abs=2e-6)
            in_our_words = line["verdict"].replace("per-query hits", "outcomes per example").replace("hits", "outcomes")
            assert totals["reading"] == in_our_words
    assert checked == 10


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex"])
def test_the_doubts_are_shown_to_people(imported: Ablate, form: str) -> None:
    text = " ".join(imported("report", "baseline-log", "--format", form).out.split())
    assert "row 5 with margin 0.2, not 0.3" in text
    assert "the rows cannot separate margin from normalization" in text
    assert "24,534.7" in text
    assert "The most useful run to add: margin 0.3, normalization on (the rest at baseline). It gives a" in text
    assert "gives a direct contrast or a first estimate for margin and normalization." in text


def test_new_queries_and_new_seeds_cannot_be_had_of_a_log(imported: Ablate) -> None:
    result = imported("report", "baseline-log", "--population", "examples-and-seeds")
    assert result.code == 0
    assert "Intervals for new queries and new seeds need at least two seeds per row" in " ".join(result.out.split())


def test_frames_have_a_line_a_contrast_and_a_line_an_effect(imported: Ablate, report: dict[str, Any]) -> None:
    store = require_store("results/ablate.db")
    analysis = analyse(load(store, "baseline-log"))
    contrasts = frames.contrasts(analysis)
    assert list(contrasts["p_holm"].dropna()) == [c["p_holm"] for c in report["contrasts"] if c["p_holm"] is not None]
    effects = frames.effects(analysis).set_index("factor")
    assert effects.loc["random_erasing", ["low", "high"]].tolist() == pytest.approx([0.013505, 0.036094], abs=5e-7)
