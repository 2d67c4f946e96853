"""The figures of a report: computed into small values first, then drawn; each as SVG, PNG and CSV."""

import csv
import textwrap
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("agg")

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from ablate.analysis.contrasts import DIRECT, contrast
from ablate.analysis.results import RowResult, StudyResults
from ablate.errors import AblateError
from ablate.report import words

# Okabe and Ito's colours, which colour-blind readers tell apart; marks and line styles say the same in grey
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"
MARKS = {"top1": ("o", BLUE), "top5": ("s", ORANGE), "top10": ("^", GREEN)}
STYLE: Any = {
    "svg.hashsalt": "ablate",
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
LABEL_WIDTH = 46
INCHES_A_ROW = 0.52
AXES_INCHES = 5.5
MOST_PIXELS = 2500
"""Height of a PNG at most: one of hundreds of rows is coarser, its SVG is not."""


class Rung(NamedTuple):
    """A row of the ladder: its rate and interval in percent, and what the step to it changed."""

    label: str
    rate: float
    low: float
    high: float
    change: str
    direct: bool


class Reference(NamedTuple):
    label: str
    rate: float


class TopK(NamedTuple):
    """A row's rates in percent, by metric."""

    label: str
    rates: dict[str, float]


def draw_all(results: StudyResults, folder: Path) -> list[Path]:
    """Draws what there are results for; the paths of the SVG and PNG files, which lie beside their CSV."""
    rungs, curves = ladder(results), top_k(results)
    if not rungs:
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(STYLE):
            paths = _ladder_figure(results, rungs, folder / "ladder")
            return paths + _top_k_figure(results, curves, folder / "topk")
    except OSError as error:
        raise AblateError(f"figures: {folder} cannot be written: {error.strerror}") from None


def ladder(results: StudyResults) -> list[Rung]:
    """The rows that have the primary metric, each with the step from the one shown above it."""
    rungs = []
    shown = [row for row in results.rows if results.primary in row.metrics]
    for above, row in zip([None, *shown], shown, strict=False):
        step = contrast(results, above, row) if above else None
        metric = row.metrics[results.primary]
        low, high = metric.interval
        change = "" if step is None or step.effect is None else f"{words.signed(step.effect)}  {words.differing(step)}"
        direct = step is None or step.identified == DIRECT
        rungs.append(Rung(_label(row), 100 * metric.mean, 100 * low, 100 * high, change, direct))
    return rungs


def references(results: StudyResults) -> list[Reference]:
    primary = results.primary
    return [Reference(r.label, 100 * r.metrics[primary].mean) for r in results.references if primary in r.metrics]


def top_k(results: StudyResults) -> list[TopK]:
    rows = [row for row in results.rows if row.metrics]
    return [TopK(_label(row), {name: 100 * metric.mean for name, metric in row.metrics.items()}) for row in rows]


def draw_ladder(axes: Axes, rungs: Sequence[Rung], lines: Sequence[Reference]) -> None:
    """Rows from top to bottom; a solid line joins rows that differ in one factor, a dotted one all others."""
    joints = [[(above.rate, y), (rung.rate, y + 1)] for y, (above, rung) in enumerate(pairwise(rungs))]
    for direct, colour, style in ((True, BLUE, "-"), (False, GREY, ":")):
        chosen = [joint for joint, rung in zip(joints, rungs[1:], strict=True) if rung.direct == direct]
        axes.add_collection(LineCollection(chosen, colors=colour, linestyles=style, linewidths=1.2, zorder=1))
    ys = range(len(rungs))
    axes.hlines(ys, [rung.low for rung in rungs], [rung.high for rung in rungs], colors=BLUE, linewidth=2.2, zorder=2)
    axes.scatter([rung.rate for rung in rungs], ys, s=36, facecolor="white", edgecolor=BLUE, zorder=3)
    for y, rung in enumerate(rungs):
        colour = "black" if rung.direct else VERMILION
        where: Any = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
        axes.annotate(_wrapped(rung.change), (1.02, y), fontsize=8, color=colour, **where)
    for number, line in enumerate(lines):
        axes.axvline(line.rate, color=GREY, linestyle="--", linewidth=1)
        below = (0, -38 - 11 * number)  # points; a line each, so that near ones do not cover one another
        foot: Any = {"xycoords": axes.get_xaxis_transform(), "xytext": below, "textcoords": "offset points"}
        text = f"{line.label} {line.rate:.2f}"
        axes.annotate(text, (line.rate, 0), fontsize=8, color=GREY, ha="center", va="top", **foot)


def draw_top_k(axes: Axes, curves: Sequence[TopK]) -> None:
    """A row's rates on one line: a mark and a colour for each k."""
    ends = [(min(row.rates.values()), max(row.rates.values())) for row in curves]
    axes.hlines(range(len(curves)), [low for low, _ in ends], [high for _, high in ends], GREY, linewidth=1, zorder=1)
    for name, (mark, colour) in MARKS.items():
        points = [(row.rates[name], y) for y, row in enumerate(curves) if name in row.rates]
        if points:
            xs, ys = zip(*points, strict=True)
            axes.scatter(xs, ys, marker=mark, color=colour, s=36, label=words.METRIC_NAMES[name], zorder=2)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False)


def _ladder_figure(results: StudyResults, rungs: Sequence[Rung], stem: Path) -> list[Path]:
    heading = "pp against the row shown above; what differs"
    lines = references(results)
    figure, axes = _figure([rung.label for rung in rungs], [heading, *(rung.change for rung in rungs)], len(lines))
    draw_ladder(axes, rungs, lines)
    name = words.METRIC_NAMES[results.primary]
    axes.set_xlabel(f"{name}, % of {results.queries:,} test queries ({100 * (1 - results.alpha):g} % interval)")
    axes.set_title(f"{results.heading}: {name} row by row", loc="left", fontweight="bold", y=1.0)
    axes.annotate(heading, (1.02, 1.0), xycoords="axes fraction", fontsize=8, color=GREY, va="bottom")
    _write_csv(stem, ["row", "rate", "low", "high", "change", "direct"], rungs)
    return _save(figure, stem, f"{name} of each row with its interval, and the change against the row above")


def _top_k_figure(results: StudyResults, curves: Sequence[TopK], stem: Path) -> list[Path]:
    figure, axes = _figure([row.label for row in curves], [], 0)
    draw_top_k(axes, curves)
    axes.set_xlabel(f"queries with a correct item among their k best, % of {results.queries:,}")
    axes.set_title(f"{results.heading}: top-k", loc="left", fontweight="bold", y=1.0)
    rows = [[row.label, *(row.rates.get(name, "") for name in MARKS)] for row in curves]
    _write_csv(stem, ["row", *MARKS], rows)
    return _save(figure, stem, "top-1, top-5 and top-10 of each row")


def _figure(labels: Sequence[str], notes: Sequence[str], captions: int) -> tuple[Figure, Axes]:
    """A figure with a line a label, and room measured by letters: for labels left, notes right, captions below.

    Measuring the drawn texts instead (a tight bounding box) would draw every figure twice.
    """
    left, right = 0.3 + _inches(labels, 9.0), 0.3 + _inches(notes, 8.0)
    above, below = 0.5, 0.6 + 0.16 * captions
    width, height = left + AXES_INCHES + right, above + INCHES_A_ROW * len(labels) + below
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, below / height, AXES_INCHES / width, 1 - (above + below) / height))
    axes.set_yticks(range(len(labels)), [_wrapped(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_label_coords(0.5, -0.32 / (height - above - below))
    return figure, axes


def _inches(texts: Sequence[str], points: float) -> float:
    """How wide the longest line of wrapped texts is, about: a letter is six tenths of its height."""
    return max((len(line) for text in texts for line in _wrapped(text).split("\n")), default=0) * points * 0.62 / 72


def _wrapped(text: str) -> str:
    """At most three lines: the CSV beside the figure has the whole."""
    return "\n".join(textwrap.wrap(text, LABEL_WIDTH, max_lines=3, placeholder=" …"))


def _label(row: RowResult) -> str:
    return f"{row.number}  {row.label}"


def _write_csv(stem: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with stem.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _save(figure: Figure, stem: Path, description: str) -> list[Path]:
    """SVG without a date, so that the same results give the same bytes; PNG for where SVG is not shown."""
    svg, png = stem.with_suffix(".svg"), stem.with_suffix(".png")
    metadata = {"Date": None, "Title": stem.name, "Description": description}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # drawn as a box; the CSV has it
        figure.savefig(svg, metadata=metadata)
        dpi = min(150.0, MOST_PIXELS / figure.get_figheight())
        kept = {"Software": None, "Description": description}
        figure.savefig(png, dpi=dpi, metadata=kept, pil_kwargs={"compress_level": 3})
    return [svg, png]
