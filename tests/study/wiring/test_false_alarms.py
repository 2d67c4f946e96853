"""No verdict is lost by chance: drawn studies in which every factor reaches the trainer, and none has an effect."""

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
import pytest
from numpy.typing import NDArray

from ablate.store.examples import are_rich
from ablate.study.wiring.equality import equal_results
from ablate.study.wiring.outcomes import Contents, Outcome, RowOutcomes
from tests.support.wiring.made_outcomes import add_one

STUDIES = 60
SEEDS = (1, 2, 3)
Right = NDArray[np.float32]


def answers(rng: np.random.Generator, n: int, seeds: int, rate: float, shared: float) -> dict[tuple[int, int], Right]:
    """Draw {(row, seed): 1 for each of n examples that is answered right} of three rows.

    Examples are of different difficulty. A large shared part means that another row changes few answers of a seed.
    """
    difficulties = 2 * rng.normal(size=n) + 2.3 * np.quantile(rng.normal(size=10_000), 1 - rate)
    common = rng.normal(size=(seeds, n))
    noise = shared**0.5 * common + (1 - shared) ** 0.5 * rng.normal(size=(3, seeds, n))
    return {
        (row, seed): (noise[row, seed] > difficulties).astype(np.float32) for row in range(3) for seed in range(seeds)
    }


def is_proven(of_runs: Mapping[tuple[int, int], Right], seeds: int) -> bool:
    """Return True if some rows, or some seeds, have results that are equal without doubt."""
    by_key = {f"{row}/{seed}": values for (row, seed), values in of_runs.items()}
    rows = [
        RowOutcomes(
            f"row {row}",
            levels,
            {seed: Outcome(f"{row}/{seed}", {"acc": float(of_runs[row, seed].mean())}) for seed in range(seeds)},
        )
        for row, levels in enumerate(add_one(2))
    ]
    found = equal_results(
        rows,
        lambda keys: {key: Contents(blake2b(by_key[key].tobytes()).digest(), are_rich(by_key[key])) for key in keys},
    )
    return bool(found.rows or found.seeds)


@pytest.mark.slow
def test_fewer_than_one_study_in_a_thousand_loses_a_verdict_by_chance() -> None:
    """For test sets of 20 to 2,000 examples, and factors that disturb a training much or little."""
    rng = np.random.default_rng(0)
    sizes, rates, parts = (20, 100, 360, 2000), (0.7, 0.9, 0.97), (0.0, 0.9, 0.99)
    cases = [(n, seeds, rate, shared) for n in sizes for seeds in SEEDS for rate in rates for shared in parts]
    found = [
        is_proven(answers(rng, n, seeds, rate, shared), seeds)
        for n, seeds, rate, shared in cases
        for _ in range(STUDIES)
    ]
    assert sum(found) < len(found) / 1000


def test_the_check_would_report_a_factor_that_does_not_arrive() -> None:
    drawn = answers(np.random.default_rng(0), 2000, 2, 0.7, 0.0)
    assert is_proven(drawn | {(1, seed): drawn[0, seed] for seed in range(2)}, 2)
