"""The figure `compare`: each contrast in ours and in the reference, one above the other, with the band of ±delta."""

import csv
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.analysis.compare import Compared, Comparison
from ablate.analysis.contrasts import Contrast
from ablate.errors import AblateError
from ablate.report import words
from ablate.report.comparison import changed, heading, spoken

# Okabe and Ito's colours; marks and line styles say the same in grey
DASHED: Any = (0, (3, 1.5))
BLUE, VERMILION, BAND, GREY = "#0072B2", "#D55E00", "#eeeeee", "#666666"
STYLE: Any = {
    "svg.hashsalt": "ablate",
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
APART = 0.17
"""How far ours lies above the middle of its contrast, and theirs below it."""
LABEL_WIDTH = 44
INCHES_A_LINE, AXES_INCHES = 0.19, 5.2
MOST_LINES = 4
MOST_DRAWN = 60
"""Contrasts; the CSV has all."""
MOST_PIXELS = 2500


class Side(NamedTuple):
    """One study's mark: its effect and interval in pp; open where it rests on one seed."""

    effect: float
    low: float
    high: float
    one_seed: bool


class Line(NamedTuple):
    """A contrast as drawn."""

    label: str
    ours: Side
    theirs: Side
    word: str


def draw(comparison: Comparison, folder: Path) -> list[Path]:
    """Draws what can be compared; the paths of the SVG and PNG files, which lie beside their CSV."""
    lines = [line for compared in comparison.compared if (line := _line(compared))]
    if not lines:
        return []
    stem = folder / "compare"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_csv(stem, comparison.compared)
        with matplotlib.rc_context(STYLE):
            return _save(_figure(comparison, lines), stem, heading(comparison))
    except OSError as error:
        raise AblateError(f"figures: {folder} cannot be written: {error.strerror}") from None


def draw_lines(axes: Axes, lines: Sequence[Line], delta: float) -> None:
    """Contrasts from top to bottom, ours as a disc on a solid line above theirs, a square on a dashed line."""
    axes.axvspan(-delta, delta, color=BAND, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for y, line in enumerate(lines):
        _mark(axes, line.ours, y - APART, BLUE, "o", "-")
        _mark(axes, line.theirs, y + APART, VERMILION, "s", DASHED)
        where: Any = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
        weight = "bold" if line.word.startswith(("reproduced", "contradicted")) else "normal"
        axes.annotate(line.word, (1.02, y), fontsize=8.5, fontweight=weight, **where)


def _mark(axes: Axes, side: Side, y: float, colour: str, mark: str, style: Any) -> None:
    axes.plot([side.low, side.high], [y, y], color=colour, linestyle=style, linewidth=1.6, zorder=2)
    face = "white" if side.one_seed else colour
    axes.plot([side.effect], [y], marker=mark, markersize=6, color=colour, markerfacecolor=face, zorder=3)


def _line(compared: Compared) -> Line | None:
    """None for what cannot be compared, and for an effect that has no interval."""
    if compared.ours is None or compared.interval is None:
        return None
    label = _label(f"{compared.pair[0]} → {compared.pair[1]}", changed(compared))
    word = spoken(compared.word) + ("\n(bundle)" if compared.bundle else "")
    return Line(label, _side(compared.ours), _side(compared.theirs), word)


def _side(contrast: Contrast) -> Side:
    estimate = contrast.estimate
    assert estimate.effect is not None
    assert estimate.interval is not None
    return Side(estimate.effect, *estimate.interval, estimate.seeds == 1)


def _figure(comparison: Comparison, lines: Sequence[Line]) -> Figure:
    """Room is measured by letters, as in every figure: labels left, words right, the legend below."""
    drawn = lines[:MOST_DRAWN]
    left = 0.4 + max(len(part) for line in drawn for part in line.label.split("\n")) * 9.0 * 0.58 / 72
    most = max(line.label.count("\n") for line in drawn)
    above, below = 0.72, 0.75
    width, height = left + AXES_INCHES + 1.3, above + below + INCHES_A_LINE * max(2.5, 1.5 + most) * len(drawn)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, below / height, AXES_INCHES / width, 1 - (above + below) / height))
    draw_lines(axes, drawn, comparison.ours.delta)
    axes.set_yticks(range(len(drawn)), [line.label for line in drawn])
    axes.set_ylim(len(drawn) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    name = words.METRIC_NAMES[comparison.ours.primary]
    confidence = 100 * (1 - comparison.ours.alpha)
    axes.set_xlabel(f"change of {name}, pp, with {confidence:g} % interval; band: ±{comparison.ours.delta:g} pp")
    figure.text(0.2 / width, 1 - 0.28 / height, _title(comparison, width), fontsize=10.5, fontweight="bold")
    _legend(figure, comparison, drawn, (0.1 / width, 1 - 0.68 / height))
    _foot(figure, comparison, len(lines) - len(drawn), height)
    return figure


def _title(comparison: Comparison, width: float) -> str:
    return textwrap.shorten(heading(comparison), int((width - 0.4) * 72 / 10.5 / 0.64), placeholder=" …")


def _legend(figure: Figure, comparison: Comparison, lines: Sequence[Line], corner: tuple[float, float]) -> None:
    sides = (
        (comparison.ours.heading, BLUE, "o", "-", [line.ours for line in lines]),
        (comparison.theirs.heading, VERMILION, "s", DASHED, [line.theirs for line in lines]),
    )
    handles = []
    for name, colour, mark, style, drawn in sides:
        single = all(side.one_seed for side in drawn)
        text = textwrap.shorten(name, LABEL_WIDTH, placeholder=" …") + (", one seed" if single else "")
        face = "white" if single else colour
        handles.append(Line2D([], [], color=colour, marker=mark, linestyle=style, markerfacecolor=face, label=text))
    figure.legend(handles=handles, loc="lower left", ncols=2, frameon=False, fontsize=9, bbox_to_anchor=corner)


def _foot(figure: Figure, comparison: Comparison, not_drawn: int, height: float) -> None:
    parts = ["open mark: one seed", f"not comparable: {comparison.counts['not_comparable']}"]
    parts += [f"{not_drawn} more in the CSV"] if not_drawn else []
    text = f"rows by their numbers in {comparison.theirs.study}; " + "; ".join(parts)
    figure.text(0.02, 0.1 / height, text, fontsize=8, color=GREY)


def _label(pair: str, changes: Sequence[str]) -> str:
    """The two rows and a line a change; of many, the first."""
    kept = [textwrap.shorten(change, LABEL_WIDTH, placeholder=" …") for change in changes[:MOST_LINES]]
    more = len(changes) - MOST_LINES
    last = f", and {more} more" if more > 0 else ""
    return f"{pair}:  " + ",\n".join(kept) + last


def _write_csv(stem: Path, compared: Sequence[Compared]) -> None:
    """Every contrast, those that are not drawn included."""
    sides = [f"{side}{part}" for side in ("ours", "theirs") for part in ("", "_low", "_high", "_seeds")]
    header = ["from", "to", "changes", *sides, "difference", "difference_low", "difference_high", "word", "reason"]
    with stem.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for one in compared:
            rows = one.theirs.before.label, one.theirs.after.label, "; ".join(changed(one))
            values = (*_values(one.ours), *_values(one.theirs))
            writer.writerow([*rows, *values, one.difference, *(one.interval or ("", "")), one.word, one.reason])


def _values(contrast: Contrast | None) -> tuple[object, ...]:
    if contrast is None:
        return ("",) * 4
    estimate = contrast.estimate
    return estimate.effect, *(estimate.interval or ("", "")), estimate.seeds


def _save(figure: Figure, stem: Path, description: str) -> list[Path]:
    """SVG without a date, so that the same results give the same bytes; PNG for where SVG is not shown."""
    svg, png = stem.with_suffix(".svg"), stem.with_suffix(".png")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # drawn as a box; the CSV has it
        figure.savefig(svg, metadata={"Date": None, "Title": stem.name, "Description": description})
        dpi = min(150.0, MOST_PIXELS / figure.get_figheight())
        kept = {"Software": None, "Description": description}
        figure.savefig(png, dpi=dpi, metadata=kept, pil_kwargs={"compress_level": 3})
    return [svg, png]
