"""Looks: the rule step by step, many studies at once, and the promised error rates, by simulation of known truth."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ablate.analysis.analysis import analyse
from ablate.analysis.loading import load
from ablate.analysis.looks.history import Look, as_json, from_json
from ablate.analysis.looks.take_look import rows_to_go_on, take_look
from ablate.analysis.results import StudyResults
from ablate.analysis.stats.group_sequential import boundaries
from ablate.analysis.stats.multiplicity import holm
from ablate.report.formats import json, latex, markdown, terminal
from ablate.store import open_store
from ablate.store.plan_document import rules
from ablate.store.plans import read_plan, save_plan
from ablate.store.schema import looks as looks_table
from ablate.trainers.top_k import TOP_K
from tests.conftest import Ablate
from tests.support.analysis.analysis_rows import results, row
from tests.support.analysis.simulated_looks import LOG, LOOKS, METHODS, TABLE, Case, equal, error_rate, measured, spend
from tests.support.paths import ROOT

N = 1_000_000  # queries: a rate's rounding is far below its spread
FACTORS = {"a": ("off", "on"), "b": ("off", "on"), "c": ("off", "on")}
CELLS = [{}, {"a": "on"}, {"a": "on", "b": "on"}, {"a": "on", "b": "on", "c": "on"}]
STEPS = [("row 1", "row 2"), ("row 2", "row 3"), ("row 3", "row 4")]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(6)


def draw(effects: Sequence[float], sd: float, rng: np.random.Generator, seeds: int = 10) -> np.ndarray:
    """Rates in pp, shape (rows, seeds): a ladder whose rungs add `effects`; `sd` of a run."""
    levels = 27 + np.cumsum([0.0, *effects])
    rates: np.ndarray = levels[:, None] + rng.normal(0, sd, (len(levels), seeds)) + rng.normal(0, 0.2, seeds)
    return np.rint(rates * N / 100) * 100 / N


def study(
    rates: np.ndarray,
    seeds: Mapping[int, Sequence[int]] | int,
    taken: Sequence[Look] = (),
    cells: Sequence[Mapping[str, str]] = CELLS,
    planned: Mapping[int, int] | None = None,
    **document: Any,
) -> StudyResults:
    """A study with results of these seeds: of each row, by its position, or of all. `planned`: more than there are."""
    rows = []
    for at, levels in enumerate(cells):
        there = range(seeds) if isinstance(seeds, int) else seeds[at]
        hits = {seed: round(rates[at, seed] * N / 100) for seed in there}
        made = row(at + 1, {**dict.fromkeys(FACTORS, "off"), **levels}, hits, n=N)
        lacking = (planned or {}).get(at, len(hits)) - len(hits)
        rows.append(replace(made, missing=tuple(range(90, 90 + lacking)), failed=tuple(range(90, 90 + lacking))))
    return replace(results(FACTORS, rows, **{"looks": list(LOOKS), **document}), looks=tuple(taken))


def run(rates: np.ndarray, looks: Sequence[int] = LOOKS, **document: Any) -> tuple[StudyResults, list[Look]]:
    """A study to its end: looks are taken until no row goes on."""
    seeds, taken = dict.fromkeys(range(len(rates)), looks[0]), list[Look]()
    while True:
        made = study(rates, {at: range(n) for at, n in seeds.items()}, taken, looks=list(looks), **document)
        taken.append(take_look(made, looks, taken))
        going = rows_to_go_on(made, taken[-1])
        if not going or len(taken) == len(looks):
            return replace(made, looks=tuple(taken)), taken
        seeds |= {at: looks[len(taken)] for at in seeds if f"row {at + 1}" in going}


def family(found: StudyResults) -> dict[tuple[str, str], Any]:
    return {(c.before.label, c.after.label): c.estimate for c in analyse(found).contrasts if c.in_family}


def by_name(look: Look) -> dict[tuple[str, str], Any]:
    return {seen.name: seen for seen in look.results}


@pytest.mark.slow
def test_many_studies_spend_as_each_does_alone(rng: np.random.Generator) -> None:
    rates = np.stack([draw((0.0, 1.2, 0.4), sd, rng) for sd in (0.15, 0.3, 0.3, 0.5, 0.3, 0.2)])
    together = spend(rates, [0, 1, 2], [1, 2, 3], LOOKS, 0.05, 0.5)
    for at, own in enumerate(rates):
        made, taken = run(own)
        assert [seen.verdict for seen in taken[-1].results] == together.verdict[at].tolist()
        assert [len(of.seeds) for of in made.rows] == together.seeds[at].tolist()
        assert taken[-1].trials == together.trials[at]
        assert [family(made)[name].verdict for name in STEPS] == together.verdict[at].tolist()
    assert len(set(together.trials.tolist())) > 2
    assert len(set(together.verdict.ravel().tolist())) > 2


def test_a_first_look_spends_its_share(rng: np.random.Generator) -> None:
    """With two of ten seeds .04 of alpha: p is 25 times the nominal one, of the pooled t with three degrees."""
    rates = draw((0.0, 1.5, 0.0), 0.1, rng)
    look = take_look(study(rates, 2), LOOKS, [])
    two = rates[:, :2] / 100
    residual = two - two.mean(axis=1, keepdims=True) - two.mean(axis=0) + two.mean()
    error = np.sqrt(2 * (residual**2).sum() / 3 / 2)
    effect = np.diff(two.mean(axis=1))
    expected = np.minimum(25 * 2 * stats.t.sf(np.abs(effect) / error, 3), 1)
    assert [seen.p for seen in look.results] == pytest.approx(expected.tolist(), rel=1e-4)
    half = stats.t.isf(0.04 * 0.05 / 2, 3) * error
    assert by_name(look)[STEPS[0]].interval == pytest.approx((effect[0] - half, effect[0] + half), rel=1e-4)
    wide = stats.t.isf(0.04 * 0.05 / 3 / 2, 3) * error
    assert by_name(look)[STEPS[0]].simultaneous == pytest.approx((effect[0] - wide, effect[0] + wide), rel=1e-4)
    assert (look.number, look.seeds, look.trials) == (1, 2, 8)
    assert look.bound == pytest.approx(3.0902, abs=5e-5)
    assert look.spent == pytest.approx(0.002)


def test_rows_stop_when_all_that_touches_them_is_decided(rng: np.random.Generator) -> None:
    """The first rung is far above the noise, the last is nothing, and takes more seeds to be shown to be nothing."""
    made, taken = run(draw((12.0, 8.0, 0.05), 0.3, rng))
    first = taken[0]
    assert {by_name(first)[name].verdict for name in STEPS[:2]} == {"better"}
    assert by_name(first)[STEPS[2]].verdict == "undecided"
    assert first.continuing == ("row 3", "row 4")
    assert len(taken) > 1
    assert [len(of.seeds) for of in made.rows[:2]] == [2, 2]
    assert {len(of.seeds) for of in made.rows[2:]} == {taken[-1].seeds}
    assert by_name(taken[-1])[STEPS[2]].verdict == "no_effect"
    assert taken[-1].continuing == ()


def test_stopped_contrasts_are_not_looked_at_again(rng: np.random.Generator) -> None:
    _, taken = run(draw((12.0, 8.0, 0.05), 0.3, rng))
    later = by_name(taken[1])[STEPS[0]]
    assert (later.seeds, later.p, later.interval, later.verdict) == (2, None, None, "better")


def test_p_is_holm_s_over_the_smallest_so_far(rng: np.random.Generator) -> None:
    made, taken = run(draw((0.5, 0.8, 0.05), 0.4, rng))
    smallest = [min(by_name(look)[name].p or 1.0 for look in taken) for name in STEPS]
    found = family(made)
    assert [found[name].p for name in STEPS] == pytest.approx(smallest)
    assert [found[name].p_holm for name in STEPS] == pytest.approx(holm(smallest).tolist())
    assert all((e.verdict in ("better", "better_below_delta")) == (e.p_holm <= 0.05) for e in found.values())


def test_a_verdict_stays(rng: np.random.Generator) -> None:
    """Even if later seeds show the opposite: the error of the claim is already spent."""
    rates = draw((12.0, 0.0, 0.0), 0.3, rng)
    look = take_look(study(rates, 2), LOOKS, [])
    assert by_name(look)[STEPS[0]].verdict == "better"
    rates[1, 2:] -= 30.0
    made = study(rates, 5, [look])
    again = take_look(made, LOOKS, [look])
    seen = by_name(again)[STEPS[0]]
    assert seen.effect < 0
    assert seen.verdict == "better"
    assert family(replace(made, looks=(look, again)))[STEPS[0]].verdict == "better"


def test_nothing_changes_between_looks(rng: np.random.Generator) -> None:
    """More results are there, of half a stage, by which everything would be decided."""
    rates = draw((1.0, 1.0, 1.0), 0.3, rng)
    look = take_look(study(rates, 2), LOOKS, [])
    before = family(study(rates, 2, [look]))
    rates[:, 2:] = np.arange(4)[:, None] + 27 + rng.normal(0, 0.01, (4, 8))
    after = family(study(rates, {0: range(5), 1: range(4), 2: range(5), 3: range(3)}, [look]))
    assert after == {name: replace(e, separate=None) for name, e in before.items()}
    assert {e.verdict for e in after.values()} == {"undecided"}
    assert {e.more_seeds for e in after.values()} == {1}
    assert take_look(study(rates, 5, [look]), LOOKS, [look]).results[0].verdict == "better"


def test_before_the_first_look_all_is_undecided(rng: np.random.Generator) -> None:
    rates = draw((4.0, 0.0, -4.0), 0.05, rng)
    found = family(study(rates, 2))
    assert {e.verdict for e in found.values()} == {"undecided"}
    assert {(e.p, e.p_holm, e.p_equivalence) for e in found.values()} == {(None, None, None)}
    look = take_look(study(rates, 2), LOOKS, [])
    assert {name: e.interval for name, e in found.items()} == {seen.name: seen.interval for seen in look.results}
    at_once = family(study(rates, 2, looks=None))
    assert "undecided" not in {e.verdict for e in at_once.values()}


def test_information_is_the_seeds_that_both_rows_have(rng: np.random.Generator) -> None:
    """A trial failed at the second look: three of ten seeds are declared, two are there for two contrasts."""
    rates = draw((1.4, 1.4, 1.4), 0.4, rng)
    first = take_look(study(rates, 2), LOOKS, [])
    gap = {0: range(3), 1: [0, 1], 2: range(3), 3: range(3)}
    second = take_look(study(rates, gap, [first], planned={1: 3}), LOOKS, [first])
    assert second.seeds == 3
    assert [seen.p is None for seen in second.results] == [True, True, False]
    assert second.continuing == ("row 1", "row 2", "row 3", "row 4")
    every = {0: range(5), 1: [0, 1, 3, 4], 2: range(5), 3: range(5)}
    made = study(rates, every, [first, second], planned={1: 5})
    third = take_look(made, LOOKS, [first, second])
    assert [seen.seeds for seen in third.results] == [4, 4, 5]
    fixed = family(study(rates, every, looks=None))
    for name, path in ((STEPS[0], [2, 4]), (STEPS[2], [2, 3, 5])):
        p = by_name(third)[name].p
        bound = boundaries([*path, 10], p)[len(path) - 1]
        assert 2 * stats.norm.sf(bound) == pytest.approx(fixed[name].p, rel=2e-3)


def test_a_look_without_new_seeds_changes_nothing(rng: np.random.Generator) -> None:
    rates = draw((0.3, 0.3, 0.3), 0.4, rng)
    first = take_look(study(rates, 2), LOOKS, [])
    again = take_look(study(rates, 2, [first], planned=dict.fromkeys(range(4), 3)), LOOKS, [first])
    assert {seen.p for seen in again.results} == {None}
    assert [seen.verdict for seen in again.results] == [seen.verdict for seen in first.results]
    assert family(study(rates, 2, [first, again])) == {
        name: replace(e, more_seeds=3) for name, e in family(study(rates, 2, [first])).items()
    }


def test_a_failed_row_continues_no_row_and_one_seed_is_not_tested(rng: np.random.Generator) -> None:
    rates = draw((4.0, 0.0, 0.0), 0.1, rng)
    look = take_look(study(rates, {0: [], 1: range(2), 2: range(2), 3: [0]}, planned={0: 2, 3: 2}), LOOKS, [])
    assert [seen.verdict for seen in look.results] == ["not_estimable", "undecided", "undecided"]
    assert [seen.p is None for seen in look.results] == [True, False, True]
    assert look.continuing == ("row 2", "row 3", "row 4")


def test_confounded_contrasts_continue_no_row(rng: np.random.Generator) -> None:
    pairs = [["row 1", "row 3"], ["row 3", "row 4"]]
    rates = draw((0.1, 0.1, 3.0), 0.2, rng)
    look = take_look(study(rates, 2, family=pairs), LOOKS, [])
    assert [seen.verdict for seen in look.results] == ["confounded", "better"]
    assert look.continuing == ()
    found = family(study(rates, 2, [look], family=pairs))
    assert [e.verdict for e in found.values()] == ["confounded", "better"]
    beside = analyse(study(rates, 2, [look], family=pairs)).contrasts
    assert any(c.identified == "direct" and not c.in_family and c.estimate.p_holm is not None for c in beside)


def test_an_undecided_effect_keeps_every_row_going_on_which_it_rests(rng: np.random.Generator) -> None:
    """A half fraction: no two rows differ in one factor, and every effect is of all four rows."""
    cells = [{}, {"a": "on", "b": "on"}, {"a": "on", "c": "on"}, {"b": "on", "c": "on"}]
    rates = draw((0.0, 0.0, 0.0), 0.3, rng)
    made = study(rates, 2, cells=cells, family="effects")
    look = take_look(made, LOOKS, [])
    assert [seen.name for seen in look.results] == [("a", "off -> on"), ("b", "off -> on"), ("c", "off -> on")]
    assert rows_to_go_on(made, look) == {"row 1", "row 2", "row 3", "row 4"}
    large = rates + np.array([0, 6, 6, 0])[:, None]  # a has 6 pp, the others none, which few seeds cannot show
    taken = take_look(study(large, 3, cells=cells, family="effects"), LOOKS, [])
    effects = analyse(study(large, 3, [taken], cells=cells, family="effects")).effects
    assert [e.estimate.verdict for e in effects] == [seen.verdict for seen in taken.results]
    assert taken.results[0].verdict == "better"
    assert effects[0].estimate.interval == taken.results[0].interval


def test_the_last_look_ends_it(rng: np.random.Generator) -> None:
    made, taken = run(draw((0.4, 0.4, 0.4), 2.0, rng))
    assert [look.seeds for look in taken] == list(LOOKS)
    assert taken[-1].continuing == ()
    assert taken[-1].spent == pytest.approx(0.05)
    assert [look.bound for look in taken] == pytest.approx([3.0902, 2.9437, 2.5890, 2.3732, 2.0787], abs=5e-5)
    undecided = [e for e in family(made).values() if e.verdict == "undecided"]
    assert undecided
    assert {e.more_seeds for e in undecided} == {None}
    assert "No look is left" in markdown.render(analyse(made))


def test_every_format_shows_the_looks(rng: np.random.Generator) -> None:
    rates = draw((12.0, 8.0, 0.3), 0.3, rng)
    look = take_look(study(rates, 2), LOOKS, [])
    analysis = analyse(replace(study(rates, 2, [look]), ended=("delta was 1, not 0.5",)))
    shown = json.document(analysis)["looks"]
    assert shown["declared"] == list(LOOKS)
    assert (shown["family"], shown["ended"]) == (2, ["delta was 1, not 0.5"])
    (taken,) = shown["taken"]
    assert (taken["number"], taken["seeds"], taken["trials"], taken["decided"], taken["undecided"]) == (1, 2, 8, 2, 1)
    assert taken["going_on"] == ["row 3", "row 4"]
    for render in (terminal.render, markdown.render, latex.render):
        text = " ".join(render(analysis).split())
        assert "Looks (interim analyses), planned at 2, 3, 5, 7 and 10 seeds" in text
        assert "looks 2/3/5/7/10, 1 taken" in text.replace("\\allowbreak{}", "")
        assert "The next look is at 3 seeds, for row 3 and row 4." in text
        assert "The looks of family 1 no longer count: delta was 1, not 0.5." in text
        assert "the next look is after 1 more seed" in text
    assert json.document(analyse(study(rates, 2, looks=None)))["looks"] is None


def same(restored: Look, look: Look) -> None:
    """The store keeps effects as reports print them, so that a conversion may round the last bit."""
    numbers = ("effect", "p", "p_equivalence", "interval", "simultaneous")
    assert replace(restored, results=()) == replace(look, results=())
    for one, other in zip(restored.results, look.results, strict=True):
        assert replace(one, **dict.fromkeys(numbers)) == replace(other, **dict.fromkeys(numbers))
        for name in numbers:
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-14)


def kept(look: Look, asked: Mapping[str, int]) -> Any:
    rules = {"looks": list(LOOKS), "alpha": 0.05, "delta_pp": 0.5, "primary": "top1", "family": "direct"}
    return SimpleNamespace(**as_json(look, TOP_K[1]), rules=rules, asked=dict(asked))


def test_a_look_is_restored_from_its_stored_form(rng: np.random.Generator) -> None:
    _, taken = run(draw((12.0, 8.0, 0.3), 0.3, rng))
    asked = dict.fromkeys(("row 1", "row 2"), 2) | dict.fromkeys(("row 3", "row 4"), 3)
    same(from_json(kept(taken[0], asked), TOP_K[1]), taken[0])


STUDY = """
study: made
question: What do looks leave?
trainer: simulated
primary: top1
delta: 0.5
factors:
  a: {sets: settings.a, levels: [off, on]}
design:
  - add_one: {from: {}}
seeds: 2
"""


@pytest.mark.slow
def test_a_study_is_loaded_with_the_looks_of_its_current_family(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "made.yaml").write_text(STUDY)
    assert ablate("run", tmp_path / "made.yaml").code == 0
    store = open_store("results/ablate.db")
    named = "made", load(store, "made").profile
    with store.write() as connection:
        plan = read_plan(connection, *named)
        save_plan(connection, replace(plan, document=replace(plan.document, looks=tuple(LOOKS))))
    study = load(store, "made")
    look = take_look(study, study.schedule, [])
    assert look.results[0].p is not None
    declared = rules(study.document)
    asked = {row.label: 3 if row.label in look.continuing else 2 for row in study.rows}
    for family, why in ((1, None), (2, "trials have changed")):
        line = {"family": family, "why": why, "rules": declared, "asked": asked, "trials": {}, "taken": 0.0}
        with store.write() as connection:
            values = {**dict(zip(("study", "profile"), named, strict=True)), **as_json(look, study.metric), **line}
            connection.execute(looks_table.insert().values(**values))
    found = load(store, "made")
    (restored,) = found.looks
    same(restored, look)
    assert found.ended == ("trials have changed",)
    planned = f"{', '.join(map(str, LOOKS[:-1]))} and {LOOKS[-1]}"
    assert f"Looks (interim analyses), planned at {planned} seeds" in ablate("report").out
    with store.write() as connection:
        save_plan(connection, replace(plan, document=replace(plan.document, looks=tuple(LOOKS), delta=1.0)))
    assert load(store, "made").looks == ()


@pytest.mark.slow
def test_the_design_s_table_is_met() -> None:
    """Trials and right verdicts by the log's effects; 600 studies know the mean of either to .7 and .01 at worst."""
    for at, sd in enumerate((0.3, 0.4, 0.5)):
        trials, share = TABLE["**looks 2/3/5/7/10**"][at]
        case = Case("ladder", LOG, equal(sd))
        found = measured(case, METHODS["**looks 2/3/5/7/10**"], 600, np.random.default_rng(at))
        assert found[0] < trials + 0.5
        assert found[1] > share - 0.01
        fixed = measured(case, METHODS["fixed 10, pooled"], 600, np.random.default_rng(at))
        assert found[0] < 0.75 * fixed[0]
        assert found[1] > fixed[1] - 0.05


@pytest.mark.slow
@pytest.mark.parametrize("design", ["ladder", "star"])
@pytest.mark.parametrize(
    "truth",
    ["all effects null", "half of them null, the others ±2 pp", "all ±delta: false `no_effect`", "all null, t₅ tails"],
)
def test_a_family_makes_a_false_claim_in_one_of_twenty_at_most(design: str, truth: str) -> None:
    method, studies = METHODS["**looks 2/3/5/7/10**"], 2000
    share, _, _ = error_rate(truth, design, method, studies, np.random.default_rng(7))
    assert share < 0.05 + 3.5 * (0.05 * 0.95 / studies) ** 0.5


def test_the_docs_have_the_numbers_of_the_benchmark() -> None:
    printed = (ROOT / "benchmarks" / "results" / "adaptive.md").read_text(encoding="utf-8")
    shown = (ROOT / "docs" / "adaptive-seeds.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| .*\d.*$", shown, re.MULTILINE)
    assert len(lines) > 25
    assert [line for line in lines if line not in printed] == []


@pytest.mark.slow
def test_naive_peeking_has_too_many_false_claims() -> None:
    method = METHODS["2/3/5/7/10, naive: p at each look as it is"]
    share, error, _ = error_rate("all effects null", "ladder", method, 1000, np.random.default_rng(8))
    assert share > 0.1 + 2 * error
