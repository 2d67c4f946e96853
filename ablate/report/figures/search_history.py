"""The history of a search: every candidate's score by number, the best so far, and beside it what fresh seeds gave."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.results import SearchResults
from ablate.report import wording
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BLUE, GREEN, GREY, LINE, ORANGE, SMALL, VERMILION
from ablate.report.figures.mark_labels import call_out
from ablate.report.figures.search_map import CandidateMark, kinds, mark_share, score_limits, spots
from ablate.store.schema import DONE, FAILED, PRUNED

HEIGHT: Final = 3.4
LEFT, GAP, EDGE = 0.95, 0.3, 0.2
"""Inches: left of the axes, between them and the finalists', and at the right edge."""
INCHES_A_FINALIST, LEAST = 0.38, 1.3
LEGEND_COLUMNS: Final = 3


class FinalistMark(NamedTuple):
    """A finalist, percent on validation: the search's score, and the mean of `seeds` fresh ones with its interval."""

    rank: int
    label: str
    score: float | None
    mean: float | None
    low: float | None
    high: float | None
    seeds: int


def reran(search: SearchResults, metric: str) -> list[FinalistMark]:
    found = []
    for rank, finalist in enumerate(search.finalists, start=1):
        rerun = finalist.reruns[metric]
        ends = rerun.interval or (None, None)
        score, mean, low, high = (None if one is None else 100 * one for one in (rerun.score, rerun.mean, *ends))
        found.append(FinalistMark(rank, finalist.label, score, mean, low, high, len(rerun.rates)))
    return found


def history_figure(analysis: Analysis, search: SearchResults, metric: str, stem: Path) -> list[Path]:
    """Draws the candidates and the finalists, and writes all of them into the CSV."""
    every, finalists, name = spots(search, metric), reran(search, metric), wording.METRIC_NAMES[metric]
    share = wording.percent(1 - analysis.results.alpha)
    handles = _legend(every, finalists, share)
    beside = max(LEAST, INCHES_A_FINALIST * len(finalists)) if finalists else 0.0
    note = "One seed a candidate, on the validation split; the best of many is optimistic."
    below = canvas.below_axes(1 - (-len(handles) // LEGEND_COLUMNS))
    axes = canvas.axes_between(LEFT, beside + GAP + EDGE, HEIGHT, 0.7, below)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_ylim(_limits(every, finalists))
    axes.set_xlim(-0.03 * len(every) - 0.5, max(1.03 * len(every) - 0.5, 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    draw_history(axes, every, search.best_so_far(metric))
    if finalists:
        draw_reran(_panel(axes, beside), finalists)
    axes.set_ylabel(f"{name} on validation, %")
    axes.yaxis.set_label_coords(-(LEFT - 0.35) / canvas.AXES_INCHES, 0.5)
    canvas.x_label(axes, "candidate")
    title = f"{analysis.results.heading}: {name} on validation as the search went"
    canvas.headline(axes, title)
    canvas.notes(axes, [note], handles, ncols=LEGEND_COLUMNS)
    canvas.write_csv(stem, _HEADER, _records(search, every, finalists, metric))
    described = f"{name} of {len(every)} candidates by number, the best so far"
    more = f", and {len(finalists)} finalists on fresh seeds" if finalists else ""
    return canvas.save(axes, stem, title, f"{described}{more}, all on the validation split.")


def draw_history(axes: Axes, every: Sequence[CandidateMark], best: Sequence[tuple[int, float]]) -> None:
    """What lies below the axis, as a pruned candidate may that was stopped early, is a triangle at its edge."""
    low, _ = axes.get_ylim()
    if best:
        numbers, rates = zip(*best, strict=True)
        ends = [*numbers, len(every) - 1], [100 * rate for rate in (*rates, rates[-1])]
        axes.plot(*ends, drawstyle="steps-post", color=GREEN, linewidth=1.4, zorder=2, gid="best-so-far")
    for kind, group in kinds(every).items():
        mark, at = ("s" if "known" in kind else "o"), _places(group, low)
        style: Any = {"gid": kind, "clip_on": False, "zorder": 3}
        if kind == FAILED:
            axes.scatter(at[:, 0], at[:, 1], marker="x", color="black", s=28, **style)
        elif "finished" in kind:
            axes.scatter(
                at[:, 0], at[:, 1], marker=mark, s=24 * mark_share(len(every)), color=BLUE, linewidth=0, **style
            )
        elif "pruned" in kind:
            below = at[:, 1] < low
            style |= {"s": 26, "facecolor": "white", "edgecolor": ORANGE, "linewidth": 1.3}
            axes.scatter(at[~below, 0], at[~below, 1], marker=mark, **style)
            axes.scatter(at[below, 0], np.full(below.sum(), low), marker="v", **style | {"gid": f"{kind}-below"})
    finalists = sorted((s for s in every if s.rank is not None and s.score is not None), key=lambda s: s.rank or 0)
    rings = [(float(spot.number), float(spot.score or 0)) for spot in finalists]
    if rings:
        xs, ys = zip(*rings, strict=True)
        axes.scatter(xs, ys, s=85, facecolor="none", edgecolor=VERMILION, linewidth=1.4, zorder=4, gid="finalists")
        marks = np.array([(spot.number, spot.score) for spot in every if spot.score is not None], dtype=float)
        call_out(axes, [str(spot.rank) for spot in finalists], rings, marks)


def _places(group: Sequence[CandidateMark], low: float) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Shape (candidates, 2): number and score, of none the lower edge."""
    return np.array([(spot.number, low if spot.score is None else spot.score) for spot in group], dtype=float)


def draw_reran(axes: Axes, finalists: Sequence[FinalistMark]) -> None:
    """The search's score as a ring, the mean of fresh seeds as a diamond with its interval."""
    for one in finalists:
        if one.score is not None:
            axes.scatter(one.rank, one.score, s=85, facecolor="none", edgecolor=VERMILION, linewidth=1.4, zorder=3)
        if one.low is not None and one.high is not None:
            axes.vlines(one.rank, one.low, one.high, colors="black", linewidth=2.2, zorder=2)
        if one.mean is not None:
            axes.scatter(one.rank, one.mean, marker="D", s=26, color="black", zorder=4)
    axes.set_xlim(0.4, len(finalists) + 0.6)
    axes.set_xticks([one.rank for one in finalists])


def _panel(axes: Axes, width: float) -> Axes:
    """Axes for the finalists, to the right, with the same heights."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
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
    """Of what finished and of the finalists; where nothing has finished yet, of what was pruned."""
    finished = [spot.score for spot in every if spot.state == DONE and spot.score is not None]
    again = [end for one in finalists for end in one[2:6] if end is not None]
    return score_limits([*finished, *again] or [spot.score for spot in every if spot.score is not None])


def _legend(every: Sequence[CandidateMark], finalists: Sequence[FinalistMark], share: str) -> list[Any]:
    style: Any = {"linestyle": "", "color": BLUE, "markersize": 5.5}
    scored = [spot for spot in every if spot.score is not None and spot.state != FAILED]
    ring: Any = {**style, "color": VERMILION, "markersize": 9, "markerfacecolor": "none"}
    entries = {
        "finished": (any(spot.state == DONE for spot in scored), Line2D([], [], marker="o", **style)),
        "run before the search": (any(spot.known for spot in scored), Line2D([], [], marker="s", **style)),
        "pruned: where it stood, ▽ below": (
            any(spot.state == PRUNED for spot in scored),
            Line2D([], [], marker="o", **{**style, "color": ORANGE}, markerfacecolor="white"),
        ),
        "failed": (
            any(spot.state == FAILED for spot in every),
            Line2D([], [], marker="x", **{**style, "color": "black"}),
        ),
        "best so far": (any(spot.state == DONE for spot in scored), Line2D([], [], color=GREEN, linewidth=1.4)),
        "finalist, as the search saw it": (bool(finalists), Line2D([], [], marker="o", **ring)),
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
    """A line a candidate; empty where there is nothing."""
    best = {number: 100 * rate for number, rate in search.best_so_far(metric)}
    again = {one.rank: [one.mean, one.low, one.high, one.seeds] for one in finalists}
    lines: list[list[object]] = []
    for spot in every:
        own: list[object] = [spot.number, spot.state, spot.known, spot.score, best.get(spot.number), spot.rank]
        own += again.get(spot.rank or 0, [None] * 4)
        lines.append(["" if value is None else value for value in own])
    return lines
