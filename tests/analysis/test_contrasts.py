"""Contrasts on stores made for the test: what differs, what is undeclared, which seeds are compared."""

from dataclasses import replace
from pathlib import Path

from ablate.analysis.contrasts import all_contrasts, contrast, steps
from ablate.analysis.results import StudyResults, load
from ablate.store import open_store
from tests.conftest import STUDIES, Ablate


def simulated(ablate: Ablate, *options: object) -> StudyResults:
    ablate("run", STUDIES / "simulated.yaml", "--executor", "inline", *options)
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
    found = contrast(results, before, after)
    expected = 100 * (after.metrics["top1"].mean - before.metrics["top1"].mean)
    assert found.effect is not None
    assert abs(found.effect - expected) < 1e-9
    assert found.seeds == 3
    fewer = replace(after, seeds=(1,), metrics={"top1": replace(after.metrics["top1"], hits=[300])})
    one = contrast(results, before, fewer)
    assert one.seeds == 1
    assert one.effect is not None
    assert abs(one.effect - 100 * (0.3 - before.metrics["top1"].hits[1] / 1000)) < 1e-9


def test_an_undeclared_difference_confounds(ablate: Ablate) -> None:
    results = simulated(ablate)
    before, after = results.rows[:2]
    assert contrast(results, before, after).identified == "direct"
    elsewhere = replace(after, environments={seed: {"torch": "other"} for seed in after.seeds})
    found = contrast(results, before, elsewhere)
    assert found.undeclared == ("torch",)
    assert found.identified == "confounded"


def test_what_a_factor_sets_is_declared(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "study: threads\ntrainer: simulated\ndesign: [{rows: {one: {}, two: {threads: 2}}}]\n"
        "factors: {threads: {sets: runtime.threads, levels: [1, 2]}}\n"
    )
    ablate("run", path, "--executor", "inline")
    store = open_store("results/ablate.db")
    assert store is not None
    results = load(store)
    one, two = (
        replace(row, environments={0: {"threads": count}}) for row, count in zip(results.rows, "12", strict=True)
    )
    assert contrast(results, one, two).undeclared == ()
    assert contrast(results, one, two).identified == "direct"


def test_rows_without_results_have_no_effect(ablate: Ablate) -> None:
    results = simulated(ablate, "--only", "plain")
    found = steps(results)[0]
    assert (found.effect, found.interval, found.seeds) == (None, None, 0)
    assert found.differs == ("normalization",)
