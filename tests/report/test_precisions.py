"""mAP and mAP@R in every format: if all rows have them, if some do, and if none does."""

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from ablate.analysis import frames
from ablate.packed_arrays import pack_examples
from ablate.store import open_store
from ablate.store.schema import measurements, plans
from ablate.trainers.top_k import METRICS
from tests.conftest import Ablate
from tests.support.paths import ROOT
from tests.support.report_tables import tables_of

pytestmark = pytest.mark.usefixtures("undrawn")

LONG = "a label of a good many words, as people give them: cut mix + random erasing"
STUDY = f"""\
study: known
trainer: simulated
config: {{queries: 200}}
factors: {{g: {{sets: settings.g, levels: [0, 1, 2]}}}}
design:
  - rows:
      plain: {{}}
      '{LONG}': {{g: 1}}
      other: {{g: 2}}
references: {{untrained: {{base: 0.1}}}}
seeds: SEEDS
"""
FORMATS = ("terminal", "markdown", "latex", "csv", "json", "log")
VALUES = np.tile(np.array([0.25, 1.0, 0.0, 0.5], dtype=np.float32), 50)  # its mean is 0.4375
DOCUMENTED = re.findall(r"^```json\n(.*?)^```", (ROOT / "docs" / "reports.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def study(ablate: Ablate) -> Ablate:
    return run(ablate, 2)


def run(ablate: Ablate, seeds: int) -> Ablate:
    Path("study.yaml").write_text(STUDY.replace("SEEDS", str(seeds)), encoding="utf-8")
    assert ablate("run", "study.yaml", "--executor", "inline").code == 0
    return ablate


def give(*labels: str, seeds: tuple[int, ...] = (0, 1), names: tuple[str, ...] = ("map", "map_at_r")) -> None:
    """Precisions to rows of a finished study, as a trainer that judges whole rankings would have given them.

    The mean of seed 1 is 0.01 above that of seed 0, that of mAP@R 0.2 below that of mAP.
    """
    store = open_store("results/ablate.db")
    query = (
        "SELECT r.label, c.seed, c.trial_key, e.attempt_id FROM ablate_rows r JOIN ablate_cells c ON c.row_id = r.id "
        "JOIN ablate_trials e ON e.key = c.trial_key"
    )
    with store.write() as connection:
        connection.execute(
            update(plans).values(document=_declaring(names, connection.scalar(select(plans.c.document))))
        )
        for label, seed, key, attempt in connection.exec_driver_sql(query).all():
            if label in labels and seed in seeds:
                of_trial = {"trial_key": key, "attempt_id": attempt, "split": "test", "n": 200}
                of_trial["examples"] = pack_examples(VALUES)
                means = {"map": 0.4375 + seed / 100, "map_at_r": 0.2375 + seed / 100}
                for name in names:
                    connection.execute(insert(measurements), of_trial | {"metric": name, "value": means[name]})
    store.close()


def _declaring(names: tuple[str, ...], document: Any) -> dict[str, Any]:
    """Return a plan's document with these metrics among those that its trainer gives."""
    known = [metric["name"] for metric in document["metrics"]]
    return {
        **document,
        "metrics": [
            *document["metrics"],
            *(metric.to_json() for metric in METRICS if metric.name in names and metric.name not in known),
        ],
    }


def shown(ablate: Ablate, form: str) -> str:
    result = ablate("report", "--format", form)
    assert result.code == 0, result.err
    return result.out


def lines(ablate: Ablate) -> dict[str, dict[str, str]]:
    return {line["row"]: line for line in csv.DictReader(io.StringIO(shown(ablate, "csv")))}


@pytest.mark.slow
def test_reports_of_rows_without_them_do_not_mention_them(study: Ablate) -> None:
    for form in FORMATS:
        text = shown(study, form)
        assert "mAP" not in text
        assert "map" not in text


def test_on_a_terminal_they_have_a_table_that_fits_80_columns(study: Ablate) -> None:
    give("plain", LONG, "other", "untrained")
    text = shown(study, "terminal")
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    table = text.partition("Rows: further metrics on the test split, %")[2].partition("\n\n ")[2]
    table = table.partition("mAP and mAP@R: means over all queries; verdicts are about top-1.")[0]
    assert re.search(r"^ 1 +plain +44\.25 +24\.25$", table, re.MULTILINE)
    assert re.search(r"^ +untrained \(reference\) +44\.25 +24\.25$", table, re.MULTILINE)
    assert "–: not on record" not in text
    rates = text.partition("Rows: rates on the test split, %")[2].partition("Rows: further")[0]
    assert "mAP" not in rates


def test_markdown_and_latex_have_them_beside_the_rates(study: Ablate) -> None:
    give("plain", LONG, "other", "untrained")
    markdown = shown(study, "markdown")
    first = tables_of(markdown)[0]
    assert len({line.count("|") for line in first}) == 1
    cells = [[cell.strip() for cell in line.split("|")] for line in first]
    at = cells[0].index("mAP %")
    assert cells[0][at - 1 : at + 3] == ["top-10 %", "mAP %", "mAP@R %", "seeds"]
    assert {tuple(row[at : at + 3]) for row in cells[2:]} == {("44.25", "24.25", "2")}
    assert "verdicts are about top-1" in markdown
    latex = shown(study, "latex")
    assert "top-10 & mAP & mAP@R & seeds" in latex
    assert len(re.findall(r"& 44\.25 & 24\.25 & 2 ", latex)) == 4
    assert latex.isascii()


@pytest.mark.service
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_with_them_compiles(study: Ablate) -> None:
    give("plain", LONG, "other", "untrained")
    whole = (
        f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{shown(study, 'latex')}\\end{{document}}"
    )
    Path("whole.tex").write_text(whole, encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "whole.tex"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert "Overfull" not in Path("whole.log").read_text(errors="replace")


def test_json_has_them_among_the_metrics_as_documented(study: Ablate) -> None:
    give("plain", LONG, "other", "untrained")
    report = json.loads(shown(study, "json"))
    documented = json.loads(DOCUMENTED[0])["rows"][0]["metrics"]
    for row in (*report["rows"], *report["references"]):
        metrics = row["metrics"]
        assert [*metrics] == ["top1", "top5", "top10", "map", "map_at_r"]
        for name in documented:
            assert metrics[name].keys() == documented[name].keys()
        assert metrics["map"]["values"] == [0.4375, 0.4475]
        assert metrics["map"]["mean"] == pytest.approx(0.4425)
        low, high = metrics["map"]["ci"]
        assert low < 0.4425 < high
        assert (low + high) / 2 == pytest.approx(0.4425)
    assert {contrast["metric"] for contrast in report["contrasts"]} == {"top1"}


def test_with_one_seed_they_have_no_interval(ablate: Ablate) -> None:
    give_to = run(ablate, 1)
    give("plain")
    (first, *_) = json.loads(shown(give_to, "json"))["rows"]
    assert first["metrics"]["map"] == {"mean": 0.4375, "values": [0.4375], "n": 200, "ci": None}
    line = lines(give_to)["plain"]
    assert (line["map"], line["map_low"], line["map_high"]) == ("0.4375", "", "")


def test_csv_has_them_after_the_rates(study: Ablate) -> None:
    give("plain", LONG, "other", "untrained")
    by_label = lines(study)
    header = [*by_label["plain"]]
    at = header.index("top10_high") + 1
    names = ["map", "map_low", "map_high", "map_at_r", "map_at_r_low", "map_at_r_high"]
    assert header[at : at + 7] == [*names, "change_pp"]
    of_json = {row["label"]: row["metrics"] for row in json.loads(shown(study, "json"))["rows"]}
    for label, metrics in of_json.items():
        for name in ("map", "map_at_r"):
            ends = [float(by_label[label][f"{name}{suffix}"]) for suffix in ("", "_low", "_high")]
            assert ends == [metrics[name]["mean"], *metrics[name]["ci"]]


def test_a_log_of_several_seeds_has_them_and_gives_them_back(study: Ablate, tmp_path: Path) -> None:
    before = shown(study, "log")
    give("plain", LONG, "other", "untrained")
    (tmp_path / "own.md").write_text(shown(study, "log"), encoding="utf-8")
    added = [line for line in shown(study, "log").splitlines() if line not in before.splitlines()]
    assert {line.split(":")[0].strip() for line in added} == {"map", "map_at_r"}
    study("import", "own.md", "--study", "again")
    own, again = (json.loads(study("report", name, "--format", "json").out)["rows"] for name in ("known", "again"))
    assert [row["metrics"] for row in again] == [row["metrics"] for row in own]


def test_a_row_of_which_some_seeds_have_them_has_none(study: Ablate) -> None:
    """Its mean over some seeds would stand next to a rate over all seeds. Missing values are not taken for 0 either."""
    give("plain")
    give("other", seeds=(1,))
    rows = {row["label"]: row["metrics"] for row in json.loads(shown(study, "json"))["rows"]}
    assert "map" in rows["plain"]
    assert not rows["other"].keys() & {"map", "map_at_r"}
    assert not rows[LONG].keys() & {"map", "map_at_r"}
    assert {lines(study)[label]["map"] for label in ("other", LONG)} == {""}
    text = shown(study, "terminal")
    assert re.search(r"^ 3 +other +– +–$", text, re.MULTILINE)
    for form in ("terminal", "markdown"):
        assert "–: not on record for all seeds of the row." in shown(study, form)
    view = frames.results("results/ablate.db").set_index(["label", "seed"])["map"]
    assert (view["other", 1], np.isnan(view["other", 0])) == (0.4475, True)


def test_each_of_the_two_is_known_for_itself(study: Ablate) -> None:
    give("plain", LONG, "other", "untrained", names=("map",))
    for form in FORMATS[:-1]:
        text = shown(study, form)
        assert "mAP" in text or '"map"' in text or ",map," in text
        assert "@R" not in text
        assert "map_at_r" not in text
