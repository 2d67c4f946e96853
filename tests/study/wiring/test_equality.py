"""Equal results of rows and seeds: those that examples prove, those that chance hardly explains, and coincidences."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import pytest

from ablate.study.wiring.coincidence import DURING_A_RUN
from ablate.study.wiring.equality import equal_results
from ablate.study.wiring.outcomes import Contents, EqualResults, Outcome, RowOutcomes
from tests.support.wiring.made_outcomes import Draw, add_one, drawn, grid, losses, rates

REPEATS = 100


def no_examples(keys: Collection[str]) -> Mapping[str, Contents]:
    return {}


def shares(
    draw: Draw, rows: list[dict[str, int]], seeds: int, without: str = "", with_seed: bool = True
) -> dict[str, float]:
    """The share of drawn studies in which rows, or seeds, are reported as equal."""
    rng = np.random.default_rng(0)
    found = [equal_results(drawn(rng, rows, seeds, draw, without, with_seed), no_examples) for _ in range(REPEATS)]
    return {
        "proven": float(np.mean([bool(one.rows or one.seeds) for one in found])),
        "rows": float(np.mean([bool(one.likely_rows) for one in found])),
        "seeds": float(np.mean([bool(one.likely_seeds) for one in found])),
        "alike": float(np.mean([bool(one.alike_rows) for one in found])),
    }


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_factor_that_does_not_arrive_is_reported_if_a_metric_has_many_digits(seeds: int) -> None:
    of_losses = shares(losses(effects=2), add_one(3), seeds, without="f1")
    assert (of_losses["rows"], of_losses["alike"], of_losses["proven"]) == (1, 1, 0)


def test_a_rate_over_360_examples_needs_five_seeds_and_four_decimals_are_no_finer() -> None:
    for digits in (4, 16):
        draw = rates(360, 1.5, digits, effects=2)
        assert shares(draw, add_one(1), 5, without="f0")["rows"] > 0.95
        assert shares(draw, add_one(1), 2, without="f0")["rows"] > 0.5


def test_all_pairs_of_rows_that_differ_in_a_factor_are_evidence_together() -> None:
    assert shares(rates(360, 1.5, effects=2), grid(3), 2, without="f0")["rows"] > 0.95


@pytest.mark.parametrize(("n", "spread"), [(20, 0.7), (360, 1.5), (1000, 3.0)])
@pytest.mark.parametrize("shared", [0.0, 0.9])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_values_prove_nothing_and_factors_without_effect_are_rarely_reported(
    n: int, spread: float, shared: float, seeds: int
) -> None:
    """With a large shared part, a factor disturbs a training little: then values are equal because nothing changes."""
    found = shares(rates(n, spread, 4, shared), add_one(3), seeds)
    assert found["proven"] == 0
    assert found["rows"] <= (0.0 if n == 20 else 0.12 if shared == 0 else 0.35)
    assert found["seeds"] <= 0.1


def test_seeds_that_do_not_arrive_are_reported() -> None:
    assert shares(losses(effects=2), add_one(3), 2, with_seed=False)["seeds"] == 1
    assert shares(losses(), add_one(0), 3, with_seed=False)["seeds"] == 1
    assert shares(rates(360, 1.5, 4, effects=3), add_one(5), 5, with_seed=False)["seeds"] > 0.9


def test_rows_without_results_yet_hide_nothing() -> None:
    first, *others = drawn(np.random.default_rng(0), add_one(3), 3, losses(), with_seed=False)
    rows = [first, *(replace(row, outcomes={}) for row in others)]
    assert equal_results(rows, no_examples, DURING_A_RUN).likely_seeds == ((0, 1, 2),)


def test_two_seeds_of_a_single_row_and_two_decimals_are_no_evidence() -> None:
    assert shares(losses(), add_one(0), 2, with_seed=False)["seeds"] == 0
    assert shares(rates(360, 1.5, 2, effects=3), add_one(5), 3, with_seed=False)["seeds"] == 0


def made(values: Mapping[tuple[int, int], Mapping[str, float]]) -> list[RowOutcomes]:
    """Rows with a factor, from {(row, seed): values}."""
    rows = sorted({row for row, _ in values})
    return [
        RowOutcomes(
            f"row {row}",
            {"f": row},
            {seed: Outcome(f"{row}/{seed}", one) for (of, seed), one in values.items() if of == row},
        )
        for row in rows
    ]


def test_one_seed_is_a_suspicion_only_with_several_metrics() -> None:
    loss, acc = 0.2512345678912, 0.9312345
    one_metric = made({(row, 0): {"loss": loss + 0.01 * (row == 2)} for row in range(3)})
    assert equal_results(one_metric, no_examples).likely_rows == ()
    several = made({(row, 0): {"loss": loss + 0.01 * (row == 2), "acc": acc} for row in range(3)})
    assert equal_results(several, no_examples).likely_rows == (("row 0", "row 1"),)
    assert equal_results(several, no_examples, DURING_A_RUN).likely_rows == ()


def test_one_metric_that_differs_in_one_seed_shows_that_a_factor_arrives() -> None:
    values = {(row, seed): {"acc": 0.9 + seed / 7, "loss": 0.1 + seed / 9} for row in range(2) for seed in range(5)}
    assert equal_results(made(values), no_examples).likely_rows == (("row 0", "row 1"),)
    values[1, 3] = {**values[1, 3], "loss": 0.4}
    assert equal_results(made(values), no_examples) == EqualResults()


def test_rows_are_compared_in_the_seeds_that_they_share() -> None:
    values = {(row, seed): {"loss": 0.1 + np.sin(seed)} for row in range(2) for seed in range(5)}
    del values[1, 4], values[0, 0]
    found = equal_results(made(values), no_examples)
    assert found.likely_rows == found.alike_rows == (("row 0", "row 1"),)


def test_a_row_without_randomness_among_others() -> None:
    rng = np.random.default_rng(0)
    values = {(row, seed): {"loss": float(rng.normal())} for row in range(3) for seed in range(5)}
    values |= {(3, seed): {"loss": 0.25} for seed in range(5)}
    found = equal_results(made(values), no_examples)
    assert found.seeds_of_rows == (("row 3", (0, 1, 2, 3, 4)),)
    assert (found.likely_seeds, found.likely_rows) == ((), ())


def test_examples_prove_equality_if_there_are_many_of_them() -> None:
    values = {(row, seed): {"acc": 0.9 + seed / 10} for row in range(2) for seed in range(2)}
    rows = made(values)

    def read(rich: bool) -> EqualResults:
        return equal_results(rows, lambda keys: {key: Contents(key[-1:].encode(), rich) for key in keys})

    assert read(rich=True) == EqualResults(rows=(("row 0", "row 1"),))
    assert read(rich=False).rows == ()
    assert read(rich=False).alike_rows == (("row 0", "row 1"),)
    assert equal_results(rows, lambda keys: {key: Contents(key.encode(), True) for key in keys}) == EqualResults()


def test_evaluations_of_one_trial_are_not_equal_results() -> None:
    values = {(0, seed): {"loss": 0.1 + seed} for seed in range(3)}
    first = made(values)[0]
    assert equal_results([first, replace(first, label="row 1", levels={"f": 1})], no_examples) == EqualResults()
