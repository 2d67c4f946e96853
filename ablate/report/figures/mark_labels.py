"""Numbers beside marks that may lie close together: each where it hides the least, on a thin line from its mark."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ablate.report.figures.canvas import MEDIUM

Points = NDArray[np.float64]

DISTANCES: Final = (0.24, 0.36, 0.5, 0.65)
"""Inches from a mark to its number; the nearest that is free."""
DIRECTIONS: Final = 24
LABEL: Final = 0.17
"""Inches between the middles of two numbers that do not touch."""
MARK: Final = 0.15
"""Inches between the middles of a number and of a mark that do not touch."""


def call_out(axes: Axes, texts: Sequence[str], at: Sequence[tuple[float, float]], marks: Points) -> None:
    """Writes `texts` beside the places `at`; `marks`, shape (marks, 2), are all that is drawn. Limits must be set."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    own, others = _inches(axes, np.array(at, dtype=float).reshape(-1, 2)), _inches(axes, marks)
    corners = _inches(
        axes, np.array([[axes.get_xlim()[0], axes.get_ylim()[0]], [axes.get_xlim()[1], axes.get_ylim()[1]]])
    )
    for text, place, label in zip(texts, at, _places(own, others, corners), strict=True):
        at_data = axes.transData.inverted().transform(label * figure.dpi)
        style: Any = {"ha": "center", "va": "center", "fontsize": MEDIUM, "fontweight": "bold", "zorder": 6}
        line = {"arrowstyle": "-", "color": "black", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 5.5}
        box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none"}
        axes.annotate(text, place, xytext=tuple(at_data), arrowprops=line, bbox=box, **style)


def _places(own: Points, others: Points, corners: Points) -> list[Points]:
    """Where each number stands, inches: inside the axes, off the numbers before, and off as many marks as can be."""
    angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False) + np.pi / 4
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    offsets = np.concatenate([distance * around for distance in DISTANCES])
    low, high = corners.min(axis=0) + LABEL / 2, corners.max(axis=0) - LABEL / 2
    found: list[Points] = []
    for place in own:
        candidates = place + offsets
        beyond = (np.clip(candidates, low, high) != candidates).any(axis=1)
        cost = 1000.0 * beyond + 0.5 * np.repeat(range(len(DISTANCES)), DIRECTIONS)
        cost += 100.0 * _near(candidates, np.array(found).reshape(-1, 2), LABEL)
        cost += 30.0 * _near(candidates, own, MARK) + 5.0 * _near(candidates, others, MARK)
        cost += 10.0 * _near((candidates + place) / 2, np.array(found).reshape(-1, 2), LABEL)
        found.append(candidates[int(np.argmin(cost))])
    return found


def _near(candidates: Points, points: Points, distance: float) -> Points:
    """How many of the points are nearer than that to each candidate."""
    gaps = np.linalg.norm(candidates[:, None] - points, axis=2)
    near: Points = (gaps < distance).sum(axis=1).astype(float)
    return near


def _inches(axes: Axes, points: Points) -> Points:
    figure = axes.get_figure(root=True)
    assert figure is not None
    found: Points = axes.transData.transform(points) / figure.dpi
    return found
