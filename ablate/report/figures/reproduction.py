"""The figure `compare-THEIRS`: each contrast in our study above the same one in theirs, over the band of ±delta."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ablate.analysis.contrasts import Contrast
from ablate.analysis.reproduction.comparison import ComparedContrast, Comparison
from ablate.errors import AblateError
from ablate.measurement import Metric, Scale
from ablate.report import units
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BAND, BLUE, GREY, MEDIUM, PAD, VERMILION
from ablate.report.sections.reproduction import changed, heading, spoken

DASHED: Any = (0, (3, 1.5))
APART = 0.17
"""The distance of ours above the middle of its contrast, and of theirs below it, in data coordinates."""
INCHES_A_CONTRAST = 0.56
"""The height of a contrast."""
MOST_LINES = 4
"""Lines of a label."""
BOLD = 1.12
"""The width of bold letters, as a multiple of normal ones."""
COLUMNS = (
    *("from", "to", "changes", "ours", "ours_low", "ours_high", "ours_seeds", "theirs", "theirs_low", "theirs_high"),
    *("theirs_seeds", "difference", "difference_low", "difference_high", "word", "reason"),
)


class StudyMark(NamedTuple):
    """The mark of one study, percentage points."""

    effect: float
    """The effect."""
    low: float
    """The lower end of its interval."""
    high: float
    """The upper end of its interval."""
    one_seed: bool
    """True if it rests on one seed: the mark is open."""


class ComparedLine(NamedTuple):
    """A contrast as it is drawn."""

    label: str
    """The two rows and the changes."""
    ours: StudyMark
    """The effect in our study."""
    theirs: StudyMark
    """The effect in theirs."""
    word: str
    """The word from the closed list."""


def draw(comparison: Comparison, folder: Path) -> list[Path]:
    """Draw the contrasts that can be compared; return the paths of SVG and PNG, with the CSV next to them."""
    lines = [line for compared in comparison.compared if (line := _line(compared))]
    if not lines:
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(canvas.STYLE):
            return _figure(comparison, lines, folder / f"compare-{comparison.theirs.study}")
    except OSError as error:
        raise AblateError(f"figures: {folder} cannot be written: {error.strerror}") from None


def draw_lines(axes: Axes, lines: Sequence[ComparedLine], metric: Metric, delta: float) -> None:
    """Draw contrasts from top to bottom: ours as a disc on a solid line, theirs below as a square on a dashed line."""
    if metric.scale is Scale.LOG:
        ends = [end for line in lines for side in (line.ours, line.theirs) for end in (side.low, side.high)]
        canvas.make_ratio_axis(axes, min(ends), max(ends))
    axes.axvspan(metric.shown(-delta), metric.shown(delta), color=BAND, zorder=0)
    axes.axvline(metric.shown(0), color=GREY, linewidth=0.8, zorder=1)
    for y, line in enumerate(lines):
        _mark(axes, line.ours, y - APART, BLUE, "o", "-")
        _mark(axes, line.theirs, y + APART, VERMILION, "s", DASHED)
        weight = "bold" if line.word.startswith(("reproduced", "contradicted")) else "normal"
        canvas.text(axes, canvas.AXES_INCHES + PAD, y, line.word, MEDIUM, va="center", fontweight=weight)


def _mark(axes: Axes, side: StudyMark, y: float, colour: str, mark: str, style: Any) -> None:
    axes.plot([side.low, side.high], [y, y], color=colour, linestyle=style, linewidth=1.6, zorder=2)
    face = "white" if side.one_seed else colour
    axes.plot([side.effect], [y], marker=mark, markersize=6, color=colour, markerfacecolor=face, zorder=3)


def _line(compared: ComparedContrast) -> ComparedLine | None:
    """Return a contrast to draw; None if it cannot be compared, or if an effect has no interval."""
    ours = _side(compared.ours) if compared.ours else None
    theirs = _side(compared.theirs)
    if ours is None or theirs is None or compared.interval is None:
        return None
    word = spoken(compared.word) + ("\n(bundle)" if compared.bundle else "")
    label = _label(f"{compared.pair[0]} → {compared.pair[1]}", changed(compared))
    return ComparedLine(label, ours, theirs, word)


def _label(pair: str, changes: Sequence[str]) -> str:
    """Return the two rows and each change on its own line, so that no arrow ends a line; of many, the first."""
    lines = [textwrap.shorten(canvas.printable(change), canvas.LABEL_WIDTH, placeholder=" …") for change in changes]
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = [f"and {len(lines) - MOST_LINES + 1} more"]
    return f"{pair}  " + ",\n".join(lines)


def _side(contrast: Contrast) -> StudyMark | None:
    estimate = contrast.estimate
    if estimate.effect is None or estimate.interval is None:
        return None
    shown = estimate.metric.shown
    low, high = estimate.interval
    return StudyMark(shown(estimate.effect), shown(low), shown(high), estimate.seeds == 1)


def _figure(comparison: Comparison, every: Sequence[ComparedLine], stem: Path) -> list[Path]:
    lines = every[: canvas.MOST_ROWS]
    notes = list(_notes(comparison, lines, len(every) - len(lines)))
    left = 2 * PAD + canvas.inches([line.label for line in lines], MEDIUM)
    right = 2 * PAD + BOLD * canvas.inches([line.word for line in lines], MEDIUM)
    height = INCHES_A_CONTRAST * len(lines)
    axes = canvas.axes_between(left, right, height, above=0.45, below=canvas.below_axes(1 + len(notes)))
    draw_lines(axes, lines, comparison.ours.metric, comparison.ours.delta)
    axes.set_yticks(range(len(lines)), [line.label for line in lines])
    axes.set_ylim(len(lines) - 0.4, -0.6)
    ours = comparison.ours
    share = f"{100 * (1 - ours.alpha):g} % interval"
    metric, unit = ours.metric.title, units.in_title(ours.metric)
    canvas.x_label(axes, f"change of {metric}{unit}, with {share}; band: {units.band_text(ours.metric, ours.delta)}")
    title = heading(comparison)
    canvas.headline(axes, title)
    canvas.notes(axes, notes, _legend(comparison, lines), ncols=2)
    canvas.write_csv(stem, COLUMNS, map(_record, comparison.compared))
    description = f"Changes of {metric} in both studies, {len(every)} contrasts, with {share}s."
    return canvas.save(axes, stem, title, description)


def _legend(comparison: Comparison, lines: Sequence[ComparedLine]) -> list[Line2D]:
    sides: Any = (
        (comparison.ours.heading, BLUE, "o", "-", [line.ours for line in lines]),
        (comparison.theirs.heading, VERMILION, "s", DASHED, [line.theirs for line in lines]),
    )
    handles = []
    for name, colour, mark, style, drawn in sides:
        single = all(side.one_seed for side in drawn)
        text = textwrap.shorten(name, canvas.LABEL_WIDTH, placeholder=" …") + (", one seed" if single else "")
        face = "white" if single else colour
        handles.append(Line2D([], [], color=colour, marker=mark, linestyle=style, markerfacecolor=face, label=text))
    return handles


def _notes(comparison: Comparison, lines: Sequence[ComparedLine], not_drawn: int) -> Iterator[str]:
    notes = ["rows have their numbers in the second study"]
    if any(side.one_seed for line in lines for side in (line.ours, line.theirs)):
        notes.append("open mark: one seed")
    if any(line.word.endswith("(bundle)") for line in lines):
        notes.append("bundle: several factors change at once")
    if comparison.counts["not_comparable"]:
        notes.append(f"not comparable: {comparison.counts['not_comparable']}")
    yield "; ".join(notes)
    if not_drawn:
        yield f"and {not_drawn} more: see the CSV next to this figure"


def _record(one: ComparedContrast) -> list[object]:
    """Return a line of the CSV, which has every contrast, drawn or not."""
    rows = one.theirs.before.label, one.theirs.after.label, "; ".join(changed(one))
    sides = (*_values(one.ours), *_values(one.theirs))
    metric = one.theirs.estimate.metric
    return [*rows, *sides, *units.effect_cells(metric, one.difference, one.interval), one.word, one.reason]


def _values(contrast: Contrast | None) -> tuple[object, ...]:
    if contrast is None:
        return ("",) * 4
    estimate = contrast.estimate
    return *units.effect_cells(estimate.metric, estimate.effect, estimate.interval), estimate.seeds
