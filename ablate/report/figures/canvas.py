"""The parts that all figures share: colours, the width of texts, and the writing of SVG, PNG and CSV."""

import io
import textwrap
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import log
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import matplotlib

matplotlib.use("agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator, ScalarFormatter

from ablate.text import csv_line

# The colours of Okabe and Ito, which colour-blind readers can distinguish; marks and line styles also differ in grey
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
GREY, BAND = "#666666", "#e4e4e4"
STYLE: Any = {
    "svg.hashsalt": "ablate",
    "svg.fonttype": "none",  # text stays text: it can be searched and read aloud, and is drawn in a third of the time
    "text.parse_math": False,
    "text.hinting": "none",  # hinting every letter would take half of the time of a PNG
    "font.size": 9.0,
    "hatch.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
MOST_ROWS: Final = 60
"""The most rows that a figure shows; its CSV has all."""
LABEL_WIDTH: Final = 46
NOTE_WIDTH: Final = 52
"""Letters in a line of a label, and in a line of the smaller notes."""
AXES_INCHES: Final = 5.5
"""The width of the axes of every figure."""
PAD: Final = 0.15
"""Inches between columns of text, and at the edges of a figure."""
MOST_PIXELS: Final = 2500
"""The greatest height of a PNG. With many rows its resolution is lower; the SVG has no such limit."""
SMALL, MEDIUM, TITLE = 8.0, 9.0, 10.5
"""Font sizes in points: of notes, of labels, and of the title."""
LINE: Final = 1.2 / 72
"""The height of a line of text, inches for each point of its font size."""
NOTE_INCHES: Final = 0.19
"""The height of a line of notes."""
SQUARE: Final = 1.15
"""The width of a letter without a glyph, which is drawn as a box, as a multiple of the font size."""
NARROW: Final = 2.0
"""Width of a log axis, in natural logarithms, up to which its ticks are those of a linear one: a log axis has none
between 1 and 2."""
MOST_TICKS: Final = 8
"""The most parts between the ticks of such an axis."""
TICK: Final = 3.5
"""The length of all ticks of a log axis, and the room below them, points: their numbers stand in one line."""
POINTS_MEASURED: Final = 10.0
"""The font size at which letters are measured."""


def wrapped(text: str, letters: int = LABEL_WIDTH, lines: int = 3) -> str:
    """Return the text in at most `lines` lines of `letters` letters; the CSV next to the figure has all of it."""
    return "\n".join(textwrap.wrap(printable(text), letters, max_lines=lines, placeholder=" …"))


def printable(text: str) -> str:
    """Return the text without characters that no font draws and XML forbids, such as a bell, a line end or a joiner."""
    letters = (letter for letter in text if unicodedata.category(letter) != "Cf")
    return "".join(letter if letter.isprintable() else " " for letter in letters)


def inches(texts: Iterable[str], points: float, weight: str = "normal") -> float:
    """Return the width of the longest line of the texts, before they are drawn.

    To measure the drawn texts instead (a tight bounding box) would draw every figure twice.
    """
    widths = (sum(_em(letter, weight) for letter in line) for text in texts for line in text.split("\n"))
    return max(widths, default=0.0) * points / 72


def fitted(text: str, room: float, points: float, weight: str = "normal") -> str:
    """Return the text in one line, cut to a width of `room` inches."""
    text = printable(text)
    if inches([text], points, weight) <= room:
        return text
    while text and inches([text + " …"], points, weight) > room:
        text = text[:-1]
    return text.rstrip() + " …"


@lru_cache(maxsize=4096)
def _em(letter: str, weight: str) -> float:
    """Return the width of a letter as a multiple of the font size, 3 % too wide; a square if the font lacks it."""
    font = get_font(findfont(FontProperties(weight=weight)))
    if unicodedata.east_asian_width(letter) in "WF" or not font.get_char_index(ord(letter)):
        return SQUARE
    font.set_size(POINTS_MEASURED, 72)  # each time, because drawing sets the size of this same font
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / POINTS_MEASURED * 1.03


def axes_between(left: float, right: float, height: float, above: float, below: float) -> Axes:
    """Return the axes of a new figure, with room around them for columns of text; all lengths in inches."""
    width, total = left + AXES_INCHES + right, above + height + below
    figure = Figure(figsize=(width, total))
    axes = figure.add_axes((left / width, below / total, AXES_INCHES / width, height / total))
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return axes


def text(axes: Axes, x: float, y: float, words: str, points: float, **style: Any) -> None:
    """Draw a text `x` inches from the left edge of the axes, at `y` in data coordinates."""
    if words:
        beside = axes.get_yaxis_transform()
        axes.text(x / AXES_INCHES, y, words, fontsize=points, transform=beside, linespacing=1.1, **style)


def headline(axes: Axes, words: str) -> None:
    """Draw the title from the left edge of the figure, cut to its width."""
    figure, width, height = _size(axes)
    style: Any = {"fontsize": TITLE, "fontweight": "bold", "va": "top"}
    figure.text(PAD / width, 1 - 0.12 / height, fitted(words, width - 2 * PAD, TITLE, "bold"), **style)


def x_label(axes: Axes, words: str) -> None:
    """Draw the label of the horizontal axis."""
    _, _, height = _size(axes)
    axes.set_xlabel(words)
    axes.xaxis.set_label_coords(0.5, -0.3 / (axes.get_position().height * height))


def make_ratio_axis(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis one of ratios between these two, with plain numbers on both sides of 1."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.xaxis.set_minor_formatter(NullFormatter())
    if log(high / low) < NARROW:
        axes.xaxis.set_major_locator(MaxNLocator(MOST_TICKS, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", which="both", length=TICK, pad=TICK)


def below_axes(notes: int) -> float:
    """Return the inches to leave below the axes for ticks, their label, and `notes` lines of notes."""
    return 0.6 + notes * NOTE_INCHES


def notes(axes: Axes, texts: Sequence[str], handles: Sequence[Any] = (), ncols: int = 1) -> None:
    """Draw the texts as grey lines at the lower edge of the figure, below the legend of the `handles`."""
    figure, width, height = _size(axes)
    for number, words in enumerate(reversed(texts)):
        at = (PAD / width, (0.1 + number * NOTE_INCHES) / height)
        figure.text(*at, fitted(words, width - 2 * PAD, SMALL), fontsize=SMALL, color=GREY, va="bottom")
    if handles:
        corner = (PAD / width, (0.1 + len(texts) * NOTE_INCHES) / height)
        style: Any = {"frameon": False, "fontsize": SMALL, "borderaxespad": 0.0, "borderpad": 0.0, "labelspacing": 0.4}
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=corner, ncols=ncols, **style)


def figure_of(axes: Axes) -> Figure:
    """Return the figure of axes that were made by `axes_between`."""
    figure = axes.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise TypeError("axes without a figure")
    return figure


def _size(axes: Axes) -> tuple[Figure, float, float]:
    """Return the figure with its width and height in inches."""
    figure = figure_of(axes)
    return figure, figure.get_figwidth(), figure.get_figheight()


def write_csv(stem: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write the drawn values next to the figure."""
    with stem.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        file.writelines(map(csv_line, (header, *rows)))


def save(axes: Axes, stem: Path, title: str, description: str) -> list[Path]:
    """Write SVG and PNG; the SVG has no date, so that the same results give the same bytes. Return both paths."""
    svg, png = stem.with_suffix(".svg"), stem.with_suffix(".png")
    title, description = printable(title), printable(description)
    figure, _, height = _size(axes)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing from font"
        )  # such a letter is drawn as a box; the CSV has it
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Title": title, "Description": description})
        described = f"</title>\n <desc>{escape(description)}</desc>"  # read by screen readers; matplotlib has none
        svg.write_text(buffer.getvalue().replace("</title>", described, 1), encoding="utf-8")
        metadata = {"Software": None, "Title": title, "Description": description}
        figure.savefig(png, dpi=min(150.0, MOST_PIXELS / height), metadata=metadata, pil_kwargs={"compress_level": 3})
    return [svg, png]
