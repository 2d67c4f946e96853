"""Numbers next to marks that may lie close together, each joined to its mark by a thin line and hiding little."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ablate.report.figures import canvas
from ablate.report.figures.canvas import MEDIUM

Points = NDArray[np.float64]

DISTANCES: Final = (0.24, 0.36, 0.5, 0.65)
"""Inches from a mark to its number; the nearest free place is taken."""
DIRECTIONS: Final = 24
"""Directions from a mark in which a number may stand."""
LABEL: Final = 0.17
"""The least distance in inches between the centres of two numbers that do not touch."""
MARK: Final = 0.15
"""The least distance in inches between the centres of a number and a mark that do not touch."""


def call_out(axes: Axes, texts: Sequence[str], at: Sequence[tuple[float, float]], marks: Points) -> None:
    """Draw `texts` next to the places `at`, in data coordinates; the limits of the axes must be set before.

    `marks`, shape (marks, 2), are the places of all marks, which the texts should not hide.
    """
    figure = canvas.figure_of(axes)
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
    """Return the place of each number, inches: inside the axes, off earlier numbers, and off most marks."""
    angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False) + np.pi / 4
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    offsets = np.concatenate([distance * around for distance in DISTANCES])
    low, high = corners.min(axis=0) + LABEL / 2, corners.max(axis=0) - LABEL / 2
    labels: list[Points] = []
    for place in own:
        candidates = place + offsets
        beyond = (np.clip(candidates, low, high) != candidates).any(axis=1)
        cost = 1000.0 * beyond + 0.5 * np.repeat(range(len(DISTANCES)), DIRECTIONS)
        placed = np.array(labels).reshape(-1, 2)
        cost += 100.0 * _near(candidates, placed, LABEL)
        cost += 30.0 * _near(candidates, own, MARK) + 5.0 * _near(candidates, others, MARK)
        cost += 10.0 * _near((candidates + place) / 2, placed, LABEL)
        labels.append(candidates[int(np.argmin(cost))])
    return labels


def _near(candidates: Points, points: Points, distance: float) -> Points:
    """Return the number of points nearer than `distance` to each candidate, shape (candidates,)."""
    gaps = np.linalg.norm(candidates[:, None] - points, axis=2)
    near: Points = (gaps < distance).sum(axis=1).astype(float)
    return near


def _inches(axes: Axes, points: Points) -> Points:
    """Return data coordinates as inches from the lower left corner of the figure."""
    places: Points = axes.transData.transform(points) / canvas.figure_of(axes).dpi
    return places
