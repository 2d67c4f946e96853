"""Verdicts about the cost of trainings, which are measured around the trainer."""

from math import log
from pathlib import Path
from statistics import geometric_mean

import pytest

from ablate.analysis.analysis import analyse
from ablate.analysis.loading import load
from ablate.store import find_store
from tests.conftest import Ablate

STUDY = """\
study: costs
trainer: simulated
config: {queries: 20}
metrics: {seconds: {scale: log}}
primary: seconds
delta: 1.2
factors:
  time: {sets: seconds, levels: [0.01, 0.15]}
design: [{add_one: {from: {}}}]
seeds: 2
"""


def test_seconds_are_compared_by_their_ratio_though_the_tests_have_equal_results(
    ablate: Ablate, tmp_path: Path
) -> None:
    path = tmp_path / "costs.yaml"
    path.write_text(STUDY, encoding="utf-8")
    assert ablate("run", path, "--executor", "inline").code == 0
    results = load(find_store("sqlite:///results/ablate.db"), "costs")
    quick, slow = (row.values["seconds"].values for row in results.rows)
    assert min(slow) >= 0.15
    (contrast,) = analyse(results).contrasts
    assert contrast.estimate.effect == pytest.approx(log(geometric_mean(slow) / geometric_mean(quick)))
    assert "peak_memory" not in results.rows[0].values, "only the cost that verdicts are about is read"
    with_rates = load(find_store("sqlite:///results/ablate.db"), "costs", about="top1")
    first, second = (row.values["top1"].mean for row in with_rates.rows)
    assert first == second
    assert "seconds" not in with_rates.rows[0].values
