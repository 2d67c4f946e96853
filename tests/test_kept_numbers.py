"""Measured numbers in the docs stand in the kept outputs of benchmarks, exactly or rounded."""

import re
from bisect import bisect_left
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
NUMBER = re.compile(r"(?<![\w.,])[-−+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?!\w)")
CODE = re.compile(r"`[^`]*`|\]\([^)]*\)|\*\*")
DESIGNED = re.compile(r"the table's")
"""A column of docs/adaptive-seeds.md that shows the expectation from which the rule was designed, not our output."""

PAGES = {
    "docs/speed.md": (
        *("core-cpu.md", "retrieval.md", "larger.md", "queue-overhead.md", "queue-status.md", "queue-workers.md"),
        *("queue-plan.md", "search-overhead.md", "analysis.md"),
    ),
    "docs/calibration.md": ("calibration.md", "calibration-values.md"),
    "docs/adaptive-seeds.md": ("adaptive.md",),
}
"""Each page with the kept outputs that its tables quote."""


def numbers(text: str) -> list[str]:
    """All numbers of a text as written, without thousands separators and signs."""
    return [word.replace(",", "").lstrip("-−+") for word in NUMBER.findall(CODE.sub(" ", text))]


def kept_values(names: tuple[str, ...]) -> list[float]:
    """The numbers of some kept outputs in ascending order, each as it is and as a share of 100."""
    text = "\n".join((RESULTS / name).read_text(encoding="utf-8") for name in names)
    values = {float(word) for word in numbers(text.replace("%", " ").replace("s ", " "))}
    return sorted(values | {value / 100 for value in values})


def is_kept(word: str, values: list[float]) -> bool:
    """Return True if some value rounds to the number as written."""
    half = 0.5 * 10.0 ** -len(word.partition(".")[2]) + 1e-9
    position = bisect_left(values, float(word) - half)
    return position < len(values) and values[position] <= float(word) + half


def measured_cells(page: str) -> list[str]:
    """The cells of a page's tables, without the first column, the heading and the column of designed values."""
    cells, skipped = [], set()
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            skipped = set()
            continue
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if any(DESIGNED.search(cell) for cell in row):
            skipped = {position for position, cell in enumerate(row) if DESIGNED.search(cell)}
        elif not set(row[1]) <= set(":- "):
            cells += [cell for position, cell in enumerate(row) if position and position not in skipped]
    return cells


@pytest.mark.parametrize("page", PAGES)
def test_every_number_in_a_table_was_measured(page: str) -> None:
    values = kept_values(PAGES[page])
    words = [word for cell in measured_cells(page) for word in numbers(cell)]
    assert len(words) > 50
    assert [word for word in words if not is_kept(word, values)] == []


def test_a_number_that_nothing_measured_is_noticed() -> None:
    values = kept_values(("core-cpu.md",))
    assert is_kept("1.82", values)
    assert not is_kept("1.84", values)
    assert not is_kept("7777", values)
