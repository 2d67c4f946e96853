"""Contrasts on stores made for the test: what differs, what is undeclared, which seeds are compared."""

from dataclasses import replace
from pathlib import Path

from ablate.analysis.contrasts import all_contrasts, contrast, steps
from ablate.analysis.results import StudyResults, load
from ablate.store import open_store
from tests.conftest import STUDIES, Ablate


def simulated(ablate: Ablate, *options: object) -> StudyResults:
    ablate("run", STUDIES / "simulated.yaml", "--workers", 1, *options)
    store = open_store(str(Path("results/ablate.db")))
    assert store is not None
    return load(store)


def test_every_pair_once_and_every_step(ablate: Ablate) -> None:
    results = simulated(ablate)
    pairs = [(c.before.number, c.after.number) for c in all_contrasts(results)]
    assert pairs == [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]
    assert [(c.before.number, c.after.number) for c in steps(results)] == [(1, 2), (2, 3), (3, 4)]


def test_effects_are_differences_of_mean_rates_over_common_seeds(ablate: Ablate) -> None:
    results = simulated(ablate)
    before, after = results.rows[:2]
    found = contrast(before, after, "top1", 0.05)
    expected = 100 * (after.metrics["top1"].mean - before.metrics["top1"].mean)
    assert found.effect is not None
    assert abs(found.effect - expected) < 1e-9
    assert found.seeds == 3
    fewer = replace(after, seeds=(1,), metrics={"top1": replace(after.metrics["top1"], hits=[300])})
    one = contrast(before, fewer, "top1", 0.05)
    assert one.seeds == 1
    assert one.effect is not None
    assert abs(one.effect - 100 * (0.3 - before.metrics["top1"].hits[1] / 1000)) < 1e-9


def test_an_undeclared_difference_confounds(ablate: Ablate) -> None:
    before, after = simulated(ablate).rows[:2]
    assert contrast(before, after, "top1", 0.05).identified == "direct"
    elsewhere = replace(after, environments={seed: {"torch": "other"} for seed in after.seeds})
    found = contrast(before, elsewhere, "top1", 0.05)
    assert found.undeclared == ("torch",)
    assert found.identified == "confounded"


def test_rows_without_results_have_no_effect(ablate: Ablate) -> None:
    results = simulated(ablate, "--only", "plain")
    found = steps(results)[0]
    assert (found.effect, found.interval, found.seeds) == (None, None, 0)
    assert found.differs == ("normalization",)
