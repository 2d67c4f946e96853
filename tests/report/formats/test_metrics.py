"""Reports about metrics of every kind: their units, their direction, and the words for what is not known."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ablate.filesystem import file_word
from ablate.packed_arrays import unpack_examples
from ablate.store import find_store
from tests.conftest import Ablate

STUDY = """\
study: known
trainer: simulated
config:
  queries: 300
  metrics: METRICS
  seed_sd_pp: SD
  shared_seed_sd_pp: 0
  score: {positive: on}
  effects:
    - {when: {warmup: on}, pp: 12}
    - {when: {norm: on}, pp: -12}
factors:
  warmup: {sets: settings.warmup, levels: [off, on]}
  norm: {sets: settings.norm, levels: [off, on]}
design: [{rows: {plain: {}, warm: {warmup: on}, both: {warmup: on, norm: on}}}]
REST
"""
WORDS_OF_RATES = re.compile(r"\bpp\b|percent|\bhits?\b|\bquer|\brates?\b|top-\d")
FORMATS = ("terminal", "markdown", "latex", "csv", "json", "log")


def run(ablate: Ablate, metrics: str, rest: str, sd: float = 0.3) -> Ablate:
    text = STUDY.replace("METRICS", metrics).replace("REST", rest).replace("SD", str(sd))
    Path("known.yaml").write_text(text, encoding="utf-8")
    assert ablate("run", "known.yaml", "--executor", "inline").code == 0
    return ablate


def shown(ablate: Ablate, form: str, *options: str) -> str:
    result = ablate("report", "known", "--format", form, *options)
    assert result.code == 0, result.err
    return result.out


def of_json(ablate: Ablate, *options: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(shown(ablate, "json", *options))
    return report


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.usefixtures("undrawn")
def test_a_loss_is_better_if_it_is_lower_and_is_printed_in_its_unit_everywhere(ablate: Ablate) -> None:
    run(ablate, "[loss]", "seeds: 3\ndelta: 0.02")
    first, second = of_json(ablate)["steps"], of_json(ablate)["contrasts"]
    steps = {(one["from"], one["to"]): one for one in second}
    falls, rises = (steps[above, below] for above, below in first)
    assert falls["effect"] < 0 < rises["effect"]
    assert (falls["verdict"], rises["verdict"]) == ("better", "worse")
    assert not [key for key in falls if key.endswith("_pp")]
    for form in FORMATS:
        text = shown(ablate, form)
        assert not WORDS_OF_RATES.search(re.sub("queries: 300|separate", "", text)), form
    terminal = shown(ablate, "terminal")
    assert max(map(len, terminal.splitlines())) <= 80
    assert "Lower values of loss are better." in terminal
    assert "300 test examples" in terminal
    assert "delta 0.02 nats" in in_one_line(terminal)
    assert re.search(r"warm +[\d.]+ \[[\d.]+, [\d.]+\] +3", terminal)


@pytest.mark.slow
def test_figures_of_a_loss_have_its_unit(ablate: Ablate) -> None:
    run(ablate, "[loss]", "seeds: 3\ndelta: 0.02")
    shown(ablate, "terminal")
    folder = Path("results/figures/known/base")
    for name in ("ladder", "forest"):
        svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
        texts = "\n".join(re.findall(r">([^<>]+)<", svg))
        assert "nats" in texts
        assert not WORDS_OF_RATES.search(texts)
    assert "effect on loss, nats" in (folder / "forest.svg").read_text(encoding="utf-8")


@pytest.mark.usefixtures("undrawn")
def test_on_a_log_scale_effects_are_ratios_of_geometric_means(ablate: Ablate) -> None:
    run(ablate, "[score]", "metrics: {score: {better: higher, scale: log}}\nseeds: 3\ndelta: 1.02")
    report = of_json(ablate)
    values = {row["label"]: row["metrics"]["score"]["values"] for row in report["rows"]}
    means = {label: float(stats.gmean(own)) for label, own in values.items()}
    for contrast in report["contrasts"]:
        ratio = means[contrast["to"]] / means[contrast["from"]]
        assert contrast["effect"] == pytest.approx(ratio)
        assert contrast["ci"][0] < ratio < contrast["ci"][1]
    assert report["delta"] == pytest.approx(1.02)
    text = in_one_line(shown(ablate, "terminal"))
    assert f"×{means['warm'] / means['plain']:.3f} [×" in text
    assert "delta ×1.02" in text
    (line, *_) = [one for one in csv.DictReader(io.StringIO(shown(ablate, "csv"))) if one["row"] == "warm"]
    assert float(line["change"]) == pytest.approx(means["warm"] / means["plain"])


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("seeds", "sd", "verdict", "words"),
    [
        (1, 0.3, "cannot_tell", "one number a row does not show how much runs vary, so nothing is claimed"),
        (
            2,
            0.0,
            "undecided",
            "2 seeds per row, which agree exactly in all changes, and the resolution of score is not known",
        ),
    ],
)
def test_a_score_without_spread_claims_nothing_and_says_why(
    ablate: Ablate, seeds: int, sd: float, verdict: str, words: str
) -> None:
    run(ablate, "[score]", f"seeds: {seeds}\ndelta: 0.01", sd)
    for contrast in of_json(ablate)["contrasts"]:
        assert (contrast["p"], contrast["p_holm"], contrast["ci"]) == (None, None, None)
        assert contrast["verdict"] == ("confounded" if len(contrast["differs"]) > 1 else verdict)
    text = in_one_line(shown(ablate, "terminal"))
    assert words in text
    assert "no intervals" in text
    assert "intervals cover" not in text
    assert "no practical number" not in text
    assert "bold" not in text, "no row is the best if nothing can be tested"
    assert "score, 95 %" not in text, "no mean has an interval"


@pytest.mark.slow
def test_a_report_about_another_metric_judges_nothing(ablate: Ablate) -> None:
    """Its p is that of the same study with the other metric as its primary one, before Holm's adjustment."""
    run(ablate, "[loss, rates]", "seeds: {looks: [2, 3]}\ndelta: 0.02")
    report = of_json(ablate, "--metric", "top1")
    terminal = shown(ablate, "terminal", "--metric", "top1")
    assert (report["primary"], report["metric"], report["delta"]) == ("loss", "top1", None)
    assert {one["verdict"] for one in report["contrasts"] if one["identified"] == "direct"} == {"not_judged"}
    assert {one["p_holm"] for one in report["contrasts"]} == {None}
    assert (report["tied_best"], report["looks"]) == ([], None)
    assert "This report is about top-1, and the verdicts of the study are about loss" in in_one_line(terminal)
    assert not re.search(r"p Holm|simultaneous|interim", terminal)
    assert "change of top-1" in terminal
    assert Path("results/figures/known/base/metric-top1/forest.svg").exists()
    assert not Path("results/figures/known/base/forest.svg").exists()
    of_csv = csv.DictReader(io.StringIO(shown(ablate, "csv", "--metric", "top1"))).fieldnames or ()
    assert {"change_pp", "delta"} <= set(of_csv)
    assert not {"change", "delta_pp"} & set(of_csv)
    other = Path("known.yaml").read_text().replace("study: known", "study: other").replace("delta: 0.02", "delta: 0.5")
    Path("known.yaml").write_text(other.replace("{looks: [2, 3]}", "2\nprimary: top1"))
    assert ablate("run", "known.yaml", "--executor", "inline").code == 0
    judged_there = json.loads(ablate("report", "other", "--format", "json").out)["contrasts"]
    judged = {(one["from"], one["to"]): one["p"] for one in judged_there}
    assert {(one["from"], one["to"]): one["p"] for one in report["contrasts"]} == pytest.approx(judged)


@pytest.mark.usefixtures("undrawn")
def test_unknown_metrics_are_answered_with_the_known_ones(ablate: Ablate) -> None:
    run(ablate, "[score]", "seeds: 1\ndelta: 0.01")
    ended = ablate("report", "known", "--metric", "scor", "--columns", "seconds, memory")
    assert ended.code == 2
    assert "--metric: unknown metric 'scor'; did you mean 'score'?" in ended.err
    assert "--columns: unknown metric 'memory'" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


@pytest.mark.usefixtures("undrawn")
def test_costs_are_columns_on_request_and_always_in_json(ablate: Ablate) -> None:
    run(ablate, "[loss]", "seeds: 2\ndelta: 0.02")
    with find_store("results/ablate.db").read() as connection:  # type: ignore[union-attr]
        query = (
            "SELECT label, seed, value FROM metrics WHERE metric = 'seconds' AND split = 'cost' ORDER BY label, seed"
        )
        stored: dict[str, list[float]] = {}
        for label, _, value in connection.exec_driver_sql(query):
            stored.setdefault(label, []).append(value)
    for row in of_json(ablate)["rows"]:
        assert row["costs"]["seconds"] == {"unit": "s", "values": stored[row["label"]]}
        assert [*row["metrics"]] == ["loss"]
    assert "Rows: costs of the trainings\n" in shown(ablate, "terminal", "--columns", "seconds,peak_memory")
    for form in ("terminal", "markdown", "latex"):
        assert "peak memory" not in shown(ablate, form)
        text = shown(ablate, form, "--columns", "seconds,peak_memory")
        assert "seconds, s" in text
        assert "peak memory, MB" in text
    for line in csv.DictReader(io.StringIO(shown(ablate, "csv", "--columns", "seconds"))):
        assert float(line["seconds"]) == pytest.approx(np.mean(stored[line["row"]]))


@pytest.mark.usefixtures("undrawn")
def test_json_has_effects_of_every_metric_also_with_one_seed(ablate: Ablate) -> None:
    run(ablate, "[rates, loss, score]", "seeds: 1\nprimary: top1")
    report = of_json(ablate)
    effects = {metric["name"]: metric["effects"] for metric in report["metrics"]}
    assert [*effects] == ["top1", "top5", "top10", "loss", "score"]
    with find_store("results/ablate.db").read() as connection:  # type: ignore[union-attr]
        query = (
            "SELECT r.label, m.examples FROM ablate_measurements m JOIN ablate_cells c ON c.trial_key = m.trial_key "
            "JOIN ablate_rows r ON r.id = c.row_id WHERE m.metric = 'loss' AND m.split = 'test'"
        )
        losses = {label: unpack_examples(blob) for label, blob in connection.exec_driver_sql(query)}
    warmup = next(one for one in effects["loss"] if one["factor"] == "warmup")
    paired = stats.ttest_rel(losses["warm"].astype(float), losses["plain"].astype(float))
    assert (warmup["p"], warmup["verdict"], warmup["p_holm"]) == (pytest.approx(paired.pvalue), "not_judged", None)
    assert warmup["ci"] == pytest.approx([*paired.confidence_interval(0.95)])
    assert {one["p"] for one in effects["score"]} == {None}
    assert effects["top1"] == report["effects"]


@pytest.mark.usefixtures("undrawn")
def test_studies_that_compare_values_in_other_ways_are_not_compared(ablate: Ablate) -> None:
    run(ablate, "[score]", "seeds: 2\ndelta: 0.01")
    other = (
        Path("known.yaml").read_text().replace("study: known", "study: ratios").replace("delta: 0.01", "delta: 1.02")
    )
    Path("known.yaml").write_text(other + "metrics: {score: {better: higher, scale: log}}\n")
    assert ablate("run", "known.yaml", "--executor", "inline").code == 0
    ended = ablate("compare", "known", "--against", "ratios")
    assert ended.code == 2
    assert "known compares values of score by their difference and higher ones are better" in ended.err
    assert "ratios compares values of score by their ratio" in ended.err


@pytest.mark.parametrize(("name", "word"), [("val/loss", "val-loss"), ("acc@1", "acc-1"), ("top1", "top1"), ("é", "é")])
def test_the_name_of_a_metric_is_one_part_of_the_path_of_its_figures(name: str, word: str) -> None:
    assert file_word(name) == word
    assert len(Path(f"metric-{file_word(name * 200)}").parts) == 1
    assert len(file_word(name * 200)) <= 100


@pytest.mark.usefixtures("undrawn")
def test_a_report_about_another_metric_has_equal_decimals_in_a_column(ablate: Ablate) -> None:
    run(ablate, "[loss, score]", "primary: loss\nseeds: 3\ndelta: 0.02")
    table = shown(ablate, "terminal", "--metric", "score").split("Against the baseline")[1].split("Contrasts")[0]
    decimals = {len(number) for number in re.findall(r"[+−]\d+\.(\d+)", table)}
    assert len(decimals) == 1
    header = shown(ablate, "csv", "--metric", "score").splitlines()[0].split(",")
    assert len(header) == len(set(header))


@pytest.mark.usefixtures("undrawn")
def test_ratios_of_two_studies_are_compared_by_their_ratio(ablate: Ablate) -> None:
    log_scale = "metrics: {score: {better: higher, scale: log}}\nseeds: 3\ndelta: 1.02"
    run(ablate, "[score]", log_scale)
    text = Path("known.yaml").read_text(encoding="utf-8").replace("study: known", "study: again")
    Path("again.yaml").write_text(text.replace("seeds: 3", "seeds: [5, 6, 7]"), encoding="utf-8")
    assert ablate("run", "again.yaml", "--executor", "inline").code == 0
    for form in ("terminal", "markdown"):
        compared = ablate("compare", "again", "--against", "known", "--format", form).out
        assert "ours / theirs" in compared
        assert "ours − theirs" not in compared
        assert "ratios of score" in compared
    report = json.loads(ablate("compare", "again", "--against", "known", "--format", "json").out)
    assert (report["direction"], report["scale"]) == ("maximize", "log")
    for one in report["contrasts"]:
        assert one["difference"] == pytest.approx(one["ours"]["effect"] / one["theirs"]["effect"])
