"""The page about imports: its example prints what the page shows, and it has a section for each kind."""

import re
from pathlib import Path

from ablate.imports.kinds import READERS
from tests.conftest import Ablate
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_example_prints_what_the_page_shows(ablate: Ablate) -> None:
    Path("runs.csv").write_text(block("csv"), encoding="utf-8")
    result = ablate("import", "runs.csv", "--study", "mine")
    assert result.out == block("text")
    report = ablate("report", "mine").out
    assert re.search(r"lr 0.1 → 0.01 .*\+2\.77", report)
    assert re.search(r"norm batch → layer .*\+0\.20", report)


def test_every_kind_has_a_section() -> None:
    named = {
        kind for heading in re.findall(r"^### (.*)$", PAGE, re.MULTILINE) for kind in re.findall("`(.*?)`", heading)
    }
    assert named == {*READERS, "log"}
