"""Tests that could not show anything are refused before anything is queued, and what a test can show is printed."""

import json
from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.retrieval.csv_lists import image_list, listed_study

CAMERAS = ("path", "item", "split", "camera")


def trained(items: int, cameras: str = "12") -> list[tuple[str, ...]]:
    """Two training images of each item, by one camera or by two."""
    return [
        (f"t{n}_{m}.jpg", f"t{n}", "train", f"cam{camera}") for n in range(items) for m, camera in enumerate(cameras)
    ]


def asked(items: int, query: str = "1", gallery: str = "2", other: str = "") -> list[tuple[str, ...]]:
    """A query and a gallery image of each item; `other` changes the item of the gallery image."""
    roles = (("query", query, ""), ("gallery", gallery, other))
    return [
        (f"{role}{n}.jpg", f"b{n}{more}", role, f"cam{camera}") for n in range(items) for role, camera, more in roles
    ]


@pytest.mark.parametrize(
    ("lines", "reason", "remedy"),
    [
        (asked(12, gallery="1"), "all gallery images of their item are by their own camera", "evaluate.cameras: all"),
        (asked(12, other="x"), "the gallery has no image of their item", "correct the names of the items"),
    ],
)
def test_a_test_that_nobody_could_pass_is_refused(
    ablate: Ablate, tmp_path: Path, lines: list[tuple[str, ...]], reason: str, remedy: str
) -> None:
    study = listed_study(tmp_path, image_list(tmp_path, CAMERAS, [*trained(4), *lines]))
    result = ablate("run", study)
    assert result.code == 2
    assert (
        "rows 'baseline', 'margin=0.2': none of the 12 queries of the test split of csv can be answered" in result.err
    )
    assert all(text in result.err for text in (reason, remedy, "the first is list.csv, line 10"))
    assert not Path("results").exists(), "nothing was queued"


def test_another_rule_of_cameras_makes_the_same_test_one_that_can_be_passed(ablate: Ablate, tmp_path: Path) -> None:
    study = listed_study(tmp_path, image_list(tmp_path, CAMERAS, [*trained(4), *asked(12, gallery="1")]))
    ablate("data", "prepare", "csv", "--root", tmp_path / "list.csv", "--size", 16, 16)
    everywhere = ("--set", "config.evaluate.cameras=all")
    assert ablate("plan", study, *everywhere).code == 0


def test_some_that_cannot_be_answered_are_counted_with_the_ceiling(ablate: Ablate, tmp_path: Path) -> None:
    lines = [*trained(4), *asked(12), ("lost.jpg", "lost", "query", "cam1")]
    study = listed_study(tmp_path, image_list(tmp_path, CAMERAS, lines))
    ablate("data", "prepare", "csv", "--root", tmp_path / "list.csv", "--size", 16, 16)
    result = ablate("plan", study)
    assert result.code == 0
    ceiling = f"{100 * 12 / 13:.4g} %"
    assert f"test: 12 of 13 queries can be answered; top1 is at most {ceiling}" in result.out
    assert f"1 of 13 queries of the test split of csv cannot be answered, so top1 is at most {ceiling}" in result.err
    assert "one query is 7.69 pp, more than delta (0.5 pp)" in result.err


def test_a_primary_metric_that_the_data_fix_is_refused(ablate: Ablate, tmp_path: Path) -> None:
    study = listed_study(tmp_path, image_list(tmp_path, CAMERAS, [*trained(4), *asked(4)]), primary="top5")
    result = ablate("run", study)
    assert result.code == 2
    assert "top5 is 100 % on the test split of csv, whatever is trained" in result.err
    assert "a query searches 4 gallery images at most" in result.err
    assert "judge by top1, which can vary" in result.err
    judged = ablate("plan", study, "--set", "primary=top1")
    assert judged.code == 0
    assert "top5 and top10 are 100 % on the test split of csv, whatever is trained" in judged.err


def test_a_validation_that_shows_nothing_is_refused_by_the_search_only(ablate: Ablate, tmp_path: Path) -> None:
    """All training images are by one camera, so no cut helps."""
    study = listed_study(tmp_path, image_list(tmp_path, CAMERAS, [*trained(6, "11"), *asked(12)]))
    searched = ablate("search", study)
    assert searched.code == 2
    assert "queries of the validation split of csv can be answered" in searched.err
    assert "evaluate.cameras: all" in searched.err
    planned = ablate("plan", study)
    assert planned.code == 0
    assert "until then `ablate search" in planned.err


@pytest.mark.network
@pytest.mark.parametrize(
    "training", [trained(6, "11"), [("t.jpg", "t", "train", "cam1"), ("u.jpg", "u", "train", "cam1")]]
)
def test_a_run_does_not_need_the_validation(ablate: Ablate, tmp_path: Path, training: list[tuple[str, ...]]) -> None:
    """Its queries cannot be answered, or it has no image at all: the test split decides."""
    study = listed_study(tmp_path, image_list(tmp_path, CAMERAS, [*training, *asked(12)]))
    result = ablate("run", study, "--executor", "inline")
    assert result.code == 0
    assert "the validation split of csv" in result.err
    report = ablate("report", "listed", "--format", "json")
    assert json.loads(report.out)["rows"][0]["metrics"]["top1"]["n"] == 12


@pytest.mark.network
def test_the_report_has_the_ceiling(ablate: Ablate, tmp_path: Path) -> None:
    lines = [*trained(4), *asked(12), ("lost.jpg", "lost", "query", "cam1")]
    study = listed_study(tmp_path, image_list(tmp_path, CAMERAS, lines))
    assert ablate("run", study, "--executor", "inline").code == 0
    for name in ("terminal", "markdown", "latex"):
        text = " ".join(ablate("report", "listed", "--format", name).out.split()).replace("\\", "")
        assert "12 of 13 test queries can be answered" in text
        assert "top-1 is at most 92.31 %" in text
    (limits,) = json.loads(ablate("report", "listed", "--format", "json").out)["limits"]
    assert limits["rows"] == ["baseline", "margin=0.2"]
    assert (limits["test"]["queries"], limits["test"]["answerable"]) == (13, 12)
    assert limits["test"]["metrics"]["top1"] == [0, 12 / 13]


def test_a_search_over_data_sets_is_warned_of_scores_that_cannot_be_compared(ablate: Ablate, tmp_path: Path) -> None:
    study = listed_study(tmp_path, image_list(tmp_path, CAMERAS, [*trained(6), *asked(12)]))
    said = "data.root is searched: if the data sets have different validation images, scores of candidates cannot"
    assert said not in " ".join(ablate("plan", study).err.split())
    margin = "margin: {low: 0.1, high: 0.9}"
    assert margin in study.read_text()
    study.write_text(study.read_text().replace(margin, "data.root: {choices: [list.csv, ./list.csv]}"))
    assert said in " ".join(ablate("plan", study).err.split())
