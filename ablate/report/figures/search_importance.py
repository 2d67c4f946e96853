"""Importance as a figure: the share of each dimension with its range over forests, and a warning about its limits."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.importance import FORESTS, Importance, VarianceShare
from ablate.analysis.search.results import SearchResults
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BLUE, GREEN, GREY, MEDIUM, ORANGE, PAD, SMALL, VERMILION

INCHES_A_ROW: Final = 0.5
"""The height of a row."""
MARKS: Final = (("o", BLUE), ("s", ORANGE), ("^", GREEN), ("D", VERMILION), ("v", GREY))
"""The marks of the metrics, in the order of the search; of more metrics the marks begin again."""
WARNING: Final = (
    "Not an effect: importance has no sign, cannot detect confounding or noise, and describes the",
    "points that this sampler chose, not the whole space. For an effect, see a design's contrasts.",
)


def importance_figure(analysis: Analysis, search: SearchResults, stem: Path) -> list[Path]:
    """Draw the importance of the dimensions; nothing if no metric has one. Return the paths of SVG and PNG."""
    importances = {metric: one for metric, one in search.importance.items() if one.shares}
    if not importances:
        return []
    names = [share.name for share in next(iter(importances.values())).shares][: canvas.MOST_ROWS]
    handles = _legend([search.named(metric).title for metric in importances])
    labels = [canvas.wrapped(name) for name in names]
    left = 2 * PAD + canvas.inches(labels, MEDIUM)
    numbers = [_number(share, one) for one in importances.values() for share in one.shares]
    right = 2 * PAD + max(canvas.inches(numbers, SMALL), 0.9)
    below = canvas.below_axes(len(WARNING) + bool(handles))
    axes = canvas.axes_between(left, right, INCHES_A_ROW * len(names) + 0.2, 0.55, below)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), labels)
    axes.set_xlim(-2, 102)
    draw_importance(axes, importances, names)
    canvas.x_label(
        axes, f"share of the variance of the finished candidates' scores, % (mean, range over {FORESTS} forests)"
    )
    title = f"{analysis.results.heading}: importance (fANOVA)"
    canvas.headline(axes, title)
    canvas.notes(axes, WARNING, handles, ncols=3)
    rows = [
        [metric, share.name, share.mean, share.low, share.high]
        for metric, one in importances.items()
        for share in one.shares
    ]
    canvas.write_csv(stem, ["metric", "dimension", "mean", "low", "high"], rows)
    description = f"The share of each dimension with its range over {FORESTS} forests. {' '.join(WARNING)}"
    return canvas.save(axes, stem, title, description)


def draw_importance(axes: Axes, importances: Mapping[str, Importance], names: list[str]) -> None:
    """Draw a mark and a bar for each metric in the row of a dimension, with the numbers to the right."""
    for at, (metric, one) in enumerate(importances.items()):
        mark, colour = MARKS[at % len(MARKS)]
        shift = 0.26 * (at - (len(importances) - 1) / 2)
        for share in one.shares:
            if share.name not in names:
                continue
            y = names.index(share.name) + shift
            if share.name not in one.constant:
                axes.hlines(y, 100 * share.low, 100 * share.high, colors=colour, linewidth=3.2, alpha=0.55, zorder=2)
                axes.scatter(100 * share.mean, y, marker=mark, s=32, color=colour, zorder=3, gid=f"{metric}-{y:g}")
            canvas.text(axes, canvas.AXES_INCHES + PAD, y, _number(share, one), SMALL, va="center", color=GREY)


def _number(share: VarianceShare, importance: Importance) -> str:
    """Return a share with its range, percent: `60  (50 to 70)`; in words if the dimension had one value only."""
    if share.name in importance.constant:
        return "did not vary"
    return f"{100 * share.mean:.0f}  ({100 * share.low:.0f} to {100 * share.high:.0f})"


def _legend(titles: Sequence[str]) -> list[Line2D]:
    """Return an entry for each metric, if there are several."""
    if len(titles) < 2:
        return []
    return [
        Line2D([], [], marker=mark, color=colour, linestyle="", markersize=6, label=title)
        for title, (mark, colour) in zip(titles, cycle(MARKS), strict=False)
    ]
