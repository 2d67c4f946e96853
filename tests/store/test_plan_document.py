"""A plan's document comes back from the store as it was saved, and those of older versions are read."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.measurement import RATE, Direction, Display, Metric, Scale
from ablate.report.sections.aliases import alias_sentences
from ablate.run.preparation import plan_of
from ablate.store.plan_document import PlanDocument, Summary, changed_rules, rules
from ablate.study.model import Family
from ablate.study.plan.trial_states import StoredRecords, resolve
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import trials
from tests.support.paths import STUDIES

OLD = {
    "question": "Does it help?",
    "trainer": "simulated",
    "primary": "top1",
    "delta_pp": 1,
    "alpha": 0.05,
    "seeds": [0, 1],
    "factors": [{"name": "trick", "sets": ["settings.trick"], "levels": ["off", "on"], "baseline": "off"}],
    "config": {"settings": {}},
    "data": {"name": None, "fingerprint": None},
    "fractions": ["design[0].fractional: 8 of 16 combinations", "A trick"],
}
"""A document of a version that stored no family, no looks, and the aliases as sentences."""


def test_a_document_of_an_older_version_gets_the_defaults() -> None:
    document = PlanDocument.from_json(OLD)
    assert (document.family, document.looks, document.search, document.doubts) == (Family(), (), None, ())
    assert document.aliases == ()
    assert document.fractions == tuple(OLD["fractions"])
    assert document.factors[0].levels == ("off", "on")
    assert rules(document) == {"primary": "top1", "delta_pp": 1, "alpha": 0.05, "family": "direct", "looks": []}


def test_a_document_is_written_with_the_keys_that_it_was_read_from() -> None:
    written = PlanDocument.from_json(OLD).to_json()
    assert {key: written[key] for key in OLD} == {**OLD, "factors": written["factors"]}
    assert json.loads(json.dumps(written["factors"])) == OLD["factors"]


def test_a_document_without_metrics_has_those_of_ranked_results() -> None:
    document = PlanDocument.from_json(OLD)
    assert [metric.name for metric in document.metrics] == ["top1", "top5", "top10", "map", "map_at_r"]
    assert document.metric("top1").difference(document.delta) == 0.01


def test_the_facts_of_an_imported_study_without_pairs_come_back() -> None:
    old = PlanDocument.from_json(OLD)
    factor = replace(old.factors[0], name="lr + decay", bundle=("lr", "decay"))
    summaries = {"a": {"top1": Summary(0.01, 5), "top5": Summary()}, "b": {"top1": Summary(0.02)}}
    document = replace(old, factors=(factor,), unpaired="no column has the seeds", summaries=summaries)
    assert PlanDocument.from_json(json.loads(json.dumps(document.to_json()))) == replace(
        PlanDocument.from_json(json.loads(json.dumps(old.to_json()))),
        factors=(factor,),
        unpaired="no column has the seeds",
        summaries=summaries,
    )


def test_a_document_with_pairs_has_no_line_about_them() -> None:
    written = PlanDocument.from_json(OLD).to_json()
    assert not {"unpaired", "summaries"} & written.keys()
    assert "bundle" not in written["factors"][0]


LOSS = Metric("loss", Direction.MINIMIZE, unit="nats", display=Display(unit="nats", difference_unit="nats"))


def of_metric(metric: Metric, delta: float) -> PlanDocument:
    return replace(PlanDocument.from_json(OLD), primary=metric.name, delta=delta, metrics=(metric,))


def test_a_document_of_any_metric_comes_back_from_json() -> None:
    document = of_metric(LOSS, 0.02)
    written = json.loads(json.dumps(document.to_json()))
    assert "delta_pp" not in written
    assert written["delta"] == 0.02
    assert PlanDocument.from_json(written) == document


def test_the_rules_of_looks_hold_on_if_only_their_keys_are_other_ones() -> None:
    """Looks of an older version have only the keys of rates that are to rise, and some of them fewer."""
    now = rules(PlanDocument.from_json(OLD))
    assert changed_rules({"delta_pp": 1, "primary": "top1"}, now) == {}
    assert changed_rules({"delta_pp": 0.5, "primary": "top1"}, now) == {"delta": (0.5, 1)}


@pytest.mark.parametrize(
    ("metric", "delta", "changes"),
    [
        (LOSS, 0.02, {}),
        (LOSS, 0.03, {"delta": (0.02, 0.03)}),
        (replace(LOSS, direction=Direction.MAXIMIZE), 0.02, {"direction": ("minimize", "maximize")}),
        (replace(LOSS, scale=Scale.LOG), 1.05, {"delta": (0.02, 1.05), "scale": ("linear", "log")}),
        (replace(LOSS, display=Display("test loss", digits=4)), 0.02, {}),
        (replace(LOSS, direction=Direction.MAXIMIZE, display=RATE), 0.02, {"direction": ("minimize", "maximize")}),
    ],
)
def test_other_rules_of_the_primary_metric_are_a_change(
    metric: Metric, delta: float, changes: dict[str, tuple[object, object]]
) -> None:
    before, now = rules(of_metric(LOSS, 0.02)), rules(of_metric(metric, delta))
    assert changed_rules(before, now) == changes
    assert changed_rules(now, before) == {name: (is_now, was) for name, (was, is_now) in changes.items()}


@pytest.mark.parametrize("path", sorted(STUDIES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_documents_of_studies_come_back_from_json(path: Path) -> None:
    study = read_study(path)
    planned = resolve(trials(study), StoredRecords())
    document = plan_of(study, planned, ["alpha=0.05"]).document
    again = PlanDocument.from_json(json.loads(json.dumps(document.to_json())))
    assert again == document


FRACTION = """
study: made
trainer: simulated
factors:
  a: {sets: settings.a, levels: [off, on]}
  b: {sets: settings.b, levels: [off, on]}
  c: {sets: settings.c, levels: [off, on]}
  d: {sets: settings.d, levels: [1, 2, 3]}
design:
  - fractional: {from: {}, factors: [a, b, c], resolution: 3}
  - fractional: {from: {}, factors: [a, b, c, d], resolution: 3}
"""


def test_tables_of_aliases_come_back_from_json_and_are_printed_alike(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(FRACTION)
    study = read_study(path)
    document = plan_of(study, resolve(trials(study), StoredRecords())).document
    again = PlanDocument.from_json(json.loads(json.dumps(document.to_json())))
    assert len(again.aliases) == 2
    assert again.aliases == study.aliases
    assert alias_sentences(again.aliases) == alias_sentences(study.aliases)
