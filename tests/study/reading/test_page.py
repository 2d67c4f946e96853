"""The examples in docs/study-files.md can be read, and the numbers of rows that the page states are right."""

import re
from pathlib import Path

from ablate.report.sections.aliases import alias_lines
from ablate.study.fractional.minimum_aberration import fewest_runs
from tests.support.paths import ROOT
from tests.support.study_text import filled, read

PAGE = (ROOT / "docs" / "study-files.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?:yaml)?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

FACTORS = """\
study: demo
trainer: simulated
factors:
  normalization: {sets: settings.a, levels: [off, on]}
  random_erasing: {sets: settings.b, levels: [off, on]}
  warmup: {sets: settings.c, levels: [off, on]}
  label_smoothing: {sets: settings.d, levels: [off, on]}
  margin: {sets: settings.e, levels: [0.3, 0.2]}
  omega: {sets: settings.f, levels: [0.9, 0.7]}
  backbone: {sets: settings.g, levels: [resnet50, se_resnet50]}
  bn_neck: {sets: settings.h, levels: [before, after]}
  schedule: {sets: settings.i, levels: [full, half]}
"""


def block(begin: str) -> str:
    return next(text for text in BLOCKS if text.startswith(begin))


def test_the_whole_study_can_be_read(tmp_path: Path) -> None:
    rows = read(tmp_path, block("study: bnneck"), profile="base").rows
    assert [row.label for row in rows if "=" not in row.label] == ["plain", "normalized", "normalized + erasing"]


def test_designs_and_constraints_can_be_read(tmp_path: Path) -> None:
    text = FACTORS + block("groups:") + block("exclude:")
    study = read(tmp_path, text)
    assert {"plain", "all", "random_erasing=on", "normalization=on, margin=0.2, omega=0.7"} <= {
        row.label for row in study.rows
    }


def test_the_alias_table_is_what_is_printed(tmp_path: Path) -> None:
    factors = "normalization, random_erasing, warmup, label_smoothing"
    study = read(
        tmp_path,
        FACTORS + filled("design: [{fractional: {from: {}, factors: [<factors>], resolution: 4}}]", factors=factors),
    )
    assert "\n".join(alias_lines(study.aliases)) + "\n" == block("design[0].fractional")


def test_the_table_of_runs() -> None:
    rows = re.findall(r"^\| ([345]) \|.*\| (.*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 3
    for resolution, factors in rows:
        for most, runs in zip(re.findall(r"\d+", factors), (8, 16, 32, 64), strict=True):
            assert fewest_runs(int(most), int(resolution)).runs == runs
            assert fewest_runs(int(most) + 1, int(resolution)).runs > runs
