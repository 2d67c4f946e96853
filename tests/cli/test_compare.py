"""`ablate compare` as typed: simulated studies whose true effects are known, and the seed log."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_startup import HEAVY
from tests.conftest import ROOT, Ablate

SEED_LOG = ROOT / "studies" / "reference" / "baseline-log.md"
WORDS = {"reproduced", "same_sign", "cannot_tell", "contradicted", "not_comparable"}
SWITCHES = ("raised", "lowered", "resized", "idle")
OURS = {"raised": 3.0, "lowered": 3.0, "resized": 3.0}
THEIRS = {"raised": 3.0, "lowered": -3.0, "resized": 6.0}
EXPECTED = {"raised": "reproduced", "lowered": "contradicted", "resized": "same_sign", "idle": "reproduced"}
"""By the true effects: an effect of 0 in both is no effect in both."""


def run(ablate: Ablate, name: str, effects: Mapping[str, float], first: int = 0, **changes: Any) -> None:
    """A study of switches, one at a time. Of a mean over 6 seeds, about 0.04 pp of SD: all effects are well known."""
    config = {"queries": 20_000, "discordance": 0.02, "seed_sd_pp": 0.05, "shared_seed_sd_pp": 0.0}
    config["effects"] = [{"when": {switch: "on"}, "pp": pp} for switch, pp in effects.items()]  # type: ignore[assignment]
    switches = {name: {"sets": f"settings.{name}", "levels": ["off", "on"]} for name in SWITCHES}
    rows = {"plain": {}, **{name: {name: "on"} for name in SWITCHES}}
    study = {"study": name, "trainer": "simulated", "config": config, "factors": switches, "design": [{"rows": rows}]}
    text = yaml.safe_dump({**study, "seeds": list(range(first, first + 6)), **changes}, sort_keys=False)
    Path(f"{name}.yaml").write_text(text)
    ablate("run", f"{name}.yaml", "--executor", "inline")


def compared(ablate: Ablate, *words: object) -> dict[str, Any]:
    told = ablate("compare", *words, "--format", "json")
    assert told.code == 0, told.err
    found: dict[str, Any] = json.loads(told.out)
    assert {contrast["word"] for contrast in found["contrasts"]} <= WORDS == set(found["total"])
    assert sum(found["total"].values()) == len(found["contrasts"])
    return found


def words_of(found: Mapping[str, Any]) -> dict[tuple[tuple[str, str], ...], str]:
    """{changes, as (factor, level) of the second row: word}"""
    return {tuple((c["factor"], c["to"]) for c in each["changes"]): each["word"] for each in found["contrasts"]}


@pytest.fixture
def two(ablate: Ablate) -> Ablate:
    run(ablate, "ours", OURS)
    run(ablate, "theirs", THEIRS, first=10)
    return ablate


def test_the_word_is_what_the_true_effects_say(two: Ablate) -> None:
    found = compared(two, "ours", "--against", "theirs")
    words = words_of(found)
    assert {name: words[((name, "on"),)] for name in SWITCHES} == EXPECTED
    for contrast in found["contrasts"]:
        changes = {change["factor"]: 1 if change["to"] == "on" else -1 for change in contrast["changes"]}
        true = sum(sign * (OURS.get(name, 0) - THEIRS.get(name, 0)) for name, sign in changes.items())
        assert abs(contrast["difference_pp"] - true) < 0.5
        low, high = contrast["ci_difference_pp"]
        assert low < contrast["difference_pp"] < high
        assert contrast["bundle"] == (len(changes) > 1)


def test_the_order_of_our_rows_changes_nothing(two: Ablate) -> None:
    rows: dict[str, Any] = {**{name: {name: "on"} for name in reversed(SWITCHES)}, "plain": {}}
    run(two, "turned", OURS, design=[{"rows": rows}])
    one, other = (compared(two, name, "--against", "theirs") for name in ("ours", "turned"))
    assert words_of(one) == words_of(other)
    differences = [[c["difference_pp"] for c in found["contrasts"]] for found in (one, other)]
    assert differences[0] == pytest.approx(differences[1])


def test_few_seeds_that_spread_cannot_tell(two: Ablate) -> None:
    config = {"queries": 500, "seed_sd_pp": 4.0, "effects": [{"when": {"raised": "on"}, "pp": 3.0}]}
    run(two, "noisy", {}, config=config, seeds=2)
    words = words_of(compared(two, "noisy", "--against", "theirs"))
    assert words[(("raised", "on"),)] == "cannot_tell"


def test_a_row_that_ours_lacks_and_one_that_failed_are_not_comparable(two: Ablate) -> None:
    factors = {name: {"sets": f"settings.{name}", "levels": ["off", "on"]} for name in SWITCHES}
    factors["idle"] = {"sets": "fail", "levels": {"off": 0.0, "on": 1.0}}
    rows = {"plain": {}, "raised": {"raised": "on"}, "idle": {"idle": "on"}}
    run(two, "part", OURS, factors=factors, design=[{"rows": rows}])
    found = compared(two, "part", "--against", "theirs")
    reasons = {tuple(c["factor"] for c in each["changes"]): each["reason"] for each in found["contrasts"]}
    assert reasons[("raised",)] is None
    assert "no row like 3 (lowered)" in reasons[("lowered",)]
    assert "idle (failed)" in reasons[("idle",)]


def test_a_study_against_itself_reproduces_all_that_it_decides(two: Ablate) -> None:
    found = compared(two, "ours", "--against", "ours")
    assert found["shared_trials"] == 30
    assert {contrast["difference_pp"] for contrast in found["contrasts"]} == {0.0}
    assert {each["word"] for each in found["contrasts"] if not each["bundle"]} == {"reproduced"}
    assert "30 trials in both studies" in two("compare", "ours", "--against", "ours").out


def test_a_profile_and_another_store_are_compared(two: Ablate) -> None:
    doubled = {"config": {"effects": [{"when": {"raised": "on"}, "pp": 6.0}]}}
    run(two, "both", OURS, profiles={"high": doubled})
    two("run", "both.yaml", "--profile", "high", "--executor", "inline")
    found = compared(two, "both", "--profile", "high", "--against", "both", "--against-profile", "base")
    assert (found["profile"], found["against"]["profile"]) == ("high", "base")
    assert words_of(found)[(("raised", "on"),)] == "same_sign"
    assert [apart["what"] for apart in found["settings"]] == ["effects"]
    two("run", "theirs.yaml", "--executor", "inline", "--store", "elsewhere/other.db")
    away = compared(two, "ours", "--against", "theirs", "--against-store", "elsewhere/other.db")
    assert away["contrasts"] == compared(two, "ours", "--against", "theirs")["contrasts"]


def test_the_terminal_fits_80_columns_and_every_word_is_whole(two: Ablate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = two("compare", "ours", "--against", "theirs").out
    assert max(map(len, told.splitlines())) <= 80
    for word in set(EXPECTED.values()):
        assert re.search(rf" {word.replace('_', ' ')}$", told, re.MULTILINE)
    counts = re.search(r"contrasts: (\d+) reproduced, (\d+) same sign, (\d+) cannot tell, (\d+) contradicted", told)
    assert counts is not None


def test_levels_that_look_like_markup_are_printed(ablate: Ablate) -> None:
    factors = {"odd": {"sets": "settings.odd", "levels": ["[a]", "[/b]"]}}
    run(ablate, "odd", {}, factors=factors, design=[{"add_one": {"from": {}}}])
    assert "[a] → [/b]" in ablate("compare", "odd", "--against", "odd").out


def test_against_the_log_what_stands_for_what_is_told_once(ablate: Ablate) -> None:
    ablate("import", SEED_LOG, "--study", "baseline-log")
    factors = {
        "backbone": {"sets": "settings.backbone", "levels": ["resnet18", "se_resnet18"]},
        "random_erasing": {"sets": "settings.random_erasing", "levels": ["off", "on"]},
        "normalization": {"sets": "settings.normalization", "levels": ["off", "on"]},
        "margin": {"sets": "settings.margin", "levels": [0.30, 0.2]},
    }
    rows = {
        "one": {"normalization": "on", "margin": 0.2},
        "two": {},
        "two erased": {"random_erasing": "on"},
        "one erased": {"normalization": "on", "random_erasing": "on"},
    }
    true = {"random_erasing": 2.48, "normalization": -4.5}  # the log's own, of its rows as listed
    run(ablate, "ours", true, factors=factors, design=[{"rows": rows}])
    told = ablate("compare", "ours", "--against", "baseline-log").out
    assert told.count("resnet18 stands for resnet50") == 1
    assert "Only theirs has omega, warmup, label_smoothing" in " ".join(told.split())
    assert "row 5 with margin 0.2, not 0.3" in told
    words = words_of(compared(ablate, "ours", "--against", "baseline-log"))
    assert words[(("random_erasing", "on"),)] == "reproduced"
    assert words[(("normalization", "on"),)] == "reproduced"
    assert words[(("backbone", "se_resnet50"),)] == "not_comparable"


def test_the_figure_lies_beside_the_store_and_is_the_same_every_time(two: Ablate) -> None:
    told = two("compare", "ours", "--against", "theirs").out
    folder = Path("results/figures/ours/base")
    assert f"figure: {folder / 'compare.svg'}" in told
    drawn = [(folder / f"compare.{kind}").read_bytes() for kind in ("svg", "png", "csv")]
    two("compare", "ours", "--against", "theirs", "--format", "markdown", "--output", "told.md")
    assert [(folder / f"compare.{kind}").read_bytes() for kind in ("svg", "png", "csv")] == drawn
    assert b"dc:date" not in drawn[0]
    lines = list(csv.DictReader(drawn[2].decode().splitlines()))
    assert [line["word"] for line in lines] == [
        contrast["word"] for contrast in compared(two, "ours", "--against", "theirs")["contrasts"]
    ]
    assert Path("told.md").read_text().startswith("# ours (base) against theirs (base)")


def test_what_is_wrong_is_said(two: Ablate) -> None:
    run(two, "other-metric", OURS, primary="top5")
    run(two, "strange", {}, factors={"x": {"sets": "settings.x", "levels": [1, 2]}}, design=[{"grid": {"x": [1, 2]}}])
    for words, message in (
        (("our", "--against", "theirs"), "unknown study 'our'.*did you mean 'ours'"),
        (("ours", "--against", "thiers"), "unknown study 'thiers'.*did you mean 'theirs'"),
        (("ours", "--against", "theirs", "--profile", "base1"), "base1"),
        (("ours", "--against", "theirs", "--format", "jsn"), "unknown format 'jsn'.*did you mean 'json'"),
        (("ours", "--against", "theirs", "--store", "no.db"), "no store there yet"),
        (("ours", "--against", "other-metric"), "ours is about top1, other-metric about top5"),
        (("ours", "--against", "strange"), "no factor in common"),
    ):
        told = two("compare", *words)
        assert told.code == 2
        assert re.search(message, told.err), told.err


def test_one_row_and_no_results_are_no_fault(two: Ablate) -> None:
    run(two, "alone", OURS, design=[{"rows": {"plain": {}}}])
    assert compared(two, "ours", "--against", "alone")["contrasts"] == []
    assert set(words_of(compared(two, "alone", "--against", "ours")).values()) == {"not_comparable"}
    run(two, "empty", OURS, config={"fail": 1.0})
    for pair in (("empty", "ours"), ("ours", "empty")):
        assert set(words_of(compared(two, pair[0], "--against", pair[1])).values()) == {"not_comparable"}
        assert two("compare", pair[0], "--against", pair[1]).code == 0


def test_faults_are_told_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    code = (
        f"import sys, atexit\natexit.register(lambda: print('heavy:', sorted({HEAVY!r} & set(sys.modules))))\n"
        "from ablate.__main__ import main\n"
    )
    for words in (["compare", "--help"], ["compare", "a", "--against", "b", "--format", "x"]):
        command = [sys.executable, "-c", f"{code}sys.argv = {['ablate', *words]!r}\nmain()\n"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert "heavy: []" in done.stdout, done.stdout + done.stderr
