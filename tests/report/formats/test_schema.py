"""The JSON report has every key of schema 1 for a study of rates, and the keys that docs/reports.md lists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ablate
from tests.support.paths import ROOT, SEED_LOG

pytestmark = pytest.mark.usefixtures("undrawn")

STUDY = """\
study: known
trainer: simulated
config: {queries: 200, effects: [{when: {a: on}, pp: 5}, {when: {c: on}, seed_sd_pp: 15}]}
factors:
  a: {sets: settings.a, levels: [off, on]}
  b: {sets: settings.b, levels: [off, on]}
  c: {sets: settings.c, levels: [off, on]}
design: [{grid: {a: [off, on], b: [off, on]}}, {rows: {noisy: {c: on}}}]
references: {untrained: {base: 0.1}}
seeds: {looks: [5, 6]}
"""
ESTIMATE = [
    "effect_pp",
    "ci_pp",
    "ci_simultaneous_pp",
    "ci_separate_pp",
    "method",
    "seeds",
    "p",
    "p_holm",
    "p_equivalence_holm",
    "verdict",
    "more_seeds",
    "identified",
    "in_family",
    "metric",
]
SCHEMA_1: dict[str, list[str]] = {
    "": [
        "schema",
        "study",
        "profile",
        "overrides",
        "question",
        "primary",
        "delta_pp",
        "alpha",
        "population",
        "family",
        "data",
        "limits",
        "rows",
        "references",
        "steps",
        "tied_best",
        "noisy_rows",
        "unequal_spread",
        "looks",
        "contrasts",
        "effects",
        "aliases",
        "interactions",
        "findings",
        "suggestions",
        "readings",
        "search",
    ],
    "family": ["name", "size", "tested"],
    "data": ["name", "fingerprint", "queries", "gallery"],
    "rows.": ["label", "title", "levels", "seeds", "failed", "missing", "data", "changes", "impossible", "metrics"],
    "rows.data": ["fingerprint", "queries", "gallery"],
    "rows.metrics": ["top1", "top5", "top10"],
    "rows.metrics.top1": ["mean", "values", "hits", "n", "ci"],
    "references.": [
        "label",
        "title",
        "levels",
        "seeds",
        "failed",
        "missing",
        "data",
        "changes",
        "impossible",
        "metrics",
    ],
    "noisy_rows.": ["label", "sd_pp", "others_sd_pp", "p"],
    "unequal_spread.": ["label", "p"],
    "looks": ["declared", "spending", "family", "ended", "taken"],
    "looks.taken.": ["number", "seeds", "bound_z", "spent", "decided", "undecided", "going_on", "trials"],
    "contrasts.": ["from", "to", "differs", "undeclared", "totals", *ESTIMATE],
    "contrasts.totals": [
        "d_hits",
        "agresti_caffo_pp",
        "discordant",
        "closest_ci_pp",
        "farthest_ci_pp",
        "significant_up_to",
        "equivalent_up_to",
        "tipping_sd_pp",
        "reading",
    ],
    "effects.": ["factor", "from", "to", "contexts", "aliased_with", *ESTIMATE],
    "interactions.": [
        "factors",
        "levels",
        "metric",
        "squares",
        "effect_pp",
        "ci_pp",
        "method",
        "seeds",
        "p",
        "p_exploring",
    ],
    "suggestions.": ["levels", "resolves"],
    "readings.": ["reading", "contrasts", "effects", "aliases"],
}
"""{place: keys} of schema 1; a list is followed by a dot. Readers of it keep working."""
NAMED_BY_THE_STUDY = ("rows.levels", "rows.changes", "rows.metrics", "rows.costs", "suggestions.levels", "limits")
"""Places whose keys are names of factors, seeds, metrics and rows."""


@pytest.fixture
def reports(ablate: Ablate) -> list[dict[str, Any]]:
    """The report of a study with looks, and that of an imported log, of which totals are known only."""
    Path("study.yaml").write_text(STUDY, encoding="utf-8")
    assert ablate("run", "study.yaml", "--executor", "inline", "--until-decided").code == 0
    assert ablate("import", SEED_LOG, "--study", "log").code == 0
    return [json.loads(ablate("report", name, "--format", "json").out) for name in ("known", "log")]


def objects(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of a document with its place: keys joined by dots, and a dot after each list."""
    if isinstance(value, dict):
        yield place, value
        for key, member in value.items():
            yield from objects(member, f"{place.removesuffix('.')}.{key}" if place else key)
    elif isinstance(value, list):
        for member in value:
            yield from objects(member, f"{place.removesuffix('.')}.")


def keys_at(documents: list[dict[str, Any]]) -> dict[str, list[set[str]]]:
    found: dict[str, list[set[str]]] = {}
    for document in documents:
        for place, value in objects(document):
            found.setdefault(place, []).append(set(value))
    return found


def test_every_key_of_schema_1_is_there_for_rates(reports: list[dict[str, Any]]) -> None:
    found = keys_at(reports)
    for place, keys in SCHEMA_1.items():
        for one in found.get(place, []):
            assert set(keys) <= one, place
    assert {"noisy_rows.", "looks.taken.", "contrasts.totals", "interactions.", "suggestions."} <= set(found)
    assert reports[0]["delta_pp"] == 0.5
    for contrast in reports[0]["contrasts"]:
        assert contrast["effect_pp"] == pytest.approx(100 * contrast["effect"])
        assert contrast["ci_pp"] == pytest.approx([100 * end for end in contrast["ci"]])


def test_the_documented_keys_are_those_of_reports(reports: list[dict[str, Any]]) -> None:
    text = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    documented = json.loads(re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0])
    found = keys_at(reports)
    compared = 0
    for place, keys in objects(documented):
        if "…" in keys or place in NAMED_BY_THE_STUDY or place not in found:
            continue
        compared += 1
        assert set(keys) in found[place], (place, found[place][0] ^ set(keys))
    assert compared > 12
    assert set(documented) == set(reports[0])
