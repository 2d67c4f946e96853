"""The figures of a report: those of its rows here, those of effects and searches from their modules.

Each is computed into small values first, then drawn, and written as SVG, PNG and CSV.
"""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import ALL_PAIRS, DIRECT, Contrast
from ablate.analysis.results import RowResult, StudyResults
from ablate.errors import AblateError
from ablate.filesystem import file_word
from ablate.measurement import Kind, Metric
from ablate.report import units, wording
from ablate.report.figures import canvas
from ablate.report.figures.canvas import BLUE, GREEN, GREY, MEDIUM, ORANGE, PAD, SMALL, VERMILION
from ablate.report.figures.forest import forest, forest_figure
from ablate.report.figures.search_history import history_figure
from ablate.report.figures.search_importance import importance_figure
from ablate.report.figures.search_map import map_figure
from ablate.report.sections.summary import claims_nothing
from ablate.text import listed

JOINTS: dict[bool, Any] = {True: (BLUE, "-"), False: (GREY, ":")}
"""{one factor changed: the colour and the style of a line between two rows}."""
LEGEND_COLUMNS = 2
STYLES = (("o", BLUE), ("s", ORANGE), ("^", GREEN), ("D", VERMILION))
"""The mark and colour of each metric of a figure, in order."""
INCHES_A_ROW = 0.52
"""The height of a row."""
MOST_REFERENCES = 8
"""References that are drawn."""


class LadderRow(NamedTuple):
    """A row of the ladder, with its change from the row that it builds on, or from the baseline."""

    label: str
    """Its number and label."""
    rate: float
    """The mean on the metric that verdicts are about, as printed: percent for a rate."""
    low: float | None
    """The lower end of its interval; None if it has none."""
    high: float | None
    """The upper end of its interval; None if it has none."""
    seeds: int
    """The number of seeds with a result."""
    best: bool
    """True for the best row and every row not shown to differ from it."""
    change: str
    """The change and the factors that changed; empty if there is none."""
    direct: bool
    """True if exactly one factor changed, and without a change."""
    builds_on: int | None
    """The number of the row that it builds on, to which a line is drawn; None if it builds on none."""

    @property
    def number(self) -> int:
        """Its number, with which the label begins."""
        return int(self.label.split(maxsplit=1)[0])


class ReferenceLine(NamedTuple):
    """A reference, drawn as a dashed line."""

    label: str
    """Its label."""
    rate: float
    """The mean on the metric that verdicts are about, as printed."""
    text: str = ""
    """The same as text, with as many decimals as in the tables."""


class TopK(NamedTuple):
    """The rates of a row."""

    label: str
    """Its number and label."""
    rates: dict[str, float]
    """{metric: percent}."""


def draw_all(analysis: Analysis, folder: Path) -> list[Path]:
    """Draw the figures that have results; return the paths of SVG and PNG files, with a CSV next to each."""
    rungs = ladder(analysis)
    if not rungs and not analysis.search:
        return []
    entries = forest(analysis)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(canvas.STYLE):
            paths = search_figures(analysis, folder)
            if not rungs:
                return paths
            paths += _ladder_figure(analysis, rungs, folder / "ladder")
            paths += _top_k_figure(analysis, top_k(analysis), folder / "topk") if proportions(analysis) else []
            return paths + (forest_figure(analysis, entries, folder / "forest") if entries else [])
    except OSError as error:
        raise AblateError(f"figures: {folder} cannot be written: {error.strerror}") from None


def search_figures(analysis: Analysis, folder: Path) -> list[Path]:
    """Draw the figures of a search, if the plan has one; map and history once for each metric."""
    search = analysis.search
    if search is None or not search.candidates:
        return []
    paths: list[Path] = []
    for metric in search.metrics:
        end = "" if metric == search.metric else f"-{file_word(metric.name)}"
        paths += map_figure(analysis, search, metric, folder / f"search-map{end}")
        paths += history_figure(analysis, search, metric, folder / f"search-history{end}")
    return paths + importance_figure(analysis, search, folder / "search-importance")


def ladder(analysis: Analysis) -> list[LadderRow]:
    """Return the rows that have the primary metric, each with its change from the row that it builds on.

    A row that builds on none has its change from the baseline.
    """
    metric = analysis.results.metric
    rows = [row for row in analysis.results.rows if metric.name in row.values]
    marked = frozenset() if claims_nothing(analysis) else analysis.best
    rungs = []
    for above, row in zip([None, *rows], rows, strict=False):
        step = _step(analysis, row)
        shown = step or analysis.against_baseline.get(row.number)
        is_named = bool(analysis.steps) and shown is not None and shown.before is not above
        ends = analysis.interval(row, metric.name)
        low, high = (None, None) if ends is None else (units.shown_value(metric, end) for end in ends)
        rate, best = units.shown_value(metric, row.values[metric.name].mean), row.label in marked
        own = _label(row), rate, low, high, analysis.results.runs(row) or 0, best
        direct = shown is None or shown.identified == DIRECT
        rungs.append(LadderRow(*own, _change(shown, is_named), direct, step.before.number if step else None))
    return rungs


def _change(contrast: Contrast | None, is_named: bool) -> str:
    """Return the change and the factors that changed; `is_named`: with the number of the row that it is against."""
    if contrast is None or contrast.estimate.effect is None:
        return ""
    opening = f"from row {contrast.before.number}: " if is_named else ""
    change = units.difference_text(contrast.estimate.metric, contrast.estimate.effect)
    return f"{opening}{change}  {wording.differing(contrast)}"


def references(analysis: Analysis) -> list[ReferenceLine]:
    """Return the references that have the primary metric."""
    metric = analysis.results.metric
    rows = [row for row in analysis.results.references if metric.name in row.values]
    means = [(row.label, row.values[metric.name].mean) for row in rows]
    return [
        ReferenceLine(label, units.shown_value(metric, mean), units.value_text(metric, mean))
        for label, mean in means
        if isfinite(mean)
    ]


def proportions(analysis: Analysis) -> list[Metric]:
    """Return the proportions of the study that are drawn next to each other; none if there is only one.

    They are there even if rows have results on one of them only.
    """
    results = analysis.results
    chosen = [metric for metric in results.metrics.values() if metric.kind is Kind.PROPORTION and metric.is_rate]
    measured = any(metric in results.measured for metric in chosen)
    return chosen[: len(STYLES)] if len(chosen) > 1 and measured else []


def top_k(analysis: Analysis) -> list[TopK]:
    """Return the proportions of all rows with results."""
    chosen = proportions(analysis)
    rows = [row for row in analysis.results.rows if any(metric.name in row.values for metric in chosen)]
    return [
        TopK(
            _label(row),
            {
                metric.name: units.shown_value(metric, row.values[metric.name].mean)
                for metric in chosen
                if metric.name in row.values
            },
        )
        for row in rows
    ]


def draw_ladder(axes: Axes, rungs: Sequence[LadderRow], lines: Sequence[ReferenceLine]) -> None:
    """Draw rows from top to bottom, the best filled.

    A line leads to each row from the row that it builds on, solid if one factor changed, else dotted.
    """
    for direct, (colour, style) in JOINTS.items():
        chosen = [joint for joint, is_direct in _joints(rungs) if is_direct == direct]
        axes.add_collection(LineCollection(chosen, colors=colour, linestyles=style, linewidths=1.2, zorder=1))
    ys = range(len(rungs))
    bars = [(y, rung.low, rung.high) for y, rung in zip(ys, rungs, strict=True) if rung.low is not None]
    if bars:
        at, lows, highs = zip(*bars, strict=True)
        axes.hlines(at, lows, highs, colors=BLUE, linewidth=2.2, zorder=2)
    for best, face in ((True, BLUE), (False, "white")):
        points = [(rung.rate, y) for y, rung in enumerate(rungs) if rung.best == best]
        if points:
            xs, at = zip(*points, strict=True)
            axes.scatter(xs, at, s=36, facecolor=face, edgecolor=BLUE, zorder=3, gid="best" if best else "other")
    for y, rung in enumerate(rungs):
        colour = "black" if rung.direct else VERMILION
        canvas.text(axes, canvas.AXES_INCHES + PAD, y, canvas.wrapped(rung.change), SMALL, va="center", color=colour)
    for line in lines:
        axes.axvline(line.rate, color=GREY, linestyle="--", linewidth=1, zorder=1)


def _joints(rungs: Sequence[LadderRow]) -> list[tuple[list[tuple[float, int]], bool]]:
    """Return the two ends of each line between rows, in data coordinates, with True if one factor changed."""
    places = {rung.number: (rung.rate, y) for y, rung in enumerate(rungs)}
    return [
        ([places[rung.builds_on], places[rung.number]], rung.direct)
        for rung in rungs
        if rung.builds_on is not None and rung.builds_on in places
    ]


def draw_top_k(axes: Axes, curves: Sequence[TopK], metrics: Sequence[Metric]) -> None:
    """Draw the proportions of each row on one line, with a mark and a colour for each metric."""
    ends = [(min(row.rates.values()), max(row.rates.values())) for row in curves]
    axes.hlines(range(len(curves)), [low for low, _ in ends], [high for _, high in ends], GREY, linewidth=1, zorder=1)
    for metric, (mark, colour) in zip(metrics, STYLES, strict=False):
        points = [(row.rates[metric.name], y) for y, row in enumerate(curves) if metric.name in row.rates]
        if points:
            xs, ys = zip(*points, strict=True)
            axes.scatter(xs, ys, marker=mark, color=colour, s=36, label=metric.title, zorder=2)


def _ladder_figure(analysis: Analysis, every: Sequence[LadderRow], stem: Path) -> list[Path]:
    """Draw the ladder, and write all rows into its CSV; return the paths of SVG and PNG."""
    results, metric = analysis.results, analysis.results.metric
    name = metric.title
    rungs, lines = every[: canvas.MOST_ROWS], references(analysis)
    start = wording.step_start(results) if analysis.steps else wording.start(results)
    heading = f"change from {start}{units.in_title(metric)}; factors changed"
    notes = [
        *_reference_notes(lines),
        _seeds(rungs, metric, wording.run_word(analysis.results)),
        *_not_drawn(results, len(every)),
        *_more(len(every) - len(rungs), stem),
    ]
    legend = _ladder_legend(rungs, lines, results.alpha)
    beside = [rung.change for rung in rungs]
    axes = _axes([rung.label for rung in rungs], heading, beside, -(-len(legend) // LEGEND_COLUMNS) + len(notes))
    draw_ladder(axes, rungs, lines[:MOST_REFERENCES])
    share = f"{100 * (1 - results.alpha):g} % interval"
    has_intervals = any(rung.low is not None for rung in rungs)
    canvas.x_label(axes, _axis(results, metric, share if has_intervals else ""))
    title = f"{results.heading}: {name} row by row"
    canvas.headline(axes, title)
    canvas.text(axes, canvas.AXES_INCHES + PAD, -0.6, canvas.wrapped(heading), SMALL, color=GREY, va="bottom")
    canvas.notes(axes, notes, legend, ncols=LEGEND_COLUMNS)
    canvas.write_csv(stem, ["row", *LadderRow._fields[1:]], every)
    with_intervals = f" with {share}s" if has_intervals else ""
    description = f"{name} of {len(every)} rows{with_intervals}, and the change from {start}"
    return canvas.save(axes, stem, title, description)


def _top_k_figure(analysis: Analysis, every: Sequence[TopK], stem: Path) -> list[Path]:
    """Draw the rates of the rows, and write all rows into the CSV; return the paths of SVG and PNG."""
    results, curves = analysis.results, every[: canvas.MOST_ROWS]
    notes = [*_not_drawn(results, len(every)), *_more(len(every) - len(curves), stem)]
    axes = _axes([row.label for row in curves], "", [], 1 + len(notes))
    metrics = proportions(analysis)
    draw_top_k(axes, curves, metrics)
    names = listed([metric.title for metric in metrics])
    canvas.x_label(axes, f"{names}, {metrics[0].display.unit}{_of_examples(results, metrics[0])}")
    title = f"{results.heading}: {names}"
    canvas.headline(axes, title)
    of_row = Line2D([], [], color=GREY, linewidth=1, label="one row")
    canvas.notes(axes, notes, [*axes.get_legend_handles_labels()[0], of_row], ncols=4)
    columns = [metric.name for metric in metrics]
    canvas.write_csv(
        stem, ["row", *columns], [[row.label, *(row.rates.get(name, "") for name in columns)] for row in every]
    )
    return canvas.save(axes, stem, title, f"{names} of {len(every)} rows")


def _axis(results: StudyResults, metric: Metric, note: str) -> str:
    """Return the label of an axis of means with a note: `accuracy, % of 240 test examples (95 % interval)`."""
    unit = metric.display.unit
    of_examples = _of_examples(results, metric) if metric.kind is Kind.PROPORTION else ""
    return f"{metric.title}{unit and f', {unit}'}{of_examples}{units.better(metric, note)}"


def _of_examples(results: StudyResults, metric: Metric) -> str:
    """Return ` of 240 test examples`; nothing if no number of examples is known."""
    counts = {row.values[metric.name].n for row in results.rows if metric.name in row.values} - {None}
    examples = f"{metric.measured_split} {metric.display.examples}"
    if not counts:
        return ""
    return f" of {counts.pop():,} {examples}" if len(counts) == 1 else f" of each row's own {examples}"


def _axes(labels: Sequence[str], heading: str, beside: Sequence[str], notes: int) -> Axes:
    """Return axes with a line for each label, and room for labels left, texts below a heading right, notes below."""
    labels = [canvas.wrapped(label) for label in labels]
    left = 2 * PAD + canvas.inches(labels, MEDIUM)
    right = 2 * PAD + canvas.inches([heading, *map(canvas.wrapped, beside)], SMALL)
    height = INCHES_A_ROW * len(labels)
    axes = canvas.axes_between(left, right, height, above=0.55, below=canvas.below_axes(notes))
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    return axes


def _step(analysis: Analysis, row: RowResult) -> Contrast | None:
    """Return the contrast with the row that a row builds on; if that has no result, with the one that that builds on.

    None if there is no such row, or if there are many rows and rows between have no result.
    """
    own = step = analysis.step_to.get(row.number)
    while step is not None and analysis.results.metric.name not in step.before.values:
        step = analysis.step_to.get(step.before.number)
    if own is None or step is None or step is own:
        return step
    return analysis.contrasts.between(step.before, row) if len(analysis.results.rows) <= ALL_PAIRS else None


def _ladder_legend(rungs: Sequence[LadderRow], lines: Sequence[ReferenceLine], alpha: float) -> list[Line2D]:
    """Return the legend's entries for the marks and lines that are drawn."""
    style: Any = {"marker": "o", "linestyle": "", "color": BLUE, "markersize": 6}
    handles = []
    if any(rung.best for rung in rungs):
        handles.append(Line2D([], [], label=f"the best, and rows not shown to differ from it (α = {alpha:g})", **style))
    if not all(rung.best for rung in rungs):
        others = "other rows" if handles else "rows"
        handles.append(Line2D([], [], markerfacecolor="white", label=others, **style))
    if any(rung.low is not None for rung in rungs):
        handles.append(Line2D([], [], color=BLUE, linewidth=2.2, label=f"{100 * (1 - alpha):g} % interval"))
    drawn = {is_direct for _, is_direct in _joints(rungs)}
    for is_direct, words in ((True, "step: one factor changed"), (False, "step: several factors at once, or none")):
        if is_direct in drawn:
            colour, line = JOINTS[is_direct]
            handles.append(Line2D([], [], color=colour, linestyle=line, linewidth=1.2, label=words))
    if lines:
        handles.append(Line2D([], [], color=GREY, linestyle="--", linewidth=1, label="reference"))
    return handles


def _seeds(rungs: Sequence[LadderRow], metric: Metric, word: str) -> str:
    """Return the number of seeds of the rows, and the scope of their intervals."""
    counts, several = [rung.seeds for rung in rungs], metric.display.examples
    if all(rung.low is None for rung in rungs):
        return f"{wording.counted(counts[0], word)} per row: the results do not show how much runs vary."
    if max(counts) == 1:
        return f"One {word} per row: intervals generalise to new {several} for these networks, not to other {word}s."
    few = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{counts[0]}"
    one = f"; with one {word}, to new {several} only." if min(counts) == 1 and word == "seed" else "."
    return f"{few} {word}s per row: intervals generalise to new {word}s{one}"


def _reference_notes(lines: Sequence[ReferenceLine]) -> list[str]:
    """Return a note for each dashed line."""
    notes = [f"dashed: {line.label} {line.text}" for line in lines[:MOST_REFERENCES]]
    more = len(lines) - MOST_REFERENCES
    return notes + ([f"and {wording.counted(more, 'more reference')}"] if more > 0 else [])


def _not_drawn(results: StudyResults, drawn: int) -> list[str]:
    """Return how many rows have no result, and so no place in a figure."""
    without = len(results.rows) - drawn
    return [f"not drawn: {wording.counted(without, 'row')} without a result"] if without else []


def _more(count: int, stem: Path) -> list[str]:
    return [f"and {wording.counted(count, 'more row')}: see {stem.name}.csv"] if count else []


def _label(row: RowResult) -> str:
    return f"{row.number}  {row.label}"
