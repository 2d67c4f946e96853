"""The places of metrics' values in a study file: `from`, `take`, `examples`, `split` and `percent`."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ablate.measurement import Direction, Kind
from ablate.study.reading.metrics import MetricReader
from ablate.study.reading.nodes import parse
from ablate.study.reading.problems import Problems
from ablate.study.reading.schema import json_schema
from ablate.trainers.measuring.sources import MetricSource
from ablate.trainers.measuring.takes import Take
from ablate.trainers.registry import TRAINERS
from tests.support.listing_trainer import LISTING
from tests.support.study_text import faults, read

HEAD = "study: demo\ndelta: 0.1\nfactors: {a: {sets: settings.a, levels: [1, 2]}}\ndesign: [{add_one: {from: {}}}]\n"
LISTED = HEAD + "trainer: listing\nprimary: share\n"
METRICS = """\
metrics:
  acc: {better: higher, unit: "%", from: 'stdout:acc: ([0-9.]+)%', percent: on}
  val_loss: {better: lower, unit: nats, from: metrics.csv:val_loss}
  loss: {scale: log}
  f1: {better: higher, from: metrics.csv:f1, take: {at: best, of: val_loss}, split: test}
  hits: {better: higher, unit: "%", examples: "${dir}/preds.csv"}
  cost: {better: lower, examples: costs.tsv, take: {step: 10}, split: validation}
"""


@pytest.fixture(autouse=True)
def _trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAINERS.entries, "listing", "tests.support.listing_trainer:LISTING")


def sources(text: str) -> tuple[MetricSource, ...]:
    root = parse(text, "study.yaml")
    problems = Problems(root)
    reader = MetricReader(root, problems, LISTING)
    problems.check()
    return reader.sources


def test_the_metrics_that_the_file_lists_have_sources() -> None:
    assert sources(LISTED + METRICS) == (
        MetricSource("acc", "stdout:acc: ([0-9.]+)%", is_rate=True, is_percent=True),
        MetricSource("val_loss", "metrics.csv:val_loss", is_validation=True),
        MetricSource("f1", "metrics.csv:f1", Take(of="val_loss", better=Direction.MINIMIZE)),
        MetricSource("hits", examples="preds.csv", is_rate=True),
        MetricSource("cost", "", Take(step=10.0), "costs.tsv", is_validation=True),
    )
    assert sources(LISTED) == ()


def test_a_metric_with_examples_is_a_proportion_or_a_mean(tmp_path: Path) -> None:
    study = read(tmp_path, LISTED + METRICS)
    kinds = {name: study.metric(name).kind for name in ("acc", "val_loss", "hits", "cost")}
    assert kinds == {"acc": Kind.PROPORTION, "val_loss": Kind.SCALAR, "hits": Kind.PROPORTION, "cost": Kind.MEAN}
    assert study.metric("hits").bounds == (0.0, 1.0)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{from: metrics.csv}", "from: found 'metrics.csv', without a key after a colon; write for example"),
        ("{from: 'stdout:acc'}", "from: put the number in round brackets, as in"),
        ("{from: 3}", "from: found 3; accepted: text"),
        ("{form: 'json:acc'}", "form: unknown key 'form'; did you mean 'from'? known: better, unit, scale, from, take"),
        ("{take: best}", "take: found 'best'; the best of many looks at test results is luck, and grows with their"),
        ("{take: {at: best, of: acc}}", "take.of: found 'acc', which is the metric itself; "),
        ("{take: {at: best, oof: acc}}", "take.oof: unknown key 'oof'; did you mean 'of'?"),
        ("{take: first}", "take: found 'first'; accepted: last, {step: 1000}, or"),
        ("{take: {step: on}}", "take: found {step: on}; accepted: last"),
        ("{examples: preds.json}", "examples: found 'preds.json'; accepted: a file of .csv or .tsv in ${dir}"),
        ("{split: val}", "split: found 'val'; accepted: 'validation' or 'test'"),
        ("{percent: on}", "percent: found on, which is for metrics with `unit: '%'`; leave `percent` out"),
        ("{percent: 100}", "percent: found 100; accepted: on or off"),
    ],
)
def test_places_that_are_none(tmp_path: Path, entry: str, told: str) -> None:
    listed = f"metrics: {{acc: {{better: higher, {entry.removeprefix('{')}}}\n"
    (fault,) = faults(tmp_path, LISTED + listed)
    assert fault.startswith(f"study.yaml:7: metrics.acc.{told}"), fault


@pytest.mark.parametrize("entry", ["from: 'json:x'", "take: last", "examples: a.csv", "split: test", "percent: on"])
def test_a_trainer_that_measures_its_own_metrics_reads_no_place(tmp_path: Path, entry: str) -> None:
    key = entry.partition(":")[0]
    (fault,) = faults(tmp_path, f"{HEAD}trainer: simulated\nmetrics: {{top1: {{{entry}}}}}\n")
    assert fault == f"study.yaml:6: metrics.top1.{key}: the trainer measures its own metrics; leave this out"
    (fault,) = faults(tmp_path, f"{LISTED}metrics: {{seconds: {{{entry}}}}}\n")
    message = "seconds is measured by ablate itself; leave this out, or give your metric another name"
    assert fault == f"study.yaml:7: metrics.seconds.{key}: {message}"
    (fault,) = faults(tmp_path, f"{LISTED}metrics: {{score: {{{entry}}}}}\n")
    assert "score is measured by the trainer itself; leave this out, or" in fault


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    text = LISTED + "metrics:\n  acc:\n    better: higher\n"
    text += "    from: x\n    take: best\n    examples: y\n    percent: on\n"
    places = [fault.split(": ")[0] for fault in faults(tmp_path, text)]
    assert places == [f"study.yaml:{line}" for line in (10, 11, 12, 13)]


@pytest.mark.parametrize(
    ("entry", "valid"),
    [
        ("from: 'json:x', take: last", True),
        ("take: {step: 100}", True),
        ("take: {at: best, of: val_loss, better: lower}", True),
        ("examples: preds.csv, split: validation, percent: on", True),
        ("take: best", False),
        ("take: {at: best}", False),
        ("take: {step: x}", False),
        ("split: val", False),
        ("percent: 1", False),
        ("form: x", False),
    ],
)
def test_editors_know_the_places(entry: str, valid: bool) -> None:
    text = f"{LISTED}metrics: {{acc: {{better: higher, {entry}}}}}\n"
    plain = json.loads(json.dumps(parse(text, "study.yaml").plain()))
    plain["factors"] = {}
    assert Draft202012Validator(json_schema()).is_valid(plain) == valid
