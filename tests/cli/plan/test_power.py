"""`ablate plan --power`: what a study would be able to show, before it runs."""

import math
import re
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablate.cli.options import DEFAULT_STORE
from ablate.cli.plan.power import assume
from ablate.cli.plan.power_options import PowerOptions
from ablate.run.request import read_source, resolve_request
from tests.conftest import Ablate
from tests.support.paths import BNNECK, ROOT, SIMULATED

PERCENT = re.compile(r"(\d+) %")
FRACTION = """\
study: fraction
trainer: simulated
config: {queries: 300, effects: [{when: {a: on}, pp: 2.5}, {when: {e: on}, seed_sd_pp: 0.9}]}
factors:
  a: {sets: settings.a, levels: [off, on]}
  b: {sets: settings.b, levels: [off, on]}
  c: {sets: settings.c, levels: [off, on]}
  d: {sets: settings.d, levels: [off, on]}
  e: {sets: settings.e, levels: [off, on]}
design: [{fractional: {from: {}, factors: [a, b, c, d, e], resolution: 5}}]
seeds: 4
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the studies: chances to two percentage points are enough here."""
    monkeypatch.setattr("ablate.analysis.power.power.STUDIES", 500)


def guesses(out: str) -> dict[str, list[int]]:
    """{guessed effect: chances in percent} of the table."""
    table = out.partition("guessed")[2].partition("\n\n")[0].splitlines()[2:]
    return {line.split(" pp")[0].strip(): [int(of) for of in PERCENT.findall(line)] for line in table}


def test_it_says_the_chance_of_each_verdict_after_the_plan(ablate: Ablate, tmp_path: Path) -> None:
    told = ablate("plan", SIMULATED, "--power")
    assert told.code == 0
    plain = ablate("plan", SIMULATED).out
    assert told.out.startswith(plain)
    assert "Power" not in plain
    assert max(map(len, told.out.splitlines())) < 80
    words = " ".join(told.out.split())
    assert "Power of 4 rows × 3 seeds: family of 2 contrasts (pairs of rows that differ in one factor)" in words
    assert "1,000 queries, base rate 0.27, seed SD 0.3 pp, discordance 0.16 (from the config); with its" in words
    assert "a run then has an SD of 0.94 pp" in words
    found = guesses(told.out)
    assert list(found) == ["0", "+0.25", "+0.5", "+1", "+2"]
    assert all(abs(sum(chances) - 100) <= 2 for chances in found.values())
    shown = [chances[0] for chances in found.values()]
    assert shown == sorted(shown)
    assert shown[-1] > 20 > shown[0]
    assert list(tmp_path.iterdir()) == []


def test_a_simulated_study_is_told_the_chances_of_its_true_effects(ablate: Ablate) -> None:
    lines = ablate("plan", SIMULATED, "--power", "--seeds", 6).out.splitlines()
    at = lines.index("plain → normalized")
    assert lines[at + 1].startswith("  −4.5 pp        0 %      100 %          0 %")
    assert lines[lines.index("plain → erasing=on") + 1].startswith("  +2.5 pp")
    assert "With the true effects of the config:" in lines
    assert "true effects" not in ablate("plan", SIMULATED, "--power", "--set", "config.effects=[]").out


@pytest.mark.slow
def test_more_seeds_settle_more_and_fewer_queries_less(ablate: Ablate) -> None:
    def smallest(*words: object) -> float:
        found = re.search(r"of 80 %, an effect of ([\d.]+) pp", ablate("plan", SIMULATED, "--power", *words).out)
        assert found
        return float(found[1])

    assert smallest("--seeds", 8) < smallest() < smallest("--examples", 400)
    assert smallest("--discordance", 0, "--seed-sd", 0.1) < 0.5 < smallest("--discordance", 0, "--seed-sd", 0.9)


def test_with_looks_it_is_about_the_seeds_of_the_last(ablate: Ablate) -> None:
    fixed, looks = (
        ablate("plan", SIMULATED, "--power", "--set", f"seeds={seeds}").out for seeds in ("5", "{looks: [2, 5]}")
    )
    said = " ".join(looks.split())
    assert "Note: looks at 2, 5 seeds decide a little less than 5 fixed seeds of every row" in said
    assert guesses(looks) == guesses(fixed)


def test_one_seed_settles_nothing_about_a_factor(ablate: Ablate) -> None:
    told = ablate("plan", SIMULATED, "--power", "--seeds", 1, "--effect", 0, "--effect", 20).out
    assert "these networks" in told
    assert "One seed settles nothing about a factor" in told
    assert re.search(r"\n  2 seeds: an effect of .*\n  3 seeds: an effect of .*\n  5 seeds: an effect of ", told)
    found = guesses(told)
    assert found["0"][1] > 85
    assert found["+20"] == [100, 0]
    assert "no effect" not in told.replace("an effect", ""), "one seed never says so"


def test_guessed_effects_take_the_place_of_the_usual_ones(ablate: Ablate) -> None:
    found = guesses(ablate("plan", SIMULATED, "--power", "--effect", -6, "--effect", 1.5).out)
    assert list(found) == ["−6", "+1.5"]
    assert found["−6"][0] > 90


@pytest.mark.slow
def test_a_fraction_without_direct_pairs_has_an_answer(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(FRACTION)
    told = ablate("plan", path, "--power")
    words = " ".join(told.out.split())
    assert "family of 5 contrasts (effects of levels), as no two rows differ in one factor alone" in words
    assert "seed SD 0.3 to 0.9 pp" in words
    assert "a off → on +2.5 pp" in words
    one = ablate("plan", path, "--power", "--seeds", 1)
    assert one.code == 0
    assert "5 seeds: an effect of" in one.out


def test_pairs_that_are_confounded_are_said_to_be(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SIMULATED.read_text() + "family: [[plain, normalized], [normalized, erasing=on]]\n")
    lines = ablate("plan", path, "--power").out.splitlines()
    assert lines[lines.index("normalized → erasing=on") + 1].split("pp")[1].strip().startswith("confounded")
    path.write_text(SIMULATED.read_text() + "family: [[normalized, erasing=on]]\n")
    told = ablate("plan", path, "--power")
    assert told.code == 2
    assert "no contrast of family 'listed' shows one factor alone" in told.err


def test_a_study_that_was_never_run_has_usual_values(ablate: Ablate) -> None:
    words = " ".join(ablate("plan", BNNECK, "--power", "--seeds", 3).out.split())
    assert "1,000 queries, base rate 0.27, seed SD 0.3 pp, discordance 0.16 (a usual value)" in words
    words = " ".join(ablate("plan", BNNECK, "--power", "--seeds", 3, "--examples", 5175, "--seed-sd", 0.5).out.split())
    assert "Assumed: 5,175 queries, seed SD 0.5 pp (given); base rate 0.27, discordance 0.16 (a usual value)" in words


def test_what_finished_trials_show_is_measured(ablate: Ablate) -> None:
    """As of any other trainer: the spread between seeds less what the queries add to it, by least squares."""
    changed = ["seeds=12", "config.seed_sd_pp=1.5", "config.queries=4000", "config.base=0.4"]
    options = [word for key in changed for word in ("--set", key)]
    ablate("run", SIMULATED, "--executor", "inline", *options)
    request = resolve_request(read_source(SIMULATED, None, changed))
    request = replace(request, study=replace(request.study, trainer="retrieval"))
    found = assume(request, DEFAULT_STORE, PowerOptions())
    assert found.sources == dict.fromkeys(("examples", "base", "own_sd"), "measured in finished trials") | {
        "discordance": "a usual value"
    }
    assert found.world.examples == 4000
    assert found.effects is None

    with sqlite3.connect("results/ablate.db") as connection:
        cells = connection.execute("SELECT label, seed, top1 FROM results").fetchall()
    labels, seeds = sorted({label for label, *_ in cells}), sorted({seed for _, seed, _ in cells})
    model = np.zeros((len(cells), len(labels) + len(seeds)))
    for at, (label, seed, _) in enumerate(cells):
        model[at, [labels.index(label), len(labels) + seeds.index(seed)]] = 1
    rates = np.array([rate for *_, rate in cells])
    fitted = model @ np.linalg.pinv(model) @ rates
    squares, rank = float(np.sum((rates - fitted) ** 2)), int(np.linalg.matrix_rank(model))
    own = math.sqrt(squares / (len(cells) - rank) - 0.16 / 2 / 4000)
    assert found.world.own_sd == pytest.approx((own,) * 4)
    assert 0.01 < own < 0.021
    assert found.world.base == pytest.approx(rates.mean())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--power", "--effect", "abc"], "--effect: found 'abc'; accepted: a number of percentage points"),
        (["--power", "--effect", "nan"], "--effect: found 'nan'; accepted: a number of percentage points"),
        (["--power", "--effect", "90"], "--effect 90: beyond -27 to +73 pp, all that a base rate of 0.27 leaves"),
        (["--power", "--seed-sd", "-1"], "--seed-sd: found '-1'; accepted: an SD in percentage points, 0 or more"),
        (["--power", "--examples", "0.5"], "--examples: found '0.5'; accepted: a whole number from 1 on"),
        (["--power", "--base", "27"], "--base: found '27'; accepted: a rate between 0 and 1"),
        (["--power", "--discordance", "x"], "--discordance: found 'x'; accepted: a share of the queries"),
        (["--power", "--base", "0.05"], "discordance 0.16: at most 2·base·(1−base) = 0.095 at a base rate of 0.05"),
        (["--power", "--effect", "x", "--base", "2"], "2 faults:"),
        (["--power", "--only", "plain"], "leave out --only"),
        (["--effect", "1", "--base", "0.3"], "--effect, --base work only together with --power; add --power"),
        (["--power", "--set", "design=[{rows: {alone: {}}}]"], "has 1 row, so there is nothing to compare"),
    ],
)
def test_wrong_requests(ablate: Ablate, words: list[str], told: str) -> None:
    result = ablate("plan", SIMULATED, *words)
    assert result.code == 2
    assert told in result.err
    assert result.out == ""


def test_what_would_take_minutes_is_refused(ablate: Ablate, tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(10)]
    factors = "".join(f"  {name}: {{sets: settings.{name}, levels: [off, on]}}\n" for name in names)
    grid = ", ".join(f"{name}: [off, on]" for name in names)
    path = tmp_path / "study.yaml"
    path.write_text(f"study: large\ntrainer: simulated\nfactors:\n{factors}design: [{{grid: {{{grid}}}}}]\nseeds: 2\n")
    told = ablate("plan", path, "--power")
    assert told.code == 2
    assert "--power: 5,120 pairs of rows in the family, of which at most 2,000 are simulated; a smaller" in told.err


def test_a_plan_alone_loads_no_numbers() -> None:
    code = (
        "import sys\nfrom ablate.cli.commands.plan import plan\nfrom pathlib import Path\n"
        f"plan(Path({str(SIMULATED)!r}), workers=1)\n"
        "print('loaded:', sorted({'numpy', 'scipy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: []\n")


@pytest.mark.slow
def test_the_docs_show_what_is_printed(ablate: Ablate, tmp_path: Path) -> None:
    """But for digits, which another version of a library may change."""
    page = (ROOT / "docs" / "power.md").read_text(encoding="utf-8")
    study, several, one = re.findall(r"^```(?:yaml)?\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    path = tmp_path / "tricks.yaml"
    path.write_text(study)
    for shown, words in ((several, ()), (one, ("--seeds", 1))):
        told = ablate("plan", path, "--power", *words).out
        assert words_of(told[told.index("Power of") :]) == words_of(shown)


def words_of(text: str) -> list[str]:
    return re.sub(r"\d+([.,]\d+)?", "#", text).split()


def test_the_queries_of_the_data_are_named_if_others_are_assumed(ablate: Ablate) -> None:
    words = " ".join(ablate("plan", BNNECK, "--power", "--seeds", 3).out.split())
    found = re.search(r"Note: the test split has ([\d,]+) queries; --examples (\d+) plans for them\.", words)
    assert found
    assert found[1].replace(",", "") == found[2]
    given = ablate("plan", BNNECK, "--power", "--seeds", 3, "--examples", found[2]).out
    assert "the test split has" not in given


@pytest.mark.slow
def test_trials_at_an_end_of_the_scale_measure_no_spread(ablate: Ablate, monkeypatch: pytest.MonkeyPatch) -> None:
    """They look as if nothing varied, and as if the smallest effect would be shown."""
    assert ablate("run", SIMULATED, "--set", "config.queries=50").code == 0
    with sqlite3.connect("results/ablate.db") as connection:
        connection.execute("UPDATE ablate_measurements SET value = 0")
    monkeypatch.setattr("ablate.trainers.simulated.entry.SimulatedEntry.true_effects", lambda *_: None)
    request = resolve_request(read_source(SIMULATED, settings=["config.queries=50"]))
    found = assume(request, DEFAULT_STORE, PowerOptions())
    assert (found.world.examples, found.world.base) == (50, 0.27)
    assert found.sources["own_sd"] == found.sources["base"] == "a usual value"
    assert any(note.startswith("every finished trial has 0 %") for note in found.notes)


def test_no_power_is_claimed_for_a_factor_that_nothing_reads(ablate: Ablate, tmp_path: Path) -> None:
    """Two momenta under Adam are one trial: no number of seeds shows anything about them."""
    text = "study: inert\nseeds: 3\nfactors:\n  momentum: {sets: schedule.momentum, levels: [0.9, 0.1]}\n"
    (tmp_path / "inert.yaml").write_text(text + "design: [{add_one: {from: {}}}]\n")
    refused = ablate("plan", tmp_path / "inert.yaml", "--power")
    assert refused.code == 2
    assert "--power: nothing reads the factors, so that all rows are one trial" in refused.err
