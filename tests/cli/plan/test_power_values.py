"""`ablate plan --power` about means, single numbers and ratios: in the metric's own unit and direction."""

import itertools
import math
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from ablate.analysis.power.real_values import ValueTruth
from ablate.cli.options import DEFAULT_STORE
from ablate.cli.plan.power import PowerAssumptions, assume
from ablate.cli.plan.power_measured import noise_of_examples, spread_of_examples
from ablate.cli.plan.power_options import PowerOptions
from ablate.packed_arrays import unpack_examples
from ablate.run.request import read_source, resolve_request
from ablate.trainers.simulated.entry import SimulatedEntry
from tests.conftest import Ablate
from tests.support.paths import BNNECK

PERCENT = re.compile(r"(\d+) %")
STUDY = """\
study: values
trainer: simulated
primary: {primary}
delta: {delta}
{metrics}
config:
  metrics: [loss, score]
  queries: 60
  score: {{{score}}}
  effects: [{{when: {{a: on}}, pp: 3.0}}]
factors:
  a: {{sets: settings.a, levels: [off, on]}}
  b: {{sets: settings.b, levels: [off, on]}}
design: [{{add_one: {{from: {{}}}}}}]
seeds: {seeds}
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the studies: chances to two percentage points are enough here."""
    monkeypatch.setattr("ablate.analysis.power.power.STUDIES", 500)


@pytest.fixture
def unknown_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer knows no true effects, like any other trainer."""
    monkeypatch.setattr(SimulatedEntry, "true_effects", lambda *_: None)


def written(folder: Path, primary: str, delta: float, seeds: int = 5, metrics: str = "", score: str = "") -> Path:
    path = folder / f"{primary}.yaml"
    path.write_text(STUDY.format(primary=primary, delta=delta, seeds=seeds, metrics=metrics, score=score))
    return path


def ratio_study(folder: Path, seeds: int = 5) -> Path:
    """An effect of 3 pp is a factor of exp(0.05 · 3), and an SD of .3 pp is one of exp(0.05 · 0.3)."""
    metrics = "metrics: {score: {better: lower, scale: log}}"
    return written(folder, "score", 1.05, seeds, metrics, "positive: on, per_pp: 0.05, better: lower")


def assumed(path: Path, options: PowerOptions | None = None) -> PowerAssumptions:
    return assume(resolve_request(read_source(path)), DEFAULT_STORE, options or PowerOptions())


def table(out: str) -> dict[str, list[int]]:
    """{guessed effect: chances in percent}."""
    lines = out.partition("guessed")[2].partition("\n\n")[0].splitlines()[2:]
    return {line[: line.index("  ", 12)].strip(): [int(of) for of in PERCENT.findall(line)] for line in lines}


def residual_sd(values: dict[tuple[str, int], float]) -> float:
    """The SD about row + seed, by least squares."""
    labels, seeds = (sorted({key[at] for key in values}) for at in (0, 1))
    model = np.array(
        [[*(label == other for other in labels), *(seed == other for other in seeds)] for label, seed in values],
        dtype=float,
    )
    numbers = np.array(list(values.values()))
    residual = numbers - model @ np.linalg.pinv(model) @ numbers
    return math.sqrt(np.sum(residual**2) / (len(numbers) - np.linalg.matrix_rank(model)))


def stored(metric: str) -> dict[tuple[str, int], float]:
    with sqlite3.connect("results/ablate.db") as connection:
        query = "SELECT label, seed, value FROM metrics WHERE metric = ? AND split = 'test'"
        return {(label, seed): value for label, seed, value in connection.execute(query, (metric,))}


def stored_examples(metric: str, seed: int) -> np.ndarray:
    with sqlite3.connect("results/ablate.db") as connection:
        query = (
            "SELECT examples FROM ablate_measurements m JOIN ablate_trials t ON t.key = m.trial_key "
            "JOIN ablate_trainings g ON g.key = t.training_key WHERE metric = ? AND split = 'test' "
            "AND g.seed = ? ORDER BY m.rowid"
        )
        return np.stack([unpack_examples(blob) for (blob,) in connection.execute(query, (metric, seed))]).astype(float)


class Seeded(NamedTuple):
    """A run of a row with a seed."""

    key: str
    label: str
    seed: int


def of_pairs(values: np.ndarray) -> float:
    """The mean, over pairs of runs, of the variance over examples of their difference; shape (runs, examples)."""
    return float(np.mean([np.var(one - other, ddof=1) for one, other in itertools.combinations(values, 2)]))


def test_a_loss_is_improved_downwards(ablate: Ablate, tmp_path: Path) -> None:
    shown = ablate("plan", written(tmp_path, "loss", 0.1), "--power")
    words = " ".join(shown.out.split())
    assert "delta 0.1 nats, lower loss is better; 500 simulated studies" in words
    found = table(shown.out)
    assert list(found) == ["0 nats", "−0.05 nats", "−0.1 nats", "−0.2 nats", "−0.4 nats"]
    assert found["−0.4 nats"][0] > 80 > found["0 nats"][0]
    assert re.search(r"baseline → a=on\n−0.06 nats", shown.out)
    wrong = ablate("plan", written(tmp_path, "loss", 0.1), "--power", "--effect", 0.4).out
    assert table(wrong)["+0.4 nats"] == pytest.approx(found["−0.4 nats"], abs=7), "it is shown to be worse"


def test_ratios_are_shown_as_ratios(ablate: Ablate, tmp_path: Path) -> None:
    shown = ablate("plan", ratio_study(tmp_path), "--power").out
    words = " ".join(shown.split())
    assert "delta ×1.05, lower score is better" in words
    assert f"Assumed: seed SD ×{math.exp(0.015):.4g} (from the config)." in words
    assert list(table(shown)) == ["×1", *(f"×{1.05**-by:.4g}" for by in (0.5, 1, 2, 4))]
    assert re.search(rf"baseline → a=on\n +×{math.exp(0.15):.4g}  ", shown)
    assert "an effect of ×1 lies within ×0.9524 to ×1.05" in words


def test_a_ratio_is_given_as_a_ratio(ablate: Ablate, tmp_path: Path) -> None:
    path = ratio_study(tmp_path)
    found = assumed(path, PowerOptions(seed_sd=math.log(1.2)))
    assert found.world.own_sd == pytest.approx([math.log(1.2)] * 3)
    assert found.delta == pytest.approx(math.log(1.05))
    words = " ".join(ablate("plan", path, "--power", "--seed-sd", 1.2, "--effect", 0.5).out.split())
    assert "seed SD ×1.2 (given)" in words
    assert "×0.5 " in words


def test_a_number_shows_nothing_with_one_seed(ablate: Ablate, tmp_path: Path) -> None:
    shown = " ".join(ablate("plan", written(tmp_path, "score", 0.05, 1), "--power").out.split())
    assert "One seed shows nothing: one value of score a row" in shown
    assert "these networks" not in shown
    assert re.search(r"2 seeds: an effect of .* 3 seeds: an effect of .* 5 seeds: an effect of ", shown)


def test_networks_of_one_seed_are_compared_by_their_examples(ablate: Ablate, tmp_path: Path) -> None:
    shown = ablate("plan", written(tmp_path, "loss", 0.1, 1), "--power", "--effect", 0, "--effect", -2).out
    assert "One seed shows nothing" not in shown
    assert table(shown)["−2 nats"] == [100, 0]
    assert table(shown)["0 nats"][1] > 90


@pytest.mark.usefixtures("unknown_truth")
@pytest.mark.parametrize(("primary", "unit"), [("score", "in the unit of score"), ("loss", "in nats")])
def test_no_spread_is_invented(ablate: Ablate, tmp_path: Path, primary: str, unit: str) -> None:
    path = written(tmp_path, primary, 0.05)
    refused = ablate("plan", path, "--power")
    assert refused.code == 2
    assert refused.out == ""
    words = " ".join(refused.err.split())
    assert f"the spread of {primary} between seeds is not known: no trial of the study is finished" in words
    assert re.search(r"run two seeds of every row \(`ablate run \S+ --seeds 2`\)", words)
    assert f"give the SD of a run: --seed-sd SD, {unit}" in words
    assert ablate("plan", path, "--power", "--seed-sd", 0.02).code == 0


@pytest.mark.usefixtures("unknown_truth")
def test_two_seeds_of_two_rows_show_the_spread(ablate: Ablate, tmp_path: Path) -> None:
    path = written(tmp_path, "score", 0.05)
    assert ablate("run", path, "--seeds", 1, "--executor", "inline").code == 0
    words = " ".join(ablate("plan", path, "--power").err.split())
    assert "is not known: no two rows have finished trials of the same two seeds" in words
    assert ablate("run", path, "--seeds", 2, "--executor", "inline").code == 0
    for seeds in (5, 1):  # the plan's seeds decide nothing about what is known of the spread
        words = " ".join(ablate("plan", path, "--power", "--seeds", seeds).out.split())
        assert "(measured in finished trials)" in words


@pytest.mark.usefixtures("unknown_truth")
def test_the_spread_of_finished_trials_is_that_about_row_and_seed(ablate: Ablate, tmp_path: Path) -> None:
    path = written(tmp_path, "score", 0.05)
    ablate("run", path, "--executor", "inline")
    found = assumed(path)
    assert found.world.own_sd == pytest.approx([residual_sd(stored("score"))] * 3)
    assert found.sources == {"own_sd": "measured in finished trials"}
    df = (3 - 1) * (5 - 1)
    ends = [residual_sd(stored("score")) * math.sqrt(df / stats.chi2.ppf(at, df)) for at in (0.975, 0.025)]
    assert found.sd_interval == pytest.approx(ends)
    words = " ".join(ablate("plan", path, "--power").out.split())
    assert f"the SD of a run with 95 % confidence to be {ends[0]:.2g} to {ends[1]:.2g}" in words


@pytest.mark.usefixtures("unknown_truth")
def test_the_spread_of_ratios_is_that_of_logarithms(ablate: Ablate, tmp_path: Path) -> None:
    path = ratio_study(tmp_path)
    ablate("run", path, "--executor", "inline")
    logarithms = {key: math.log(value) for key, value in stored("score").items()}
    assert assumed(path).world.own_sd == pytest.approx([residual_sd(logarithms)] * 3)


@pytest.mark.usefixtures("unknown_truth")
def test_examples_of_a_mean_are_measured_and_their_part_is_subtracted(ablate: Ablate, tmp_path: Path) -> None:
    path = written(tmp_path, "loss", 0.1)
    ablate("run", path, "--executor", "inline")
    world = assumed(path).world
    assert isinstance(world, ValueTruth)
    runs = np.array([stored_examples("loss", seed) for seed in range(5)])  # (seeds, rows, examples)
    differences = [of_pairs(runs[:, row + 1] - runs[:, row]) / 2 for row in range(2)]
    assert world.examples == 60
    assert world.pair_sd == pytest.approx(math.sqrt(np.mean([of_pairs(of_seed) for of_seed in runs])))
    assert world.example_sd == pytest.approx(math.sqrt(np.mean(differences)))
    whole, part = residual_sd(stored("loss")) ** 2, np.mean(differences) / 2 / 60
    assert world.own_sd == pytest.approx([math.sqrt(max(0.0, whole - part))] * 3)
    larger = assumed(path, PowerOptions(examples=6000)).world
    assert (larger.examples, larger.example_variance) == (6000, pytest.approx(part / 100))


def test_what_all_rows_of_a_seed_share_is_no_noise_of_examples() -> None:
    """Rows of one seed that begin from the same weights differ by less than two seeds do."""
    rng = np.random.default_rng(0)
    shared, rows = rng.normal(0, 1, (4, 1, 4000)), rng.normal(0, 0.5, (1, 3, 4000))  # of a seed, and of a row
    runs = (shared + rows + rng.normal(0, 0.1, (4, 3, 4000))).astype(np.float32)
    trials = [Seeded(f"{seed} {row}", f"row {row}", seed) for seed in range(4) for row in range(3)]
    examples = {one.key: runs[one.seed, int(one.label[-1])] for one in trials}
    assert noise_of_examples(trials, examples, None) == pytest.approx(0.1 * math.sqrt(2), rel=0.03)
    assert noise_of_examples(trials[:3], examples, None) is None
    again = {key: examples[f"{key[0]} 0"] for key in examples}
    assert noise_of_examples(trials, again, None) is None, "equal rows show nothing"


@pytest.mark.usefixtures("unknown_truth")
def test_equal_values_show_no_spread(ablate: Ablate, tmp_path: Path) -> None:
    path = written(tmp_path, "score", 0.05)
    ablate("run", path, "--executor", "inline")
    with sqlite3.connect("results/ablate.db") as connection:
        connection.execute("UPDATE ablate_measurements SET value = 3.7")
    words = " ".join(ablate("plan", path, "--power").err.split())
    assert "is not known: the finished trials of each row have the same value in every seed" in words


@pytest.mark.parametrize("sizes", [[6] * 10, [1, 2, 3, 4, 5, 9, 11, 25]], ids=["equal", "unequal"])
def test_clusters_have_the_error_that_statsmodels_gives_the_mean(sizes: Sequence[int]) -> None:
    rng = np.random.default_rng(8)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    shared = rng.normal(size=(4, len(sizes)))[:, clusters]
    values = rng.normal(size=(4, len(clusters))) + shared + rng.gamma(1.0, size=len(clusters))
    squares = [
        sm.OLS(one - other, np.ones(len(clusters))).fit(cov_type="cluster", cov_kwds={"groups": clusters}).bse[0] ** 2
        for one, other in itertools.combinations(values, 2)
    ]
    examples = {str(run): of_run.astype(np.float32) for run, of_run in enumerate(values)}
    sd = spread_of_examples([list(examples)], examples, clusters)
    assert sd is not None
    assert sd**2 / len(sizes) == pytest.approx(np.mean(squares), rel=1e-5)
    assert spread_of_examples([["0"], ["1"]], examples) is None
    alone = spread_of_examples([["0", "1"], ["2", "3"]], examples)
    of_each = [np.var(values[one] - values[one + 1], ddof=1) for one in (0, 2)]
    assert alone == pytest.approx(math.sqrt(np.mean(of_each)), rel=1e-5)


@pytest.mark.usefixtures("unknown_truth")
def test_clustered_examples_count_by_cluster(ablate: Ablate, tmp_path: Path) -> None:
    path = written(tmp_path, "loss", 0.1)
    ablate("run", path, "--set", "config.clusters=12", "--executor", "inline")
    words = " ".join(ablate("plan", path, "--power", "--set", "config.clusters=12").out.split())
    assert "12 clusters of examples" in words
    assert "with its clusters' part a run then has an SD of" in words


@pytest.mark.usefixtures("unknown_truth")
def test_clusters_of_a_rate_are_named(ablate: Ablate, tmp_path: Path) -> None:
    path = written(tmp_path, "top1", 0.5, 2)
    for clusters, note in ((0, False), (12, True)):
        options = ("--set", f"config.clusters={clusters}", "--set", "config.metrics=[rates]")
        ablate("run", path, "--executor", "inline", *options)
        words = " ".join(ablate("plan", path, "--power", *options).out.split())
        assert "60 queries, base rate" in words
        assert ("Note: examples are taken as independent, although they come in clusters." in words) == note


@pytest.mark.usefixtures("unknown_truth")
@pytest.mark.parametrize(
    ("primary", "words", "message"),
    [
        ("score", ["--base", "0.3"], "--base: only for a proportion; score is a single number; leave it out"),
        ("loss", ["--discordance", "0.1"], "--discordance: only for a proportion; loss is a mean; leave it out"),
        ("score", ["--examples", "50"], "--examples: only for the mean of examples, or for a proportion; score is a"),
        ("score", ["--example-sd", "2"], "--example-sd: only for the mean of examples; score is a single number"),
        ("score", ["--seed-sd", "0"], "--seed-sd: found '0'; accepted: an SD, above 0"),
        ("loss", ["--seed-sd", "x"], "--seed-sd: found 'x'; accepted: an SD in nats, 0 or more"),
        ("loss", ["--seed-sd", "0"], "--power: the SD of a run is 0, so that nothing varies; --seed-sd sets another"),
        ("loss", ["--effect", "inf"], "--effect: found 'inf'; accepted: a number of nats, such as 1.5 or -2"),
        ("loss", ["--example-sd", "2"], "--example-sd works only with the number of examples; add --examples N"),
        ("loss", ["--examples", "20"], "which no finished trials show; add --example-sd SD, in nats"),
        ("loss", ["--examples", "20", "--base", "1", "--effect", "x"], "2 faults:"),
        ("ratio", ["--seed-sd", "0.5"], "--seed-sd: found '0.5'; accepted: an SD as a ratio above 1, such as 1.05"),
        ("ratio", ["--effect", "-2"], "--effect: found '-2'; accepted: a ratio above 0, such as 1.05 or 0.9"),
    ],
)
def test_options_that_the_metric_does_not_have(
    ablate: Ablate, tmp_path: Path, primary: str, words: list[str], message: str
) -> None:
    path = ratio_study(tmp_path) if primary == "ratio" else written(tmp_path, primary, 0.05)
    refused = ablate("plan", path, "--power", *words)
    assert refused.code == 2
    assert message in " ".join(refused.err.split())
    assert refused.out == ""


def test_effects_beyond_the_bounds_of_a_metric_are_refused(ablate: Ablate) -> None:
    asked = ("plan", BNNECK, "--power", "--seeds", 3, "--set", "primary=map", "--seed-sd", 2)
    refused = ablate(*asked, "--effect", 130)
    assert refused.code == 2
    assert "--effect 130: beyond -100 to +100 pp, all that the bounds of map leave" in " ".join(refused.err.split())
    assert "Assumed: seed SD 2 pp (given)." in " ".join(ablate(*asked, "--effect", 9).out.split())


def test_costs_are_metrics_like_others(ablate: Ablate, tmp_path: Path) -> None:
    """Every score stands for a time here."""
    path = written(tmp_path, "seconds", 2.0, 3)
    ablate("run", path, "--executor", "inline")
    with sqlite3.connect("results/ablate.db") as connection:
        connection.execute("DELETE FROM ablate_measurements WHERE split = 'cost'")
        as_time = "UPDATE ablate_measurements SET split = 'cost', metric = 'seconds' WHERE metric = 'score'"
        connection.execute(f"{as_time} AND split = 'test'")
    words = " ".join(ablate("plan", path, "--power").out.split())
    assert re.search(r"delta 2 s, lower seconds is better; .* seed SD \S+ s \(measured in finished trials\)", words)


def test_no_line_begins_with_a_unit(ablate: Ablate, tmp_path: Path) -> None:
    shown = ablate("plan", written(tmp_path, "loss", 0.02), "--power").out
    assert "80 %" in shown
    assert not [line for line in shown.splitlines() if line.strip().startswith(("% ", "pp "))]
