"""A factor that stands for several keys, which always vary together, has effects that are confounded."""

from dataclasses import replace

import numpy as np

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import CONFOUNDED, DIRECT
from ablate.measurement import Metric
from tests.support.analysis.analysis_rows import recorded
from tests.support.analysis.value_studies import SQUARE, study_of_values

KEYS = ("lr", "decay")
SCORE = Metric("score")


def study(family: object = "direct") -> Analysis:
    values = np.random.default_rng(0).normal([[0.0], [1.0], [5.0], [6.0]], 0.1, (4, 5))
    made = study_of_values(SCORE, 0.5, SQUARE, values, family=family)
    bundled, single = made.document.factors
    factors = (replace(bundled, bundle=KEYS), single)
    return analyse(replace(made, document=replace(made.document, factors=factors)))


def test_pairs_across_a_bundle_are_confounded_and_outside_the_family() -> None:
    for contrast in study().contrasts:
        across = "a" in contrast.differs
        assert contrast.bundles == ((KEYS,) if across else ())
        assert contrast.identified == (CONFOUNDED if across else DIRECT)
        assert contrast.in_family is not across
        assert contrast.estimate.verdict == (verdicts.CONFOUNDED if across else verdicts.BETTER)


def test_a_listed_pair_across_a_bundle_counts_in_the_family_without_a_verdict() -> None:
    analysis = study([["row 1", "row 3"], ["row 1", "row 2"]])
    assert analysis.family.size == 2
    assert [one.estimate.verdict for one in analysis.contrasts if one.in_family] == [
        verdicts.BETTER,
        verdicts.CONFOUNDED,
    ]


def test_the_effect_of_a_bundle_is_confounded_with_its_size() -> None:
    bundled, single = study().effects
    assert (bundled.bundle, bundled.estimate.verdict, bundled.estimate.p_holm) == (KEYS, verdicts.CONFOUNDED, None)
    assert bundled.estimate.effect is not None
    assert bundled.estimate.interval is not None
    assert (single.bundle, single.estimate.verdict) == ((), verdicts.BETTER)


def test_runs_without_pairs_differ_in_a_circumstance_if_their_rows_have_other_values_of_it() -> None:
    values = np.random.default_rng(0).normal(0.0, 0.1, (4, 2))
    made = study_of_values(SCORE, 0.5, SQUARE, values, unpaired="no column has the seeds")
    versions = [("1", "2"), ("2", "1"), ("1", "1"), ("1", "2")]
    rows = [
        recorded(row, {seed: {"torch": version} for seed, version in enumerate(of_row)})
        for row, of_row in zip(made.rows, versions, strict=True)
    ]
    undeclared = {
        (one.before.number, one.after.number): one.undeclared
        for one in analyse(replace(made, rows=tuple(rows))).contrasts
    }
    assert undeclared[1, 2] == undeclared[1, 4] == undeclared[2, 4] == ()
    assert undeclared[1, 3] == undeclared[2, 3] == undeclared[3, 4] == ("torch",)
