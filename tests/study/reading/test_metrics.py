"""The metrics of a study file, the primary one, and the smallest effect that counts, in the metric's unit."""

import json
import math
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ablate.measurement import RATE, Direction, Kind, Metric, Scale
from ablate.study.model import Study
from ablate.study.reading.nodes import parse
from ablate.study.reading.schema import json_schema
from ablate.study.reading.study_reader import read_study
from ablate.trainers.costs import COSTS
from ablate.trainers.registry import TRAINERS
from tests.support.listing_trainer import LOSS, SCORE, SHARE
from tests.support.study_text import faults, filled, read

HEAD = """\
study: demo
factors: {a: {sets: settings.a, levels: [1, 2]}}
design: [{add_one: {from: {}}}]
"""
SIMULATED = HEAD + "trainer: simulated\n"
LISTING = HEAD + "trainer: listing\n"


@pytest.fixture(autouse=True)
def _trainers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAINERS.entries, "listing", "tests.support.listing_trainer:LISTING")
    monkeypatch.setitem(TRAINERS.entries, "silent", "tests.support.listing_trainer:SILENT")


def names(study: Study) -> list[str]:
    return [metric.name for metric in study.metrics]


COST_NAMES = ["seconds", "gpu_seconds", "peak_memory", "peak_gpu_memory", "parameters"]


def test_a_file_without_metrics_has_those_of_its_trainer_and_the_costs(tmp_path: Path) -> None:
    study = read(tmp_path, SIMULATED)
    assert (study.primary, study.delta) == ("top1", 0.5)
    assert names(study)[:3] == ["top1", "top5", "top10"]
    assert names(study)[-5:] == COST_NAMES
    retrieval = read(tmp_path, "study: demo\nconfig: {data: {name: emoji}}\ndesign: [{rows: {one: {}}}]\n")
    assert names(retrieval) == ["top1", "top5", "top10", "map", "map_at_r", *COST_NAMES]


def test_metrics_that_only_some_rows_have_are_metrics_of_the_study(tmp_path: Path) -> None:
    text = SIMULATED.replace("{a: {sets: settings.a, levels: [1, 2]}}", "{a: {sets: metrics, levels: <levels>}}")
    rates, loss = "{x: [rates], y: [rates, score]}", "{x: [rates], y: [loss]}"
    assert names(read(tmp_path, filled(text, levels=rates))) == ["top1", "top5", "top10", "score", *COST_NAMES]
    with_loss = filled(text, levels=loss) + "primary: loss\ndelta: 0.1\nreferences: {r: {metrics: [score]}}\n"
    assert names(read(tmp_path, with_loss)) == ["top1", "top5", "top10", "loss", "score", *COST_NAMES]
    (fault,) = faults(tmp_path, filled(text, levels=rates) + "primary: loss\ndelta: 0.1\n")
    assert "unknown metric 'loss'; known: top1, top5, top10, score, seconds" in fault


@pytest.mark.parametrize("primary", ["map", "map_at_r", "top10"])
def test_any_metric_of_a_trainer_can_be_the_primary_one(tmp_path: Path, primary: str) -> None:
    study = read(tmp_path, f"study: demo\nprimary: {primary}\ndesign: [{{rows: {{one: {{}}}}}}]\n")
    assert (study.primary, study.delta, study.metric(primary).name) == (primary, 0.5, primary)


LISTED = (
    LISTING
    + """\
metrics:
  accuracy: {better: higher, unit: "%"}
  val_loss: {better: lower, unit: nats}
  time/step: {better: lower, unit: ms, scale: log}
  seconds: {better: lower, unit: s, scale: log}
  loss: {scale: log}
  score: {unit: points}
  share: {unit: "%"}
primary: accuracy
"""
)


def test_listed_metrics_have_the_unit_the_direction_and_the_scale_of_the_file(tmp_path: Path) -> None:
    study = read(tmp_path, LISTED)
    assert names(study)[:6] == ["share", "loss", "score", "accuracy", "val_loss", "time/step"]
    accuracy, val_loss, step = (study.metric(name) for name in ("accuracy", "val_loss", "time/step"))
    assert accuracy == Metric("accuracy", kind=Kind.PROPORTION, bounds=(0.0, 1.0), display=RATE)
    assert (val_loss.direction, val_loss.kind, val_loss.unit) == (Direction.MINIMIZE, Kind.SCALAR, "nats")
    assert (val_loss.display.unit, val_loss.display.difference_unit) == ("nats", "nats")
    assert (step.scale, step.bounds) == (Scale.LOG, (0.0, math.inf))


def test_a_metric_of_the_trainer_keeps_its_direction_and_kind(tmp_path: Path) -> None:
    study = read(tmp_path, LISTED)
    loss, score, share = (study.metric(name) for name in ("loss", "score", "share"))
    assert (loss.scale, loss.direction, loss.kind, loss.unit) == (Scale.LOG, LOSS.direction, LOSS.kind, "nats")
    assert (score.unit, score.display.unit, score.direction) == ("points", "points", SCORE.direction)
    assert (share.is_rate, share.kind, share.display.unit) == (True, SHARE.kind, "%")
    assert study.metric("seconds").scale is Scale.LOG
    assert [study.metric(metric.name) for metric in COSTS[1:]] == list(COSTS[1:])


@pytest.mark.parametrize(
    ("primary", "delta", "difference"),
    [
        ("accuracy", "0.5", 0.005),
        ("val_loss", "0.02", 0.02),
        ("val_loss", "250", 250.0),
        ("seconds", "1.05", math.log(1.05)),
        ("share", "2", 0.02),
        ("peak_memory", "100", 100.0),
    ],
)
def test_a_delta_is_in_the_unit_of_shown_effects(tmp_path: Path, primary: str, delta: str, difference: float) -> None:
    study = read(tmp_path, LISTED.replace("primary: accuracy", f"primary: {primary}\ndelta: {delta}"))
    assert study.metric(study.primary).difference(study.delta) == pytest.approx(difference, rel=1e-12)
    assert study.warnings == ()


def test_a_trainer_without_metrics_has_the_first_that_is_listed(tmp_path: Path) -> None:
    text = HEAD + 'trainer: silent\nmetrics: {seconds: {scale: log}, acc: {better: higher, unit: "%"}}\n'
    study = read(tmp_path, text)
    assert (study.primary, names(study)) == ("acc", ["acc", *COST_NAMES])


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("primary: tpo1\n", "5: primary: unknown metric 'tpo1'; did you mean 'top1'? known: top1, top5, top10, "),
        ("primary: secnds\n", "5: primary: unknown metric 'secnds'; did you mean 'seconds'?"),
        ("primary: 1\n", "5: primary: found 1; accepted: text"),
        ("primary:\n", "5: primary: found null; accepted: text"),
        ("metrics: {tpo1: {scale: log}}\n", "5: metrics.tpo1: unknown metric 'tpo1'; did you mean 'top1'?"),
        (
            "metrics: {top1: {better: lower}}\n",
            "5: metrics.top1.better: found lower, but top1 is better if it is",
        ),
        ("metrics: {top1: {unit: nats}}\n", "5: metrics.top1.unit: found 'nats', but top1 is in '%'; leave `unit` out"),
        ("metrics: {top1: {scale: ln}}\n", "5: metrics.top1.scale: found 'ln'; accepted: 'linear' or 'log'"),
        ("metrics: {seconds: {scael: log}}\n", "5: metrics.seconds.scael: unknown key 'scael'; did you mean 'scale'?"),
        ("metrics: {seconds: {better: higher}}\n", "5: metrics.seconds.better: found higher, but seconds is better if"),
        ("metrics: {parameters: {unit: '%'}}\n", "5: metrics.parameters.unit: found '%', which is for rates in [0, 1]"),
        ("metrics: [top1]\n", "5: metrics: found ['top1']; accepted: a mapping"),
        ("metrics: {top1: log}\n", "5: metrics.top1: found 'log'; accepted: a mapping"),
        ("metrics: {1: {better: higher}}\n", "5: metrics"),
    ],
)
def test_metrics_that_are_none(tmp_path: Path, rest: str, told: str) -> None:
    (fault,) = faults(tmp_path, SIMULATED + rest)
    assert fault.startswith(f"study.yaml:{told}"), fault


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (
            "metrics: {acc: {unit: '%'}}\n",
            "5: metrics.acc: `better` is missing; write `better: higher` or",
        ),
        ("metrics: {acc: {}}\n", "5: metrics.acc: `better` is missing; write `better: higher` or `better: lower`"),
        ("metrics: {acc: higher}\n", "5: metrics.acc: found 'higher'; accepted: a mapping"),
        ("metrics: {acc: {better: up}}\n", "5: metrics.acc.better: found 'up'; did you mean 'higher'? accepted: "),
        ("metrics: {acc: {better: minimize}}\n", "5: metrics.acc.better: found 'minimize'; did you mean 'lower'?"),
        (
            "metrics: {'my acc': {better: higher}}\n",
            "5: metrics.my acc: found 'my acc'; accepted: a name without",
        ),
        ("metrics: {score: {scale: log}}\n", "5: metrics.score.scale: found log, but score can be 0 or less, and "),
        (
            "metrics: {score: {unit: '%'}}\n",
            "5: metrics.score.unit: found '%', which is for rates in [0, 1], but",
        ),
        ("metrics: {score: {unit: pp}}\n", "5: metrics.score.unit: found 'pp', in which differences of rates are"),
        ("metrics: {score: {unit: ' s'}}\n", "5: metrics.score.unit: found ' s'; accepted: a unit of at most 16 "),
        (f"metrics: {{score: {{unit: {'m' * 17}}}}}\n", "5: metrics.score.unit: found 'mmmmmmmmmmmmmmmmm'; accepted: "),
        ("metrics: {loss: {unit: bits}}\n", "5: metrics.loss.unit: found 'bits', but loss is in 'nats'; leave `unit` "),
    ],
)
def test_listed_metrics_that_are_none(tmp_path: Path, rest: str, told: str) -> None:
    (fault,) = faults(tmp_path, LISTING + rest + "primary: loss\ndelta: 0.1\n")
    assert fault.startswith(f"study.yaml:{told}"), fault


def test_a_refused_scale_costs_the_delta_nothing(tmp_path: Path) -> None:
    text = "metrics: {score: {scale: log}}\nprimary: score\ndelta: 0.02\n"
    (fault,) = faults(tmp_path, LISTING + text)
    assert "found log, but score can be 0 or less" in fault


def test_names_without_what_they_mean_are_not_to_be_written_without_brackets(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, LISTING + "metrics: [loss]\nprimary: loss\ndelta: 0.1\n")
    assert fault.endswith("metrics: found ['loss']; accepted: a mapping")


def test_a_metric_that_is_not_listed(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, LISTING + "primary: acc\n")
    assert "unknown metric 'acc'; known: share, loss, score, seconds" in fault
    assert fault.endswith("; list a metric of your own in `metrics`")


def test_no_metric_at_all(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, HEAD + "trainer: silent\n")
    assert "metrics: no metric is declared; write for example `metrics: {accuracy: {better: higher" in fault


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (
            "primary: loss\n",
            "5: primary: loss needs `delta`, the smallest difference that is worth acting on, in nats",
        ),
        (
            "primary: score\n",
            "5: primary: score needs `delta`, the smallest difference that is worth acting on; ",
        ),
        (
            "primary: seconds\nmetrics: {seconds: {scale: log}}\n",
            "5: primary: seconds needs `delta`, the smallest",
        ),
        (
            "primary: share\n",
            "5: primary: share needs `delta`, the smallest difference that is worth acting on; ",
        ),
        ("primary: loss\ndelta: 0\n", "6: delta: found 0; accepted: more than 0 nats"),
        (
            "primary: loss\ndelta: 5%\n",
            "6: delta: found '5%'; accepted: more than 0 nats (write the difference itself, not",
        ),
        ("primary: loss\ndelta: .inf\n", "6: delta: found inf; accepted: finite, more than 0 nats"),
        ("primary: loss\ndelta: 0,5\n", "6: delta: found '0,5'; accepted: more than 0 nats (write 0.5, with a point)"),
        (
            "primary: share\ndelta: 1\n",
            "6: delta: found 1; accepted: more than 0 and less than 1; no change of share",
        ),
    ],
)
def test_a_delta_of_the_wrong_sort(tmp_path: Path, rest: str, told: str) -> None:
    (fault,) = faults(tmp_path, LISTING + rest)
    assert fault.startswith(f"study.yaml:{told}"), fault


@pytest.mark.parametrize("delta", ["0.95", "1", "0", "-1", "5%", ".inf", "many", "on", "[1.05]"])
def test_a_delta_on_a_log_scale_is_a_ratio_above_1(tmp_path: Path, delta: str) -> None:
    text = f"primary: seconds\nmetrics: {{seconds: {{scale: log}}}}\ndelta: {delta}\n"
    (fault,) = faults(tmp_path, LISTING + text)
    assert fault.startswith("study.yaml:7: delta: found ")
    assert "accepted: a ratio above 1; write 1.05 for five percent" in fault


@pytest.mark.parametrize(
    ("metrics", "primary", "delta", "warning"),
    [
        ("{seconds: {scale: log}}", "seconds", "5", "delta is 5, a ratio: every effect below a factor of 5 counts as"),
        (
            "{seconds: {scale: log}}",
            "seconds",
            "1.000001",
            "delta is 1.000001, a ratio that hardly any number",
        ),
        ("{}", "share", "0.3", "delta is 0.3: every smaller effect counts as none"),
        ("{share: {unit: '%'}}", "share", "30", "delta is 30 percentage points: every smaller effect counts as none"),
        ("{share: {unit: '%'}}", "share", "0.005", "delta is 0.005 percentage points, which hardly any number"),
    ],
)
def test_a_delta_that_is_hardly_meant(tmp_path: Path, metrics: str, primary: str, delta: str, warning: str) -> None:
    (found,) = read(tmp_path, f"{LISTING}metrics: {metrics}\nprimary: {primary}\ndelta: {delta}\n").warnings
    assert found.startswith(warning)


@pytest.mark.parametrize(
    ("profile", "settings", "warning"),
    [
        (None, (), ""),
        (None, ("primary=share",), "0.02 nats of loss, and is now 0.02 of share; set `delta` too"),
        (None, ("primary=share", "delta=0.01"), ""),
        (None, ("primary=loss",), ""),
        (None, ("primary=seconds",), "0.02 nats of loss, and is now 0.02 s of seconds; set `delta` too"),
        ("bare", (), "0.02 nats of loss, and is now 0.02 s of seconds; set `delta` too"),
        ("whole", (), ""),
        ("whole", ("primary=share",), "0.3 s of seconds, and is now 0.3 of share; set `delta` too"),
        ("whole", ("primary=gpu_seconds",), ""),
        ("whole", ("delta=2",), ""),
    ],
)
def test_a_delta_that_was_written_for_another_metric(
    tmp_path: Path, profile: str | None, settings: tuple[str, ...], warning: str
) -> None:
    (tmp_path / "study.yaml").write_text(
        LISTING + "primary: loss\ndelta: 0.02\n"
        "profiles: {bare: {primary: seconds}, whole: {primary: seconds, delta: 0.3}}\n"
    )
    found = read_study(tmp_path / "study.yaml", profile, settings).warnings
    told = [text for text in found if "is now" in text]
    assert told == ([f"delta was written as {warning}"] if warning else [])


def test_faults_of_metrics_do_not_hide_one_another(tmp_path: Path) -> None:
    rest = """\
metrics:
  acc: {unit: "%"}
  loss: {better: higher}
primary: seconds
search: {space: {a: {choices: [1, 2]}}, metric: [acc, lss]}
alpha: 7
"""
    found = faults(tmp_path, LISTING + rest)
    assert [fault.split(": ")[1] for fault in found] == [
        "metrics.acc",
        "metrics.loss.better",
        "primary",
        "search.metric[1]",
        "alpha",
    ]
    assert "unknown metric 'lss'; did you mean 'loss'?" in found[3]


def test_a_search_may_name_any_metric(tmp_path: Path) -> None:
    search = "search: {space: {a: {choices: [1, 2]}}, metric: [val_loss, seconds]}\n"
    study = read(tmp_path, LISTED + search)
    assert study.search
    assert [metric.direction for metric in study.search.metrics] == [Direction.MINIMIZE] * 2


def test_a_profile_may_have_another_primary_metric(tmp_path: Path) -> None:
    text = LISTED + "profiles: {cost: {primary: seconds, delta: 1.1}, loss: {primary: val_loss}}\n"
    (fault,) = faults(tmp_path, text)
    assert "primary: val_loss needs `delta`" in fault
    study = read(tmp_path, text.replace("primary: val_loss}", "primary: val_loss, delta: 0.1}"), profile="cost")
    assert (study.primary, study.delta) == ("seconds", 1.1)
    assert read(tmp_path, LISTED, settings=["metrics.val_loss.scale=log"]).metric("val_loss").scale is Scale.LOG


def test_a_percent_sign_without_quotes_is_one_fault_with_the_text_to_write(tmp_path: Path) -> None:
    for text in ("{better: higher, unit: %}", "{unit: %, better: higher}"):
        (fault,) = faults(tmp_path, f"{LISTING}metrics: {{acc: {text}}}\n")
        assert "5: a value cannot begin with %; put it in quotes: '%'\n" in fault


@pytest.mark.parametrize(
    ("rest", "valid"),
    [
        ("primary: top5", True),
        ("primary: seconds", True),
        ("primary: top2", False),
        ("metrics: {seconds: {scale: log}}", True),
        ("metrics: {seconds: {scale: ln}}", False),
        ("metrics: {tpo1: {scale: log}}", False),
        ("metrics: {top1: {better: up}}", False),
        ("search: {space: {a: {low: 0, high: 1}}, metric: [top1, seconds]}", True),
        ("search: {space: {a: {low: 0, high: 1}}, metric: map}", False),
        ("trainer: listing\nmetrics: {acc: {better: higher, unit: '%'}}\nprimary: acc", True),
        ("trainer: retrieval\nprimary: map", True),
    ],
)
def test_editors_know_the_metrics(rest: str, valid: bool) -> None:
    head = HEAD if "trainer" in rest else SIMULATED
    plain = json.loads(json.dumps(parse(head + rest, "study.yaml").plain()))
    plain["factors"] = {}
    assert Draft202012Validator(json_schema()).is_valid(plain) == valid
