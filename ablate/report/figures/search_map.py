"""The map of a search: every candidate at its place, coloured by its score; of one dimension, score against value."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.results import SearchResults
from ablate.measurement import Direction, Metric
from ablate.report import wording
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BLUE, GREY, MEDIUM, SMALL, VERMILION
from ablate.report.figures.mark_labels import call_out
from ablate.report.sections.search_words import (
    baseline_best_words,
    is_cost,
    one_seed_words,
    place_in_full,
    place_of,
    ring_name,
)
from ablate.report.units import axis_label, better, shown_value
from ablate.store.schema import DIVERGED, DONE, FAILED, PRUNED
from ablate.study.factors import level_text
from ablate.study.search_space.origin import SearchedDimension
from ablate.text import listed

HEIGHT: Final = 4.3
LEFT, RIGHT = 0.95, 1.2
"""Inches left of the axes, for ticks and labels, and right of them, for the colour scale."""
COLOURS: Final = {Direction.MAXIMIZE: "cividis", Direction.MINIMIZE: "cividis_r"}
"""The colours of scores: a better one is brighter, also in grey."""
EXTENDED: Final = {
    (False, False): "neither",
    (True, False): "min",
    (False, True): "max",
    (True, True): "both",
}
LEGEND_COLUMNS: Final = 3
SIZE: Final = 46.0
"""The default area of a mark, square points."""
FULL_SIZE: Final = 100
"""The number of candidates up to which marks have the default area; more marks are smaller, to hide each other less."""
NO_SCORE: Final = "open"
FAILURES: Final = (FAILED, DIVERGED)
"""The states of candidates that ended without a result."""
CROSSES: Final = {FAILED: ("x", "black"), NO_SCORE: ("+", GREY)}
"""The kinds of candidates without a score, each with its mark and colour."""


class CandidateMark(NamedTuple):
    """A candidate as it is drawn."""

    number: int
    """Its number in the search."""
    state: str
    """How it ended, as in the store: done, pruned, failed, diverged or running."""
    known: bool
    """True if the study had run it before the search."""
    score: float | None
    """As reports print it; of a pruned candidate, its last score. None if there is none."""
    rank: int | None
    """The rank of a finalist, 1 for the winner; None for other candidates."""
    values: tuple[Any, ...]
    """Its values, in the order of the dimensions."""


class AxisScale(NamedTuple):
    """A dimension of the search as an axis of a figure."""

    axis: SearchedDimension
    """The dimension."""
    low: float
    """The lower end of the axis, in the unit of the dimension."""
    high: float
    """The upper end of the axis."""

    def at(self, value: Any) -> float:
        """Return the position of a value on the axis; choices stand next to each other at 0, 1, 2, ..."""
        if not self.axis.choices:
            return float(value)
        return float([level_text(choice) for choice in self.axis.choices].index(level_text(value)))


class SearchMap(NamedTuple):
    """A search as it is drawn over one or two of its dimensions."""

    x: AxisScale
    """The dimension along the horizontal axis."""
    y: AxisScale | None
    """The dimension along the vertical axis; None if the score is drawn there."""
    metric: Metric
    """The metric of the scores."""
    score_limits: tuple[float, float]
    """The ends of the vertical axis if the score is drawn there."""
    marks: Sequence[CandidateMark]
    """All candidates."""
    places: Mapping[int, tuple[float, float]]
    """{number of a candidate: its place, in data coordinates of the axes}."""
    baseline: tuple[float, float] | None
    """The place of the baseline; None if the baseline has no value in a dimension that is drawn."""
    ring_name: str
    """The meaning of a ring with a number, for the legend."""


def score_label(metric: Metric) -> str:
    """Return the label of an axis of scores: `top-1 on validation, %`."""
    return f"{axis_label(metric, place_of(metric))}{better(metric)}"


def worse_end(metric: Metric, limits: tuple[float, float]) -> float:
    """Return the end of an axis of scores that lies on the side of worse ones."""
    return limits[0] if metric.direction is Direction.MAXIMIZE else limits[1]


def candidate_marks(search: SearchResults, metric: Metric) -> list[CandidateMark]:
    """Return all candidates with their scores on one metric."""
    places = {finalist.number: rank for rank, finalist in enumerate(search.finalists, start=1)}
    names = [axis.name for axis in search.dimensions]
    return [
        CandidateMark(
            one.number,
            one.state,
            one.known,
            None if (value := one.value(metric.name)) is None or not isfinite(value) else shown_value(metric, value),
            places.get(one.number),
            tuple(one.point.get(name) for name in names),
        )
        for one in search.candidates
    ]


def drawn_dimensions(search: SearchResults, metric: Metric) -> list[SearchedDimension]:
    """Return the dimensions to draw: the first two ranges, or of more than two the two most important; else one."""
    ranges = [axis for axis in search.dimensions if not axis.choices]
    if len(ranges) > 2 and (shares := search.importance[metric.name].shares):
        order = [share.name for share in shares]
        first = sorted(ranges, key=lambda axis: order.index(axis.name))[:2]
        return [axis for axis in ranges if axis in first]
    return ranges[:2] or list(search.dimensions[:1])


def score_limits(scores: Sequence[float], room: float = 0.08) -> tuple[float, float]:
    """Return the ends of an axis around the scores, never of no width; those of no meaning if there are no scores."""
    if not scores:
        return 0.0, 1.0
    low, high = min(scores), max(scores)
    margin = room * (high - low) if high > low else 0.02 * abs(high) or 0.5
    return low - margin, high + margin


def by_kind(marks: Sequence[CandidateMark], metric: Metric) -> dict[str, list[CandidateMark]]:
    """Return {kind: candidates that are drawn alike}, finalists and good scores last, so that they are drawn on top."""
    groups: dict[str, list[CandidateMark]] = {}
    sign = metric.direction.sign
    for mark in sorted(marks, key=lambda mark: (mark.rank is not None, sign * (mark.score or 0.0))):
        if mark.state in FAILURES or mark.score is None:
            kind = FAILED if mark.state in FAILURES else NO_SCORE
        else:
            kind = ("known-" if mark.known else "") + ("pruned" if mark.state == PRUNED else "finished")
        groups.setdefault(kind, []).append(mark)
    return groups


def failure_words(marks: Sequence[CandidateMark]) -> str:
    """Return the legend of candidates without a result: `failed`, `diverged`, or both; empty if there are none."""
    return " or ".join(state for state in FAILURES if any(mark.state == state for mark in marks))


def area_fraction(count: int) -> float:
    """Return the fraction of the default marker area to use for `count` candidates."""
    return max(0.3, min(1.0, FULL_SIZE / max(count, 1)))


def search_map(search: SearchResults, metric: Metric) -> SearchMap:
    """Return the places of the candidates and of the baseline over the dimensions to draw."""
    marks = candidate_marks(search, metric)
    x, *others = (_scale(axis, search) for axis in drawn_dimensions(search, metric))
    y = others[0] if others else None
    limits = score_limits(_finished_scores(marks))
    worst = worse_end(metric, limits)
    names = [axis.name for axis in search.dimensions]
    at_x = names.index(x.axis.name)
    at_y = names.index(y.axis.name) if y else None
    places = {
        mark.number: (
            x.at(mark.values[at_x]),
            _clipped(worst if mark.score is None else mark.score, limits)
            if y is None or at_y is None
            else y.at(mark.values[at_y]),
        )
        for mark in marks
    }
    return SearchMap(x, y, metric, limits, marks, places, _baseline(search, x, y, worst), ring_name(search))


def draw_map(axes: Axes, drawn: SearchMap) -> None:
    """Draw candidates, baseline and finalists: marks coloured by score over two dimensions, else heights."""
    _set_axes(axes, drawn)
    scored = _finished_scores(drawn.marks)
    colours = ScalarMappable(
        Normalize(*score_limits(scored, 0.0)), matplotlib.colormaps[COLOURS[drawn.metric.direction]]
    )
    for kind, marks in by_kind(drawn.marks, drawn.metric).items():
        _draw_kind(axes, drawn, kind, marks, colours)
    _draw_baseline(axes, drawn)
    _draw_finalists(axes, drawn)
    if drawn.y and scored:
        every = [mark.score for mark in drawn.marks if mark.score is not None]
        _draw_colour_scale(
            axes, colours, score_label(drawn.metric), (min(every) < min(scored), max(every) > max(scored))
        )


def map_figure(analysis: Analysis, search: SearchResults, metric: Metric, stem: Path) -> list[Path]:
    """Draw the map of a search, and write all candidates into its CSV; return the paths of SVG and PNG."""
    drawn, name = search_map(search, metric), f"{metric.title} {place_of(metric)}"
    notes = list(_notes(search, drawn, metric))
    handles = _legend(drawn)
    lines_below = len(notes) - (-len(handles) // LEGEND_COLUMNS)
    axes = canvas.axes_between(LEFT, RIGHT, HEIGHT, 0.55, canvas.below_axes(lines_below))
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    draw_map(axes, drawn)
    axes.yaxis.set_label_coords(-(LEFT - 0.35) / canvas.AXES_INCHES, 0.5)
    canvas.x_label(axes, canvas.fitted(drawn.x.axis.name, canvas.AXES_INCHES, MEDIUM))
    title = f"{analysis.results.heading}: {name} of {wording.counted(len(drawn.marks), 'candidate')}"
    canvas.headline(axes, title)
    canvas.notes(axes, notes, handles, ncols=LEGEND_COLUMNS)
    header = ["number", "state", "known", score_column(metric, f"{metric.name}_{source_column(metric)}"), "finalist"]
    canvas.write_csv(
        stem,
        [*header, *(axis.name for axis in search.dimensions)],
        [[*("" if value is None else value for value in mark[:-1]), *map(_cell, mark.values)] for mark in drawn.marks],
    )
    return canvas.save(axes, stem, title, _description(search, drawn))


def source_column(metric: Metric) -> str:
    """Return the word for the place of scores in names of columns: validation, or training for a cost."""
    return "training" if is_cost(metric) else "validation"


def score_column(metric: Metric, name: str) -> str:
    """Return the name of a column of a figure's CSV with printed scores: that of a rate says that they are percent."""
    return f"{name}_percent" if metric.is_rate else name


def _cell(value: Any) -> Any:
    """Return a candidate's value for the CSV: a number with all its digits, anything else as a study file has it."""
    return value if _is_number(value) else level_text(value)


def _finished_scores(marks: Sequence[CandidateMark]) -> list[float]:
    """Return the scores of the finished candidates."""
    return [mark.score for mark in marks if mark.state == DONE and mark.score is not None]


def _clipped(score: float, limits: tuple[float, float]) -> float:
    """Return the height of a score: at the edge of the axis if it lies beyond."""
    low, high = limits
    return min(max(score, low), high)


def _baseline(search: SearchResults, x: AxisScale, y: AxisScale | None, worst: float) -> tuple[float, float] | None:
    if not all(_has_place(scale.axis, search) for scale in (x, y) if scale):
        return None
    return x.at(search.baseline[x.axis.name]), y.at(search.baseline[y.axis.name]) if y else worst


def _has_place(axis: SearchedDimension, search: SearchResults) -> bool:
    """Return True if the baseline has a value that the axis can show."""
    value = search.baseline.get(axis.name)
    if axis.choices:
        return level_text(value) in [level_text(choice) for choice in axis.choices]
    return _is_number(value)


def _scale(axis: SearchedDimension, search: SearchResults) -> AxisScale:
    """Return an axis wide enough for the range, for the candidates that were run before, and for the baseline."""
    if axis.choices:
        return AxisScale(axis, -0.5, len(axis.choices) - 0.5)
    points = [one.point[axis.name] for one in search.candidates if axis.name in one.point]
    others = [search.baseline[axis.name]] if _is_number(search.baseline.get(axis.name)) else []
    ends = [float(end) for end in (axis.low, axis.high) if end is not None]
    low, high = (pick([*ends, *points, *others], default=0.0) for pick in (min, max))
    if axis.log and low > 0:
        room = (high / low) ** 0.04
        return AxisScale(axis, low / room, high * room)
    room = 0.04 * (high - low) or 0.5
    return AxisScale(axis, low - room, high + room)


def _set_axes(axes: Axes, drawn: SearchMap) -> None:
    """Set the limits, the ticks and the name of the vertical axis."""
    _set_scale(axes, "x", drawn.x)
    if drawn.y:
        _set_scale(axes, "y", drawn.y)
        axes.set_ylabel(canvas.fitted(drawn.y.axis.name, HEIGHT, MEDIUM))
    else:
        axes.set_ylim(drawn.score_limits)
        axes.set_ylabel(score_label(drawn.metric))


def _set_scale(axes: Axes, side: str, scale: AxisScale) -> None:
    """Set the limits and ticks of one axis."""
    own, set_limits = (axes.xaxis, axes.set_xlim) if side == "x" else (axes.yaxis, axes.set_ylim)
    is_log = scale.axis.log and scale.low > 0
    if is_log:
        (axes.set_xscale if side == "x" else axes.set_yscale)("log")
    set_limits(scale.low, scale.high)
    if is_log:
        subs = (1, 2, 5) if scale.high / scale.low < 1000 else (1,)
        own.set_major_locator(LogLocator(subs=subs))
        own.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        own.set_minor_formatter(NullFormatter())
    if scale.axis.choices:
        room = 0.95 * canvas.AXES_INCHES / len(scale.axis.choices)
        labels = [canvas.fitted(level_text(choice), room, SMALL) for choice in scale.axis.choices]
        own.set_ticks(range(len(labels)), labels, fontsize=SMALL)


def _draw_kind(
    axes: Axes, drawn: SearchMap, kind: str, marks: Sequence[CandidateMark], colours: ScalarMappable
) -> None:
    """Draw the candidates of one kind: filled if finished, with a hole if pruned, crossed without a score."""
    xs, ys = zip(*(drawn.places[mark.number] for mark in marks), strict=True)
    if kind in CROSSES:
        marker, colour = CROSSES[kind]
        axes.scatter(xs, ys, marker=marker, color=colour, s=30, gid=kind, zorder=3, clip_on=False)
        return
    marker, size = ("s" if "known" in kind else "o"), SIZE * area_fraction(len(drawn.marks))
    faces: Any = colours.to_rgba(np.array([mark.score or 0.0 for mark in marks])) if drawn.y else BLUE
    style: Any = {"marker": marker, "edgecolor": GREY, "clip_on": False, "snap": False}
    axes.scatter(xs, ys, s=size, facecolor=faces, gid=kind, zorder=3, linewidth=0.6, **style)
    if "pruned" in kind:
        hole: Any = {"s": size / 4.5, "facecolor": "white", "gid": f"{kind}-hole", "zorder": 3.1, "linewidth": 0.4}
        axes.scatter(xs, ys, **hole, **style)


def _draw_baseline(axes: Axes, drawn: SearchMap) -> None:
    """Draw a star at the place of the baseline, and over one dimension a line at its value."""
    if drawn.baseline is None:
        return
    x, y = drawn.baseline
    if drawn.y is None:
        axes.axvline(x, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
    style: Any = {"marker": "*", "facecolor": "white", "edgecolor": "black", "linewidth": 1.1, "clip_on": False}
    axes.scatter(x, y, s=150, zorder=3.5, gid="baseline", **style)


def _draw_finalists(axes: Axes, drawn: SearchMap) -> None:
    """Draw a ring around each finalist, and its rank next to it."""
    ringed = sorted((mark.rank, drawn.places[mark.number]) for mark in drawn.marks if mark.rank is not None)
    if not ringed:
        return
    places = [place for _, place in ringed]
    xs, ys = zip(*places, strict=True)
    axes.scatter(xs, ys, s=120, facecolor="none", edgecolor=VERMILION, linewidth=1.5, zorder=4, gid="finalists")
    call_out(axes, [str(rank) for rank, _ in ringed], places, np.array(list(drawn.places.values())))


def _draw_colour_scale(axes: Axes, colours: ScalarMappable, name: str, beyond: tuple[bool, bool]) -> None:
    """Draw the colour scale right of the axes, with an arrow at each end if scores lie `beyond` it: (lower, upper)."""
    figure = canvas.figure_of(axes)
    box, width = axes.get_position(), figure.get_figwidth()
    beside = figure.add_axes((box.x1 + 0.18 / width, box.y0, 0.15 / width, box.height))
    bar = figure.colorbar(colours, cax=beside, extend=EXTENDED[beyond])
    bar.outline.set_visible(False)
    bar.set_label(name)
    bar.ax.tick_params(labelsize=SMALL)


def _legend(drawn: SearchMap) -> list[Any]:
    """Return the legend's entries for the marks that are drawn."""
    style: Any = {"linestyle": "", "color": GREY if drawn.y else BLUE, "markersize": 6}
    low, high = drawn.score_limits
    sides = {
        "below": any(mark.score is not None and mark.score < low for mark in drawn.marks),
        "above": any(mark.score is not None and mark.score > high for mark in drawn.marks),
    }
    cut = [side for side, is_cut in sides.items() if is_cut and drawn.y is None]
    edge = f" (at the edge: {' or '.join(cut)})" if cut else ""
    pruned, failures = f"pruned, with its last score{edge}", failure_words(drawn.marks)
    scored = [mark for mark in drawn.marks if mark.score is not None and mark.state not in FAILURES]
    entries = {
        "finished": (
            any(mark.state == DONE and not mark.known for mark in scored),
            Line2D([], [], marker="o", **style),
        ),
        "run before the search": (any(mark.known for mark in scored), Line2D([], [], marker="s", **style)),
        pruned: (
            any(mark.state == PRUNED for mark in scored),
            Line2D([], [], marker="o", markerfacecolor="white", markeredgewidth=2.0, **style),
        ),
        failures: (
            bool(failures),
            Line2D([], [], marker="x", **{**style, "color": "black"}),
        ),
        "no score yet": (
            any(mark.score is None and mark.state not in FAILURES for mark in drawn.marks),
            Line2D([], [], marker="+", **style),
        ),
        drawn.ring_name: (
            any(mark.rank for mark in drawn.marks),
            Line2D([], [], marker="o", **{**style, "color": VERMILION, "markersize": 9}, markerfacecolor="none"),
        ),
        "baseline": (
            drawn.baseline is not None,
            Line2D(
                *([], []),
                marker="*",
                markerfacecolor="white",
                **{**style, "color": "black", "markersize": 10, "linestyle": "" if drawn.y else ":"},
            ),
        ),
    }
    for label, (_, handle) in entries.items():
        handle.set_label(label)
    return [handle for is_drawn, handle in entries.values() if is_drawn]


def _notes(search: SearchResults, drawn: SearchMap, metric: Metric) -> Iterator[str]:
    """Return the notes below the map: the dimensions that are not drawn, and the limits of the scores."""
    axes = [scale.axis for scale in (drawn.x, drawn.y) if scale]
    if len(search.dimensions) > len(axes):
        names = listed([axis.name for axis in axes])
        others = listed([axis.name for axis in search.dimensions if axis not in axes])
        chosen = " (largest importance)" if len(axes) == 2 and search.importance[metric.name].shares else ""
        yield f"Drawn: {names}{chosen}. Candidates also differ in dimensions that are not drawn: {others}."
    yield f"{one_seed_words(metric)}. The sampler chose the points: it did not try empty areas."
    if search.is_baseline_best:
        yield f"{wording.sentence_case(baseline_best_words(search))}."


def _description(search: SearchResults, drawn: SearchMap) -> str:
    """Return a description of the figure for screen readers."""
    best = f"; {baseline_best_words(search)}" if search.is_baseline_best else ""
    if search.front and not best:
        best = f"; the best is trial {search.front[0].number}"
    names = " and ".join(scale.axis.name for scale in (drawn.x, drawn.y) if scale)
    scores = f"{drawn.metric.title} {place_in_full(drawn.metric)}"
    return f"{scores} of {len(drawn.marks)} candidates over {names}{best}."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
