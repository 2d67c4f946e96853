"""Reports of searches: tables, sentences and figures, also of searches that are not over or went wrong."""

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.results import SearchResults
from ablate.report import wording
from ablate.report.figures import canvas
from ablate.report.figures.forest import FACTOR, forest
from ablate.report.figures.rows import draw_all
from ablate.report.formats import csv as csv_rows
from ablate.report.formats import json as json_report
from ablate.report.formats import latex, markdown, terminal
from ablate.report.sections.search import NO_EFFECTS
from ablate.store import Store, open_store
from ablate.store.schema import DONE, FAILED, PRUNED, RUNNING
from tests.conftest import Ablate
from tests.support.analysis.searches import TWO, Point, read, searched, spread

SVG = "{http://www.w3.org/2000/svg}"
ALL = ("search-map", "search-history", "search-importance")
KINDS = ("softmax", "triplet", "a rather long name of a choice")
STEPS = {"name": "steps", "low": 10, "high": 100, "step": 10, "whole": True}
KIND = {"name": "kind", "choices": list(KINDS)}
WARNED = "it cannot detect confounding or noise"


def of(analysis: Analysis) -> SearchResults:
    assert analysis.search is not None
    return analysis.search


def usual(store: Store) -> Analysis:
    return searched(store, spread(24))


def two_metrics(store: Store) -> Analysis:
    return searched(store, spread(24), metrics=("top1", "top5"))


def one_dimension(store: Store) -> Analysis:
    points = [Point({"margin": point.values["margin"]}, *_ended(point)) for point in spread(16)]
    return searched(store, points, dimensions=TWO[:1], baseline={"margin": 0.3})


def choices_alone(store: Store) -> Analysis:
    points = [Point({"kind": kind}) for kind in (*KINDS, KINDS[0])]
    return searched(store, points, dimensions=(KIND,), baseline={"kind": "triplet"})


def four_dimensions(store: Store) -> Analysis:
    points = [
        Point({**point.values, "steps": 10 * (n % 9 + 1), "kind": KINDS[n % 3]}, *_ended(point))
        for n, point in enumerate(spread(24))
    ]
    baseline = {"margin": 0.3, "omega": 0.9, "steps": 50, "kind": KINDS[0]}
    return searched(store, points, dimensions=(*TWO, STEPS, KIND), baseline=baseline)


def close_together(store: Store) -> Analysis:
    rng = np.random.default_rng(0)
    near = [Point({"margin": float(m), "omega": float(o)}) for m, o in rng.normal((0.2, 0.7), 0.012, (20, 2))]
    return searched(store, [*spread(10), *near], top=6, seeds=(101, 102))


def all_of(state: str, part: int = 0) -> Callable[[Store], Analysis]:
    return lambda store: searched(store, [Point(p.values, state, False, part) for p in spread(4)], 0, rerun=False)


def _ended(point: Point) -> tuple[str, bool, int]:
    return point.state, point.known, point.part


CASES: dict[str, Callable[[Store], Analysis]] = {
    "usual": usual,
    "two metrics": two_metrics,
    "one dimension": one_dimension,
    "choices alone": choices_alone,
    "four dimensions": four_dimensions,
    "close together": close_together,
    "one fresh seed": lambda store: searched(store, spread(12), seeds=(7,)),
    "finalists without results": lambda store: searched(store, spread(12), rerun=False),
    "no finalists yet": lambda store: searched(store, spread(12), top=0, rerun=False),
    "all failed": all_of(FAILED),
    "all running": all_of(RUNNING),
    "all pruned": all_of(PRUNED, 3),
    "nothing begun": lambda store: searched(store, [], top=0, rerun=False, trials=40),
    "hours": lambda store: searched(store, spread(5), top=1, trials=None, hours=1.5, pruner=None),
}


@pytest.fixture(scope="module", params=CASES)
def case_and_analysis(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Analysis]]:
    """A case and its analysis, whose forests are grown once for all tests."""
    with closing(_new(tmp_path_factory)) as store:
        yield request.param, CASES[request.param](store)


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analysis]:
    with closing(_new(tmp_path_factory)) as store:
        yield usual(store)


def _new(folders: pytest.TempPathFactory) -> Store:
    return open_store(str(folders.mktemp("search") / "ablate.db"))


def flat(text: str) -> str:
    return " ".join(text.split())


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_every_format_tells_of_every_search(case_and_analysis: tuple[str, Analysis]) -> None:
    _, analysis = case_and_analysis
    screen = terminal.render(analysis, False, 80)
    assert max(map(len, screen.splitlines())) <= 80
    for text in (screen, markdown.render(analysis), latex.render(analysis)):
        assert WARNED in flat(text)
        assert not re.search(r"\b(None|nan|inf)\b", text)
    assert csv_rows.render(analysis)
    document = json.loads(json_report.render(analysis))["search"]
    assert [one["number"] for one in document["candidates"]] == [one.number for one in of(analysis).candidates]
    assert document["importance_warning"] == NO_EFFECTS


@pytest.mark.slow
def test_the_finalists_table_has_what_the_analysis_has(analysis: Analysis) -> None:
    text = markdown.render(analysis)
    (table,) = re.findall(r"## Finalists.*?\n\n(\|.*?)\n\n", text, re.DOTALL)
    _, _, *lines = table.splitlines()
    assert len(lines) == 3
    for rank, (line, finalist) in enumerate(zip(lines, of(analysis).finalists, strict=True), start=1):
        cells = [cell.strip().replace("\\", "") for cell in line.strip("|").split("|")]
        (row,) = (row for row in analysis.results.rows if row.label == finalist.label)
        contrast, rerun = analysis.against_baseline[row.number], finalist.reruns["top1"]
        assert rerun.score is not None
        assert rerun.mean is not None
        low, high = analysis.interval(row, "top1") or (0, 0)
        assert cells == [
            str(rank),
            f"trial {finalist.number}",
            f"{100 * rerun.score:.2f}",
            f"{100 * rerun.mean:.2f}",
            pp(rerun.score - rerun.mean),
            interval(rerun.optimism_interval),
            f"{100 * row.values['top1'].mean:.2f}",
            f"[{100 * low:.2f}, {100 * high:.2f}]",
            pp(contrast.estimate.effect or 0.0),
            interval(contrast.estimate.interval),
            wording.phrase(contrast),
        ]


def pp(difference: float) -> str:
    """A difference of rates, as the report prints it."""
    return f"{100 * difference:+.2f}".replace("-", "−")


def interval(ends: tuple[float, float] | None) -> str:
    assert ends is not None
    return f"[{pp(ends[0])}, {pp(ends[1])}]"


@pytest.mark.slow
def test_the_search_says_what_it_spent_and_spared(store: Store) -> None:
    text = flat(terminal.render(searched(store, spread(24), trials=40), False, 80))
    assert "Sampler tpe, pruner median, seed 0. Candidates are scored by top-1 on the validation split" in text
    assert "Budget used: 21 of 40 trials (17 finished, 3 pruned and 1 failed)." in text
    assert "Reused: 3 candidates that the study had already run" in text
    assert "Pruning saved 10 % of the training steps" in text
    assert "margin 0.05 to 1 log" in text


def test_a_budget_of_hours_and_no_pruner(store: Store) -> None:
    text = flat(terminal.render(CASES["hours"](store), False, 80))
    assert "no pruner" in text
    assert "Budget used: 2 trials, 0 of 1.5 hours" in text
    assert "Pruning saved" not in text


@pytest.mark.slow
def test_sentences_say_who_wins_and_how_optimistic_the_search_was(analysis: Analysis) -> None:
    winner, *others = of(analysis).finalists
    rows = {row.label: row for row in analysis.results.rows}
    contrast, rerun = analysis.against_baseline[rows[winner.label].number], winner.reruns["top1"]
    text = flat(terminal.render(analysis, False, 80))
    effect = wording.change(contrast).replace(" [", " pp [")
    meaning = wording.meaning(contrast, analysis.results)
    assert f"The winner, {winner.label}, against the baseline: {effect}: {meaning}." in text
    for other in others:
        against = analysis.contrasts.between(rows[other.label], rows[winner.label])
        brief = f"trial {other.number} {pp(against.estimate.effect or 0)} pp, {wording.phrase(against)}"
        assert brief in text.partition("The winner against the other finalists:")[2]
    assert rerun.optimism is not None
    side = "less" if rerun.optimism >= 0 else "more"
    assert f"5 fresh seeds give {100 * (rerun.mean or 0):.2f} %, {100 * abs(rerun.optimism):.2f} pp {side}" in text
    assert "Candidates differ in all searched values at once" in text
    assert "not about margin or omega alone" in text


@pytest.mark.slow
def test_of_one_dimension_it_does_not_say_that_several_differ(store: Store) -> None:
    assert "all searched values" not in terminal.render(one_dimension(store), False, 80)


@pytest.mark.slow
def test_a_search_that_goes_on_says_so(store: Store) -> None:
    text = flat(terminal.render(CASES["no finalists yet"](store), False, 80))
    assert "Best so far: trial" in text
    assert "No finalists yet. The best of many scores, each from one seed, is too optimistic" in text
    assert "Finalists:" not in text


@pytest.mark.slow
def test_of_two_metrics_the_pareto_front_is_told(store: Store) -> None:
    analysis = two_metrics(store)
    text = flat(terminal.render(analysis, False, 80)).partition("(the Pareto front)")[2].partition("Finalists")[0]
    for one in of(analysis).front:
        assert f"top-1 {100 * one.scores['top1']:.2f} %, top-5 {100 * one.scores['top5']:.2f} %" in text
    finalist = of(analysis).finalists[0]
    document = json.loads(json_report.render(analysis))["search"]["finalists"][0]
    for metric in ("top1", "top5"):
        assert document["validation"][metric]["values"] == list(finalist.reruns[metric].values)


def test_one_claim_of_a_finalist_has_one_verdict(analysis: Analysis) -> None:
    """Effects of the one factor would be the same changes, adjusted otherwise."""
    assert "Effects: each level against the baseline" not in terminal.render(analysis, False, 80)
    assert not [entry for entry in forest(analysis) if entry.kind == FACTOR]


def test_json_of_other_plans_has_no_search(ablate: Ablate, undrawn: None) -> None:
    from tests.conftest import STUDIES

    assert ablate("run", STUDIES / "simulated.yaml", "--executor", "inline").code == 0
    assert json.loads(ablate("report", "--format", "json").out)["search"] is None


def test_json_has_the_numbers_unrounded(analysis: Analysis) -> None:
    document = json.loads(json_report.render(analysis))["search"]
    search = of(analysis)
    assert document["best"] == [search.front[0].number]
    assert document["steps_saved"] == search.steps_saved
    first, second, _ = document["finalists"]
    assert first["winner_against_it"] is None
    assert second["winner_against_it"]["verdict"]
    effect = analysis.against_baseline[2].estimate.effect or 0.0
    shown = first["against_baseline"]
    assert (shown["effect"], shown["effect_pp"]) == (effect, 100 * effect)
    rerun, shown = search.finalists[0].reruns["top1"], first["validation"]["top1"]
    assert tuple(shown["ci_optimism"]) == rerun.optimism_interval
    assert shown["ci_optimism_pp"] == [100 * end for end in shown["ci_optimism"]]
    assert (shown["optimism"], shown["optimism_pp"]) == (rerun.optimism, 100 * (rerun.optimism or 0.0))
    assert (document["directions"], document["units"]) == ({"top1": "maximize"}, {"top1": ""})
    shares = {share["name"]: share["mean"] for share in document["importance"]["top1"]["shares"]}
    assert sum(shares.values()) == pytest.approx(1.0)


@pytest.mark.slow
def test_the_command_reports_the_search_and_draws_its_figures(ablate: Ablate, store: Store, tmp_path: Path) -> None:
    usual(store)
    result = ablate("report", "made", "--store", tmp_path / "results" / "ablate.db")
    assert result.code == 0
    assert "Conclusions of the search" in result.out
    folder = tmp_path / "results" / "figures" / "made" / "quick+search"
    for name in ALL:
        assert (folder / f"{name}.png").stat().st_size > 0
        assert f"{name}.svg" in result.out


# figures


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Axes]:
    """{name: axes} of the figures, which are not saved."""
    figures = {}

    def keep(axes: Axes, stem: Path, title: str, description: str) -> list[Path]:
        figures[stem.name] = axes
        return []

    monkeypatch.setattr(canvas, "save", keep)
    return figures


def with_id(axes: Axes, gid: str) -> Any:
    (one,) = (artist for artist in axes.get_children() if artist.get_gid() == gid)
    return one


@pytest.mark.slow
def test_every_search_is_drawn_and_every_text_has_room(
    case_and_analysis: tuple[str, Analysis], kept: dict[str, Axes], tmp_path: Path
) -> None:
    case, analysis = case_and_analysis
    draw_all(analysis, tmp_path)
    if case == "nothing begun":
        assert kept == {}
        return
    assert set(kept) >= set(ALL[:2])
    assert ("search-importance" in kept) == bool(of(analysis).importance["top1"].shares)
    for name, axes in kept.items():
        if name.startswith("search"):
            check_room(axes)
            check_numbers(axes)


def check_room(axes: Axes) -> None:
    """Every text lies within the figure, and none outside the axes reaches into them."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    with matplotlib.rc_context(canvas.STYLE):
        renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
        figure.draw_without_rendering()
        plot, hidden = axes.get_window_extent(renderer), {id(label) for one in figure.axes for label in beyond(one)}
        texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
        boxes = [text.get_window_extent(renderer) for text in texts if text.get_text() and id(text) not in hidden]
    assert len(boxes) > 8
    for own in boxes:
        assert figure.bbox.x0 <= own.x0
        assert own.x1 <= figure.bbox.x1 + 1
        assert figure.bbox.y0 - 1 <= own.y0
        assert own.y1 <= figure.bbox.y1 + 1
        if plot.y0 < (own.y0 + own.y1) / 2 < plot.y1 and own.x0 < plot.x0:
            assert own.x1 <= plot.x0


def beyond(axes: Axes) -> Iterator[Text]:
    """Labels of ticks that are not on the axes, which are not drawn."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        yield from (tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high)


def check_numbers(axes: Axes) -> None:
    """Finalists' numbers lie in the axes, and none on another."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    with matplotlib.rc_context(canvas.STYLE):
        renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
        plot = axes.get_window_extent(renderer)
        patches = [text.get_bbox_patch() for text in axes.texts if isinstance(text, Annotation)]
        boxes = [patch.get_window_extent(renderer) for patch in patches if patch]
    for box in boxes:
        assert plot.x0 <= box.x0
        assert box.x1 <= plot.x1
        assert plot.y0 <= box.y0
        assert box.y1 <= plot.y1
    for one, other in combinations(boxes, 2):
        apart = one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
        assert apart


def test_the_map_has_each_candidate_at_its_place(analysis: Analysis, kept: dict[str, Axes], tmp_path: Path) -> None:
    search = of(analysis)
    draw_all(analysis, tmp_path)
    axes = kept["search-map"]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("margin", "omega")
    for gid, state, known in (
        ("finished", DONE, False),
        ("known-finished", DONE, True),
        ("pruned", PRUNED, False),
        ("pruned-hole", PRUNED, False),
        ("failed", FAILED, False),
    ):
        points = [one.point for one in search.candidates if (one.state, one.known) == (state, known)]
        assert points
        drawn = sorted(map(tuple, with_id(axes, gid).get_offsets().tolist()))
        assert drawn == sorted((point["margin"], point["omega"]) for point in points)
    rings = with_id(axes, "finalists").get_offsets().tolist()
    at = {one.number: [one.point["margin"], one.point["omega"]] for one in search.candidates}
    assert rings == [at[finalist.number] for finalist in search.finalists]
    numbers = [text for text in axes.texts if isinstance(text, Annotation)]
    assert [(text.get_text(), list(text.xy)) for text in numbers] == [(str(n + 1), at) for n, at in enumerate(rings)]
    assert with_id(axes, "baseline").get_offsets().tolist() == [[0.3, 0.9]]


def test_a_better_candidate_is_brighter_also_in_grey(analysis: Analysis, kept: dict[str, Axes], tmp_path: Path) -> None:
    search = of(analysis)
    draw_all(analysis, tmp_path)
    spots = with_id(kept["search-map"], "finished")
    colours = {
        tuple(at): colour[:3] for at, colour in zip(spots.get_offsets().tolist(), spots.get_facecolor(), strict=True)
    }
    order = sorted((one for one in search.finished if not one.known), key=lambda one: one.scores["top1"])
    in_order = [colours[one.point["margin"], one.point["omega"]] for one in order]
    grey = [float(np.dot(colour, (0.299, 0.587, 0.114))) for colour in in_order]
    assert grey == sorted(grey)
    assert grey[-1] - grey[0] > 0.5


@pytest.mark.slow
def test_the_map_of_many_dimensions_shows_the_two_that_matter_most_and_says_so(
    store: Store, kept: dict[str, Axes], tmp_path: Path
) -> None:
    analysis = four_dimensions(store)
    draw_all(analysis, tmp_path)
    ranked = [share.name for share in of(analysis).importance["top1"].shares if share.name != "kind"]
    axes = kept["search-map"]
    assert {axes.get_xlabel(), axes.get_ylabel()} == set(ranked[:2])
    figure = axes.get_figure(root=True)
    assert figure is not None
    notes = " ".join(text.get_text() for text in figure.texts)
    assert "Candidates also differ in dimensions that are not drawn: " in notes
    assert ranked[2] in notes.partition("not drawn: ")[2]


def test_the_history_has_the_best_so_far_and_the_finalists_on_fresh_seeds(
    analysis: Analysis, kept: dict[str, Axes], tmp_path: Path
) -> None:
    search = of(analysis)
    draw_all(analysis, tmp_path)
    axes = kept["search-history"]
    line = with_id(axes, "best-so-far")
    finished = [(one.number, 100 * one.scores["top1"]) for one in search.finished]
    assert line.get_xdata()[:-1] == pytest.approx([number for number, _ in finished])
    assert line.get_ydata()[:-1] == pytest.approx(np.maximum.accumulate([rate for _, rate in finished]))
    below = sorted(with_id(axes, "pruned-below").get_offsets().tolist())
    assert below == [[one.number, axes.get_ylim()[0]] for one in search.candidates if one.state == PRUNED]
    figure = axes.get_figure(root=True)
    assert figure is not None
    (beside,) = (one for one in figure.axes if one.get_xlabel() == "finalist")
    assert beside.get_ylim() == axes.get_ylim()
    drawn = [
        np.asarray(spot.get_offsets()).tolist()[0] for spot in beside.collections if isinstance(spot, PathCollection)
    ]
    for rank, finalist in enumerate(search.finalists, start=1):
        rerun = finalist.reruns["top1"]
        assert [rank, pytest.approx(100 * (rerun.mean or 0))] in drawn
        assert [rank, pytest.approx(100 * (rerun.score or 0))] in drawn


def test_the_importance_figure_has_its_range_and_its_warning(
    analysis: Analysis, kept: dict[str, Axes], tmp_path: Path
) -> None:
    search = of(analysis)
    draw_all(analysis, tmp_path)
    axes = kept["search-importance"]
    figure = axes.get_figure(root=True)
    assert figure is not None
    notes = " ".join(text.get_text() for text in figure.texts)
    assert "cannot detect confounding or noise" in notes
    assert "…" not in notes
    for at, share in enumerate(search.importance["top1"].shares):
        assert axes.get_yticklabels()[at].get_text() == share.name
        assert with_id(axes, f"top1-{at}").get_offsets().tolist() == [[pytest.approx(100 * share.mean), at]]


@pytest.mark.slow
def test_files_have_every_candidate_a_title_and_the_same_bytes_each_time(store: Store, tmp_path: Path) -> None:
    analysis = usual(store)
    search = of(analysis)
    paths = draw_all(analysis, tmp_path / "one")
    again = draw_all(read(store), tmp_path / "two")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    for name in ALL:
        root = ET.parse(tmp_path / "one" / f"{name}.svg").getroot()
        assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
        assert (root[0].text or "").startswith("made (quick+search): ")
    for name in ALL[:2]:
        lines = lines_of(tmp_path / "one" / f"{name}.csv")
        assert [(line["number"], line["state"]) for line in lines] == [
            (str(c.number), c.state) for c in search.candidates
        ]
        scores = [line.get("top1_validation_percent") or line.get("validation_percent") for line in lines]
        assert [
            float(score or -1) for one, score in zip(search.candidates, scores, strict=True) if one.state == DONE
        ] == [pytest.approx(100 * one.scores["top1"]) for one in search.finished]
    shares = [float(line["mean"]) for line in lines_of(tmp_path / "one" / "search-importance.csv")]
    assert sum(shares) == pytest.approx(1.0)
