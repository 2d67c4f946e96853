"""The map of a search: every candidate at its place, coloured by its score; of one dimension, score against value."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.importance import SearchAxis
from ablate.analysis.search.results import SearchResults
from ablate.report import wording
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BLUE, GREY, MEDIUM, SMALL, VERMILION
from ablate.report.figures.mark_labels import call_out
from ablate.store.schema import DONE, FAILED, PRUNED

HEIGHT: Final = 4.3
LEFT, RIGHT = 0.95, 1.2
"""Inches beside the axes, for ticks and labels, and for the colours' scale."""
COLOURS: Final = "cividis"
LEGEND_COLUMNS: Final = 3
SIZE: Final = 46.0
FULL_SIZE: Final = 100
"""Candidates up to which marks are as large as that; of more they are smaller, so that they hide each other less."""


class CandidateMark(NamedTuple):
    """A candidate as it is drawn: `score` in percent, of a pruned one where it stood last; `rank` of a finalist."""

    number: int
    state: str
    known: bool
    score: float | None
    rank: int | None
    values: tuple[Any, ...]


class AxisScale(NamedTuple):
    """A dimension as an axis."""

    axis: SearchAxis
    low: float
    high: float

    def at(self, value: Any) -> float:
        """Where a value is; choices stand beside each other."""
        return float(self.axis.choices.index(value)) if self.axis.choices else float(value)


def spots(search: SearchResults, metric: str) -> list[CandidateMark]:
    ranks = {finalist.number: rank for rank, finalist in enumerate(search.finalists, start=1)}
    names = [axis.name for axis in search.dimensions]
    return [
        CandidateMark(
            one.number,
            one.state,
            one.known,
            None if (value := one.value(metric)) is None else 100 * value,
            ranks.get(one.number),
            tuple(one.point.get(name) for name in names),
        )
        for one in search.candidates
    ]


def shown(search: SearchResults, metric: str) -> list[SearchAxis]:
    """The dimensions that are drawn: two ranges, the first or of many those of most importance; else one dimension."""
    ranges = [axis for axis in search.dimensions if not axis.choices]
    if len(ranges) > 2 and (shares := search.importance[metric].shares):
        order = [share.name for share in shares]
        first = sorted(ranges, key=lambda axis: order.index(axis.name))[:2]
        return [axis for axis in ranges if axis in first]
    return ranges[:2] or list(search.dimensions[:1])


def score_limits(scores: Sequence[float], room: float = 0.08) -> tuple[float, float]:
    """A span around the scores, percent, never of no width; all there are, where nothing has a score."""
    if not scores:
        return 0.0, 100.0
    low, high = min(scores), max(scores)
    margin = room * (high - low) or 0.5
    return low - margin, high + margin


CROSSES: Final = {FAILED: ("x", "black"), "open": ("+", GREY)}
"""Kinds that have no score, with their marks."""


def kinds(every: Sequence[CandidateMark]) -> dict[str, list[CandidateMark]]:
    """{kind: the candidates that are drawn alike}, those of higher score and finalists last, above others."""
    found: dict[str, list[CandidateMark]] = {}
    for spot in sorted(every, key=lambda spot: (spot.rank is not None, spot.score or 0.0)):
        if spot.state == FAILED or spot.score is None:
            kind = FAILED if spot.state == FAILED else "open"
        else:
            kind = ("known-" if spot.known else "") + ("pruned" if spot.state == PRUNED else "finished")
        found.setdefault(kind, []).append(spot)
    return found


def mark_share(count: int) -> float:
    """Of a mark's usual area, where there are so many."""
    return max(0.3, min(1.0, FULL_SIZE / max(count, 1)))


def map_figure(analysis: Analysis, search: SearchResults, metric: str, stem: Path) -> list[Path]:
    """Draws the candidates, and writes all of them into the CSV."""
    every, drawn = spots(search, metric), shown(search, metric)
    name = wording.METRIC_NAMES[metric]
    scales = [_scale(axis, search) for axis in drawn]
    notes = list(_notes(search, drawn, metric))
    handles = _legend(every, _has_star(search, drawn))
    axes = canvas.axes_between(
        LEFT, RIGHT, HEIGHT, 0.55, canvas.below_axes(len(notes) - (-len(handles) // LEGEND_COLUMNS))
    )
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    _set(axes, "x", scales[0])
    if len(scales) == 2:
        _set(axes, "y", scales[1])
    else:
        axes.set_ylim(score_limits([spot.score for spot in every if spot.state == DONE and spot.score is not None]))
        axes.set_ylabel(f"{name} on validation, %")
    axes.yaxis.set_label_coords(-(LEFT - 0.35) / canvas.AXES_INCHES, 0.5)
    draw_map(axes, search, every, scales, name)
    canvas.x_label(axes, canvas.fitted(drawn[0].name, canvas.AXES_INCHES, MEDIUM))
    title = f"{analysis.results.heading}: {name} on validation of {wording.counted(len(every), 'candidate')}"
    canvas.headline(axes, title)
    canvas.notes(axes, notes, handles, ncols=LEGEND_COLUMNS)
    header = ["number", "state", "known", f"{metric}_validation_percent", "finalist"]
    canvas.write_csv(
        stem,
        [*header, *(axis.name for axis in search.dimensions)],
        [["" if value is None else value for value in (*spot[:-1], *spot.values)] for spot in every],
    )
    return canvas.save(axes, stem, title, _description(search, drawn, every, name))


def draw_map(
    axes: Axes, search: SearchResults, every: Sequence[CandidateMark], scales: Sequence[AxisScale], name: str
) -> None:
    """Filled what finished, open what was pruned, crossed what failed; squares were known; finalists ringed."""
    scored = [spot.score for spot in every if spot.state == DONE and spot.score is not None]
    norm = Normalize(*score_limits(scored, 0.0))
    colours = matplotlib.colormaps[COLOURS]
    names = [axis.name for axis in search.dimensions]
    places = {spot.number: _place(axes, spot, names, scales) for spot in every}
    for kind, group in kinds(every).items():
        mark, at = ("s" if "known" in kind else "o"), np.array([places[spot.number] for spot in group])
        style: Any = {"gid": kind, "zorder": 3, "linewidth": 0.6, "edgecolor": GREY, "clip_on": False, "snap": False}
        if kind in CROSSES:
            axes.scatter(
                at[:, 0],
                at[:, 1],
                marker=CROSSES[kind][0],
                color=CROSSES[kind][1],
                s=30,
                gid=kind,
                zorder=3,
                clip_on=False,
            )
            continue
        size = SIZE * mark_share(len(every))
        faces = [colours(norm(spot.score or 0.0)) for spot in group] if len(scales) == 2 else BLUE
        axes.scatter(at[:, 0], at[:, 1], marker=mark, s=size, facecolor=faces, **style)
        if "pruned" in kind:
            style |= {"gid": f"{kind}-hole", "zorder": 3.1, "linewidth": 0.4}
            axes.scatter(at[:, 0], at[:, 1], marker=mark, s=size / 4.5, facecolor="white", **style)
    _star(axes, search, scales)
    finalists = sorted((spot for spot in every if spot.rank is not None), key=lambda spot: spot.rank or 0)
    rings = [places[spot.number] for spot in finalists]
    if rings:
        xs, ys = zip(*rings, strict=True)
        axes.scatter(xs, ys, s=120, facecolor="none", edgecolor=VERMILION, linewidth=1.5, zorder=4, gid="finalists")
        call_out(axes, [str(spot.rank) for spot in finalists], rings, np.array(list(places.values())))
    if len(scales) == 2 and scored:
        _colour_scale(
            axes,
            ScalarMappable(norm, colours),
            name,
            any(spot.score is not None and spot.score < min(scored) for spot in every),
        )


def _place(axes: Axes, spot: CandidateMark, names: Sequence[str], scales: Sequence[AxisScale]) -> tuple[float, float]:
    """Of one dimension, the score is the height; what is below the axis, or has none, stands at its edge."""
    x = scales[0].at(spot.values[names.index(scales[0].axis.name)])
    if len(scales) == 2:
        return x, scales[1].at(spot.values[names.index(scales[1].axis.name)])
    low, high = axes.get_ylim()
    return x, min(max(low if spot.score is None else spot.score, low), high)


def _scale(axis: SearchAxis, search: SearchResults) -> AxisScale:
    """Wide enough for the range, for what the study had run before, and for the baseline."""
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


def _set(axes: Axes, side: str, scale: AxisScale) -> None:
    """Limits, ticks and, of the y axis, the name."""
    own, limits = (axes.xaxis, axes.set_xlim) if side == "x" else (axes.yaxis, axes.set_ylim)
    is_log = scale.axis.log and scale.low > 0
    if is_log:
        (axes.set_xscale if side == "x" else axes.set_yscale)("log")
    limits(scale.low, scale.high)
    if is_log:
        subs = (1, 2, 5) if scale.high / scale.low < 1000 else (1,)
        own.set_major_locator(LogLocator(subs=subs))
        own.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        own.set_minor_formatter(NullFormatter())
    if scale.axis.choices:
        room = 0.95 * canvas.AXES_INCHES / len(scale.axis.choices)
        labels = [canvas.fitted(str(choice), room, SMALL) for choice in scale.axis.choices]
        own.set_ticks(range(len(labels)), labels, fontsize=SMALL)
    if side == "y":
        axes.set_ylabel(canvas.fitted(scale.axis.name, HEIGHT, MEDIUM))


def _has_star(search: SearchResults, drawn: Sequence[SearchAxis]) -> bool:
    return all(_on(axis, search) for axis in drawn)


def _on(axis: SearchAxis, search: SearchResults) -> bool:
    value = search.baseline.get(axis.name)
    return value in axis.choices if axis.choices else _is_number(value)


def _star(axes: Axes, search: SearchResults, scales: Sequence[AxisScale]) -> None:
    """The baseline's place; of one dimension, a line at its value."""
    if not _has_star(search, [scale.axis for scale in scales]):
        return
    x, *y = (scale.at(search.baseline[scale.axis.name]) for scale in scales)
    if not y:
        axes.axvline(x, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
    style: Any = {"marker": "*", "facecolor": "white", "edgecolor": "black", "linewidth": 1.1, "clip_on": False}
    axes.scatter(x, y[0] if y else axes.get_ylim()[0], s=150, zorder=3.5, gid="baseline", **style)


def _colour_scale(axes: Axes, colours: ScalarMappable, name: str, is_below: bool) -> None:
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    box, width = axes.get_position(), figure.get_figwidth()
    beside = figure.add_axes((box.x1 + 0.18 / width, box.y0, 0.15 / width, box.height))
    bar = figure.colorbar(colours, cax=beside, extend="min" if is_below else "neither")
    bar.outline.set_visible(False)
    bar.set_label(f"{name} on validation, %")
    bar.ax.tick_params(labelsize=SMALL)


def _legend(every: Sequence[CandidateMark], has_star: bool) -> list[Any]:
    """What the marks mean, of those that are drawn."""
    style: Any = {"linestyle": "", "color": GREY, "markersize": 6}
    scored = [spot for spot in every if spot.score is not None and spot.state != FAILED]
    entries = {
        "finished": (
            any(spot.state == DONE and not spot.known for spot in scored),
            Line2D([], [], marker="o", **style),
        ),
        "run before the search": (any(spot.known for spot in scored), Line2D([], [], marker="s", **style)),
        "pruned: where it stood": (
            any(spot.state == PRUNED for spot in scored),
            Line2D([], [], marker="o", markerfacecolor="white", markeredgewidth=2.0, **style),
        ),
        "failed": (
            any(spot.state == FAILED for spot in every),
            Line2D([], [], marker="x", **{**style, "color": "black"}),
        ),
        "no score yet": (
            any(spot.score is None and spot.state != FAILED for spot in every),
            Line2D([], [], marker="+", **style),
        ),
        "finalist, 1 the winner": (
            any(spot.rank for spot in every),
            Line2D([], [], marker="o", **{**style, "color": VERMILION, "markersize": 9}, markerfacecolor="none"),
        ),
        "baseline": (
            has_star,
            Line2D([], [], marker="*", markerfacecolor="white", **{**style, "color": "black", "markersize": 10}),
        ),
    }
    for label, (_, handle) in entries.items():
        handle.set_label(label)
    return [handle for is_drawn, handle in entries.values() if is_drawn]


def _notes(search: SearchResults, drawn: Sequence[SearchAxis], metric: str) -> Iterator[str]:
    names = wording.listed([axis.name for axis in drawn])
    if len(search.dimensions) > len(drawn):
        others = wording.listed([axis.name for axis in search.dimensions if axis not in drawn])
        chosen = " (largest importance)" if len(drawn) == 2 and search.importance[metric].shares else ""
        yield f"Drawn: {names}{chosen}. Differing too, and not seen here: {others}."
    yield "One seed a candidate, on the validation split. The sampler chose the points: empty areas were not looked at."


def _description(search: SearchResults, drawn: Sequence[SearchAxis], every: Sequence[CandidateMark], name: str) -> str:
    best = search.front[0] if search.front else None
    found = f"; the best is trial {best.number}" if best else ""
    names = " and ".join(axis.name for axis in drawn)
    return f"{name} on the validation split of {len(every)} candidates over {names}{found}."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
