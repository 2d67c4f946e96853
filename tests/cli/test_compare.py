"""`ablate compare`: simulated studies whose true effects are known, run and held against each other."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ablate.analysis.reproduction.comparison import WORDS
from tests.conftest import Ablate, Result
from tests.support.paths import SEED_LOG
from tests.support.study_text import filled

TRICKS = ("same", "larger", "opposite", "flat", "appeared")
STUDY = """\
study: {name}
trainer: simulated
delta: 2
config:
  queries: 4000
  effects:
{effects}
factors:
{factors}
design: [add_one: {{from: {{}}}}]
seeds: {seeds}
"""
THEIRS = {"same": 6, "larger": 4, "opposite": -4, "flat": 0, "appeared": 0}
OURS = {"same": 6, "larger": 10, "opposite": 4, "flat": 0, "appeared": 6}
EXPECTED = {
    "same": "reproduced",
    "larger": "same_sign",
    "opposite": "contradicted",
    "flat": "reproduced",
    "appeared": "contradicted",
}
"""Over eight seeds of 4,000 queries a difference has an SE of about 0.3 pp: delta is seven of them."""


def text(name: str, effects: dict[str, float], seeds: str, margin: str = "[0.3, 0.2]") -> str:
    lines = "\n".join(
        filled("    - {when: {<factor>: on}, pp: <pp>}", factor=factor, pp=pp) for factor, pp in effects.items()
    )
    factors = [filled("  <factor>: {sets: settings.<factor>, levels: [off, on]}", factor=factor) for factor in effects]
    factors.append(filled("  margin: {sets: settings.margin, levels: <margin>}", margin=margin))
    return STUDY.format(name=name, effects=lines, factors="\n".join(factors), seeds=seeds)


def run(ablate: Ablate, written: str) -> None:
    Path("study.yaml").write_text(written)
    ended = ablate("run", "study.yaml", "--executor", "inline")
    assert ended.code == 0, ended.err


def compared(ablate: Ablate, *words: object) -> Any:
    ended = ablate("compare", *words, "--format", "json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def by_factor(document: Any) -> dict[str, Any]:
    """{factor: its contrast against the baseline}."""
    singles = [one for one in document["contrasts"] if len(one["changes"]) == 1]
    return {one["changes"][0]["factor"]: one for one in singles}


@pytest.fixture
def both(ablate: Ablate) -> Ablate:
    """Ours with other seeds than theirs, and margin 0.1 in place of 0.2, whose first level is written as a text."""
    run(ablate, text("theirs", THEIRS, "100..107"))
    run(ablate, text("ours", OURS, "0..7", margin="['0.30', 0.1]"))
    return ablate


def test_every_word_where_the_truth_is_known(both: Ablate) -> None:
    found = compared(both, "ours", "--against", "theirs")
    contrasts = by_factor(found)
    assert {factor: contrasts[factor]["word"] for factor in TRICKS} == EXPECTED
    assert contrasts["margin"]["word"] == "not_comparable"
    assert contrasts["margin"]["reason"] == "ours has no margin 0.2"
    for factor in TRICKS:
        one = contrasts[factor]
        assert one["ours"]["effect_pp"] == pytest.approx(OURS[factor], abs=1.5)
        assert one["theirs"]["effect_pp"] == pytest.approx(THEIRS[factor], abs=1.5)
        assert one["difference_pp"] == pytest.approx(one["ours"]["effect_pp"] - one["theirs"]["effect_pp"])
        low, high = one["ci_difference_pp"]
        assert low < one["difference_pp"] < high
    assert found["shared_trials"] == 0
    assert found["ours_only"] == 1, "margin 0.1"


@pytest.mark.slow
def test_the_totals_add_up(both: Ablate) -> None:
    found = compared(both, "ours", "--against", "theirs")
    assert list(found["total"]) == list(WORDS)
    given = [one["word"] for one in found["contrasts"]]
    assert found["total"] == {word: given.count(word) for word in WORDS}
    assert sum(found["total"].values()) == len(given) > len(TRICKS)
    for one in found["contrasts"]:
        assert (one["ours"] is None) == (one["word"] == "not_comparable") == bool(one["reason"])


@pytest.mark.slow
def test_ours_against_itself_is_reproduced_wherever_it_is_decided(both: Ablate) -> None:
    found = compared(both, "theirs", "--against", "theirs")
    undecided = 0
    for one in found["contrasts"]:
        assert one["difference_pp"] == 0
        decided = one["ours"]["p"] <= 0.05 if one["bundle"] else one["ours"]["verdict"] != "undecided"
        assert one["word"] == ("reproduced" if decided else "cannot_tell")
        undecided += not decided
    assert found["total"]["reproduced"] == len(found["contrasts"]) - undecided >= len(TRICKS)
    assert found["shared_trials"] == 7 * 8
    assert found["settings"] == []


def test_few_seeds_cannot_tell(ablate: Ablate) -> None:
    run(ablate, text("theirs", {"same": 6}, "100..107"))
    run(ablate, text("ours", {"same": 1}, "2").replace("queries: 4000", "queries: 50"))
    found = by_factor(compared(ablate, "ours", "--against", "theirs"))
    assert found["same"]["word"] == "cannot_tell"
    assert found["same"]["theirs"]["verdict"] == "better"


def _words_on_screen(out: str) -> int:
    return len(re.findall(r"(?:reproduced|same sign|cannot tell|contradicted)$", out, re.MULTILINE))


def test_the_terminal_shows_every_comparable_contrast_within_80_columns(both: Ablate) -> None:
    ended = both("compare", "ours", "--against", "theirs")
    table = ended.out.partition("Contrasts in pp")[2].partition("Rows: label in theirs")[0]
    found = compared(both, "ours", "--against", "theirs")["total"]
    assert max(map(len, ended.out.replace("figure: ", "\nfigure: ").splitlines())) <= 80
    assert _words_on_screen(table) == sum(found.values()) - found["not_comparable"]
    assert "Not comparable" in ended.out
    assert "ours has no margin 0.2" in ended.out
    flat = " ".join(ended.out.split())
    assert ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in found.items()) in flat


def test_wide_numbers_and_long_names_leave_the_words_whole(ablate: Ablate) -> None:
    name = "a_very_long_name_of_a_factor_that_has_no_end"
    for study, pp in (("theirs", -20), ("ours", 20)):
        run(ablate, text(study, {name: pp}, "2").replace("queries: 4000", "queries: 200"))
    out = ablate("compare", "ours", "--against", "theirs").out
    assert max(map(len, out.splitlines())) <= 80
    assert _words_on_screen(out.partition("Contrasts in pp")[2].partition("Rows: label in theirs")[0]) == 2


@pytest.mark.slow
def test_markdown_has_as_many_cells_in_every_line(both: Ablate) -> None:
    out = both("compare", "ours", "--against", "theirs", "--format", "markdown").out
    lines = [line for line in out.splitlines() if line.startswith("|")]
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    found = compared(both, "ours", "--against", "theirs")["total"]
    assert cells == {9}
    assert len(lines) == 2 + sum(found.values()) - found["not_comparable"]
    assert "## Not comparable" in out
    assert re.search(r"^\n!\[compare-theirs\.png\]\(.*compare-theirs\.png\)$", out, re.MULTILINE)
    assert out.count("![") == 1


@pytest.mark.slow
def test_the_figure_is_the_same_each_time_and_says_what_it_is(both: Ablate) -> None:
    svg = Path("results/figures/ours/base/compare-theirs.svg")
    both("compare", "ours", "--against", "theirs")
    first = svg.read_text()
    svg.unlink()
    both("compare", "ours", "--against", "theirs")
    assert svg.read_text() == first
    assert re.search(r"<desc>[^<]*both studies[^<]*contrasts", first)
    assert "<dc:date>" not in first
    assert not re.search(r"\b20\d\d-\d\d-\d\d", first.partition("<defs>")[0].partition("<svg")[2])


@pytest.mark.slow
def test_the_csv_has_every_contrast(both: Ablate) -> None:
    both("compare", "ours", "--against", "theirs")
    with Path("results/figures/ours/base/compare-theirs.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    contrasts = compared(both, "ours", "--against", "theirs")["contrasts"]
    assert [(line["from"], line["to"], line["word"]) for line in lines] == [
        (one["from"], one["to"], one["word"]) for one in contrasts
    ]
    for line, one in zip(lines, contrasts, strict=True):
        known = one["difference_pp"] is not None
        assert (
            (float(line["difference"]) == pytest.approx(one["difference_pp"], abs=1e-4))
            if known
            else (line["difference"] == "" and line["reason"] == one["reason"])
        )


def test_a_log_against_itself_agrees_wherever_it_says_something(ablate: Ablate) -> None:
    assert ablate("import", SEED_LOG, "--study", "log").code == 0
    found = compared(ablate, "log", "--against", "log")
    for one in found["contrasts"]:
        said = one["ours"]["p"] <= 0.05 if one["bundle"] else one["ours"]["verdict"] == "checkpoints_differ"
        assert one["word"] == ("reproduced" if said else "cannot_tell")
    assert found["total"]["reproduced"] > 0
    assert found["shared_trials"] == 9
    assert "one seed per row" in " ".join(ablate("compare", "log", "--against", "log").out.split())


OURS_OF_THE_LOG = """\
study: again
trainer: simulated
config:
  queries: 12377
  effects:
    - {when: {normalization: on}, pp: -4.5}
    - {when: {random_erasing: on}, pp: -3}
factors:
  normalization: {sets: settings.normalization, levels: [off, on]}
  random_erasing: {sets: settings.random_erasing, levels: [off, on]}
  margin: {sets: settings.margin, levels: [0.3, 0.2]}
  omega: {sets: settings.omega, levels: [0.9, 0.7]}
design:
  - rows:
      "baseline 2": {}
      "erasing": {random_erasing: on}
      "erasing, normalized": {random_erasing: on, normalization: on}
seeds: 3
"""


def test_a_simulated_study_against_a_log(ablate: Ablate) -> None:
    """The log: erasing +2.48 and normalization −4.50 on totals of 12,377 queries; here −3 and −4.5."""
    assert ablate("import", SEED_LOG, "--study", "log").code == 0
    run(ablate, OURS_OF_THE_LOG)
    found = compared(ablate, "again", "--against", "log")
    contrasts = by_factor(found)
    assert contrasts["random_erasing"]["word"] == "contradicted"
    assert contrasts["random_erasing"]["theirs"]["effect_pp"] == pytest.approx(2.4804, abs=1e-4)
    assert contrasts["normalization"]["word"] in ("reproduced", "same_sign")
    assert contrasts["warmup"]["word"] == "not_comparable"
    assert "warmup" in contrasts["warmup"]["reason"]
    assert "Other readings" in ablate("compare", "again", "--against", "log").out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ours", "--against", "nobody"), "nobody"),
        (("nobody", "--against", "theirs"), "nobody"),
        (("ours", "--against", "theirs", "--format", "xml"), "xml"),
        (("ours", "--against", "theirs", "--against-store", "nowhere.db"), "no store there"),
        (("ours", "--against", "theirs", "--against-profile", "quick"), "quick"),
        (("ours", "--against", "top5"), "primary"),
        (("ours", "--against", "other"), "no factor in common"),
    ],
)
def test_what_cannot_be_done_is_a_message(ablate: Ablate, words: tuple[str, ...], message: str) -> None:
    small = text("ours", {"same": 6}, "1").replace("4000", "50")
    run(ablate, small)
    run(ablate, small.replace("study: ours", "study: theirs"))
    run(ablate, small.replace("study: ours", "study: top5\nprimary: top5"))
    run(ablate, small.replace("study: ours", "study: other").replace("  same:", "  a:").replace("  margin:", "  b:"))
    ended: Result = ablate("compare", *words)
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


@pytest.mark.slow
def test_a_file_takes_the_text_and_another_store_gives_theirs(ablate: Ablate) -> None:
    run(ablate, text("theirs", {"same": 6}, "1"))
    Path("results").rename("elsewhere")
    run(ablate, text("ours", {"same": 6}, "1"))
    words = ("compare", "ours", "--against", "theirs", "--against-store", "elsewhere/ablate.db")
    printed = ablate(*words, "--format", "json").out
    ended = ablate(*words, "--format", "json", "--output", "deep/found.json")
    assert (ended.code, ended.out) == (0, "")
    assert Path("deep/found.json").read_text() == printed
    assert json.loads(printed)["total"]["not_comparable"] == 0


def test_levels_that_look_like_markup_are_printed(ablate: Ablate) -> None:
    run(ablate, text("odd", {"same": 6}, "2", margin="['[a]', '[/b]']"))
    out = ablate("compare", "odd", "--against", "odd").out
    assert "[a] → [/b]" in out
    assert "margin=[/b]" in out


@pytest.mark.slow
def test_settings_that_differ_late_in_a_long_list_are_told(both: Ablate) -> None:
    told = " ".join(both("compare", "ours", "--against", "theirs").out.split())
    assert "Setting effects: differs in a long value, see --format json." in told
    (apart,) = compared(both, "ours", "--against", "theirs")["settings"]
    assert (apart["what"], "larger" in apart["ours"]) == ("effects", True)
    assert apart["ours"] != apart["theirs"]


@pytest.mark.slow
def test_a_setting_that_is_cut_keeps_its_brackets_in_pairs(ablate: Ablate) -> None:
    run(ablate, text("theirs", {"same": 6, "flat": 0}, "100..101"))
    run(ablate, text("ours", {"same": 5, "flat": 0}, "0..1"))
    (line,) = re.findall(
        r"Setting effects: ours (.+) theirs (.+)",
        ablate("compare", "ours", "--against", "theirs", "--format", "markdown").out,
    )
    for value in line:
        assert "…" in value
        assert [value.count(letter) for letter in "[{"] == [value.count(letter) for letter in "]}"], value


def test_a_failed_row_and_a_study_of_one_row_are_told_not_refused(both: Ablate) -> None:
    broken = text("broken", OURS, "2").replace(
        "{sets: settings.flat, levels: [off, on]}", "{sets: fail, levels: [0, 1]}"
    )
    Path("broken.yaml").write_text(broken)
    assert both("run", "broken.yaml", "--executor", "inline").code == 1
    found = by_factor(compared(both, "broken", "--against", "theirs"))
    assert found["flat"]["word"] == "not_comparable"
    assert "flat=1 (failed)" in found["flat"]["reason"]
    assert found["same"]["word"] != "not_comparable"
    run(both, text("alone", OURS, "2").replace("add_one: {from: {}}", "rows: {alone: {}}"))
    assert compared(both, "ours", "--against", "alone")["contrasts"] == []
    assert "no two rows that differ" in both("compare", "ours", "--against", "alone").out
    words = {one["word"] for one in compared(both, "alone", "--against", "ours")["contrasts"]}
    assert words == {"not_comparable"}
