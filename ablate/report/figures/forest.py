"""The forest plot: every effect with its interval on one axis, between the change and its verdict."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from math import isnan
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import DIRECT, Contrast, Contrasts
from ablate.analysis.effects import Effect
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.results import StudyResults
from ablate.measurement import Metric, Scale
from ablate.report import units, wording
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BAND, BLUE, GREEN, GREY, LINE, MEDIUM, PAD, SMALL, VERMILION
from ablate.report.unpaired import is_unpaired

STEP, FACTOR, CONFOUNDED = "One factor between two rows", "A factor over all rows", "Several factors at once"
MARKS: Final = {STEP: ("o", BLUE), FACTOR: ("s", GREEN), CONFOUNDED: ("D", VERMILION)}
IDS: Final = {STEP: "step", FACTOR: "factor", CONFOUNDED: "confounded"}
"""The beginning of the ids of each kind in the SVG, in which every id is unique."""
HATCH: Final = "//////"
BAR: Final = 0.045
"""Half the height of a hatched bar, inches."""
HEAD: Final = 0.34
"""The height of a heading, inches."""
ROOM: Final = 3.0
"""The most that the axis extends beyond the outermost effects, in half-widths of a median interval."""
LEGEND_COLUMNS: Final = 3
COLUMNS: Final = (
    *("kind", "change", "context", "effect", "low", "high", "low_simultaneous", "high_simultaneous"),
    *("p", "p_holm", "seeds", "verdict", "instead", "drawn"),
)


class ForestLine(NamedTuple):
    """A line of the forest."""

    kind: str
    """STEP, FACTOR or CONFOUNDED."""
    change: str
    """The change of levels: `a off → on`."""
    context: str
    """The two rows, or the number of pairs of rows."""
    estimate: EffectEstimate
    """Effect and intervals, in the metric's unit."""
    verdict: str
    """The verdict as in tables."""
    instead: str
    """The text that is drawn in place of a mark if there is no effect; else empty."""


class LinePosition(NamedTuple):
    """The place of a line in the figure."""

    entry: ForestLine
    """The line."""
    y: float
    """The middle of the line, inches from the top of the axes."""
    change: str
    """The change, wrapped."""
    context: str
    """The context, wrapped."""


def forest(analysis: Analysis) -> list[ForestLine]:
    """Return the direct contrasts (of a listed family, only its own), then the effects, then what is confounded."""
    results, listed = analysis.results, analysis.results.family.kind == "pairs"
    confounded = [step for step in analysis.steps if step.identified != DIRECT]
    factors = analysis.effects if analysis.search is None else ()  # the effects of finalists are their contrasts
    return [
        *(_of_rows(STEP, one, results) for one in _direct(analysis.contrasts) if one.in_family or not listed),
        *(_of_factor(FACTOR, effect, results) for effect in factors if not effect.bundle),
        *(_of_rows(CONFOUNDED, step, results) for step in confounded),
        *(_of_factor(CONFOUNDED, effect, results) for effect in factors if effect.bundle),
    ]


def lines_to_draw(entries: Sequence[ForestLine]) -> list[ForestLine]:
    """Return all lines, or if they are too many, the lines of smallest p of each kind, in their order."""
    if len(entries) <= canvas.MOST_ROWS:
        return list(entries)
    p = [2.0 if entry.estimate.p is None else entry.estimate.p for entry in entries]
    ranked = []
    for kind in MARKS:
        own = sorted((at for at, entry in enumerate(entries) if entry.kind == kind), key=p.__getitem__)
        ranked += list(enumerate(own))
    return [entries[at] for at in sorted(at for _, at in sorted(ranked)[: canvas.MOST_ROWS])]


def line_positions(entries: Sequence[ForestLine]) -> tuple[list[LinePosition], dict[str, float], float]:
    """Return the places of the lines, {kind: the middle of its heading} and the height of all, inches from the top."""
    places, heads, y = [], {}, 0.0
    for kind, group in groupby(entries, key=lambda entry: entry.kind):
        heads[kind] = y + HEAD / 2
        y += HEAD
        for entry in group:
            change, context = canvas.wrapped(entry.change), canvas.wrapped(entry.context, canvas.NOTE_WIDTH, 2)
            height = _high(change, context) + 0.13
            places.append(LinePosition(entry, y + height / 2, change, context))
            y += height
    return places, heads, y + 0.06


def limits(entries: Sequence[ForestLine], delta: float) -> tuple[float, float]:
    """Return the ends of the axis: all effects, the band of ±delta, and intervals up to ROOM beyond the effects."""
    estimates = [entry.estimate for entry in entries if entry.estimate.effect is not None]
    effects = [0.0, *(float(e.effect or 0.0) for e in estimates)]
    ends = [0.0, *(end for e in estimates for own in (e.interval, e.agreeing) if own for end in own)]
    halves = [(e.interval[1] - e.interval[0]) / 2 for e in estimates if e.interval]
    room = ROOM * float(np.median(halves)) if halves else 0.0
    delta = 0.0 if isnan(delta) else delta
    low = min(-1.3 * delta, *effects, max(min(ends), min(effects) - room))
    high = max(1.3 * delta, *effects, min(max(ends), max(effects) + room))
    margin = 0.03 * (high - low) or 1.0
    return low - margin, high + margin


def draw_forest(axes: Axes, places: Sequence[LinePosition], metric: Metric, delta: float) -> None:
    """Draw marks and bars over the band of ±delta, with an arrow if a bar goes beyond the axis."""
    ends = limits([place.entry for place in places], delta)
    if metric.scale is Scale.LOG:
        canvas.make_ratio_axis(axes, *map(metric.shown, ends))
    axes.set_xlim(*map(metric.shown, ends))
    axes.axvline(metric.shown(0), color="black", linewidth=0.8, zorder=1)
    if delta > 0:
        axes.axvspan(metric.shown(-delta), metric.shown(delta), color=BAND, linewidth=0, zorder=0, gid="band")
        text: Any = {"transform": axes.get_xaxis_transform(), "ha": "center", "va": "bottom"}
        band = f"{units.band_text(metric, delta)}\n"
        axes.text(metric.shown(0), 1.0, band, fontsize=SMALL, color=GREY, linespacing=0.3, **text)
    for kind in MARKS:
        own = [place for place in places if place.entry.kind == kind and place.entry.estimate.effect is not None]
        if own:
            _bars(axes, kind, own)
            _marks(axes, kind, own)
            _arrows(axes, kind, own, ends)
    for place in places:
        if place.entry.estimate.effect is None:
            style: Any = {"transform": axes.get_yaxis_transform(), "ha": "center", "va": "center", "zorder": 4}
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            instead = canvas.fitted(place.entry.instead, 0.96 * canvas.AXES_INCHES, SMALL)
            axes.text(0.5, place.y, instead, fontsize=SMALL, color=GREY, style="italic", bbox=box, **style)


def forest_figure(analysis: Analysis, entries: Sequence[ForestLine], stem: Path) -> list[Path]:
    """Draw the lines, and write all of them into the CSV; return the paths of SVG and PNG."""
    results, chosen = analysis.results, lines_to_draw(entries)
    places, heads, height = line_positions(chosen)
    metric = results.metric
    more = len(entries) - len(chosen)
    notes = [f"and {more:,} more of larger p: see {stem.name}.csv"] if more else []
    legend = legend_entries(chosen, results)
    axes = _with_texts(places, heads, height, -(-len(legend) // LEGEND_COLUMNS) + len(notes))
    draw_forest(axes, places, metric, results.delta)
    canvas.x_label(axes, units.effect_label(metric))
    title = f"{results.heading}: effect of each change on {metric.title}"
    canvas.headline(axes, title)
    canvas.notes(axes, notes, legend, ncols=LEGEND_COLUMNS)
    drawn = {id(entry) for entry in chosen}
    canvas.write_csv(stem, COLUMNS, (_record(entry, id(entry) in drawn) for entry in entries))
    return canvas.save(axes, stem, title, _description(entries, metric, results.delta))


def _direct(contrasts: Contrasts) -> Iterable[Contrast]:
    """Return the contrasts that change one factor, selected by arrays: with many rows most pairs are others."""
    alone = (contrasts.differing.sum(axis=1) == 1) & ~contrasts.undeclared.any(axis=1)
    chosen = (contrasts[int(at)] for at in np.flatnonzero(alone))
    return (contrast for contrast in chosen if contrast.identified == DIRECT)


def _of_rows(kind: str, contrast: Contrast, results: StudyResults) -> ForestLine:
    before, after = contrast.before, contrast.after
    levels = ((name, before.levels.get(name), after.levels.get(name)) for name in contrast.differs)
    changes = [f"{name} {wording.level(one)} → {wording.level(other)}" for name, one, other in levels]
    changes += [f"{name} (undeclared)" for name in contrast.undeclared]
    context = f"row {after.number} against {before.number}: {before.label}"
    return ForestLine(kind, ", ".join(changes) or "nothing", context, *_estimated(contrast, results))


def _of_factor(kind: str, effect: Effect, results: StudyResults) -> ForestLine:
    change = f"{effect.factor} {wording.level(effect.baseline)} → {wording.level(effect.level)}"
    pairs = "one pair of rows" if effect.contexts == 1 else f"mean over {effect.contexts} pairs of rows"
    context = "" if effect.estimate.effect is None else pairs if effect.contexts else "if effects add up"
    return ForestLine(kind, change, context, *_estimated(effect, results))


def _estimated(item: Contrast | Effect, results: StudyResults) -> tuple[EffectEstimate, str, str]:
    """Return the estimate, its verdict, and the reason if there is no effect."""
    reason = wording.meaning(item, results) if item.estimate.effect is None else ""
    return item.estimate, wording.phrase(item), reason


def _bars(axes: Axes, kind: str, places: Sequence[LinePosition]) -> None:
    """Draw thick intervals, hatched if confounded, and thin simultaneous ones."""
    colour = MARKS[kind][1]
    thin = [[(end, p.y) for end in _shown(p, p.entry.estimate.agreeing)] for p in places if p.entry.estimate.agreeing]
    if thin:
        gid = f"{IDS[kind]}-simultaneous"
        axes.add_collection(LineCollection(thin, colors=colour, linewidths=1.1, zorder=2, gid=gid))
    thick = [(*_shown(p, p.entry.estimate.interval), p.y) for p in places if p.entry.estimate.interval]
    if kind != CONFOUNDED:
        bars = LineCollection([[(a, y), (b, y)] for a, b, y in thick], colors=colour, linewidths=3.8, zorder=2.5)
        bars.set(capstyle="butt", gid=f"{IDS[kind]}-interval")
        axes.add_collection(bars)
        return
    corners = [[(a, y - BAR), (b, y - BAR), (b, y + BAR), (a, y + BAR)] for a, b, y in thick]
    style: Any = {"facecolor": "white", "edgecolor": colour, "linewidth": 0.8, "hatch": HATCH}
    axes.add_collection(PolyCollection(corners, zorder=2.5, gid=f"{IDS[kind]}-interval", **style))


def _marks(axes: Axes, kind: str, places: Sequence[LinePosition]) -> None:
    """Draw marks, open for one seed and filled for several."""
    mark, colour = MARKS[kind]
    for name, face, of_one in (("open", "white", True), ("filled", colour, False)):
        own = [(p, p.entry.estimate) for p in places if (p.entry.estimate.seeds <= 1) == of_one]
        points = [(e.metric.shown(e.effect), p.y) for p, e in own if e.effect is not None]
        if points:
            xs, ys = zip(*points, strict=True)
            style: Any = {"marker": mark, "facecolor": face, "edgecolor": colour, "linewidth": 1.4}
            axes.scatter(xs, ys, s=40, zorder=3, gid=f"{IDS[kind]}-{name}", **style)


def _arrows(axes: Axes, kind: str, places: Sequence[LinePosition], ends: tuple[float, float]) -> None:
    """Draw an arrow at each end of the axis that a bar goes beyond."""
    for side, sign, mark in ((0, -1.0, "<"), (1, 1.0, ">")):
        bars = [(place.y, place.entry.estimate.agreeing or place.entry.estimate.interval) for place in places]
        ys = [y for y, bar in bars if bar and sign * bar[side] > sign * ends[side]]
        if ys:
            style: Any = {"marker": mark, "color": MARKS[kind][1], "clip_on": False, "linewidth": 0}
            gid = f"{IDS[kind]}-beyond-{'right' if side else 'left'}"
            edge = places[0].entry.estimate.metric.shown(ends[side])
            axes.scatter([edge] * len(ys), ys, s=24, zorder=4, gid=gid, **style)


def _with_texts(places: Sequence[LinePosition], heads: Mapping[str, float], height: float, notes: int) -> Axes:
    """Return axes between columns of text: the changes on the left, effects and verdicts on the right."""
    effects = [_numbers(place.entry.estimate) for place in places]
    verdicts = [canvas.wrapped(place.entry.verdict, lines=2) for place in places]
    left = 2 * PAD + max(
        canvas.inches(heads, MEDIUM, "bold"),
        canvas.inches([place.change for place in places], MEDIUM),
        canvas.inches([place.context for place in places], SMALL),
    )
    right = 2 * PAD + max(canvas.inches(effects, MEDIUM), canvas.inches(verdicts, SMALL))
    axes = canvas.axes_between(left, right, height, above=0.55, below=canvas.below_axes(notes))
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    for kind, y in heads.items():
        canvas.text(axes, PAD - left, y, kind, MEDIUM, va="center", fontweight="bold")
    for place, effect, verdict in zip(places, effects, verdicts, strict=True):
        _pair(axes, PAD - left, place.y, place.change, place.context)
        _pair(axes, canvas.AXES_INCHES + PAD, place.y, effect, verdict)
    return axes


def _pair(axes: Axes, x: float, y: float, upper: str, lower: str) -> None:
    """Draw a text and a smaller grey one below it, together centred at `y`."""
    middle = y - _high(upper, lower) / 2 + _high(upper, "")
    canvas.text(axes, x, middle, upper, MEDIUM, va="bottom")
    canvas.text(axes, x, middle, lower, SMALL, va="top", color=GREY)


def _high(upper: str, lower: str) -> float:
    """Return the height of a pair of texts, inches."""
    return LINE * sum(points * (text.count("\n") + 1) for text, points in ((upper, MEDIUM), (lower, SMALL)) if text)


def _of_one(results: StudyResults) -> str:
    """Return the meaning of an open mark."""
    return "a row of one run, or of means alone" if is_unpaired(results) else "one seed: for these networks only"


def legend_entries(entries: Sequence[ForestLine], results: StudyResults) -> list[Any]:
    """Return the legend's entries for the marks, bars and lines that are drawn."""
    drawn = [entry for entry in entries if entry.estimate.effect is not None]
    kinds, one = {entry.kind for entry in drawn}, {entry.estimate.seeds <= 1 for entry in drawn}
    barred = {entry.kind for entry in drawn if entry.estimate.interval}
    share = f"{100 * (1 - results.alpha):g} % interval"
    style: Any = {"linestyle": "", "markersize": 6}
    grey: Any = {**style, "color": GREY}
    hatched: Any = {"facecolor": "white", "edgecolor": MARKS[CONFOUNDED][1], "hatch": HATCH, "linewidth": 0.8}
    simultaneous, beyond = any(e.estimate.agreeing for e in drawn), _any_beyond(entries, results.delta)
    entries_of: dict[str, tuple[bool, Any]] = {
        kind.lower(): (kind in kinds, Line2D([], [], marker=mark, color=colour, **style))
        for kind, (mark, colour) in MARKS.items()
    }
    entries_of |= {
        _of_one(results): (True in one, Line2D([], [], marker="o", markerfacecolor="white", **grey)),
        f"several {wording.run_word(results)}s": (False in one, Line2D([], [], marker="o", **grey)),
        share: (bool(barred - {CONFOUNDED}), Line2D([], [], color=GREY, linewidth=3.8)),
        f"{share}, confounded": (CONFOUNDED in barred, Patch(**hatched)),
        "simultaneous interval": (simultaneous, Line2D([], [], color=GREY, linewidth=1.1)),
        "interval beyond the axis": (beyond, Line2D([], [], marker=">", **grey)),
        f"below delta ({units.band_text(results.metric, results.delta)})": (results.delta > 0, Patch(facecolor=BAND)),
        "no effect": (True, Line2D([], [], marker="|", color="black", linestyle="", markersize=10)),
    }
    for label, (_, handle) in entries_of.items():
        handle.set_label(label)
    return [handle for is_drawn, handle in entries_of.values() if is_drawn]


def _any_beyond(entries: Sequence[ForestLine], delta: float) -> bool:
    """Return True if an interval goes beyond the axis."""
    low, high = limits(entries, delta)
    bars = (entry.estimate.agreeing or entry.estimate.interval for entry in entries)
    return any(bar[0] < low or bar[1] > high for bar in bars if bar)


def _numbers(estimate: EffectEstimate) -> str:
    """Return the effect with its interval, or nothing if there is no effect."""
    if estimate.effect is None:
        return ""
    return units.difference_and_interval(estimate.metric, estimate.effect, estimate.interval)


def _record(entry: ForestLine, drawn: bool) -> list[object]:
    """Return a line of the CSV: numbers in full, effects as printed, empty if there is no value."""
    e = entry.estimate
    effects = units.effect_cells(e.metric, e.effect, e.interval, e.agreeing)
    tests = ["" if p is None else p for p in (e.p, e.p_holm)]
    return [entry.kind, entry.change, entry.context, *effects, *tests, e.seeds, e.verdict, entry.instead, drawn]


def _shown(place: LinePosition, ends: tuple[float, float] | None) -> tuple[float, ...]:
    """Return the ends of an interval as they are drawn."""
    return tuple(place.entry.estimate.metric.shown(end) for end in ends or ())


def _description(entries: Sequence[ForestLine], metric: Metric, delta: float) -> str:
    """Return a description of the figure for screen readers."""
    counts = {kind: sum(entry.kind == kind for entry in entries) for kind in MARKS}
    listed = "; ".join(f"{kind.lower()}: {count}" for kind, count in counts.items() if count)
    words = units.unit_words(metric).removesuffix(" (pp)")
    band = "" if isnan(delta) else f", and a band of {units.band_text(metric, delta)}"
    return f"Effects on {metric.title}{words and f' {words}'} with their intervals{band}. {listed}."
