"""Importance as a figure: each dimension's share with its spread over evaluator seeds, and what that does not say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.importance import FORESTS, Importance, VarianceShare
from ablate.analysis.search.results import SearchResults
from ablate.report import wording
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BLUE, GREEN, GREY, MEDIUM, ORANGE, PAD, SMALL

INCHES_A_ROW: Final = 0.5
MARKS: Final = {"top1": ("o", BLUE), "top5": ("s", ORANGE), "top10": ("^", GREEN)}
WARNING: Final = (
    "Unsigned, and blind to confounding and to noise: no effect. Of the points that this sampler",
    "chose, not of the space. For what a factor does, see the contrasts of a design.",
)


def importance_figure(analysis: Analysis, search: SearchResults, stem: Path) -> list[Path]:
    """Draws what importance there is; nothing where no metric has any."""
    found = {metric: one for metric, one in search.importance.items() if one.shares}
    if not found:
        return []
    names = [share.name for share in next(iter(found.values())).shares][: canvas.MOST_ROWS]
    handles = _legend(found)
    labels = [canvas.wrapped(name) for name in names]
    left = 2 * PAD + canvas.inches(labels, MEDIUM)
    numbers = {(metric, share.name): _number(share) for metric, one in found.items() for share in one.shares}
    right = 2 * PAD + max(canvas.inches(numbers.values(), SMALL), 0.9)
    below = canvas.below_axes(len(WARNING) + bool(handles))
    axes = canvas.axes_between(left, right, INCHES_A_ROW * len(names) + 0.2, 0.55, below)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), labels)
    axes.set_xlim(-2, 102)
    draw_importance(axes, found, names)
    canvas.x_label(
        axes, f"share of the variance of the finished candidates' scores, % (mean, range of {FORESTS} seeds)"
    )
    title = f"{analysis.results.heading}: importance (fANOVA)"
    canvas.headline(axes, title)
    canvas.notes(axes, WARNING, handles, ncols=3)
    rows = [
        [metric, share.name, share.mean, share.low, share.high] for metric, one in found.items() for share in one.shares
    ]
    canvas.write_csv(stem, ["metric", "dimension", "mean", "low", "high"], rows)
    what = f"Each dimension's share with its range over {FORESTS} evaluator seeds. {' '.join(WARNING)}"
    return canvas.save(axes, stem, title, what)


def draw_importance(axes: Axes, found: Mapping[str, Importance], names: list[str]) -> None:
    """A mark and a bar a metric, beside each other in a dimension's line, with the numbers to the right."""
    for at, (metric, one) in enumerate(found.items()):
        mark, colour = MARKS[metric]
        shift = 0.26 * (at - (len(found) - 1) / 2)
        for share in one.shares:
            if share.name not in names:
                continue
            y = names.index(share.name) + shift
            axes.hlines(y, 100 * share.low, 100 * share.high, colors=colour, linewidth=3.2, alpha=0.55, zorder=2)
            axes.scatter(100 * share.mean, y, marker=mark, s=32, color=colour, zorder=3, gid=f"{metric}-{y:g}")
            canvas.text(axes, canvas.AXES_INCHES + PAD, y, _number(share), SMALL, va="center", color=GREY)


def _number(share: VarianceShare) -> str:
    return f"{100 * share.mean:.0f}  ({100 * share.low:.0f} to {100 * share.high:.0f})"


def _legend(found: Mapping[str, Importance]) -> list[Line2D]:
    if len(found) < 2:
        return []
    return [
        Line2D([], [], marker=mark, color=colour, linestyle="", markersize=6, label=wording.METRIC_NAMES[metric])
        for metric, (mark, colour) in MARKS.items()
        if metric in found
    ]
