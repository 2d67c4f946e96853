"""A list that leaves rows out has words that say so."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.results import RowResult
from ablate.report.figures.rows import draw_all
from ablate.report.formats import markdown
from ablate.report.sections import ladder
from tests.support.analysis.analysis_rows import results, row

FACTORS = {"a": ["off", "on"], "b": ["off", "on"]}


def study(*hits: dict[int, float], baseline: bool = True, missing: tuple[int, ...] = ()) -> Analysis:
    levels = [{"a": "off" if baseline else "on", "b": "off"}, {"a": "on", "b": "on"}, {"a": "off", "b": "on"}]
    rows: list[RowResult] = [row(at + 1, levels[at], of_row) for at, of_row in enumerate(hits)]
    rows[-1] = replace(rows[-1], missing=missing)
    return analyse(results(FACTORS, rows))


def three(count: float) -> dict[int, float]:
    return {seed: count + seed for seed in range(3)}


def notes(analysis: Analysis, most: int = 60) -> str:
    return " ".join(ladder.means(analysis, most, ladder.other_metrics(analysis.results)).notes)


def test_a_row_without_a_result_does_not_differ_from_the_best() -> None:
    assert "the best row; every other row differs from it" in notes(study(three(300), three(500)))
    assert "the best row; every other row with a result differs from it" in notes(
        study(three(300), three(500), {}, missing=(0, 1, 2))
    )


def test_a_best_row_beyond_the_end_of_the_table_is_named() -> None:
    analysis = study(three(300), three(310), three(500))
    assert "bold" in notes(analysis)
    assert "The best rows are not among these: row 3 (row 3)." in notes(analysis, most=2)
    assert "bold" not in notes(analysis, most=2)


def test_seeds_that_are_missing_are_explained() -> None:
    analysis = study(three(300), {0: 310.0}, missing=(1, 2))
    assert "1 of 3: seeds with a result, of those that are planned." in notes(analysis)
    assert "of those that are planned" not in notes(study(three(300), three(310)))


def test_without_a_baseline_no_row_is_called_so() -> None:
    text = markdown.render(study(three(300), three(310), three(320), baseline=False))
    assert "change from row 1, pp" in text
    assert not re.search(r"from the baseline|Against the baseline|\| baseline \|", text)
    assert "change from the baseline, pp" in markdown.render(study(three(300), three(310), three(320)))


@pytest.mark.parametrize("missing", [False, True])
def test_figures_count_the_rows_that_they_do_not_draw(tmp_path: Path, missing: bool) -> None:
    analysis = study(three(300), three(310), *([{}] if missing else [three(320)]), missing=(0, 1, 2))
    draw_all(analysis, tmp_path)
    for name in ("ladder", "topk"):
        assert ("not drawn: 1 row without a result" in (tmp_path / f"{name}.svg").read_text()) == missing
