"""Figures: their computed values, the contents of their files, and the room for every text."""

import csv
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from PIL import Image

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.results import StudyResults
from ablate.errors import AblateError
from ablate.measurement import Metric, Scale
from ablate.report import wording
from ablate.report.figures import canvas
from ablate.report.figures import rows as figures
from ablate.report.figures.forest import (
    CONFOUNDED,
    FACTOR,
    STEP,
    ForestLine,
    draw_forest,
    forest,
    legend_entries,
    limits,
    line_positions,
    lines_to_draw,
)
from ablate.report.figures.reproduction import ComparedLine, StudyMark, draw_lines
from ablate.report.figures.rows import draw_all, ladder, references, top_k
from ablate.store.results import StoredValue
from ablate.trainers.top_k import TOP_K
from tests.conftest import Ablate
from tests.support.analysis.analysis_rows import N, drawn, results, row
from tests.support.paths import SEED_LOG, SIMULATED

SVG = "{http://www.w3.org/2000/svg}"
FACTORS = {name: ["off", "on"] for name in "abc"}
CUBE = [dict(zip("abc", levels, strict=True)) for levels in product(["off", "on"], repeat=3)]
"""All eight cells in binary order: 12 pairs differ in one factor; of the 7 steps, 4 do."""
SHARP = "$x_1$ & <b> \"q\" 'r' 100 % #2 ~^{}\\ --></svg>"
LABELS = {
    "markup": SHARP,
    "long": "very long " * 40,
    "wide": "W" * 400,
    "chinese": "日本語" * 60,
    "thai": "สวัสดี " * 10,
    "hindi": "नमस्ते" * 20,
    "emoji": "👩\u200d🔬 run",
    "control": "a\x07b\nc\td",
    "underscore": "_nolegend_",
}


def made(seeds: int = 5, **document: Any) -> StudyResults:
    return drawn(FACTORS, CUBE, seeds, np.random.default_rng(7), **document)


@pytest.fixture(scope="module")
def several() -> Analysis:
    return analyse(made())


@pytest.fixture(scope="module")
def single() -> Analysis:
    return analyse(made(seeds=1))


@pytest.fixture(scope="module")
def of_five(several: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The figures of `several`."""
    folder = tmp_path_factory.mktemp("several")
    draw_all(several, folder)
    return folder


@pytest.fixture(scope="module")
def of_one(single: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("single")
    draw_all(single, folder)
    return folder


@pytest.fixture
def imported(ablate: Ablate) -> Ablate:
    assert ablate("import", SEED_LOG, "--study", "baseline-log").code == 0
    return ablate


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Axes]:
    """{name: axes} of the figures, which are not saved."""
    figures_by_name = {}

    def keep(axes: Axes, stem: Path, title: str, description: str) -> list[Path]:
        figures_by_name[stem.name] = axes
        return []

    monkeypatch.setattr(canvas, "save", keep)
    return figures_by_name


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parts(path: Path) -> dict[str, ET.Element]:
    """{id: element} of an SVG; an id may be there once."""
    elements = [element for element in ET.parse(path).iter() if "id" in element.attrib]
    assert len({element.attrib["id"] for element in elements}) == len(elements)
    return {element.attrib["id"]: element for element in elements}


def styles(element: ET.Element, tag: str) -> list[str]:
    """The styles of the shapes that a group shows; those in its `defs` are drawn through their uses."""
    hidden = {shape for defs in element.iter(f"{SVG}defs") for shape in defs.iter()}
    return [shape.attrib.get("style", "") for shape in element.iter(f"{SVG}{tag}") if shape not in hidden]


def words_in(path: Path) -> str:
    """The texts of an SVG, each as it is drawn."""
    return "\n".join("".join(text.itertext()).strip() for text in ET.parse(path).iter(f"{SVG}text"))


def of(entries: Sequence[ForestLine], kind: str) -> list[ForestLine]:
    return [entry for entry in entries if entry.kind == kind]


def pp(one: int, other: int, of_results: StudyResults) -> float:
    """The mean difference of two rows over their seeds, in percentage points."""
    before, after = (of_results.rows[number - 1].values["top1"].values for number in (one, other))
    return 100 * float(np.mean(np.subtract(after, before)))


# what is computed


def test_a_rung_has_its_rate_interval_and_step(several: Analysis) -> None:
    rungs = ladder(several)
    assert [rung.label for rung in rungs] == [f"{number}  row {number}" for number in range(1, 9)]
    for at, (rung, own) in enumerate(zip(rungs, several.results.rows, strict=True)):
        assert rung.rate == pytest.approx(100 * np.mean(own.values["top1"].values))
        assert (rung.low / 100, rung.high / 100) == pytest.approx(several.interval(own, "top1"))
        assert rung.low < rung.rate < rung.high
        assert rung.seeds == 5
        if at:
            names = [name for name in "abc" if CUBE[at][name] != CUBE[at - 1][name]]
            assert rung.change.startswith(f"{pp(at, at + 1, several.results):+.2f}".replace("-", "−"))
            assert rung.change.endswith(names[0] if len(names) == 1 else f"{len(names)} at once: {', '.join(names)}")
            assert rung.direct == (len(names) == 1)
    assert (rungs[0].change, rungs[0].direct) == ("", True)


def test_all_that_cannot_be_told_from_the_best_are_marked() -> None:
    hits = ([600, 604, 596], [604, 600, 597], [300, 303, 296], [602, 598, 600])
    rows = [row(n, CUBE[n - 1], dict(enumerate(own))) for n, own in enumerate(hits, start=1)]
    analysis = analyse(results(FACTORS, rows))
    assert [rung.best for rung in ladder(analysis)] == [True, True, False, True]
    assert {rung.label.partition("  ")[2] for rung in ladder(analysis) if rung.best} == analysis.best


def test_rows_without_the_metric_are_left_out_and_the_step_spans_them() -> None:
    rows = [row(n, CUBE[n - 1], {} if n == 2 else {0: 300 + n, 1: 310 + n}) for n in (1, 2, 3)]
    analysis = analyse(results(FACTORS, rows))
    assert [(rung.label, rung.direct) for rung in ladder(analysis)] == [("1  row 1", True), ("3  row 3", True)]
    assert ladder(analysis)[1].change == "+0.20  b"


def test_top_k_has_the_metrics_that_each_row_has() -> None:
    first = row(1, CUBE[0], {0: 500, 1: 520})
    top5 = {0: 700, 1: 720}
    with_top5 = {
        seed: replace(one, values={**one.values, "top5": StoredValue(top5[seed] / N, N)})
        for seed, one in first.results.items()
    }
    first = replace(first, results=with_top5)
    analysis = analyse(results(FACTORS, [first, row(2, CUBE[1], {0: 400, 1: 410}), row(3, CUBE[2], {})]))
    assert [line.label for line in top_k(analysis)] == ["1  row 1", "2  row 2"]
    assert top_k(analysis)[0].rates == pytest.approx({"top1": 51.0, "top5": 71.0})
    assert top_k(analysis)[1].rates == pytest.approx({"top1": 40.5})


@pytest.mark.parametrize("seeds", [1, 5])
def test_the_forest_is_the_analysis(seeds: int) -> None:
    analysis = analyse(made(seeds))
    entries = forest(analysis)
    direct = [contrast for contrast in analysis.contrasts if contrast.identified == "direct"]
    confounded = [step for step in analysis.steps if step.identified != "direct"]
    items = [*direct, *analysis.effects, *confounded]
    assert [len(of(entries, kind)) for kind in (STEP, FACTOR, CONFOUNDED)] == [12, 3, 3]
    assert [entry.estimate for entry in entries] == [one.estimate for one in items]
    assert [entry.verdict for entry in entries] == [wording.phrase(one) for one in items]
    assert not any(entry.instead for entry in entries)


def test_entries_say_what_changes_and_against_which_row(several: Analysis) -> None:
    entries = forest(several)
    (step,) = [e for e in entries if e.kind == STEP and e.context.startswith("row 7 against 3")]
    assert (step.change, step.context) == ("a off → on", "row 7 against 3: row 3")
    assert step.estimate.effect == pytest.approx(pp(3, 7, several.results) / 100)
    (twice,) = [e for e in entries if e.kind == CONFOUNDED and e.context.startswith("row 3 against 2")]
    assert twice.change == "b off → on, c on → off"
    assert twice.verdict == wording.PHRASES[verdicts.CONFOUNDED]
    factor = of(entries, FACTOR)[1]
    assert (factor.change, factor.context) == ("b off → on", "mean over 4 pairs of rows")
    pairs = [(1, 3), (2, 4), (5, 7), (6, 8)]
    assert factor.estimate.effect == pytest.approx(np.mean([pp(*pair, several.results) for pair in pairs]) / 100)


def test_of_a_family_that_is_listed_only_its_own_contrasts_are_drawn() -> None:
    analysis = analyse(made(family=[["row 1", "row 2"], ["row 5", "row 7"]]))
    assert [e.context for e in of(forest(analysis), STEP)] == ["row 2 against 1: row 1", "row 7 against 5: row 5"]


def test_an_effect_of_the_additive_model_says_so() -> None:
    cells = [{"a": "off", "b": "off"}, {"a": "on", "b": "off"}, {"a": "on", "b": "on"}]
    several = drawn({name: ["off", "on"] for name in "ab"}, cells, 3, np.random.default_rng(1))
    assert [e.context for e in of(forest(analyse(several)), FACTOR)] == ["one pair of rows", "one pair of rows"]
    cells = [{"a": a, "b": b, "c": c} for a, b, c in ("000", "110", "101", "011")]
    half = drawn({name: ["0", "1"] for name in "abc"}, cells, 3, np.random.default_rng(1))
    assert [e.context for e in of(forest(analyse(half)), FACTOR)] == ["if effects add up"] * 3


def test_what_has_no_effect_says_why(tmp_path: Path) -> None:
    failed = replace(row(2, CUBE[1], {}), failed=(0,))
    apart = row(4, CUBE[3] | {"b": "off"}, {9: 300}), row(5, CUBE[4], {0: 310})
    rows = [row(1, CUBE[0], {0: 270}), failed, row(3, CUBE[2], {}), *apart]
    entries = forest(analyse(results(FACTORS, rows)))
    why = {entry.context.partition(":")[0]: entry.instead for entry in entries if entry.kind == STEP}
    assert why["row 2 against 1"] == "row 2 failed"
    assert why["row 3 against 1"] == "row 3 has no result yet"
    assert why["row 4 against 1"] == "the two rows have no seed in common"
    assert why["row 5 against 1"] == ""
    draw_all(analyse(results(FACTORS, rows)), tmp_path)
    for reason in ("row 2 failed", "row 3 has no result yet", "the two rows have no seed in common"):
        assert reason in words_in(tmp_path / "forest.svg")
    assert {line["instead"] for line in lines_of(tmp_path / "forest.csv")} >= {"row 2 failed", ""}


def test_factors_that_cannot_be_told_apart_name_each_other() -> None:
    analysis = analyse(results(FACTORS, [row(1, CUBE[0], {0: 270, 1: 275}), row(2, CUBE[7], {0: 300, 1: 310})]))
    reasons = {entry.change: entry.instead for entry in of(forest(analysis), FACTOR)}
    assert reasons["a off → on"] == "cannot be separated from b and c"
    assert reasons["c off → on"] == "cannot be separated from a and b"


@pytest.mark.slow
def test_references_are_lines_with_a_note_each_up_to_eight(tmp_path: Path) -> None:
    lines = tuple(row(n, {}, {0: 100 + n}, label=f"paper {n}") for n in range(1, 10))
    analysis = analyse(replace(made(1), references=(*lines, row(10, {}, {}, label="unfinished"))))
    assert [(line.label, line.rate) for line in references(analysis)] == [
        (f"paper {n}", pytest.approx(10 + n / 10)) for n in range(1, 10)
    ]
    draw_all(analysis, tmp_path)
    texts = words_in(tmp_path / "ladder.svg")
    assert "dashed: paper 8 10.80" in texts
    assert "paper 9" not in texts
    assert "and 1 more reference" in texts
    assert "more references" not in texts


# what is drawn


def test_the_ladder_draws_its_rungs(several: Analysis) -> None:
    rungs = ladder(several)
    axes = canvas.axes_between(1, 1, 3, 0.5, 0.5)
    figures.draw_ladder(axes, rungs, [figures.ReferenceLine("paper", 12.5)])
    solid, dotted = axes.collections[:2]
    assert isinstance(solid, LineCollection)
    assert isinstance(dotted, LineCollection)
    assert [segment[:, 1].tolist() for segment in solid.get_segments()] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [segment[:, 1].tolist() for segment in dotted.get_segments()] == [[1, 2], [3, 4], [5, 6]]
    marks = {at.get_gid(): at for at in axes.collections if isinstance(at, PathCollection)}
    for name, is_best in (("best", True), ("other", False)):
        own = [(rung.rate, y) for y, rung in enumerate(rungs) if rung.best == is_best]
        assert bool(own) == (name in marks)
        if own:
            assert np.allclose(marks[name].get_offsets(), own)
    assert [line.get_xdata()[0] for line in axes.lines] == [12.5]


@pytest.mark.parametrize(
    ("folder", "name", "other"), [("of_five", "filled", "open"), ("of_one", "open", "filled")], ids=["several", "one"]
)
def test_marks_are_open_for_one_seed_and_filled_for_several(
    folder: str, name: str, other: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(folder) / "forest.svg"
    elements = parts(path)
    colours = {"step": canvas.BLUE, "factor": canvas.GREEN, "confounded": canvas.VERMILION}
    for (kind, colour), count in zip(colours.items(), (12, 3, 3), strict=True):
        marks = styles(elements[f"{kind}-{name}"], "use")
        assert len(marks) == count
        fill = "#ffffff" if name == "open" else colour.lower()
        assert all(f"fill: {fill}" in mark and f"stroke: {colour.lower()}" in mark for mark in marks)
        assert f"{kind}-{other}" not in elements
    texts = words_in(path)
    assert ("one seed: for these networks only" in texts) == (name == "open")
    assert ("several seeds" in texts) == (name == "filled")


def test_the_legends_name_all_that_is_drawn(of_five: Path, of_one: Path) -> None:
    forest_texts, ladder_texts = words_in(of_five / "forest.svg"), words_in(of_five / "ladder.svg")
    kinds = ("one factor between two rows", "a factor over all rows", "several factors at once")
    bars = ("95 % interval", "95 % interval, confounded", "simultaneous interval", "below delta (±0.5 pp)", "no effect")
    assert all(f"\n{text}\n" in f"\n{forest_texts}\n" for text in (*kinds, *bars, "several seeds"))
    steps = ("step: one factor changed", "step: several factors at once, or none", "95 % interval")
    assert all(f"\n{text}\n" in f"\n{ladder_texts}\n" for text in steps)
    assert "interval beyond the axis" not in forest_texts
    assert "\nreference\n" not in ladder_texts
    assert "one seed: for these networks only" in words_in(of_one / "forest.svg")
    assert "one row" in words_in(of_five / "topk.svg")


def test_confounded_bars_and_no_others_are_hatched(of_five: Path) -> None:
    elements = parts(of_five / "forest.svg")
    hatched = styles(elements["confounded-interval"], "path")
    assert len(hatched) == 3
    for style in hatched:
        (pattern,) = {part.split("url(#")[1].split(")")[0] for part in style.split(";") if "fill:" in part}
        assert elements[pattern].tag == f"{SVG}pattern"
    for kind, count in (("step", 12), ("factor", 3)):
        bars = styles(elements[f"{kind}-interval"], "path")
        assert len(bars) == count
        assert not any("fill: url(#" in bar for bar in bars)
        assert len(styles(elements[f"{kind}-simultaneous"], "path")) == count
    assert "confounded-simultaneous" not in elements, "it is of no family"


def test_the_band_is_plus_minus_delta(tmp_path: Path) -> None:
    """Told from the ticks: the SVG's own scale."""
    draw_all(analyse(made(delta_pp=1.0)), tmp_path)
    elements, texts = parts(tmp_path / "forest.svg"), words_in(tmp_path / "forest.svg")
    assert "±1 pp" in texts
    ticks = [e.find(f".//{SVG}use") for name, e in elements.items() if name.startswith("xtick_")]
    at = sorted({float(tick.attrib["x"]) for tick in ticks if tick is not None})
    (band,) = elements["band"].iter(f"{SVG}path")
    xs = [float(word) for word in band.attrib["d"].replace("\n", " ").split() if word not in "MLz"][::2]
    axes = canvas.axes_between(1, 1, 3, 0.5, 0.5)
    places, _, _ = line_positions(forest(analyse(made(delta_pp=1.0))))
    draw_forest(axes, places, TOP_K[1], 0.01)
    low, high = axes.get_xlim()
    inside = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert len(inside) == len(at)
    scale = (at[-1] - at[0]) / (inside[-1] - inside[0])
    assert max(xs) - min(xs) == pytest.approx(2 * scale, rel=1e-4)
    assert (max(xs) + min(xs)) / 2 == pytest.approx(at[0] - inside[0] * scale, rel=1e-4)


@pytest.mark.parametrize(("ratio", "least"), [(1.02, 5), (1.5, 4)])
def test_a_narrow_axis_of_ratios_has_numbers_on_both_sides_of_1(ratio: float, least: int) -> None:
    metric, effect = Metric("score", scale=Scale.LOG, bounds=(0.0, np.inf)), float(np.log(ratio))
    line = known(100 * effect, (90 * effect, 110 * effect))
    places, _, _ = line_positions([line._replace(estimate=replace(line.estimate, metric=metric))])
    axes = canvas.axes_between(1, 1, 3, 0.5, 0.5)
    draw_forest(axes, places, metric, effect)
    low, high = axes.get_xlim()
    inside = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert len(inside) >= least
    assert inside[0] < 1 < inside[-1]


@pytest.mark.parametrize("ratio", [1.02, 1.5])
def test_a_narrow_axis_of_ratios_of_two_studies_has_numbers_on_both_sides_of_1(ratio: float) -> None:
    metric, mark = Metric("score", scale=Scale.LOG, bounds=(0.0, np.inf)), StudyMark(1.0, 1 / ratio, ratio, False)
    axes = canvas.axes_between(1, 1, 3, 0.5, 0.5)
    draw_lines(axes, [ComparedLine("1 → 2", mark, mark, "reproduced")], metric, float(np.log(ratio)))
    low, high = axes.get_xlim()
    inside = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert inside[0] < 1 < inside[-1]


def known(effect: float, interval: tuple[float, float], wide: tuple[float, float] | None = None) -> ForestLine:
    """A line with this effect and these intervals in percentage points."""
    own, simultaneous = (None if ends is None else (ends[0] / 100, ends[1] / 100) for ends in (interval, wide))
    p = 0.5, 0.5, 0.5
    estimate = EffectEstimate(TOP_K[1], effect / 100, own, simultaneous, "t", 3, *p, None, verdicts.UNDECIDED)
    return ForestLine(STEP, "a off → on", "row 2 against 1", estimate, "undecided", "")


NARROW = [known(0.1 * n, (0.1 * n - 0.5, 0.1 * n + 0.5), (0.1 * n - 0.8, 0.1 * n + 0.8)) for n in range(4)]


@pytest.mark.parametrize(
    ("wide", "sides"), [((-50.0, 1.0), ["left"]), ((-1.0, 50.0), ["right"]), ((-50.0, 50.0), ["left", "right"])]
)
def test_an_arrow_where_a_bar_goes_beyond_the_axis(wide: tuple[float, float], sides: list[str]) -> None:
    axes = canvas.axes_between(1, 1, 3, 0.5, 0.5)
    places, _, _ = line_positions([*NARROW, known(0.2, (-0.4, 0.6), wide)])
    draw_forest(axes, places, TOP_K[1], 0.005)
    ends = dict(zip(("left", "right"), axes.get_xlim(), strict=True))
    arrows = {at.get_gid(): at.get_offsets() for at in axes.collections if "beyond" in (at.get_gid() or "")}
    assert sorted(arrows) == [f"step-beyond-{side}" for side in sides]
    entries = [place.entry for place in places]
    assert "interval beyond the axis" in [handle.get_label() for handle in legend_entries(entries, made())]
    for side in sides:
        assert np.allclose(arrows[f"step-beyond-{side}"], [(ends[side], places[-1].y)])


def test_no_arrow_where_every_bar_ends_inside() -> None:
    axes = canvas.axes_between(1, 1, 3, 0.5, 0.5)
    draw_forest(axes, line_positions(NARROW)[0], TOP_K[1], 0.005)
    assert not [at for at in axes.collections if "beyond" in (at.get_gid() or "")]


def test_an_interval_that_is_far_wider_does_not_squeeze_the_others() -> None:
    low, high = limits([*NARROW, known(0.2, (-400, 400))], 0.005)
    assert -0.05 < low < -0.008
    assert 0.011 < high < 0.05
    low, high = limits([*NARROW, known(30.0, (29.5, 30.5))], 0.005)
    assert high > 0.3, "an effect is always on the axis"
    low, high = limits(NARROW, 0.09)
    assert low < -0.09
    assert high > 0.09, "the band always is"


def test_places_do_not_overlap_and_are_in_order(several: Analysis) -> None:
    entries = forest(several)
    places, heads, height = line_positions(entries)
    assert [place.entry for place in places] == entries
    ys = [place.y for place in places]
    apart = 1.2 / 72 * (canvas.SMALL + canvas.MEDIUM)  # two lines of text
    assert all(below - above >= apart for above, below in pairwise(ys))
    assert list(heads) == [STEP, FACTOR, CONFOUNDED]
    assert heads[STEP] < ys[0]
    assert ys[11] < heads[FACTOR] < ys[12]
    assert ys[-1] + apart / 2 < height


# files


def test_the_svg_has_title_and_description_and_no_date(of_five: Path) -> None:
    for name in ("ladder", "topk", "forest"):
        root = ET.parse(of_five / f"{name}.svg").getroot()
        assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
        title, description = root[0].text, root[1].text
        assert title
        assert title.startswith("made (default): ")
        assert description
        assert "{http://purl.org/dc/elements/1.1/}date" not in {element.tag for element in root.iter()}
        with Image.open(of_five / f"{name}.png") as picture:
            assert picture.text["Title"] == title  # type: ignore[attr-defined]
            assert picture.text["Description"] == description  # type: ignore[attr-defined]
            assert set(picture.text) == {"Title", "Description"}  # type: ignore[attr-defined]
    assert "±0.5 pp" in (ET.parse(of_five / "forest.svg").getroot()[1].text or "")


def test_the_same_results_give_the_same_bytes_whatever_was_drawn_before(
    of_five: Path, of_one: Path, tmp_path: Path
) -> None:
    paths = draw_all(analyse(made()), tmp_path)
    assert len(paths) == 6
    assert all((of_five / path.name).read_bytes() == path.read_bytes() for path in paths)
    assert all((of_one / path.name).read_bytes() != path.read_bytes() for path in paths)


def test_the_csv_has_every_number(several: Analysis, of_five: Path) -> None:
    for line, rung in zip(lines_of(of_five / "ladder.csv"), ladder(several), strict=True):
        assert line["row"] == rung.label
        assert [float(line[name]) for name in ("rate", "low", "high")] == [rung.rate, rung.low, rung.high]
        assert (line["best"], line["direct"], line["change"]) == (str(rung.best), str(rung.direct), rung.change)
    for line, own in zip(lines_of(of_five / "topk.csv"), several.results.rows, strict=True):
        assert float(line["top1"]) == pytest.approx(np.mean(own.values["top1"].values) * 100)
        assert line["top5"] == ""
    for line, entry in zip(lines_of(of_five / "forest.csv"), forest(several), strict=True):
        assert (line["kind"], line["change"], line["context"]) == (entry.kind, entry.change, entry.context)
        assert (line["verdict"], line["instead"], line["drawn"]) == (entry.estimate.verdict, "", "True")
        assert entry.estimate.effect is not None
        assert entry.estimate.interval is not None
        assert float(line["effect"]) == 100 * entry.estimate.effect
        assert (float(line["low"]), float(line["high"])) == tuple(100 * end for end in entry.estimate.interval)
        wide = entry.estimate.simultaneous
        columns = [line["low_simultaneous"], line["high_simultaneous"]]
        assert columns == (["", ""] if wide is None else [str(100 * end) for end in wide])
        assert line["p_holm"] == ("" if entry.estimate.p_holm is None else str(entry.estimate.p_holm))


@pytest.mark.slow
def test_sixty_lines_are_drawn_and_the_rest_is_said(tmp_path: Path) -> None:
    """61 rows of one factor: 61 · 60 / 2 pairs that differ in nothing else, and 60 levels against the baseline."""
    levels = list(range(61))
    analysis = analyse(drawn({"n": levels}, [{"n": level} for level in levels], 2, np.random.default_rng(3)))
    draw_all(analysis, tmp_path)
    for name, marks in (("ladder", ["best", "other"]), ("forest", ["step-filled", "factor-filled"])):
        there = parts(tmp_path / f"{name}.svg")
        assert sum(len(styles(there[mark], "use")) for mark in marks if mark in there) == 60
    for name in ("ladder", "topk"):
        assert f"and 1 more row: see {name}.csv" in words_in(tmp_path / f"{name}.svg")
        assert len(lines_of(tmp_path / f"{name}.csv")) == 61
    assert "and 1,830 more of larger p: see forest.csv" in words_in(tmp_path / "forest.svg")
    lines = lines_of(tmp_path / "forest.csv")
    assert len(lines) == 1890
    for kind in (STEP, FACTOR):
        p = {"True": [], "False": []}
        for line in lines:
            if line["kind"] == kind:
                p[line["drawn"]].append(float(line["p"]))
        assert len(p["True"]) == 30
        assert max(p["True"]) <= min(p["False"])


def test_sixty_are_all_shown_and_of_more_none_before_another_kind_has_its_surest() -> None:
    many = [known(0.1, (0, 0.2))] * 100
    few = [replace_kind(entry, FACTOR) for entry in NARROW]
    assert lines_to_draw(many[:60]) == many[:60]
    chosen = lines_to_draw([*many, *few])
    assert len(chosen) == 60
    assert of(chosen, FACTOR) == few


def replace_kind(entry: ForestLine, kind: str) -> ForestLine:
    return entry._replace(kind=kind)


def test_nothing_is_drawn_without_results(tmp_path: Path) -> None:
    rows = [row(n, CUBE[n - 1], {}) for n in (1, 2)]
    assert draw_all(analyse(results(FACTORS, rows)), tmp_path / "figures") == []
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize("hits", [{0: 270}, {0: 270, 1: 280}, {0: 0}, {0: N, 1: N}])
def test_a_study_of_one_row(hits: dict[int, int], tmp_path: Path) -> None:
    paths = draw_all(analyse(results({}, [row(1, {}, hits)])), tmp_path)
    assert [path.name for path in paths] == ["ladder.svg", "ladder.png", "topk.svg", "topk.png"]
    assert len(styles(parts(tmp_path / "ladder.svg")["best"], "use")) == 1
    assert len(lines_of(tmp_path / "ladder.csv")) == 1


def test_a_folder_that_cannot_be_written_is_a_message(several: Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AblateError, match="file/figures cannot be written"):
        draw_all(several, tmp_path / "file" / "figures")


# texts


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_every_text_has_room_whatever_the_labels(label: str, kept: dict[str, Axes], tmp_path: Path) -> None:
    """As study, row, reference, factor and level; measured as matplotlib draws them."""
    named = {label: ["off", label], "b": ["off", "on"]}
    cells = [{label: "off", "b": "off"}, {label: label, "b": "off"}, {label: "off", "b": "on"}]
    rows = [row(n, own, {0: 270 + n, 1: 280 - n}, label=f"{label}{n}") for n, own in enumerate(cells, start=1)]
    paper = row(1, {}, {0: 300}, label=label)
    draw_all(analyse(replace(results(named, rows), study=label, references=(paper,))), tmp_path)
    assert sorted(kept) == ["forest", "ladder", "topk"]
    for axes in kept.values():
        check_room(axes)


@pytest.mark.slow
def test_any_label_gives_an_svg_that_is_xml_and_a_csv_that_has_it_whole(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    rows = [row(n, {"n": n}, {0: 270 + n, 1: 280 - n}, label=label) for n, label in enumerate(LABELS.values(), start=1)]
    named = replace(results({"n": list(range(1, 10))}, rows), study="".join(LABELS.values()))
    draw_all(analyse(named), tmp_path)
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
    for name in ("ladder", "topk"):
        assert parts(tmp_path / f"{name}.svg")
        assert [line["row"] for line in lines_of(tmp_path / f"{name}.csv")] == [
            f"{n}  {label}" for n, label in enumerate(LABELS.values(), start=1)
        ]
    assert parts(tmp_path / "forest.svg")
    title = ET.parse(tmp_path / "ladder.svg").getroot()[0].text or ""
    assert title.startswith(SHARP)


def check_room(axes: Axes) -> None:
    """Every text lies within the figure, and none outside the axes reaches into them."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.dpi = 100
    with matplotlib.rc_context(canvas.STYLE):
        renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[arg-type]
        figure.draw_without_rendering()  # type: ignore[union-attr]
        box, plot = figure.bbox, axes.get_window_extent(renderer)
        ticks = axes.get_xticklabels()
        for text in figure.findobj(Text):
            if not text.get_text() or text in ticks:  # type: ignore[attr-defined]
                continue
            own = text.get_window_extent(renderer)
            assert box.x0 <= own.x0
            assert own.x1 <= box.x1 + 1, text
            assert box.y0 - 1 <= own.y0
            assert own.y1 <= box.y1 + 1, text
            if plot.y0 < (own.y0 + own.y1) / 2 < plot.y1 and own.x0 < plot.x0:
                assert own.x1 <= plot.x0, text


def test_formulas_are_text(tmp_path: Path) -> None:
    rows = [row(1, CUBE[0], {0: 270}, label="$x_1$ & <b>"), row(2, CUBE[1], {0: 280}, label=r"\alpha $")]
    draw_all(analyse(results(FACTORS, rows)), tmp_path)
    texts = words_in(tmp_path / "ladder.svg")
    assert "1  $x_1$ & <b>" in texts
    assert r"2  \alpha $" in texts


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("text", ["WMWM", "iiillljjj", "0.50 ± → −", "top-1 row by row", "éßñΩж"])
def test_texts_are_as_wide_as_they_are_drawn(text: str, weight: str, of_five: Path) -> None:
    """A little less at most; also after drawing, which sets the size of the font that letters are measured with."""
    canvas._em.cache_clear()
    renderer = FigureCanvasAgg(Figure(dpi=300)).get_renderer()
    with matplotlib.rc_context(canvas.STYLE):
        width, _, _ = renderer.get_text_width_height_descent(text, FontProperties(size=9, weight=weight), False)
    assert width / 300 <= canvas.inches([text], 9, weight) <= 1.06 * width / 300


@pytest.mark.parametrize("text", ["a" * 46, "a" * 4000, "two words " * 40, "", "日本" * 300])
def test_wrapped_has_at_most_three_lines_of_46_letters(text: str) -> None:
    lines = canvas.wrapped(text).split("\n")
    assert len(lines) <= 3
    assert max(map(len, lines)) <= 46
    assert lines[-1].endswith("…") == (len(text) > 3 * 46)


@pytest.mark.parametrize("text", ["a title that fits", "W" * 300, "日本" * 300, "iiii" * 200])
def test_fitted_fills_the_room_and_no_more(text: str) -> None:
    line = canvas.fitted(text, 3.0, 9)
    assert canvas.inches([line], 9) <= 3.0
    assert line == text or (line.endswith(" …") and canvas.inches([line], 9) > 2.7)


def test_colours_are_of_the_palette_that_colour_blind_readers_tell_apart() -> None:
    """Okabe and Ito 2008, as RGB in their table."""
    published = {"blue": (0, 114, 178), "orange": (230, 159, 0), "green": (0, 158, 115), "vermilion": (213, 94, 0)}
    ours = (canvas.BLUE, canvas.ORANGE, canvas.GREEN, canvas.VERMILION)
    assert [to_hex(np.array(rgb) / 255) for rgb in published.values()] == [colour.lower() for colour in ours]


# the command


@pytest.mark.slow
def test_the_command_writes_the_three_figures_and_writes_them_alike(imported: Ablate, tmp_path: Path) -> None:
    folder = tmp_path / "results" / "figures" / "baseline-log"
    output = imported("report").out.splitlines()
    paths = [tmp_path / line.removeprefix("figure: ") for line in output if line.startswith("figure: ")]
    assert [path.name for path in paths] == [f"{n}.{s}" for n in ("ladder", "topk", "forest") for s in ("svg", "png")]
    assert output[-1].startswith("figure: ")
    written = sorted(path for path in folder.rglob("*") if path.is_file())
    assert {path.name for path in written} == {
        f"{n}.{s}" for n in ("ladder", "topk", "forest") for s in ("svg", "png", "csv")
    }
    assert len(written) == 9
    before = [path.read_bytes() for path in written]
    imported("report")
    assert [path.read_bytes() for path in written] == before
    assert len(lines_of(paths[0].with_suffix(".csv"))) == 9
    assert lines_of(paths[2].with_suffix(".csv"))[0]["top1"].startswith("24.13")


@pytest.mark.slow
def test_a_step_over_a_row_without_a_result_is_not_drawn_as_direct(ablate: Ablate, tmp_path: Path) -> None:
    text = SIMULATED.read_text().replace("plain: {}", "plain: {}\n      both: {normalization: on, erasing: on}")
    (tmp_path / "study.yaml").write_text(text)
    ablate("run", "study.yaml", "--executor", "inline", "--only", "plain", "--only", "both", "--only", "erasing=on")
    ablate("report")
    lines = lines_of(tmp_path / "results/figures/simulated/base/ladder.csv")
    steps = [(line["row"].split()[1], line["direct"]) for line in lines]
    assert steps == [("plain", "True"), ("both", "False"), ("erasing=on", "True")]
