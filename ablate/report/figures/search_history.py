"""The history of a search: the score of each candidate, the best so far, and the finalists on fresh seeds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.results import SearchResults
from ablate.report import wording
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BLUE, GREEN, GREY, LINE, ORANGE, SMALL, VERMILION
from ablate.report.figures.mark_labels import Points, call_out
from ablate.report.figures.search_map import CandidateMark, area_fraction, by_kind, candidate_marks, score_limits
from ablate.report.sections.search_words import baseline_best_words
from ablate.store.schema import DONE, FAILED, PRUNED

HEIGHT: Final = 3.4
LEFT, GAP, EDGE = 0.95, 0.3, 0.2
"""Inches: left of the axes, between them and the axes of the finalists, and at the right edge."""
INCHES_A_FINALIST, LEAST = 0.38, 1.3
"""Inches: the width for each finalist, and the least width of their axes."""
LEGEND_COLUMNS: Final = 3


class FinalistMark(NamedTuple):
    """A finalist as it is drawn; all rates in percent on validation, None if there is none."""

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


def finalist_marks(search: SearchResults, metric: str) -> list[FinalistMark]:
    """Return the finalists with their results on one metric."""
    marks = []
    for rank, finalist in enumerate(search.finalists, start=1):
        rerun = finalist.reruns[metric]
        ends = rerun.interval or (None, None)
        score, mean, low, high = (None if one is None else 100 * one for one in (rerun.score, rerun.mean, *ends))
        marks.append(FinalistMark(rank, finalist.label, score, mean, low, high, len(rerun.rates)))
    return marks


def history_figure(analysis: Analysis, search: SearchResults, metric: str, stem: Path) -> list[Path]:
    """Draw the candidates and the finalists, and write all of them into the CSV; return the paths of SVG and PNG."""
    every, finalists = candidate_marks(search, metric), finalist_marks(search, metric)
    name = wording.METRIC_NAMES[metric]
    share = wording.percent(1 - analysis.results.alpha)
    handles = _legend(every, finalists, share)
    beside = max(LEAST, INCHES_A_FINALIST * len(finalists)) if finalists else 0.0
    notes = ["One seed per candidate, on the validation split; the best of many scores is too optimistic."]
    if search.is_baseline_best:
        notes.append(f"{wording.sentence_case(baseline_best_words(search))}.")
    below = canvas.below_axes(len(notes) - (-len(handles) // LEGEND_COLUMNS))
    axes = canvas.axes_between(LEFT, beside + GAP + EDGE, HEIGHT, 0.7, below)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_ylim(_limits(every, finalists))
    axes.set_xlim(-0.03 * len(every) - 0.5, max(1.03 * len(every) - 0.5, 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    draw_history(axes, every, search.best_so_far(metric))
    if finalists:
        draw_finalists(_finalist_axes(axes, beside), finalists)
    axes.set_ylabel(f"{name} on validation, %")
    axes.yaxis.set_label_coords(-(LEFT - 0.35) / canvas.AXES_INCHES, 0.5)
    canvas.x_label(axes, "candidate")
    title = f"{analysis.results.heading}: {name} on validation during the search"
    canvas.headline(axes, title)
    canvas.notes(axes, notes, handles, ncols=LEGEND_COLUMNS)
    canvas.write_csv(stem, _HEADER, _records(search, every, finalists, metric))
    description = f"{name} of {len(every)} candidates by number, the best so far"
    more = f", and {len(finalists)} finalists on fresh seeds" if finalists else ""
    return canvas.save(axes, stem, title, f"{description}{more}, all on the validation split.")


def draw_history(axes: Axes, every: Sequence[CandidateMark], best: Sequence[tuple[int, float]]) -> None:
    """Draw the scores by number; a pruned candidate below the axis is a triangle at the lower edge."""
    low, _ = axes.get_ylim()
    if best:
        numbers, rates = zip(*best, strict=True)
        ends = [*numbers, len(every) - 1], [100 * rate for rate in (*rates, rates[-1])]
        axes.plot(*ends, drawstyle="steps-post", color=GREEN, linewidth=1.4, zorder=2, gid="best-so-far")
    for kind, marks in by_kind(every).items():
        _draw_kind(axes, kind, _places(marks, low), area_fraction(len(every)))
    _draw_rings(axes, every)


def _draw_kind(axes: Axes, kind: str, places: Points, area: float) -> None:
    """Draw the candidates of one kind; `area` is the fraction of the default area of finished ones."""
    low, _ = axes.get_ylim()
    marker = "s" if "known" in kind else "o"
    style: Any = {"gid": kind, "clip_on": False, "zorder": 3}
    if kind == FAILED:
        axes.scatter(places[:, 0], places[:, 1], marker="x", color="black", s=28, **style)
    elif "finished" in kind:
        axes.scatter(places[:, 0], places[:, 1], marker=marker, s=24 * area, color=BLUE, linewidth=0, **style)
    elif "pruned" in kind:
        below = places[:, 1] < low
        style |= {"s": 26, "facecolor": "white", "edgecolor": ORANGE, "linewidth": 1.3}
        axes.scatter(places[~below, 0], places[~below, 1], marker=marker, **style)
        axes.scatter(places[below, 0], np.full(below.sum(), low), marker="v", **style | {"gid": f"{kind}-below"})


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


def _places(marks: Sequence[CandidateMark], low: float) -> Points:
    """Return number and score of each candidate, shape (candidates, 2); the lower edge if there is no score."""
    return np.array([(mark.number, low if mark.score is None else mark.score) for mark in marks], dtype=float)


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


def _legend(every: Sequence[CandidateMark], finalists: Sequence[FinalistMark], share: str) -> list[Any]:
    """Return the legend's entries for the marks that are drawn."""
    style: Any = {"linestyle": "", "color": BLUE, "markersize": 5.5}
    scored = [mark for mark in every if mark.score is not None and mark.state != FAILED]
    ring: Any = {**style, "color": VERMILION, "markersize": 9, "markerfacecolor": "none"}
    entries = {
        "finished": (any(mark.state == DONE for mark in scored), Line2D([], [], marker="o", **style)),
        "run before the search": (any(mark.known for mark in scored), Line2D([], [], marker="s", **style)),
        "pruned, last score (▽ below axis)": (
            any(mark.state == PRUNED for mark in scored),
            Line2D([], [], marker="o", **{**style, "color": ORANGE}, markerfacecolor="white"),
        ),
        "failed": (
            any(mark.state == FAILED for mark in every),
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


_HEADER = (
    *("number", "state", "known", "validation_percent", "best_so_far_percent", "finalist"),
    *("rerun_mean_percent", "rerun_low_percent", "rerun_high_percent", "rerun_seeds"),
)


def _records(
    search: SearchResults, every: Sequence[CandidateMark], finalists: Sequence[FinalistMark], metric: str
) -> list[list[object]]:
    """Return a line for each candidate; a cell is empty if there is no value."""
    best = {number: 100 * rate for number, rate in search.best_so_far(metric)}
    again = {one.rank: [one.mean, one.low, one.high, one.seeds] for one in finalists}
    lines: list[list[object]] = []
    for mark in every:
        own: list[object] = [mark.number, mark.state, mark.known, mark.score, best.get(mark.number), mark.rank]
        own += again.get(mark.rank or 0, [None] * 4)
        lines.append(["" if value is None else value for value in own])
    return lines
