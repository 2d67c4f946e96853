"""Conclusions from totals alone, against every number published for the seed log, and statsmodels for others."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from ablate.analysis.estimation import unpaired_totals
from ablate.analysis.estimation.unpaired_totals import pairing
from ablate.analysis.stats.proportions import mcnemar, newcombe, pooled_z
from tests.support.examples import examples

PAIRS = Path(__file__).parents[2] / "oracles" / "seed_log_pairs.csv"
N = 12_377
HITS = {
    "b1": 2987,
    "b2": 3430,
    "b3": 2851,
    "b2+RE": 3737,
    "b1+RE": 3180,
    "b2+RE+W": 3740,
    "b2+RE+W+LS": 3806,
    "b2+RE+W+LS w.7": 3785,
    "se50+RE+W+LS w.7": 3770,
}
HALF_A_DIGIT = 5.001e-7
READINGS = {
    "differs: whatever the pairing": unpaired_totals.WHATEVER,
    "differs if hits are not negatively correlated": unpaired_totals.UNLESS_NEGATIVE,
    "no effect beyond delta: whatever the pairing": unpaired_totals.NO_EFFECT_WHATEVER,
    "no difference can be shown; equivalence undecidable without per-query hits": unpaired_totals.NO_DIFFERENCE,
    "undecidable without per-query hits": unpaired_totals.UNDECIDABLE,
}
"""{published conclusion: ours}."""

with PAIRS.open(encoding="utf-8") as file:
    PUBLISHED = [row for row in csv.DictReader(file) if row["reading"] == "A"]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row['from']} to {row['to']}")
def test_every_number_published_for_the_seed_log(row: dict[str, str]) -> None:
    a, b = HITS[row["from"]], HITS[row["to"]]
    found = pairing(a, b, N, 0.05, 0.005)
    assert found is not None
    low, high = newcombe(a, N, b, N)
    ours = {
        "d_hits": found.difference,
        "effect_pp": 100 * (b - a) / N,
        "newcombe_lo": 100 * low,
        "newcombe_hi": 100 * high,
        "ac_lo": 100 * found.agresti_caffo[0],
        "ac_hi": 100 * found.agresti_caffo[1],
        "D_min": found.discordant[0],
        "D_max": found.discordant[1],
        "best_lo": 100 * found.closest[0],
        "best_hi": 100 * found.closest[1],
        "worst_lo": 100 * found.farthest[0],
        "worst_hi": 100 * found.farthest[1],
        "D_sig": found.significant_up_to,
        "D_eq": -1 if found.equivalent_up_to is None else found.equivalent_up_to,
        "seed_sd_tip": 100 * found.tipping_sd,
    }
    for name, value in ours.items():
        assert abs(value - float(row[name])) <= HALF_A_DIGIT, name
    assert pooled_z(a, N, b, N) == pytest.approx(float(row["p_pooled"]), rel=5e-6)
    assert found.reading == READINGS[row["verdict"]]


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_other_totals_agree_with_statsmodels(data: st.DataObject) -> None:
    n = data.draw(st.integers(20, 30_000))
    a, b = data.draw(st.integers(1, n - 1)), data.draw(st.integers(1, n - 1))
    found = pairing(a, b, n, 0.05, 0.005)
    assert found is not None
    agresti = confint_proportions_2indep(b, n, a, n, method="agresti-caffo", compare="diff")
    assert found.agresti_caffo == pytest.approx(agresti, abs=1e-10)
    assert pooled_z(a, n, b, n) == pytest.approx(proportions_ztest([b, a], [n, n])[1], rel=1e-6, abs=1e-300)
    assert newcombe(a, n, b, n) == pytest.approx(
        confint_proportions_2indep(b, n, a, n, method="newcomb", compare="diff"), abs=1e-9
    )


@settings(max_examples=examples(200), deadline=None)
@given(st.integers(1, 5000), st.data())
def test_the_test_turns_at_the_largest_significant_discordance(n: int, data: st.DataObject) -> None:
    """McNemar's χ² without correction rejects up to it and not beyond."""
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    found = pairing(a, b, n, 0.05, 0.005)
    assert found is not None
    least, most = found.discordant
    assert least == abs(b - a)
    assert (most - least) % 2 == 0
    assert (most + b - a) // 2 + 0 <= n
    for discordant in range(max(least, 1), most + 1, 2):
        rejected = (b - a) ** 2 / discordant >= 3.841458820694124
        assert rejected == (discordant <= found.significant_up_to)
    if found.reading == unpaired_totals.WHATEVER and most > 200:
        assert mcnemar((most - b + a) // 2, (most + b - a) // 2).midp < 0.06


def test_swapping_the_rows_changes_signs_only() -> None:
    one, other = pairing(300, 340, 1000, 0.05, 0.005), pairing(340, 300, 1000, 0.05, 0.005)
    assert one is not None
    assert other is not None
    assert one.closest == pytest.approx([-end for end in reversed(other.closest)])
    assert (one.reading, one.discordant, one.tipping_sd) == (other.reading, other.discordant, other.tipping_sd)


@pytest.mark.parametrize(
    ("a", "b", "n", "reading"),
    [
        (0, 0, 1, unpaired_totals.NO_DIFFERENCE),
        (1, 1, 1, unpaired_totals.NO_DIFFERENCE),
        (0, 1000, 1000, unpaired_totals.WHATEVER),
        (10, 10, 1_000_000, unpaired_totals.NO_EFFECT_WHATEVER),
    ],
)
def test_ends_have_a_reading(a: int, b: int, n: int, reading: str) -> None:
    found = pairing(a, b, n, 0.05, 0.005)
    assert found is not None
    assert found.reading == reading


def test_without_queries_there_is_no_conclusion() -> None:
    assert pairing(0, 0, 0, 0.05, 0.005) is None
