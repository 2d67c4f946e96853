"""Simulated studies: the law is the trainer's, and that of the formulas. Bounds are 4.5 standard errors (p 7e-6)."""

import math

import numpy as np
import pytest
from scipy import stats

from ablate.analysis.power.example_draws import thresholds
from ablate.analysis.power.proportions import (
    ProportionTruth,
    count_successes,
    draw_paired,
    draw_successes,
    run_rates,
)
from ablate.trainers.random_streams import generator
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.drawing import draw_ranks
from ablate.trainers.simulated.response_model import correlation, difficulties, hit_probability, threshold
from ablate.trainers.simulated.truth import shifted_rate

ERRORS = 4.5
RARE = 1e-5
MOST = 2 * 0.27 * 0.73

# Rates (0.27, 0.29) with seed SDs that add as much to the counts' variance as the queries' chance does.
TWO = {"effects": (0.0, 0.02), "own_sd": (0.02, 0.03), "shared_sd": 0.015, "examples": 200}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def trained(discordance: float, tails: str = "normal", runs: int = 1500) -> np.ndarray:
    """Shape (runs, rows, queries): the hits of the real trainer in the world TWO, a run a seed."""
    rows = [
        SimulatedConfig.model_validate(
            {
                "queries": TWO["examples"],
                "discordance": discordance,
                "tails": tails,
                "shared_seed_sd_pp": 100 * TWO["shared_sd"],
                "seed_sd_pp": 100 * sd,
                "settings": {"row": row},
                "effects": [{"when": {"row": row}, "pp": 100 * effect}],
            }
        )
        for row, (effect, sd) in enumerate(zip(TWO["effects"], TWO["own_sd"], strict=True))
    ]
    return np.array([[hit(of, seed) for of in rows] for seed in range(runs)])


def hit(of: SimulatedConfig, seed: int) -> np.ndarray:
    row = of.settings["row"]
    return np.asarray(draw_ranks(of, shifted_rate(of, seed), generator(seed, f"of the test/{row}")) == 1)


def same_mean(one: np.ndarray, other: np.ndarray) -> bool:
    """Over the first axis; all of the entries."""
    error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
    return bool(np.all(np.abs(one.mean(axis=0) - other.mean(axis=0)) <= ERRORS * error))


@pytest.mark.slow
@pytest.mark.parametrize(("discordance", "tails"), [(0.0, "normal"), (0.16, "normal"), (0.16, "t5"), (MOST, "normal")])
def test_counts_are_those_of_the_trainer(discordance: float, tails: str, rng: np.random.Generator) -> None:
    world = ProportionTruth(**TWO, discordance=discordance, tails=tails)
    theirs = trained(discordance, tails).sum(axis=-1)
    ours = draw_successes(world, 2, 4000, rng)[..., 1]
    assert same_mean(ours, theirs)
    squares = [(counts - counts.mean(axis=0)) ** 2 for counts in (ours, theirs)]
    assert same_mean(*squares)
    products = [(counts - counts.mean(axis=0)).prod(axis=1) for counts in (ours, theirs)]
    assert same_mean(*products)  # rows of one seed share its shift


@pytest.mark.slow
@pytest.mark.parametrize("discordance", [0.0, 0.16, MOST])
def test_pairs_are_those_of_the_trainer(discordance: float, rng: np.random.Generator) -> None:
    theirs = trained(discordance)
    ours = draw_paired(ProportionTruth(**TWO, discordance=discordance), [(0, 1)], 4000, rng)
    first, second = theirs[:, 0], theirs[:, 1]
    assert same_mean(ours.gained[:, 0], (~first & second).sum(axis=-1))
    assert same_mean(ours.lost[:, 0], (first & ~second).sum(axis=-1))
    assert same_mean(ours.successes, theirs.sum(axis=-1))


@pytest.mark.parametrize("discordance", [0.05, 0.16, 0.3, MOST])
def test_two_runs_of_one_rate_have_the_given_discordance(discordance: float, rng: np.random.Generator) -> None:
    world = ProportionTruth((0.0, 0.0), (0.0, 0.0), shared_sd=0.0, discordance=discordance)
    drawn = draw_paired(world, [(0, 1)], 1000, rng)
    shares = (drawn.gained + drawn.lost)[:, 0] / world.examples
    assert abs(shares.mean() - discordance) < ERRORS * shares.std() / math.sqrt(1000)


def exact_law(rate: float, rho: float, queries: int) -> np.ndarray:
    """The probabilities of 0 to `queries` hits, query by query (the Poisson binomial law)."""
    law = np.array([1.0])
    for p in hit_probability(threshold(rate, rho, queries), rho, difficulties(queries)):
        law = np.append(law * (1 - p), 0.0) + np.append(0.0, law * p)
    return law


def fit(counts: np.ndarray, law: np.ndarray) -> float:
    """The p-value of Pearson's test, with neighbours pooled until at least ten are expected."""
    expected, seen = law * len(counts), np.bincount(counts, minlength=len(law))
    cell = np.minimum(np.cumsum(expected) // 10, expected.sum() // 10 - 1).astype(int)
    expected, seen = (np.bincount(cell, weights=of) for of in (expected, seen))
    kept = expected > 0
    return float(stats.chisquare(seen[kept], expected[kept]).pvalue)


@pytest.mark.parametrize("discordance", [0.02, 0.16, MOST])
def test_counts_of_one_rate_follow_the_exact_law(discordance: float, rng: np.random.Generator) -> None:
    """In the midst of many other rates, so that queries left open are drawn too."""
    world = ProportionTruth((0.0,), (0.0,), examples=200, discordance=discordance)
    rates = np.where(np.arange(80_000) % 4, rng.uniform(0.0, 1.0, 80_000), 0.3)
    counts = count_successes(world, rates, rng)
    assert fit(counts[::4], exact_law(0.3, world.rho, 200)) > RARE
    wrong = exact_law(0.305, world.rho, 200)
    assert fit(counts[::4], wrong) < RARE, "the test would not notice an error of half a percentage point"


def test_without_correlation_counts_are_binomial(rng: np.random.Generator) -> None:
    world = ProportionTruth((0.0,), (0.0,), shared_sd=0.0, examples=200, discordance=MOST)
    counts = draw_successes(world, 5, 4000, rng).ravel()
    assert fit(counts, stats.binom.pmf(np.arange(201), 200, 0.27)) > RARE


@pytest.mark.parametrize("queries", [200, 1000, 12_300])
def test_without_discordance_runs_of_one_rate_hit_the_same(queries: int, rng: np.random.Generator) -> None:
    world = ProportionTruth((0.0, 0.0), (0.0, 0.0), shared_sd=0.0, examples=queries, discordance=0.0)
    drawn = draw_paired(world, [(0, 1), (1, 0)], 50, rng)
    assert np.all(drawn.successes == round(0.27 * queries))
    assert not drawn.gained.any()
    assert not drawn.lost.any()


@pytest.mark.parametrize("discordance", [0.0, 0.16, MOST])
def test_the_rates_given_back_are_those_of_the_successes(discordance: float, rng: np.random.Generator) -> None:
    world = ProportionTruth((0.0, 0.02), (0.01, 0.09), examples=500, discordance=discordance, tails="t5")
    drawn = draw_paired(world, [(0, 1)], 1500, rng)
    cuts = thresholds(drawn.rates.ravel(), world.rho, 500)
    p = hit_probability(cuts[:, None], world.rho, difficulties(500))
    variance = (p * (1 - p)).sum(axis=-1).reshape(drawn.rates.shape)
    off = drawn.successes - 500 * drawn.rates
    assert np.all(np.abs(off.sum(axis=0)) < ERRORS * np.sqrt(variance.sum(axis=0)))
    excess = off**2 - variance
    assert np.all(np.abs(excess.mean(axis=0)) < ERRORS * excess.std(axis=0) / math.sqrt(1500))
    assert np.array_equal(drawn.gained - drawn.lost, np.diff(drawn.successes))


@pytest.mark.slow
@pytest.mark.parametrize("discordance", [0.0, 0.001, 0.16, MOST])
@pytest.mark.parametrize(
    ("queries", "low", "high"),
    [(7, 1e-6, 1 - 1e-6), (1000, 1e-6, 1 - 1e-6), (1000, 0.27, 0.27), (12_377, 0.25, 0.31), (12_377, 1e-6, 0.01)],
)
def test_thresholds_give_the_rates_to_well_below_a_hundredth_of_a_hit(
    discordance: float, queries: int, low: float, high: float, rng: np.random.Generator
) -> None:
    rho = correlation(queries, 0.27, discordance)
    rates = rng.uniform(low, high, 100)
    found = hit_probability(thresholds(rates, rho, queries)[:, None], rho, difficulties(queries))
    assert np.abs(found.sum(axis=-1) - queries * rates).max() < 0.002


def test_rates_of_nothing_and_all(rng: np.random.Generator) -> None:
    counts = count_successes(ProportionTruth((0.0,), (0.0,)), [[-0.1, 0.0, 0.5], [0.5, 1.0, 1.1]], rng)
    assert counts[0, 0] == counts[0, 1] == 0
    assert counts[1, 1] == counts[1, 2] == 1000
    assert 400 < counts[0, 2] < 600


def test_shifts_are_cut_on_both_sides_alike(rng: np.random.Generator) -> None:
    rates = run_rates(ProportionTruth((-0.265, 0.725), (0.02, 0.02)), 2, 20_000, rng)
    assert rates.min() == 0.0
    assert rates.max() == pytest.approx(1.0, abs=1e-12)
    errors = rates.std(axis=(0, 2)) / math.sqrt(40_000)
    assert np.all(np.abs(rates.mean(axis=(0, 2)) - [0.005, 0.995]) < ERRORS * errors)


@pytest.mark.parametrize("tails", ["normal", "t5"])
def test_rows_of_one_seed_share_its_shift_and_no_other(tails: str, rng: np.random.Generator) -> None:
    world = ProportionTruth((0.0, 0.01, 0.02), (0.003, 0.003, 0.0), shared_sd=0.004, tails=tails)
    rates = run_rates(world, 2, 20_000, rng)
    flat = rates.transpose(1, 2, 0).reshape(6, -1)  # row 0 seed 0, row 0 seed 1, row 1 seed 0, …
    products = (flat - flat.mean(axis=1, keepdims=True))[:, None] * (flat - flat.mean(axis=1, keepdims=True))
    same_seed = np.tile(np.eye(2), (3, 3))
    expected = 0.004**2 * same_seed + np.diag(np.repeat(np.square(world.own_sd), 2))
    errors = products.std(axis=-1) / math.sqrt(20_000)
    assert np.all(np.abs(products.mean(axis=-1) - expected) < ERRORS * errors)


def test_heavy_tails_are_those_of_student_with_the_given_sd(rng: np.random.Generator) -> None:
    """By the whole law: t5's eighth moment is infinite, so that a sample's kurtosis has no standard error."""
    quiet = {"effects": (0.0,), "own_sd": (0.005,), "shared_sd": 0.0}
    heavy, light = (
        (run_rates(ProportionTruth(**quiet, tails=tails), 5, 8000, rng).ravel() - 0.27) / 0.005
        for tails in ("t5", "normal")
    )
    student = stats.t(5, scale=math.sqrt(3 / 5))
    assert student.std() == pytest.approx(1.0)
    assert stats.kstest(heavy, student.cdf).pvalue > RARE
    assert stats.kstest(light, "norm").pvalue > RARE
    assert stats.kstest(heavy, "norm").pvalue < RARE
    assert stats.kurtosis(heavy) > 2 > abs(stats.kurtosis(light))


def test_the_same_generator_gives_the_same_studies() -> None:
    def drawn(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [
            draw_successes(ProportionTruth(**TWO), 3, 40, rng),
            *draw_paired(ProportionTruth(**TWO), [(0, 1)], 40, rng),
        ]

    assert all(np.array_equal(one, other) for one, other in zip(drawn(1), drawn(1), strict=True))
    assert not any(np.array_equal(one, other) for one, other in zip(drawn(1), drawn(2), strict=True))


def test_rates_drawn_first_are_those_that_successes_are_drawn_of() -> None:
    world = ProportionTruth(**TWO)
    rng = np.random.default_rng(3)
    rates = run_rates(world, 3, 40, rng)
    assert np.array_equal(count_successes(world, rates, rng), draw_successes(world, 3, 40, np.random.default_rng(3)))


def test_shapes_are_studies_rows_seeds_and_pairs(rng: np.random.Generator) -> None:
    world = ProportionTruth((0.0, 0.01, 0.02), (0.003,) * 3, examples=20)
    assert draw_successes(world, 4, 5, rng).shape == run_rates(world, 4, 5, rng).shape == (5, 3, 4)
    drawn = draw_paired(world, [(0, 1), (2, 0)], 5, rng)
    assert [of.shape for of in drawn] == [(5, 2), (5, 2), (5, 3), (5, 3)]
    assert draw_paired(world, [], 5, rng).gained.shape == (5, 0)
    assert draw_successes(world, 4, 0, rng).shape == (0, 3, 4)


def test_a_world_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="2 effects, but 1 SDs"):
        ProportionTruth((0.0, 0.01), (0.003,))
    with pytest.raises(ValueError, match="at most"):
        ProportionTruth((0.0,), (0.003,), discordance=0.5)
