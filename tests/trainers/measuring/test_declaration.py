"""The entries of metrics in a study file as sources, and their faults."""

import json

import pytest

from ablate.measurement import Direction
from ablate.trainers.measuring.declaration import LUCK, Declaration, metric_sources
from ablate.trainers.measuring.sources import (
    MetricSource,
    Origin,
    is_validation_name,
    parse_origin,
    usual_direction,
)
from ablate.trainers.measuring.takes import Take


def fault(entry: Declaration, **others: Declaration) -> tuple[str, str]:
    """Return the place and the message of the only fault of the metric `acc`, next to other metrics."""
    (one,) = metric_sources({"acc": entry, **others})[1]
    return ".".join(one.path), one.message


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("", Origin("", "acc")),
        ("result:top.1", Origin("result", "top.1")),
        ("json:val/acc", Origin("json", "val/acc")),
        ("stdout:acc: ([0-9.]+):", Origin("stdout", "acc: ([0-9.]+):")),
        ("metrics.csv:val_acc", Origin("file", "val_acc", "metrics.csv")),
        ("${dir}/a/*.CSV:x:y", Origin("file", "x:y", "a/*.CSV")),
        (
            "log_*/trainer_state.json:log_history.eval_loss",
            Origin("file", "log_history.eval_loss", "log_*/trainer_state.json"),
        ),
        ("tensorboard:val/acc", Origin("tensorboard", "val/acc", "**/*tfevents*")),
        ("tb/events.out.tfevents.*:val/acc", Origin("tensorboard", "val/acc", "tb/events.out.tfevents.*")),
        ("result.json:acc", Origin("file", "acc", "result.json")),
    ],
)
def test_forms_of_from(text: str, origin: Origin) -> None:
    assert parse_origin(text, "acc") == origin


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("reslt:acc", "found 'reslt:acc'; did you mean result:KEY? accepted: result:KEY, json:KEY, stdout:REGEX, tens"),
        ("stdot:acc: (.)", "found 'stdot:acc: (.)'; did you mean stdout:REGEX?"),
        (
            "metrics.txt:acc",
            "found 'metrics.txt:acc'; accepted: result:KEY, json:KEY, stdout:REGEX, tensorboard:TAG, or FILE",
        ),
        ("acc", "found 'acc'; accepted: result:KEY"),
        ("metrics.csv", "found 'metrics.csv', without a key after a colon; write for example 'metrics.csv:acc'"),
        ("result:", "found 'result:', without a key after a colon; write for example 'result:acc'"),
        ("stdout", "found 'stdout', without a regular expression; write for example 'stdout:acc: ([-+.0-9eE]+)'"),
        (
            "/tmp/metrics.csv:acc",
            "found '/tmp/metrics.csv'; accepted: a path in the folder of the training, ${dir}, like ",
        ),
        ("../metrics.csv:acc", "found '../metrics.csv'; accepted: a path in the folder of the training"),
        ("~/metrics.csv:acc", "found '~/metrics.csv'; accepted: a path in the folder of the training"),
        ("m_${seed}.csv:acc", "found 'm_${seed}.csv'; write * for the part of the path that varies"),
        ("a**/m.csv:acc", "found 'a**/m.csv'; ** stands for whole folders, as in **/metrics.csv"),
        (
            "stdout:acc: [0-9",
            "the regular expression is not valid at its character 6, '[0-9': unterminated character set",
        ),
        ("stdout:acc: 0.5", "put the number in round brackets"),
        ("", "found ''; leave `from` out for the file that ABLATE_RESULT names, or name a place"),
    ],
)
def test_forms_that_from_does_not_have(text: str, told: str) -> None:
    place, message = fault(Declaration(origin=text))
    assert place == "acc.from"
    assert message.startswith(told)


VAL = Declaration(origin="metrics.csv:val_loss", direction=Direction.MINIMIZE)


@pytest.mark.parametrize(
    ("take", "expected"),
    [
        (None, Take()),
        ("last", Take()),
        ({"step": 1000}, Take(step=1000.0)),
        ({"step": 0.5}, Take(step=0.5)),
        ({"at": "best", "of": "val_loss"}, Take(of="val_loss", better=Direction.MINIMIZE)),
        ({"at": "best", "of": "val_loss", "better": "lower"}, Take(of="val_loss", better=Direction.MINIMIZE)),
        ({"at": "best", "of": "val_acc"}, Take(of="val_acc")),
        ({"at": "best", "of": "eval/Loss"}, Take(of="eval/Loss", better=Direction.MINIMIZE)),
        ({"at": "best", "of": "val_x", "better": "lower"}, Take(of="val_x", better=Direction.MINIMIZE)),
        ({"at": "best", "of": "chosen"}, Take(of="chosen", better=Direction.MINIMIZE)),
    ],
)
def test_takes(take: object, expected: Take) -> None:
    entries = {
        "acc": Declaration(origin="metrics.csv:acc", take=take),
        "val_loss": VAL,
        "chosen": Declaration(origin="x.csv:y", split="validation", direction=Direction.MINIMIZE),
    }
    sources, faults = metric_sources(entries)
    assert (faults, sources[0].take) == ((), expected)


@pytest.mark.parametrize("take", ["best", "max", "min"])
def test_the_best_of_the_test_results_is_refused(take: str) -> None:
    place, message = fault(Declaration(take=take))
    assert place == "acc.take"
    assert message == (
        f"found {take!r}; {LUCK}, so a validation metric must choose; write `take: {{at: best, of: val_loss}}`, or "
        "leave `take` out for the last value"
    )
    assert "{at: best, of: dev_f1}" in fault(Declaration(take=take), dev_f1=Declaration())[1]


@pytest.mark.parametrize(
    ("take", "place", "told"),
    [
        (
            "first",
            "",
            "found 'first'; accepted: last, {step: 1000}, or {at: best, of: NAME} with the name of a validation",
        ),
        (1000, "", "found 1000; did you mean {step: 1000}? accepted: last, {step: 1000}"),
        ({"step": "x"}, "", "found {step: x}; accepted: last"),
        ({"step": True}, "", "found {step: on}; accepted: last"),
        ({"step": float("inf")}, "", "found {step: inf}; accepted: last"),
        ([], "", "found []; accepted: last"),
        ({"at": "last", "of": "val_loss"}, ".at", "found 'last'; accepted: best"),
        ({"at": "best"}, "", "`of` is missing, the name of the validation metric that chooses the step"),
        ({"at": "best", "of": 3}, "", "`of` is missing"),
        ({"at": "best", "off": "val_loss"}, ".off", "unknown key 'off'; did you mean 'of'? known: at, of, better"),
        ({"at": "best", "of": "val_loss", "better": "up"}, ".better", "found 'up'; accepted: higher or lower"),
        (
            {"at": "best", "of": "val_loss", "better": "higher"},
            ".better",
            "found higher, but val_loss is better if it is l",
        ),
        (
            {"at": "best", "of": "acc"},
            ".of",
            f"found 'acc', which is the metric itself; {LUCK}; write for example `of: val",
        ),
        ({"at": "best", "of": "val_acc"}, ".of", "found 'val_acc', which is the metric itself"),
        ({"at": "best", "of": "same"}, ".of", "found 'same', which is the metric itself"),
        (
            {"at": "best", "of": "other"},
            ".of",
            f"found 'other', which is measured on test data; {LUCK}; write for example ",
        ),
        ({"at": "best", "of": "val_but_test"}, ".of", "found 'val_but_test', which is measured on test data"),
        (
            {"at": "best", "of": "f1"},
            ".of",
            f"found 'f1', which may be measured on test data; {LUCK}; if it is measured on",
        ),
    ],
)
def test_takes_that_are_refused(take: object, place: str, told: str) -> None:
    where, message = fault(
        Declaration(origin="metrics.csv:val_acc", take=take),
        val_loss=VAL,
        other=Declaration(),
        same=Declaration(origin="${dir}/metrics.csv:val_acc", split="validation"),
        val_but_test=Declaration(split="test"),
    )
    assert where == f"acc.take{place}"
    assert message.startswith(told)


def test_the_output_has_no_names() -> None:
    entry = Declaration(origin="stdout:acc: (.)", take={"at": "best", "of": "val_acc"})
    assert fault(entry)[1].startswith("found 'val_acc', which is no metric of this file; list it in `metrics`")
    assert metric_sources({"acc": entry, "val_acc": Declaration(origin="stdout:v: (.)")})[1] == ()


@pytest.mark.parametrize(
    ("entry", "place", "told"),
    [
        (
            Declaration(examples="preds.json"),
            "examples",
            "found 'preds.json'; accepted: a file of .csv or .tsv in ${dir}",
        ),
        (Declaration(examples="../preds.csv"), "examples", "found '../preds.csv'; accepted: a path in the folder"),
        (Declaration(examples=""), "examples", "found ''; accepted: a file"),
        (
            Declaration(is_percent=True),
            "percent",
            "found on, which is for metrics with `unit: '%'`; leave `percent` out",
        ),
    ],
)
def test_other_faults(entry: Declaration, place: str, told: str) -> None:
    where, message = fault(entry)
    assert where == f"acc.{place}"
    assert message.startswith(told)


def test_every_fault_at_once() -> None:
    entry = Declaration(origin="x", take="best", examples="y", is_percent=True)
    assert [one.path[1] for one in metric_sources({"acc": entry, "b": entry})[1]] == [
        "from",
        "examples",
        "percent",
        "take",
    ] * 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val_acc", True),
        ("Val/acc", True),
        ("acc.valid", True),
        ("acc-dev", True),
        ("evalLoss", True),
        ("validation_0-rmse", True),
        ("eval loss", True),
        ("acc", False),
        ("value", False),
        ("interval_loss", False),
        ("device_time", False),
        ("test_acc", False),
    ],
)
def test_names_of_validation_metrics(name: str, expected: bool) -> None:
    assert is_validation_name(name) == expected
    (source,) = metric_sources({name: Declaration()})[0]
    assert source.is_validation == expected
    assert [one.is_validation for one in metric_sources({name: Declaration(split="test")})[0]] == [False]
    assert [one.is_validation for one in metric_sources({name: Declaration(split="validation")})[0]] == [True]


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("val_loss", "lower"),
        ("valLoss", "lower"),
        ("val_error", "lower"),
        ("val/ppl", "lower"),
        ("eval_rmse", "lower"),
        ("val_acc", "higher"),
        ("eval_terms", "higher"),
    ],
)
def test_directions_by_name(name: str, better: str) -> None:
    assert usual_direction(name).better == better


@pytest.mark.parametrize(
    "source",
    [
        MetricSource("acc"),
        MetricSource("acc", "metrics.csv:acc", Take(step=3.0), "preds.csv", True, True, True),
        MetricSource("acc", "json:acc", Take(of="val_loss", better=Direction.MINIMIZE)),
    ],
)
def test_sources_survive_as_plain_values(source: MetricSource) -> None:
    assert MetricSource.from_json(json.loads(json.dumps(source.to_json()))) == source


def test_a_source_without_anything_unusual_is_its_name() -> None:
    assert MetricSource("acc").to_json() == {"metric": "acc"}
