"""The loss and the score of the simulated trainer: their true values are known, and draws show them."""

import math
from typing import Any

import numpy as np
import pytest

from ablate.measurement import Direction, Interim, Kind, Measurement, Result, Scale
from ablate.trainers.entry import TrueEffects
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.entry import ENTRY
from ablate.trainers.simulated.metrics import ALL
from ablate.trainers.simulated.trainer import train
from ablate.trainers.simulated.truth import learned, shift

QUIET = {"seed_sd_pp": 0.0, "shared_seed_sd_pp": 0.0}
EFFECTS = [{"when": {"a": True}, "pp": 2.0}]
ALL_KINDS = ["rates", "loss", "score"]
LOSS, SCORE = ALL[-2:]


def config(**values: Any) -> SimulatedConfig:
    return SimulatedConfig.model_validate({"metrics": ALL_KINDS, "effects": EFFECTS, **values})


def run(of: SimulatedConfig, seed: int = 0) -> Result:
    return train([of], seed, 1, lambda _: None)[0]


def measured(name: str, of: SimulatedConfig, seed: int = 0, split: str = "test") -> Measurement:
    return run(of, seed).measurement(name, split)


def losses(of: SimulatedConfig, seed: int = 0) -> np.ndarray:
    examples = measured("loss", of, seed).examples
    assert examples is not None
    return examples


def power_truth(metric: Any = LOSS, **values: Any) -> TrueEffects:
    rows = [config(**values, settings={"a": on}).model_dump(mode="json") for on in (False, True)]
    truth = ENTRY.true_effects(rows, metric)
    assert truth is not None
    return truth


def test_further_metrics_change_no_rate() -> None:
    alone, together = run(config(metrics=["rates"]), 3), run(config(), 3)
    rates = [one for one in together.measurements if one.metric.startswith("top")]
    assert [(one.metric, one.value) for one in rates] == [(one.metric, one.value) for one in alone.measurements]
    assert alone.artifacts == together.artifacts
    only = run(config(metrics=["loss"]), 3)
    assert only.measurement("loss").value == together.value("loss")
    assert {one.metric for one in only.measurements} == {"loss"}
    assert only.sizes == {"validation": {"examples": 1000}, "test": {"examples": 1000}}
    assert run(config(metrics=["score"])).sizes == {}


def test_a_score_is_the_linear_function_of_the_level() -> None:
    of = {"score": {"base": 40.0, "per_pp": -0.5}}
    assert run(config(**of, **QUIET)).value("score") == 40.0
    assert run(config(**of, **QUIET, settings={"a": True})).value("score") == 39.0
    noisy = config(**of, settings={"a": True})
    assert run(noisy, 5).value("score") == pytest.approx(39.0 - 0.5 * 100 * shift(noisy, 5), rel=1e-12)
    assert run(noisy, 5).value("score", "validation") == run(noisy, 5).value("score")


def test_effects_on_a_positive_score_are_ratios() -> None:
    of = {"score": {"base": 40.0, "per_pp": 0.1, "positive": True}}
    base, with_effect = (run(config(**of, **QUIET, settings={"a": on})).value("score") for on in (False, True))
    assert base == 40.0
    assert with_effect / base == pytest.approx(math.exp(0.2), rel=1e-12)
    noisy = config(**of, settings={"a": True})
    log_score = math.log(40.0) + 0.2 + 0.1 * 100 * shift(noisy, 7)
    assert math.log(run(noisy, 7).value("score")) == pytest.approx(log_score, rel=1e-12)


def test_the_mean_loss_over_seeds_is_its_true_value() -> None:
    of = config(settings={"a": True}, queries=100, loss={"base": 3.0, "per_pp": -0.05})
    values = [run(of, seed).value("loss") for seed in range(300)]
    assert np.mean(values) == pytest.approx(2.9, abs=4 * np.std(values) / math.sqrt(300))


@pytest.mark.parametrize("clusters", [0, 10])
def test_the_noise_of_losses_is_what_power_is_told(clusters: int) -> None:
    """Runs without shifts differ by their examples alone: the SD of a difference of means is example_sd / √n."""
    of = {"queries": 55, "clusters": clusters, "cluster_share": 0.6, "loss": {"sd": 2.0, "correlation": 0.75}, **QUIET}
    drawn = np.array([run(config(**of), seed).value("loss") for seed in range(1000)])
    truth = power_truth(**of)
    assert truth.example_sd is not None
    assert np.std(drawn[::2] - drawn[1::2]) == pytest.approx(truth.example_sd / math.sqrt(55), rel=0.12)
    independent = 2.0 * math.sqrt(2 * 0.25)
    # five clusters of six examples and five of five: the sum of squared sizes is 305
    assert truth.example_sd == pytest.approx(independent * (math.sqrt(0.4 + 0.6 * 305 / 55) if clusters else 1.0))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_two_runs_are_correlated_over_examples(correlation: float) -> None:
    of = config(queries=20_000, loss={"sd": 3.0, "correlation": correlation}, metrics=["loss"])
    one, other = losses(of, 1), losses(of, 2)
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(correlation, abs=0.02)
    assert np.std(one) == pytest.approx(3.0, rel=0.03)
    assert one.dtype == np.float32
    assert measured("loss", of, 1).value == pytest.approx(one.astype(float).mean(), rel=1e-12)


def test_examples_of_a_cluster_share_the_share_of_the_difference() -> None:
    of = config(queries=40_000, clusters=8_000, cluster_share=0.3, metrics=["loss"])
    one, other = measured("loss", of, 1), measured("loss", of, 2)
    assert one.clusters is not None
    assert np.bincount(one.clusters).tolist() == [5] * 8_000
    difference = losses(of, 1) - losses(of, 2)
    first, second = (difference[np.argsort(one.clusters, kind="stable")][i::5] for i in (0, 1))
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.3, abs=0.04)
    assert np.array_equal(one.clusters, other.clusters)  # type: ignore[arg-type]


def test_hits_are_in_the_same_clusters_and_keep_their_rate() -> None:
    of = {"queries": 200, "clusters": 10, "cluster_share": 0.5, "metrics": ["rates"], **QUIET}
    rates, independent = (
        [run(config(**{**of, "clusters": clusters}), seed).value("top1") for seed in range(400)] for clusters in (10, 0)
    )
    assert np.mean(rates) == pytest.approx(0.27, abs=4 * np.std(rates) / 20)
    assert np.std(rates) > 1.4 * np.std(independent)


def test_shuffled_examples_are_paired_by_their_names() -> None:
    of = {"queries": 2000, "clusters": 100, "loss": {"correlation": 0.9}}
    ordered, shuffled = (
        [measured("loss", config(**of, ids=ids), seed) for seed in (0, 1)] for ids in ("ordered", "shuffled")
    )
    for plain, mixed in zip(ordered, shuffled, strict=True):
        assert plain.ids is not None
        assert mixed.ids is not None
        assert plain.clusters is not None
        assert mixed.clusters is not None
        assert plain.ids[0] == "test 1"
        assert list(plain.ids) != list(mixed.ids)
        place = {name: i for i, name in enumerate(mixed.ids)}
        back = [place[name] for name in plain.ids]
        assert np.array_equal(mixed.examples[back], plain.examples)  # type: ignore[index]
        assert np.array_equal(mixed.clusters[back], plain.clusters)
        assert mixed.value == pytest.approx(plain.value, rel=1e-12)
    assert list(shuffled[0].ids or ()) != list(shuffled[1].ids or ())
    hits = [measured("top1", config(ids=ids, queries=50)) for ids in ("ordered", "shuffled")]
    assert hits[1].ids == measured("loss", config(ids="shuffled", queries=50)).ids
    assert hits[0].value == hits[1].value


def test_a_judge_sees_all_metrics_on_their_way() -> None:
    """After a part of the training the level is `learned(part)` of that of the end, and metrics follow it."""
    shown: list[Interim] = []
    of = config(**QUIET, settings={"a": True}, base=0.3, discordance=0.1, loss={"sd": 0.0})
    train([of], 0, 1, lambda _: None, None, lambda now: shown.append(now) or True)
    assert len(shown) == 9
    for part, now in enumerate(shown, start=1):
        assert [one.metric for one in now.measurements] == ["top1", "top5", "top10", "loss", "score"]
        pp = 100 * (learned(part) * 0.32 - 0.3)
        assert now.value("score") == pytest.approx(1 + 0.01 * pp)
        assert now.value("loss") == pytest.approx(2 - 0.02 * pp, rel=1e-6)
        assert [one.n for one in now.measurements] == [1000, 1000, 1000, 1000, None]


def test_metrics_are_declared_in_the_order_asked_for() -> None:
    plain = config(metrics=["score", "loss"], loss={"better": "higher"}, score={"better": "lower"})
    declared = ENTRY.metrics([plain.model_dump(mode="json")])
    assert [(one.name, one.kind, one.direction) for one in declared] == [
        ("score", Kind.SCALAR, Direction.MINIMIZE),
        ("loss", Kind.MEAN, Direction.MAXIMIZE),
    ]
    assert [one.name for one in ENTRY.metrics([SimulatedConfig().model_dump(mode="json")])] == ["top1", "top5", "top10"]
    assert [one.name for one in ENTRY.metrics([])] == ["top1", "top5", "top10", "loss", "score"]
    assert (LOSS.direction, LOSS.unit, SCORE.direction) == (Direction.MINIMIZE, "nats", Direction.MAXIMIZE)
    positive = config(score={"positive": True}).model_dump(mode="json")
    assert ENTRY.metrics([positive])[-1].bounds == (0.0, math.inf)


def spoilt(gives: str, metric: str | None = None, **values: Any) -> dict[str, Measurement]:
    broken = [{"when": {"a": True}, "metric": metric, "gives": gives}]
    of = config(**values, queries=25, settings={"a": True}, broken=broken)
    return {one.metric: one for one in run(of).measurements if one.split == "test"}


@pytest.mark.parametrize(("gives", "value"), [("nan", math.nan), ("inf", math.inf), ("constant", 1.0)])
def test_a_defect_gives_its_value(gives: str, value: float) -> None:
    for name, one in spoilt(gives).items():
        assert one.value == pytest.approx(value, nan_ok=True), name
        if one.examples is not None:
            assert np.mean(one.examples) == pytest.approx(value, nan_ok=True)
            assert one.n == len(one.examples) == 25
    only = spoilt(gives, "loss")
    assert only["loss"].value == pytest.approx(value, nan_ok=True)
    assert math.isfinite(only["top1"].value)
    assert only["score"].value != value


def test_a_defect_leaves_out_a_metric_or_examples_or_renames_them() -> None:
    assert set(spoilt("missing", "loss")) == {"top1", "top5", "top10", "score"}
    assert spoilt("missing") == {}
    fewer = spoilt("fewer", ids="ordered", clusters=5)
    whole = run(config(queries=25, settings={"a": True}, ids="ordered", clusters=5)).measurement("loss")
    assert fewer["loss"].n == 23
    assert np.array_equal(fewer["loss"].examples, whole.examples[:23])  # type: ignore[arg-type, index]
    assert fewer["loss"].value == pytest.approx(np.mean(whole.examples[:23]))  # type: ignore[index]
    assert len(fewer["loss"].ids or ()) == 23
    assert len(fewer["loss"].clusters) == 23
    assert fewer["score"].n is None
    assert set(spoilt("renamed", ids="ordered")["loss"].ids or ()).isdisjoint(whole.ids or ())


def test_a_defect_is_in_the_runs_that_it_names() -> None:
    broken = [{"when": {"a": True}, "seeds": [1], "metric": "loss", "gives": "missing"}]
    named = {
        (on, seed): "loss" in {one.metric for one in run(config(settings={"a": on}, broken=broken), seed).measurements}
        for on in (False, True)
        for seed in (0, 1)
    }
    assert named == {(False, 0): True, (False, 1): True, (True, 0): True, (True, 1): False}


def test_power_is_told_the_truth_in_the_units_of_each_metric() -> None:
    of = {"seed_sd_pp": 0.5, "shared_seed_sd_pp": 0.4, "loss": {"per_pp": -0.03}, "score": {"per_pp": 0.2}}
    loss, score = power_truth(LOSS, **of), power_truth(SCORE, **of)
    assert (loss.base, loss.effects) == (2.0, pytest.approx((0.0, -0.06)))
    assert (loss.own_sd, loss.shared_sd, loss.examples) == (pytest.approx((0.015, 0.015)), pytest.approx(0.012), 1000)
    assert (score.base, score.effects) == (1.0, pytest.approx((0.0, 0.4)))
    assert (score.own_sd, score.shared_sd) == (pytest.approx((0.1, 0.1)), pytest.approx(0.08))
    assert (score.examples, score.example_sd, score.discordance, score.notes) == (None, None, None, [])


def test_power_is_told_logarithms_on_a_log_scale() -> None:
    log_score = SCORE.__class__(**{**vars(SCORE), "scale": Scale.LOG})
    of = {"score": {"base": 40.0, "per_pp": 0.1, "positive": True}, "seed_sd_pp": 0.5, "shared_seed_sd_pp": 0.4}
    truth = power_truth(log_score, **of)
    assert (truth.base, truth.effects) == (pytest.approx(math.log(40)), pytest.approx((0.0, 0.2)))
    assert (truth.own_sd, truth.shared_sd, truth.notes) == (pytest.approx((0.05, 0.05)), pytest.approx(0.04), [])
    linear = power_truth(SCORE, **of)
    assert linear.effects == pytest.approx((0.0, 40 * (math.exp(0.2) - 1)))
    assert len(linear.notes) == 1
    rows = [config(score={"base": -1.0}).model_dump(mode="json")]
    assert ENTRY.true_effects(rows, log_score) is None


def test_a_value_that_cannot_be_is_a_fault() -> None:
    for values, message in (
        ({"score": {"base": 0.0, "positive": True}}, "a base above 0"),
        ({"clusters": 1001}, "at most as many clusters as examples"),
        ({"metrics": []}, "at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            config(**values)
