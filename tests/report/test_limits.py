"""Sentences of a report about the limits of its tests."""

import json

import pytest

from ablate.analysis.analysis import Analysis, analyse
from ablate.report.formats import FORMATS
from ablate.report.sections.limits import limits
from ablate.study.plan.limits import RowLimits
from ablate.trainers.limits import QUERY_NOUNS, SplitLimits, Unanswerable
from tests.support.analysis.analysis_rows import results, row

LOST = Unanswerable("the gallery has no image of their item", 250, "list.csv, line 7", "add images")


def split(*lost: Unanswerable, **ranges: tuple[float, float]) -> SplitLimits:
    because, remedy = "a query searches 4 gallery images at most", "add more"
    return SplitLimits("test", "made-up", 1000, lost, ranges, because, remedy, QUERY_NOUNS)


def study(*groups: RowLimits) -> Analysis:
    rows = [row(1, {"a": "off"}, {0: 270, 1: 280}), row(2, {"a": "on"}, {0: 300, 1: 310})]
    return analyse(results({"a": ["off", "on"]}, rows, limits=[group.to_json() for group in groups]))


def test_a_test_without_limits_has_no_sentence() -> None:
    for groups in ([], [RowLimits((), (split(top1=(0.0, 1.0)),))]):
        assert list(limits(study(*groups))) == []


def test_the_number_and_the_ceiling_are_named_once_for_all_rows() -> None:
    analysis = study(RowLimits((), (split(LOST, top1=(0.0, 0.75), top5=(0.75, 0.75)),)))
    assert list(limits(analysis)) == [
        "750 of 1,000 test queries can be answered (250: the gallery has no image of their item); top-1 is at most "
        "75.00 %, whatever is trained.",
        "top-5 is 75.00 % on the test split, whatever is trained (a query searches 4 gallery images at most).",
    ]


def test_rows_that_differ_have_their_own() -> None:
    analysis = study(
        RowLimits(("row 1",), (split(LOST, top1=(0.0, 0.75)),)), RowLimits(("row 2",), (split(top1=(0.25, 1.0)),))
    )
    first, second = limits(analysis)
    assert first.startswith("Row row 1: 750 of 1,000 test queries can be answered")
    assert second == "Row row 2: top-1 is at least 25.00 %, whatever is trained (some queries cannot be missed)."


def test_the_number_stands_alone_if_it_does_not_limit_the_metric() -> None:
    analysis = study(RowLimits((), (split(LOST),)))
    assert list(limits(analysis)) == [
        "750 of 1,000 test queries can be answered (250: the gallery has no image of their item)."
    ]


@pytest.mark.parametrize("name", ["terminal", "markdown", "latex"])
def test_every_format_for_people_has_them(name: str) -> None:
    analysis = study(RowLimits((), (split(LOST, top1=(0.0, 0.75)),)))
    assert "top-1 is at most 75.00 %" in " ".join(FORMATS[name](analysis, False).split()).replace("\\", "")


def test_the_json_has_them_by_row_and_split() -> None:
    groups = (RowLimits(("row 1",), (split(LOST, top1=(0.0, 0.75)),)), RowLimits(("row 2",), (split(),)))
    first, second = json.loads(FORMATS["json"](study(*groups), False))["limits"]
    assert first == {
        "rows": ["row 1"],
        "test": {
            "queries": 1000,
            "answerable": 750,
            "unanswerable": [{"reason": LOST.reason, "queries": 250, "first": LOST.first}],
            "metrics": {"top1": [0.0, 0.75]},
        },
    }
    assert (second["rows"], second["test"]["unanswerable"]) == (["row 2"], [])
    (of_all,) = json.loads(FORMATS["json"](study(RowLimits((), (split(),))), False))["limits"]
    assert of_all["rows"] == ["row 1", "row 2"]
