"""Results of lm-evaluation-harness from import to verdict: models are compared on the examples that both answered."""

import json
from pathlib import Path

import pytest
from scipy import stats

import ablate
from ablate.api.imports import import_results
from tests.support.imports.trackers.harness_reader import content, sample, save, save_samples

BOTH, ONLY_FIRST, ONLY_SECOND, NEITHER = 100, 10, 30, 60
"""Examples by the models that are right on them."""
COUNT = BOTH + ONLY_FIRST + ONLY_SECOND + NEITHER


def write(folder: Path, model: str, right: set[int], order: range) -> None:
    args = f"pretrained=org/{model}"
    save(folder, content({"boolq": {"acc,none": len(right) / COUNT}}, args, examples=COUNT))
    save_samples(folder, "boolq", [sample(at, {"acc": float(at in right)}) for at in order])


def test_models_are_compared_example_by_example_in_whatever_order(tmp_path: Path) -> None:
    first = set(range(BOTH + ONLY_FIRST))
    second = set(range(BOTH)) | set(range(BOTH + ONLY_FIRST, BOTH + ONLY_FIRST + ONLY_SECOND))
    write(tmp_path / "out" / "a", "a", first, range(COUNT))
    write(tmp_path / "out" / "b", "b", second, range(COUNT - 1, -1, -1))
    import_results(tmp_path / "out", "harness", tmp_path / "store.db")
    report = json.loads(ablate.render(ablate.analyse_study("harness", tmp_path / "store.db"), "json"))
    (contrast,) = report["contrasts"]
    discordant = ONLY_FIRST + ONLY_SECOND
    mid_p = stats.binomtest(ONLY_FIRST, discordant).pvalue - stats.binom.pmf(ONLY_FIRST, discordant, 0.5)
    assert contrast["p"] == pytest.approx(mid_p)  # McNemar's test by mid-p: Fagerland and others, 2013
    assert contrast["effect"] == pytest.approx((ONLY_SECOND - ONLY_FIRST) / COUNT)
    assert contrast["totals"] is None
