"""What all figures share: colours, room measured by letters, and how SVG, PNG and CSV are written."""

import csv
import io
import textwrap
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import matplotlib

matplotlib.use("agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

# Okabe and Ito's colours, which colour-blind readers tell apart; marks and line styles say the same in grey
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
GREY, BAND = "#666666", "#e4e4e4"
STYLE: Any = {
    "svg.hashsalt": "ablate",
    "svg.fonttype": "none",  # text stays text: found by a search, read aloud, and drawn in a third of the time
    "text.parse_math": False,
    "text.hinting": "none",  # hinting each letter anew takes half of the time that a PNG takes
    "font.size": 9.0,
    "hatch.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
MOST_ROWS: Final = 60
"""Lines that a figure can show; its CSV has all."""
LABEL_WIDTH: Final = 46
NOTE_WIDTH: Final = 52
"""Letters of a line of labels, and of the smaller notes."""
AXES_INCHES: Final = 5.5
PAD: Final = 0.15
"""Inches between columns, and at the edges."""
MOST_PIXELS: Final = 2500
"""Height of a PNG at most: one of many rows is coarser, its SVG is not."""
SMALL, MEDIUM, TITLE = 8.0, 9.0, 10.5
"""Points: of notes, of labels, of the title."""
LINE: Final = 1.2 / 72
"""Inches that a line of text is high, for each of its points."""
NOTE_INCHES: Final = 0.19
SQUARE: Final = 1.15
"""The width of a letter for which there is no glyph, in parts of its size: a box is drawn."""
POINTS_MEASURED: Final = 10.0


def wrapped(text: str, letters: int = LABEL_WIDTH, lines: int = 3) -> str:
    """At most so many lines: the CSV beside the figure has the whole."""
    return "\n".join(textwrap.wrap(printable(text), letters, max_lines=lines, placeholder=" …"))


def printable(text: str) -> str:
    """The text without letters that no font can draw and no XML may hold: a bell, a line's end, a joiner."""
    kept = (letter for letter in text if unicodedata.category(letter) != "Cf")
    return "".join(letter if letter.isprintable() else " " for letter in kept)


def inches(texts: Iterable[str], points: float, weight: str = "normal") -> float:
    """How wide the longest line of some texts is, which must be known before they are drawn.

    Measuring the drawn texts instead (a tight bounding box) would draw every figure twice.
    """
    widths = (sum(_em(letter, weight) for letter in line) for text in texts for line in text.split("\n"))
    return max(widths, default=0.0) * points / 72


def fitted(text: str, room: float, points: float, weight: str = "normal") -> str:
    """The text in one line, cut where `room` inches are full."""
    text = printable(text)
    if inches([text], points, weight) <= room:
        return text
    while text and inches([text + " …"], points, weight) > room:
        text = text[:-1]
    return text.rstrip() + " …"


@lru_cache(maxsize=4096)
def _em(letter: str, weight: str) -> float:
    """The width of a letter in parts of its size, a little more than it has; a square where the font has none."""
    font = get_font(findfont(FontProperties(weight=weight)))
    if unicodedata.east_asian_width(letter) in "WF" or not font.get_char_index(ord(letter)):
        return SQUARE
    font.set_size(POINTS_MEASURED, 72)  # each time: whoever draws sets the size of this same font
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / POINTS_MEASURED * 1.03


def axes_between(left: float, right: float, height: float, above: float, below: float) -> Axes:
    """Axes of a new figure, of a given height, with room around them for columns of text; in inches."""
    width, total = left + AXES_INCHES + right, above + height + below
    figure = Figure(figsize=(width, total))
    axes = figure.add_axes((left / width, below / total, AXES_INCHES / width, height / total))
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return axes


def text(axes: Axes, x: float, y: float, words: str, points: float, **style: Any) -> None:
    """A text beside the axes, `x` inches from their left edge, at `y` of their data."""
    if words:
        beside = axes.get_yaxis_transform()
        axes.text(x / AXES_INCHES, y, words, fontsize=points, transform=beside, linespacing=1.1, **style)


def headline(axes: Axes, words: str) -> None:
    """The title, from the figure's left edge, cut where the figure ends."""
    figure, width, height = _size(axes)
    style: Any = {"fontsize": TITLE, "fontweight": "bold", "va": "top"}
    figure.text(PAD / width, 1 - 0.12 / height, fitted(words, width - 2 * PAD, TITLE, "bold"), **style)


def x_label(axes: Axes, words: str) -> None:
    _, _, height = _size(axes)
    axes.set_xlabel(words)
    axes.xaxis.set_label_coords(0.5, -0.3 / (axes.get_position().height * height))


def below_axes(notes: int) -> float:
    """Inches below the axes for ticks, their label, and so many notes."""
    return 0.6 + notes * NOTE_INCHES


def notes(axes: Axes, texts: Sequence[str], handles: Sequence[Any] = (), ncols: int = 1) -> None:
    """Grey lines at the figure's lower edge; above them what marks mean."""
    figure, width, height = _size(axes)
    for number, words in enumerate(reversed(texts)):
        at = (PAD / width, (0.1 + number * NOTE_INCHES) / height)
        figure.text(*at, fitted(words, width - 2 * PAD, SMALL), fontsize=SMALL, color=GREY, va="bottom")
    if handles:
        corner = (PAD / width, (0.1 + len(texts) * NOTE_INCHES) / height)
        style: Any = {"frameon": False, "fontsize": SMALL, "borderaxespad": 0.0, "borderpad": 0.0, "labelspacing": 0.4}
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=corner, ncols=ncols, **style)


def _size(axes: Axes) -> tuple[Figure, float, float]:
    """The figure with its width and height in inches."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure, figure.get_figwidth(), figure.get_figheight()


def write_csv(stem: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with stem.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def save(axes: Axes, stem: Path, title: str, description: str) -> list[Path]:
    """SVG without a date, so that the same results give the same bytes; PNG for where SVG is not shown."""
    svg, png = stem.with_suffix(".svg"), stem.with_suffix(".png")
    title, description = printable(title), printable(description)
    figure, _, height = _size(axes)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # drawn as a box; the CSV has it
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Title": title, "Description": description})
        described = f"</title>\n <desc>{escape(description)}</desc>"  # read by screen readers; matplotlib has none
        svg.write_text(drawn.getvalue().replace("</title>", described, 1), encoding="utf-8")
        kept = {"Software": None, "Title": title, "Description": description}
        figure.savefig(png, dpi=min(150.0, MOST_PIXELS / height), metadata=kept, pil_kwargs={"compress_level": 3})
    return [svg, png]
