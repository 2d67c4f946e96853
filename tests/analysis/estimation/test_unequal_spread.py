"""A row is named for its spread only if it spreads more than each other row, on the seeds that both have."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.analysis.analysis import Analysis, analyse
from ablate.report.sections.summary import summary
from tests.support.analysis.analysis_rows import results, row
from tests.support.examples import examples

N = 2000


def study(hits: list[dict[int, float]]) -> Analysis:
    levels = [{"a": "off", "b": "off"}, {"a": "on", "b": "off"}, {"a": "off", "b": "on"}, {"a": "on", "b": "on"}]
    rows = [row(at + 1, levels[at % 4], of_row, N) for at, of_row in enumerate(hits)]
    return analyse(results({"a": ["off", "on"], "b": ["off", "on"]}, rows))


def blamed() -> Analysis:
    """An attempt of the first and of the last row failed, and the middle row was decided early."""
    return study(
        [
            {0: 525, 1: 528, 2: 564, 4: 545},
            {0: 623, 1: 627},
            {1: 543, 2: 535, 3: 542, 4: 540},
        ]
    )


def test_a_row_that_spreads_less_is_not_named() -> None:
    """The check of equal spread fails, and the row that it points at has SD 0.18 pp against 0.64 pp."""
    analysis = blamed()
    assert analysis.noisy_rows == []
    assert [one.row.number for one in analysis.unequal_spreads] == [3]
    text = " ".join(summary(analysis))
    assert "cannot show which row spreads more" in text
    assert "varies more between seeds" not in text


def test_a_row_that_is_not_named_has_the_interval_of_the_others() -> None:
    analysis = blamed()
    quiet, baseline = analysis.results.rows[2], analysis.results.rows[0]
    low, high = analysis.interval(quiet, "top1")
    usual = analysis.interval(baseline, "top1")
    assert high - low >= (usual[1] - usual[0]) * 0.99  # four seeds each


def test_a_row_that_spreads_more_is_named_with_both_spreads_on_common_seeds() -> None:
    rng = np.random.default_rng(1)
    hits = [dict(enumerate(np.rint(540 + rng.normal(0, 2, 6)))) for _ in range(4)]
    hits[2] = {seed: 540 + 40 * (-1) ** seed for seed in range(6)}
    del hits[1][0], hits[1][3]
    analysis = study(hits)
    (noisy,) = analysis.noisy_rows
    assert noisy.row.number == 3
    assert noisy.sd > 5 * noisy.others_sd
    assert analysis.unequal_spreads == []
    assert "varies more between seeds than the others" in " ".join(summary(analysis))


def test_a_row_that_spreads_as_much_as_another_is_not_named_in_either_direction() -> None:
    """On their two common seeds, rows 1 and 2 have the same variance, except for rounding in floats."""
    hits = [{0: 500, 2: 450}, {0: 500, 1: 600, 2: 550}, {0: 675, 1: 650, 2: 650}, {0: 800, 1: 750, 2: 750}]
    misses = [{seed: 1000 - of for seed, of in of_row.items()} for of_row in hits]
    for counts in (hits, misses):
        levels = [{"a": "off", "b": "off"}, {"a": "on", "b": "off"}, {"a": "off", "b": "on"}, {"a": "on", "b": "on"}]
        rows = [row(at + 1, levels[at], of_row, 1000) for at, of_row in enumerate(counts)]
        analysis = analyse(results({"a": ["off", "on"], "b": ["off", "on"]}, rows))
        assert analysis.noisy_rows == []
        assert [one.row.number for one in analysis.unequal_spreads] == [2]


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 4), st.integers(2, 6))
def test_no_named_row_spreads_less_than_another_that_is_not_named(seed: int, rows: int, seeds: int) -> None:
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, rng.choice([0, 5, 20]), seeds)
    spreads = rng.choice([1, 3, 10, 30], rows)
    hits: list[dict[int, float]] = []
    for at in range(rows):
        present = np.flatnonzero(rng.random(seeds) < rng.choice([0.6, 1.0]))
        hits.append({int(s): float(np.rint(540 + shared[s] + rng.normal(0, spreads[at]))) for s in present})
    analysis = study(hits)
    named = {noisy.row.number for noisy in analysis.noisy_rows}
    flagged = named | {one.row.number for one in analysis.unequal_spreads}
    for noisy in analysis.noisy_rows:
        assert noisy.sd > noisy.others_sd
        own = hits[noisy.row.number - 1]
        for other in analysis.results.rows:
            common = sorted(set(own) & set(other.seeds))
            if other.number not in flagged and len(common) > 1:
                assert np.std([own[s] for s in common]) > np.std([hits[other.number - 1][s] for s in common])
