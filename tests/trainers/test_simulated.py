"""The simulated trainer: its true effects are what its draws show."""

from pathlib import Path

import numpy as np
import pytest

from ablate.measurement import Interim
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import Progress, Pruned, Stopped
from ablate.trainers.rank_results import ranks_of
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.drawing import draw_interim, draw_ranks
from ablate.trainers.simulated.response_model import correlation
from ablate.trainers.simulated.trainer import SimulatedError, train
from ablate.trainers.simulated.truth import expected_rate, learned, shift, shifted_rate

EFFECTS = [
    {"when": {"a": True}, "pp": 2.0},
    {"when": {"a": True, "b": True}, "pp": -3.0},
    {"peak": {"margin": 0.3, "omega": 0.8}, "width": {"margin": 0.2, "omega": 0.3}, "pp": 3.0},
]


def config(**values: object) -> SimulatedConfig:
    return SimulatedConfig.model_validate(values)


def ranks(of: SimulatedConfig, seed: int) -> np.ndarray:
    return ranks_of(train([of], seed, 1, lambda _: None)[0], "test")


@pytest.mark.parametrize(
    ("settings", "pp"),
    [
        ({}, 0.0),
        ({"a": True}, 2.0),
        ({"a": 1}, 0.0),
        ({"a": True, "b": True}, -1.0),
        ({"b": True}, 0.0),
        ({"margin": 0.3, "omega": 0.8}, 3.0),
        ({"margin": 0.5, "omega": 0.8}, 3.0 * np.exp(-0.5)),
    ],
)
def test_the_expected_rate_is_base_plus_effects(settings: dict[str, object], pp: float) -> None:
    assert expected_rate(config(base=0.3, settings=settings, effects=EFFECTS)) == pytest.approx(0.3 + pp / 100)


def test_the_mean_over_seeds_is_the_expected_rate() -> None:
    of = config(settings={"a": True}, effects=EFFECTS)
    rates = [(ranks(of, seed) == 1).mean() for seed in range(400)]
    error = np.std(rates) / np.sqrt(len(rates))
    assert abs(np.mean(rates) - 0.29) < 4 * error


@pytest.mark.parametrize("discordance", [0.05, 0.16, 0.39])
def test_two_runs_of_one_rate_disagree_as_often_as_asked(discordance: float) -> None:
    quiet = {"seed_sd_pp": 0.0, "shared_seed_sd_pp": 0.0, "queries": 4000, "discordance": discordance}
    hits = np.array([ranks(config(**quiet), seed) == 1 for seed in range(60)])
    disagreeing = [(hits[i] != hits[i + 1]).mean() for i in range(0, 60, 2)]
    assert np.mean(disagreeing) == pytest.approx(discordance, abs=0.006)


def test_the_rate_over_these_queries_is_exact_whatever_their_number() -> None:
    """Without shifts the mean hit probability over the fixed difficulties is the rate itself."""
    of = config(queries=7, discordance=0.1)
    drawn = [draw_ranks(of, 0.27, np.random.default_rng(seed)) == 1 for seed in range(4000)]
    assert np.mean(drawn) == pytest.approx(0.27, abs=0.01)


def test_shifts_have_the_spread_asked_for() -> None:
    own = [shift(config(seed_sd_pp=0.5, shared_seed_sd_pp=0.0), seed) for seed in range(2000)]
    assert np.std(own) == pytest.approx(0.005, rel=0.06)
    heavy = [shift(config(seed_sd_pp=0.5, shared_seed_sd_pp=0.0, tails="t5"), seed) for seed in range(4000)]
    assert np.std(heavy) == pytest.approx(0.005, rel=0.1)


def test_rows_of_one_seed_share_their_shift() -> None:
    quiet = {"seed_sd_pp": 0.0, "shared_seed_sd_pp": 1.0}
    one = [shift(config(settings={"a": False}, **quiet), seed) for seed in range(5)]
    other = [shift(config(settings={"a": True}, **quiet), seed) for seed in range(5)]
    assert one == other
    assert len(set(one)) == 5


def test_an_effect_may_change_the_spread() -> None:
    noisy = {"effects": [{"when": {"noisy": True}, "seed_sd_pp": 0.7}], "shared_seed_sd_pp": 0.0}
    found = [shift(config(settings={"noisy": True}, **noisy), seed) for seed in range(2000)]
    assert np.std(found) == pytest.approx(0.007, rel=0.06)


def test_the_same_configuration_and_seed_give_the_same_ranks() -> None:
    same = ranks(config(settings={"a": True}), 3)
    assert np.array_equal(ranks(config(settings={"a": True}, seconds=0.05, fail=0.0), 3), same)
    assert not np.array_equal(ranks(config(settings={"a": True}), 4), same)


def test_ranks_agree_with_one_another() -> None:
    found = ranks(config(), 0)
    rates = [(found <= k).mean() for k in (1, 5, 10)]
    assert found.min() >= 1
    assert rates == sorted(rates)


@pytest.mark.parametrize(("base", "hits"), [(0.0, 0), (1.0, 50)])
def test_rates_of_nothing_and_all(base: float, hits: int) -> None:
    of = config(base=base, queries=50, discordance=0.0, seed_sd_pp=0.0, shared_seed_sd_pp=0.0)
    assert (ranks(of, 0) == 1).sum() == hits


def test_failures_are_drawn_anew_for_each_attempt() -> None:
    failed = []
    for attempt in range(200):
        try:
            train([config(fail=0.3)], 0, attempt, lambda _: None)
        except SimulatedError:
            failed.append(attempt)
    assert 30 < len(failed) < 90


def test_no_correlation_where_discordance_is_largest() -> None:
    assert correlation(1000, 0.5, 0.5) == pytest.approx(0.0, abs=1e-6)


def test_a_disk_that_takes_no_checkpoint_does_not_fail_a_trial(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way of the folder")
    config = SimulatedConfig(seconds=0.01)
    outcome = train([config], 0, 1, lambda _: None, Checkpoints(tmp_path / "file", "key"))
    assert ranks_of(outcome[0], "test").tolist() == ranks_of(train([config], 0, 1, lambda _: None)[0], "test").tolist()
    assert capsys.readouterr().err.count("could be written") == 10


@pytest.mark.parametrize(("after", "tenths"), [(0.0, 0), (5.0, 0), (10.0, 1), (34.9, 3), (99.5, 9)])
def test_asked_to_stop_it_keeps_the_tenths_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: float, tenths: int
) -> None:
    """A trial of 100 s, on a clock that only its own sleeping moves."""
    clock = 0.0

    def sleep(seconds: float) -> None:
        nonlocal clock
        clock += seconds

    monkeypatch.setattr("time.sleep", sleep)
    checkpoints = Checkpoints(tmp_path / "folder", "key", lambda: clock >= after - 1e-6)
    with pytest.raises(Stopped, match=f"^at step {tenths}$"):
        train([config(seconds=100.0)], 0, 1, lambda _: None, checkpoints)
    assert after - 1e-6 <= clock <= after + 0.2
    assert checkpoints.reached() == tenths
    clock, told = 0.0, list[Progress]()
    resumed = train([config(seconds=100.0)], 0, 2, told.append, Checkpoints(tmp_path / "folder", "key"))
    assert clock == pytest.approx(10.0 * (10 - tenths))
    assert told == [Progress(tenth, 10, begun=tenths) for tenth in range(tenths + 1, 11)]
    assert ranks_of(resumed[0], "test").tolist() == ranks(config(), 0).tolist()


KNOWN = [("top1", 1000), ("top5", 1000), ("top10", 1000)]


def watched(of: SimulatedConfig, folder: Path, ends: int = 0) -> tuple[list[Interim], list[int]]:
    """What a judge is shown who ends it after a part, or never; and the test ranks, none where it was ended."""
    shown: list[Interim] = []

    def judge(now: Interim) -> bool:
        shown.append(now)
        return round(10 * now.fraction) != ends

    try:
        outcome = train([of], 0, 1, lambda _: None, Checkpoints(folder, "key"), judge)
    except Pruned:
        return shown, []
    return shown, ranks_of(outcome[0], "test").tolist()


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_a_judge_sees_nine_parts_and_changes_nothing(tmp_path: Path, seconds: float) -> None:
    of = config(settings={"a": True}, seconds=seconds)
    shown, found = watched(of, tmp_path)
    assert [round(10 * now.fraction) for now in shown] == list(range(1, 10))
    assert all([(one.metric, one.n) for one in now.measurements] == KNOWN for now in shown)
    assert all(now.value("top1") <= now.value("top5") <= now.value("top10") <= 1 for now in shown)
    assert found == ranks(of, 0).tolist()
    assert Checkpoints(tmp_path, "key").reached() == 0


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_what_was_pruned_goes_on_from_there(tmp_path: Path, seconds: float) -> None:
    of = config(seconds=seconds)
    whole, _ = watched(of, tmp_path / "whole")
    begun, nothing = watched(of, tmp_path / "folder", ends=4)
    assert Checkpoints(tmp_path / "folder", "key").reached() == 4
    with pytest.raises(Pruned, match=r"^at step 5$"):
        train([of], 0, 1, lambda _: None, Checkpoints(tmp_path / "folder", "key"), lambda _: False)
    rest, found = watched(of, tmp_path / "folder")
    assert (begun, nothing, rest) == (whole[:4], [], whole[5:])
    assert found == ranks(of, 0).tolist()
    assert Checkpoints(tmp_path / "folder", "key").reached() == 0


def test_nobody_watches_what_was_pruned_and_is_wanted_now(tmp_path: Path) -> None:
    watched(config(), tmp_path, ends=4)
    outcome = train([config()], 0, 2, lambda _: None, Checkpoints(tmp_path, "key"))
    assert ranks_of(outcome[0], "test").tolist() == ranks(config(), 0).tolist()
    assert Checkpoints(tmp_path, "key").reached() == 0


def test_the_learning_curve_rises_to_the_runs_own_rate() -> None:
    of = config(base=0.4, discordance=0.3, shared_seed_sd_pp=0.0, seed_sd_pp=1.0, queries=4000)
    for part, share in ((1, 0.33583), (5, 0.88080), (9, 0.99082)):  # (1 - exp(-4f)) / (1 - exp(-4)), by hand
        assert learned(part) == pytest.approx(share, abs=1e-5)
        found = [draw_interim(of, seed, part).value("top1") for seed in range(60)]
        wanted = [shifted_rate(of, seed) * share for seed in range(60)]
        assert np.mean(found) == pytest.approx(np.mean(wanted), abs=4 * 0.49 / np.sqrt(60 * 4000))
    assert learned(10) == 1.0


def test_the_order_of_two_rows_on_their_way_is_noisy_and_right_on_average() -> None:
    """Parts are draws of their own: one row's luck at a part is not its luck at the next."""
    effects = [{"when": {"a": True}, "pp": 2.0}]
    better, worse = (config(settings={"a": each}, effects=effects, seed_sd_pp=0.0) for each in (True, False))
    ahead = [
        [
            draw_interim(better, seed, part).value("top1") > draw_interim(worse, seed, part).value("top1")
            for part in (8, 9)
        ]
        for seed in range(150)
    ]
    assert 0.6 < np.mean(ahead) < 0.99
    assert {tuple(each) for each in ahead} >= {(True, False), (False, True), (True, True)}
