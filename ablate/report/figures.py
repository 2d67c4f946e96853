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
LABEL_WIDTH = 44
INCHES_A_ROW = 0.52


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
    for y, (above, rung) in enumerate(pairwise(rungs)):
        colour, style = (BLUE, "-") if rung.direct else (GREY, ":")
        axes.plot([above.rate, rung.rate], [y, y + 1], color=colour, linestyle=style, linewidth=1.2, zorder=1)
    for y, rung in enumerate(rungs):
        axes.plot([rung.low, rung.high], [y, y], color=BLUE, linewidth=2.2, solid_capstyle="round", zorder=2)
        axes.plot(rung.rate, y, marker="o", color=BLUE, markerfacecolor="white", markersize=6, zorder=3)
        colour = "black" if rung.direct else VERMILION
        text = _wrapped(rung.change)
        axes.annotate(text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=colour)
    for number, line in enumerate(lines):
        axes.axvline(line.rate, color=GREY, linestyle="--", linewidth=1)
        text, foot = f"{line.label} {line.rate:.2f}", axes.get_xaxis_transform()
        below = (0, -36 - 11 * number)  # points; a line each, so that near ones do not cover one another
        written: Any = {"fontsize": 8, "color": GREY, "ha": "center", "va": "top"}
        axes.annotate(text, (line.rate, 0), xytext=below, xycoords=foot, textcoords="offset points", **written)
    _rows_on_y(axes, [rung.label for rung in rungs])


def draw_top_k(axes: Axes, curves: Sequence[TopK]) -> None:
    """A row's rates on one line: a mark and a colour for each k."""
    for y, row in enumerate(curves):
        axes.plot([min(row.rates.values()), max(row.rates.values())], [y, y], color=GREY, linewidth=1, zorder=1)
    for name, (mark, colour) in MARKS.items():
        points = [(row.rates[name], y) for y, row in enumerate(curves) if name in row.rates]
        if points:
            xs, ys = zip(*points, strict=True)
            axes.scatter(xs, ys, marker=mark, color=colour, s=36, label=words.METRIC_NAMES[name], zorder=2)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    _rows_on_y(axes, [row.label for row in curves])


def _rows_on_y(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [_wrapped(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def _ladder_figure(results: StudyResults, rungs: Sequence[Rung], stem: Path) -> list[Path]:
    figure, axes = _figure(len(rungs), 11.0)
    draw_ladder(axes, rungs, references(results))
    name = words.METRIC_NAMES[results.primary]
    axes.set_xlabel(f"{name}, % of {results.queries:,} test queries ({100 * (1 - results.alpha):g} % interval)")
    axes.set_title(f"{results.study} ({results.profile}): {name} row by row", loc="left", fontweight="bold")
    heading = "change against the row above, pp, and what differs"
    axes.annotate(heading, (1.02, 1.0), xycoords="axes fraction", fontsize=8, color=GREY, va="bottom")
    _write_csv(stem, ["row", "rate", "low", "high", "change", "direct"], rungs)
    return _save(figure, stem, f"{name} of each row with its interval, and the change against the row above")


def _top_k_figure(results: StudyResults, curves: Sequence[TopK], stem: Path) -> list[Path]:
    figure, axes = _figure(len(curves), 8.5)
    draw_top_k(axes, curves)
    axes.set_xlabel(f"queries with a correct item among their k best, % of {results.queries:,}")
    axes.set_title(f"{results.study} ({results.profile}): top-k", loc="left", fontweight="bold", pad=24)
    rows = [[row.label, *(row.rates.get(name, "") for name in MARKS)] for row in curves]
    _write_csv(stem, ["row", *MARKS], rows)
    return _save(figure, stem, "top-1, top-5 and top-10 of each row")


def _figure(rows: int, width: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, 1.4 + INCHES_A_ROW * rows))
    return figure, figure.add_subplot()


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
        figure.savefig(svg, bbox_inches="tight", metadata=metadata)
        figure.savefig(png, bbox_inches="tight", dpi=150, metadata={"Software": None, "Description": description})
    return [svg, png]
