"""Results of a search: its candidates, its finalists with fresh seeds, and the importance of its dimensions."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sqlalchemy import delete, select, update

from ablate.analysis.analysis import Analysis
from ablate.analysis.loading import load
from ablate.analysis.search.importance import LEAST, importance
from ablate.analysis.search.reruns import Finalist, FinalistRerun
from ablate.analysis.search.results import EvaluatedCandidate, SearchResults, load_search
from ablate.measurement import Direction, Metric, Scale
from ablate.store import Store, plans
from ablate.store.plan_document import PlanDocument
from ablate.store.plans import StoredPlan, StoredRow
from ablate.store.schema import DONE, FAILED, PRUNED, RUNNING, attempts, candidates, interims, measurements, trials
from ablate.study.search_space.origin import SearchedDimension
from ablate.trainers.costs import SECONDS
from ablate.trainers.rank_results import ranks_of
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.trainer import train
from ablate.trainers.top_k import TOP_K
from tests.conftest import on_both_engines
from tests.support.analysis.searches import BASELINE, Point, read, searched, spread, trial

LOSS = Metric("loss", Direction.MINIMIZE, unit="nats")
SECONDS_BY_RATIO = replace(SECONDS, scale=Scale.LOG)
SEEDS = (101, 102, 103, 104, 105)
MARGIN, OMEGA = SearchedDimension("margin", 0.05, 1.0, log=True), SearchedDimension("omega", 0.0, 1.0)


def of(analysis: Analysis) -> SearchResults:
    assert analysis.search is not None
    return analysis.search


def validation(values: Mapping[str, Any], seed: int) -> float:
    """The top-1 rate that the trainer itself gives."""
    config = SimulatedConfig.model_validate(trial(values, seed).config)
    (result,) = train([config], seed, 0, lambda _: None)
    return float((ranks_of(result, "validation") == 1).mean())


def tried(number: int, state: str = DONE, known: bool = False, **scores: float) -> EvaluatedCandidate:
    return EvaluatedCandidate(number, known, {"margin": 0.1}, state, scores, {}, 1.0, None, False, number)


def made(found: Sequence[EvaluatedCandidate], *metrics: Metric) -> SearchResults:
    dimensions = (MARGIN,)
    return SearchResults(1, "tpe", None, 0, metrics, 10, None, 0.0, dimensions, tuple(found), (), {})


def test_finalists_are_scored_by_the_search_and_again_on_fresh_seeds(store: Store) -> None:
    points = spread(20)
    found = of(searched(store, points, seeds=SEEDS))
    seen = {number: validation(p.values, 0) for number, p in enumerate(points) if p.state == DONE}
    assert [one.number for one in found.finalists] == sorted(seen, key=lambda number: -seen[number])[:3]
    for one in found.finalists:
        again = [validation(points[one.number].values, seed) for seed in SEEDS]
        rerun = one.reruns["top1"]
        assert rerun.score == seen[one.number]
        assert rerun.values == tuple(again)
        assert rerun.optimism == pytest.approx(seen[one.number] - np.mean(again))


def test_the_interval_of_optimism_is_students_t_over_the_fresh_seeds() -> None:
    rates = (0.30, 0.32, 0.31, 0.35)
    rerun = FinalistRerun(TOP_K[1], 0.36, rates, 0.95, 1000)
    low, high = stats.t.interval(0.95, 3, np.mean(rates), stats.sem(rates))
    assert rerun.interval == pytest.approx((low, high))
    assert rerun.optimism_interval == pytest.approx((0.36 - high, 0.36 - low))


def test_the_optimism_of_a_loss_is_how_much_too_low_its_score_was() -> None:
    values = (0.55, 0.52, 0.51, 0.50)
    rerun = FinalistRerun(LOSS, 0.48, values, 0.95)
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert rerun.optimism == pytest.approx(np.mean(values) - 0.48)
    assert rerun.interval == pytest.approx((low, high))
    assert rerun.optimism_interval == pytest.approx((low - 0.48, high - 0.48))


def test_on_a_log_scale_optimism_is_a_ratio() -> None:
    values = (12.0, 13.0, 12.5)
    rerun = FinalistRerun(SECONDS_BY_RATIO, 11.0, values, 0.95)
    low, high = np.exp(stats.t.interval(0.95, 2, np.mean(np.log(values)), stats.sem(np.log(values))))
    assert rerun.mean == pytest.approx(stats.gmean(values))
    assert rerun.interval == pytest.approx((low, high))
    assert np.exp(rerun.optimism or 0) == pytest.approx(stats.gmean(values) / 11)
    assert np.exp(rerun.optimism_interval or ()) == pytest.approx((low / 11, high / 11))


def test_a_value_off_the_log_scale_gives_no_mean() -> None:
    rerun = FinalistRerun(SECONDS_BY_RATIO, 11.0, (12.0, 0.0), 0.95)
    assert (rerun.mean, rerun.interval, rerun.optimism) == (None, None, None)
    assert rerun.off_scale == (0.0,)


def test_fresh_seeds_that_agree_have_an_interval_only_if_their_resolution_is_known() -> None:
    rerun = FinalistRerun(TOP_K[1], 0.36, (0.3, 0.3, 0.3), 0.95, 1000)
    half = stats.t.ppf(0.975, 2) * 0.001 / np.sqrt(12 * 3)
    assert rerun.interval == pytest.approx((0.3 - half, 0.3 + half))
    assert not rerun.is_constant
    rerun = FinalistRerun(LOSS, 0.36, (0.3, 0.3, 0.3), 0.95)
    assert (rerun.interval, rerun.optimism_interval, rerun.is_constant) == (None, None, True)


def test_the_interval_of_a_rate_stays_in_its_bounds() -> None:
    low, high = FinalistRerun(TOP_K[1], 0.9, (0.99, 1.0), 0.95, 100).interval or (0, 0)
    assert 0 < low < high == 1.0


@pytest.mark.parametrize("rates", [(), (0.3,)])
def test_too_few_fresh_seeds_have_no_interval(rates: tuple[float, ...]) -> None:
    rerun = FinalistRerun(TOP_K[1], 0.36, rates, 0.95, 1000)
    assert rerun.interval is None
    assert rerun.optimism_interval is None
    assert rerun.optimism == (pytest.approx(0.06) if rates else None)


def test_a_search_has_no_test_results_of_its_candidates(store: Store) -> None:
    before = of(searched(store, spread(20)))
    with store.write() as connection:
        keys = list(connection.execute(select(candidates.c.trial_key)).scalars())
        of_test = measurements.c.trial_key.in_(keys), measurements.c.split == "test"
        spoiled = update(measurements).where(*of_test).values(value=0.0)
        assert connection.execute(spoiled).rowcount > 0
    assert of(read(store)) == before


def test_verdicts_are_of_the_test_split_and_in_the_family(store: Store) -> None:
    analysis = searched(store, spread(20))
    for finalist in of(analysis).finalists:
        (row,) = (row for row in analysis.results.rows if row.label == finalist.label)
        contrast = analysis.against_baseline[row.number]
        assert contrast.in_family
        assert contrast.identified == "direct"
        means = [np.mean(one.values["top1"].values) for one in (analysis.results.rows[0], row)]
        assert contrast.estimate.effect == pytest.approx(means[1] - means[0])


@on_both_engines
def test_the_steps_that_pruning_saved(store: Store) -> None:
    """17 trained in full, three stopped after 3, 5 and 2 tenths. Failed and known candidates do not count."""
    found = of(searched(store, spread(23)))
    assert len([one for one in found.proposed if one.scores]) == 16
    assert found.steps_saved == pytest.approx((0.7 + 0.5 + 0.8) / 19)
    with store.write() as connection:
        connection.execute(delete(interims))
    again = of(read(store))
    assert again.steps_saved == pytest.approx((0.7 + 0.5 + 0.8) / 19), "from how far the attempts say they were"
    with store.write() as connection:
        connection.execute(update(attempts).where(attempts.c.state == PRUNED).values(steps=300, step=0))
    assert of(read(store)).steps_saved == pytest.approx(900 / (900 + 16 * 100)), "weighted by their steps"


def test_a_search_without_trainings_of_its_own_saves_nothing_known(store: Store) -> None:
    points = [replace(point, known=True, state=DONE) for point in spread(4)]
    assert of(searched(store, points, top=1)).steps_saved is None


def test_known_and_repeated_candidates_are_reused(store: Store) -> None:
    points = [*spread(6), Point(spread(6)[5].values)]
    found = of(searched(store, points, top=1))
    assert [one.number for one in found.reused] == [0, 1, 2, 6]
    assert [one.number for one in found.proposed] == [3, 4, 5, 6]


def test_a_pruned_candidate_has_its_last_rate(store: Store) -> None:
    found = of(searched(store, spread(8)))
    pruned = found.candidates[7]
    assert pruned.state == PRUNED
    assert pruned.scores == {}
    assert pruned.value("top1") == 0.1, "20 hits a tenth of 1,000, five tenths"
    assert 7 not in [one.number for one in found.finished]
    assert 7 not in [number for number, _ in found.best_so_far("top1")]


def test_the_best_so_far_never_falls_and_is_the_best_at_last(store: Store) -> None:
    found = of(searched(store, spread(20)))
    best = [rate for _, rate in found.best_so_far("top1")]
    assert all(one <= other for one, other in pairwise(best))
    assert best[-1] == max(one.scores["top1"] for one in found.finished) == found.front[0].scores["top1"]


def test_of_several_metrics_the_best_are_those_that_none_beats() -> None:
    rng = np.random.default_rng(3)
    rates = rng.integers(0, 6, (40, 2)) / 10
    found = made([tried(n, top1=a, top5=b) for n, (a, b) in enumerate(rates.tolist())], TOP_K[1], TOP_K[5])
    front = [one.number for one in found.front]
    for number, own in enumerate(rates):
        beaten = any(np.all(other >= own) and np.any(other > own) for other in rates)
        first = next(n for n, other in enumerate(rates) if np.array_equal(other, own)) == number
        assert (number in front) == (first and not beaten)


def test_the_first_of_equal_ones_is_the_best() -> None:
    found = made([tried(0, top1=0.2), tried(1, top1=0.3), tried(2, top1=0.3), tried(3, FAILED)], TOP_K[1])
    assert [one.number for one in found.front] == [1]
    assert made([tried(0, RUNNING)], TOP_K[1]).front == []


def test_of_a_loss_and_a_time_the_front_are_those_that_none_beats() -> None:
    found = made(
        [
            tried(0, loss=0.5, seconds=10.0),
            tried(1, loss=0.4, seconds=12.0),
            tried(2, loss=0.5, seconds=11.0),
            tried(3, loss=0.4, seconds=12.0),
            tried(4, loss=0.9, seconds=9.0),
        ],
        LOSS,
        SECONDS,
    )
    assert [one.number for one in found.front] == [0, 1, 4]
    assert found.level_with(found.candidates[1]) == [found.candidates[3]]


def test_the_best_of_a_loss_is_the_lowest() -> None:
    found = made([tried(0, loss=0.5), tried(1, loss=0.3), tried(2, loss=0.4), tried(3, loss=0.3)], LOSS)
    assert [one.number for one in found.front] == [1]
    assert found.best_so_far("loss") == [(0, 0.5), (1, 0.3), (2, 0.3), (3, 0.3)]
    low, high = (Finalist(f"{n}", n, {"loss": FinalistRerun(LOSS, 0.3, (v,), 0.95)}) for n, v in ((1, 0.2), (2, 0.4)))
    assert replace(found, finalists=(high, low)).best_rerun("loss") is low
    baseline = replace(found.candidates[1], is_baseline=True)
    assert replace(found, candidates=(found.candidates[0], baseline)).is_baseline_best
    assert not replace(found, candidates=(baseline, tried(4, loss=0.2))).is_baseline_best


@pytest.mark.parametrize("direction", Direction)
def test_negating_a_metric_and_its_direction_changes_nothing(direction: Direction) -> None:
    """Two scores are on a coarse grid, so that many are level."""
    rng = np.random.default_rng(1)
    values = rng.integers(0, 5, (30, 2)).tolist()
    other = Direction.MINIMIZE if direction is Direction.MAXIMIZE else Direction.MAXIMIZE
    plain = made([tried(n, loss=a, score=b) for n, (a, b) in enumerate(values)], LOSS, Metric("score", direction))
    turned = made([tried(n, loss=a, score=-b) for n, (a, b) in enumerate(values)], LOSS, Metric("score", other))
    assert [one.number for one in plain.front] == [one.number for one in turned.front]
    for one, its in zip(plain.candidates, turned.candidates, strict=True):
        level = [each.number for each in plain.level_with(one)]
        assert level == [each.number for each in turned.level_with(its)]
    assert plain.best_so_far("score") == [(number, -best) for number, best in turned.best_so_far("score")]


def test_other_plans_have_no_search(store: Store) -> None:
    document = PlanDocument("simulated", "top1", 0.5, 0.05)
    made_of = trial(BASELINE, 0)
    with store.write() as connection:
        plans.save_trials(connection, [made_of])
        assert connection.execute(select(trials.c.key)).scalar() == made_of.key
        plans.save_plan(
            connection, StoredPlan("a", "b", document, False, [StoredRow("row", "row", {}, {0: made_of.key})])
        )
    assert load_search(store, load(store)) is None


# importance


def surface(count: int, seed: int = 0) -> list[dict[str, float]]:
    rng = np.random.default_rng(seed)
    margins, omegas = np.exp(rng.uniform(np.log(0.05), 0, count)), rng.uniform(0, 1, count)
    return [{"margin": float(m), "omega": float(o)} for m, o in zip(margins, omegas, strict=True)]


@pytest.mark.slow
def test_importance_finds_the_dimension_that_matters() -> None:
    points = surface(60)
    found = importance([MARGIN, OMEGA], points, [-((point["omega"] - 0.7) ** 2) for point in points])
    assert [share.name for share in found.shares] == ["omega", "margin"]
    assert found.shares[0].mean > 0.9
    assert sum(share.mean for share in found.shares) == pytest.approx(1.0)
    assert all(share.low <= share.mean <= share.high for share in found.shares)
    assert found.shares[0].low < found.shares[0].high, "evaluator seeds differ"


@pytest.mark.slow
def test_importance_is_the_same_each_time() -> None:
    points = surface(12)
    values = [point["margin"] for point in points]
    assert importance([MARGIN, OMEGA], points, values) == importance([MARGIN, OMEGA], points, values)


@pytest.mark.slow
def test_importance_of_choices_and_of_values_off_the_grid() -> None:
    """Candidates that the study had run before may lie outside the range of the search."""
    kinds = SearchedDimension("kind", choices=("a", "b"))
    steps = SearchedDimension("steps", 10, 100, step=10, whole=True)
    points = [{"kind": "abc"[n % 3], "steps": 5 + 7 * n} for n in range(30)]
    found = importance([kinds, steps], points, [float(point["kind"] == "b") for point in points])
    assert found.shares[0].name == "kind"
    assert found.shares[0].mean > 0.8


@pytest.mark.slow
def test_a_dimension_that_never_varied_explains_nothing() -> None:
    points = [{**point, "omega": 0.5} for point in surface(20)]
    found = importance([MARGIN, OMEGA], points, [point["margin"] for point in points])
    assert [(share.name, share.mean) for share in found.shares] == [("margin", 1.0), ("omega", 0.0)]


@pytest.mark.parametrize(
    ("points", "value", "why"),
    [
        (surface(LEAST - 1), None, f"{LEAST - 1} finished candidates; {LEAST} or more are needed"),
        (surface(1), None, "1 finished candidate; "),
        ([], None, "0 finished candidates; "),
        (surface(20), 0.3, "all finished candidates have the same score"),
        ([{"margin": 0.1, "omega": 0.5}] * 20, None, "no dimension varies"),
    ],
)
def test_missing_importance_has_a_reason(points: Sequence[Mapping[str, float]], value: float | None, why: str) -> None:
    values = [value if value is not None else n / 100 for n in range(len(points))]
    found = importance([MARGIN, OMEGA], points, values)
    assert found.shares == ()
    assert found.why is not None
    assert found.why.startswith(why)


@pytest.mark.slow
def test_optuna_prints_nothing_and_keeps_its_settings(capfd: pytest.CaptureFixture[str]) -> None:
    import optuna

    before = optuna.logging.get_verbosity()
    points = surface(10)
    importance([MARGIN, OMEGA], points, [point["margin"] for point in points])
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


@pytest.mark.slow
def test_optuna_is_not_imported_without_a_search() -> None:
    modules = "ablate.analysis.analysis, ablate.report.formats, ablate.report.figures"
    code = f"import sys, {modules}; print('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
