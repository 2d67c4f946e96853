"""A plan's document comes back from the store as it was saved, and those of older versions are read."""

import json
from pathlib import Path

import pytest

from ablate.report.sections.aliases import alias_sentences
from ablate.run.preparation import plan_of
from ablate.store.plan_document import PlanDocument, rules
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
