"""The history of a search: the score of each candidate, the best so far, and the finalists on fresh seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.results import SearchResults
from ablate.measurement import Direction, Metric
from ablate.report import wording
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BLUE, GREEN, GREY, LINE, ORANGE, SMALL, VERMILION
from ablate.report.figures.mark_labels import Points, call_out
from ablate.report.figures.search_map import (
    FAILURES,
    CandidateMark,
    area_fraction,
    by_kind,
    candidate_marks,
    failure_words,
    score_column,
    score_label,
    score_limits,
    source_column,
    worse_end,
)
from ablate.report.sections.search_words import baseline_best_words, one_seed_words, place_in_full, place_of
from ablate.report.units import shown_value
from ablate.store.schema import DONE, FAILED, PRUNED

HEIGHT: Final = 3.4
LEFT, GAP, EDGE = 0.95, 0.3, 0.2
"""Inches: left of the axes, between them and the axes of the finalists, and at the right edge."""
INCHES_A_FINALIST, LEAST = 0.38, 1.3
"""Inches: the width for each finalist, and the least width of their axes."""
LEGEND_COLUMNS: Final = 3


class FinalistMark(NamedTuple):
    """A finalist as it is drawn; all scores as reports print them, None if there is none."""

    rank: int
    """1 for the first, whose score in the search is best."""
    label: str
    """Its number and values."""
    score: float | None
    """The score in the search, by one seed."""
    mean: float | None
    """The mean over the fresh seeds."""
    low: float | None
    """The lower end of the interval of the mean."""
    high: float | None
    """The upper end of the interval of the mean."""
    seeds: int
    """The number of fresh seeds with a result."""


def finalist_marks(search: SearchResults, metric: Metric) -> list[FinalistMark]:
    """Return the finalists with their results on one metric."""
    marks = []
    for rank, finalist in enumerate(search.finalists, start=1):
        rerun = finalist.reruns[metric.name]
        own = (rerun.score, rerun.mean, *(rerun.interval or (None, None)))
        score, mean, low, high = (None if one is None else shown_value(metric, one) for one in own)
        marks.append(FinalistMark(rank, finalist.label, score, mean, low, high, len(rerun.values)))
    return marks


def history_figure(analysis: Analysis, search: SearchResults, metric: Metric, stem: Path) -> list[Path]:
    """Draw the candidates and the finalists, and write all of them into the CSV; return the paths of SVG and PNG."""
    every, finalists = candidate_marks(search, metric), finalist_marks(search, metric)
    share = wording.percent(1 - analysis.results.alpha)
    limits = _limits(every, finalists)
    handles = _legend(every, finalists, share, _pruned_words(every, metric, limits))
    beside = max(LEAST, INCHES_A_FINALIST * len(finalists)) if finalists else 0.0
    notes = [f"{one_seed_words(metric)}; the best of many scores is too optimistic."]
    if search.is_baseline_best:
        notes.append(f"{wording.sentence_case(baseline_best_words(search))}.")
    below = canvas.below_axes(len(notes) - (-len(handles) // LEGEND_COLUMNS))
    axes = canvas.axes_between(LEFT, beside + GAP + EDGE, HEIGHT, 0.7, below)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_ylim(limits)
    axes.set_xlim(-0.03 * len(every) - 0.5, max(1.03 * len(every) - 0.5, 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    best = [(number, shown_value(metric, score)) for number, score in search.best_so_far(metric.name)]
    draw_history(axes, every, best, metric)
    if finalists:
        draw_finalists(_finalist_axes(axes, beside), finalists)
    axes.set_ylabel(score_label(metric))
    axes.yaxis.set_label_coords(-(LEFT - 0.35) / canvas.AXES_INCHES, 0.5)
    canvas.x_label(axes, "candidate")
    title = f"{analysis.results.heading}: {metric.title} {place_of(metric)} during the search"
    canvas.headline(axes, title)
    canvas.notes(axes, notes, handles, ncols=LEGEND_COLUMNS)
    canvas.write_csv(stem, _header(metric), _records(every, finalists, dict(best)))
    description = f"{metric.title} of {len(every)} candidates by number, the best so far"
    more = f", and {len(finalists)} finalists on fresh seeds" if finalists else ""
    return canvas.save(axes, stem, title, f"{description}{more}, all {place_in_full(metric)}.")


def draw_history(axes: Axes, every: Sequence[CandidateMark], best: Sequence[tuple[int, float]], metric: Metric) -> None:
    """Draw the scores by number; a pruned candidate beyond the axis is a triangle at its edge.

    `best`: (number, best score so far as reports print it).
    """
    worst = worse_end(metric, axes.get_ylim())
    if best:
        numbers, scores = zip(*best, strict=True)
        ends = [*numbers, len(every) - 1], [*scores, scores[-1]]
        axes.plot(*ends, drawstyle="steps-post", color=GREEN, linewidth=1.4, zorder=2, gid="best-so-far")
    for kind, marks in by_kind(every, metric).items():
        _draw_kind(axes, kind, _places(marks, worst), area_fraction(len(every)))
    _draw_rings(axes, every)


def _draw_kind(axes: Axes, kind: str, places: Points, area: float) -> None:
    """Draw the candidates of one kind; `area` is the fraction of the default area of finished ones."""
    low, high = axes.get_ylim()
    marker = "s" if "known" in kind else "o"
    style: Any = {"gid": kind, "clip_on": False, "zorder": 3}
    if kind == FAILED:
        axes.scatter(places[:, 0], places[:, 1], marker="x", color="black", s=28, **style)
    elif "finished" in kind:
        axes.scatter(places[:, 0], places[:, 1], marker=marker, s=24 * area, color=BLUE, linewidth=0, **style)
    elif "pruned" in kind:
        below, above = places[:, 1] < low, places[:, 1] > high
        inside = ~(below | above)
        style |= {"s": 26, "facecolor": "white", "edgecolor": ORANGE, "linewidth": 1.3}
        axes.scatter(places[inside, 0], places[inside, 1], marker=marker, **style)
        for beyond, edge, marker, side in ((below, low, "v", "below"), (above, high, "^", "above")):
            axes.scatter(
                places[beyond, 0], np.full(beyond.sum(), edge), marker=marker, **style | {"gid": f"{kind}-{side}"}
            )


def _draw_rings(axes: Axes, every: Sequence[CandidateMark]) -> None:
    """Draw a ring around each finalist, and its rank next to it."""
    scored = [(mark, mark.score) for mark in every if mark.score is not None]
    finalists = sorted((mark.rank, mark.number, score) for mark, score in scored if mark.rank is not None)
    if not finalists:
        return
    places = [(float(number), score) for _, number, score in finalists]
    xs, ys = zip(*places, strict=True)
    axes.scatter(xs, ys, s=85, facecolor="none", edgecolor=VERMILION, linewidth=1.4, zorder=4, gid="finalists")
    marks = np.array([(mark.number, score) for mark, score in scored], dtype=float)
    call_out(axes, [str(rank) for rank, _, _ in finalists], places, marks)


def _places(marks: Sequence[CandidateMark], worst: float) -> Points:
    """Return number and score of each candidate, shape (candidates, 2); the edge of `worst` if there is no score."""
    return np.array([(mark.number, worst if mark.score is None else mark.score) for mark in marks], dtype=float)


def draw_finalists(axes: Axes, finalists: Sequence[FinalistMark]) -> None:
    """Draw the score of the search as a ring, and the mean over fresh seeds as a diamond with its interval."""
    for one in finalists:
        if one.score is not None:
            axes.scatter(one.rank, one.score, s=85, facecolor="none", edgecolor=VERMILION, linewidth=1.4, zorder=3)
        if one.low is not None and one.high is not None:
            axes.vlines(one.rank, one.low, one.high, colors="black", linewidth=2.2, zorder=2)
        if one.mean is not None:
            axes.scatter(one.rank, one.mean, marker="D", s=26, color="black", zorder=4)
    axes.set_xlim(0.4, len(finalists) + 0.6)
    axes.set_xticks([one.rank for one in finalists])


def _finalist_axes(axes: Axes, width: float) -> Axes:
    """Return axes for the finalists, to the right of the others, `width` inches wide, with the same vertical axis."""
    figure = canvas.figure_of(axes)
    box, every = axes.get_position(), figure.get_figwidth()
    beside = figure.add_axes((box.x1 + GAP / every, box.y0, width / every, box.height), sharey=axes)
    beside.tick_params(axis="y", length=0, labelleft=False)
    beside.grid(axis="y", color="#dddddd", linewidth=0.6)
    beside.set_axisbelow(True)
    beside.spines["left"].set_visible(False)
    beside.set_xlabel("finalist")
    beside.xaxis.set_label_coords(0.5, -0.3 / HEIGHT)
    above: Any = {"transform": beside.transAxes, "ha": "center", "va": "bottom", "fontsize": SMALL, "color": GREY}
    beside.text(0.5, 1 + SMALL * LINE * 0.3 / HEIGHT, "on fresh seeds", **above)
    return beside


def _limits(every: Sequence[CandidateMark], finalists: Sequence[FinalistMark]) -> tuple[float, float]:
    """Return the ends of the vertical axis: around finished scores and finalists; if there are none, around pruned."""
    finished = [mark.score for mark in every if mark.state == DONE and mark.score is not None]
    again = [end for one in finalists for end in one[2:6] if end is not None]
    return score_limits([*finished, *again] or [mark.score for mark in every if mark.score is not None])


def _pruned_words(every: Sequence[CandidateMark], metric: Metric, limits: tuple[float, float]) -> str:
    """Return the legend of pruned candidates, with the meaning of the triangles at the edges."""
    scores = [mark.score for mark in every if mark.state == PRUNED and mark.score is not None]
    beyond = {"▽ below": any(one < limits[0] for one in scores), "△ above": any(one > limits[1] for one in scores)}
    usual = "▽ below" if metric.direction is Direction.MAXIMIZE else "△ above"
    sides = [side for side, is_there in beyond.items() if is_there or side == usual]
    return f"pruned, last score ({', '.join(sides)} axis)"


def _legend(every: Sequence[CandidateMark], finalists: Sequence[FinalistMark], share: str, pruned: str) -> list[Any]:
    """Return the legend's entries for the marks that are drawn."""
    style: Any = {"linestyle": "", "color": BLUE, "markersize": 5.5}
    scored = [mark for mark in every if mark.score is not None and mark.state not in FAILURES]
    failures = failure_words(every)
    ring: Any = {**style, "color": VERMILION, "markersize": 9, "markerfacecolor": "none"}
    entries = {
        "finished": (any(mark.state == DONE for mark in scored), Line2D([], [], marker="o", **style)),
        "run before the search": (any(mark.known for mark in scored), Line2D([], [], marker="s", **style)),
        pruned: (
            any(mark.state == PRUNED for mark in scored),
            Line2D([], [], marker="o", **{**style, "color": ORANGE}, markerfacecolor="white"),
        ),
        failures: (
            bool(failures),
            Line2D([], [], marker="x", **{**style, "color": "black"}),
        ),
        "best so far": (any(mark.state == DONE for mark in scored), Line2D([], [], color=GREEN, linewidth=1.4)),
        "finalist, score in the search": (
            any(one.score is not None for one in finalists),
            Line2D([], [], marker="o", **ring),
        ),
        f"mean of fresh seeds, {share} interval": (
            any(one.mean is not None for one in finalists),
            Line2D([], [], marker="D", color="black", markersize=5, linewidth=2.2),
        ),
    }
    for label, (_, handle) in entries.items():
        handle.set_label(label)
    return [handle for is_drawn, handle in entries.values() if is_drawn]


def _header(metric: Metric) -> list[str]:
    validation, best, *rerun = (
        score_column(metric, name)
        for name in (source_column(metric), "best_so_far", "rerun_mean", "rerun_low", "rerun_high")
    )
    return ["number", "state", "known", validation, best, "finalist", *rerun, "rerun_seeds"]


def _records(
    every: Sequence[CandidateMark], finalists: Sequence[FinalistMark], best: Mapping[int, float]
) -> list[list[object]]:
    """Return a line for each candidate; a cell is empty if there is no value."""
    again = {one.rank: [one.mean, one.low, one.high, one.seeds] for one in finalists}
    lines: list[list[object]] = []
    for mark in every:
        own: list[object] = [mark.number, mark.state, mark.known, mark.score, best.get(mark.number), mark.rank]
        own += again.get(mark.rank or 0, [None] * 4)
        lines.append(["" if value is None else value for value in own])
    return lines
