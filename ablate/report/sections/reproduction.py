"""The comparison of our study with a reference: for a terminal at 80 columns, as markdown, and as JSON."""

import io
import json
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablate.analysis.contrasts import Contrast
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.reproduction.comparison import (
    NOT_COMPARABLE,
    REPRODUCED,
    AlternativeReading,
    ComparedContrast,
    Comparison,
    Pair,
)
from ablate.analysis.reproduction.settings_diff import SettingDifference
from ablate.analysis.results import RowResult
from ablate.measurement import Metric, Scale
from ablate.report import units, wording
from ablate.report.escapes import as_markdown_line, in_markdown
from ablate.text import visible

MOST_SETTINGS = 12
"""Settings that differ and are printed; the JSON has all."""
LONGEST = 40
"""Letters of a setting's value."""
BRACKETS = {"(": ")", "[": "]", "{": "}"}
"""Each opening bracket with its closing one, for values that are cut."""
MOST_REASONS = 20
"""Reasons, and pairs of rows for each reason, that are printed."""
CHANGE_WIDTH = 14
"""Letters of the column `changes` in a terminal."""
STYLES = {"contradicted": "bold", "reproduced": "bold"}
BUNDLE = "Bundle: several factors change at once; the p is that of the whole change."


class ComparableContrast(NamedTuple):
    """A contrast that both studies have."""

    compared: ComparedContrast
    """The contrast, with its word from the closed list."""
    ours: Contrast
    """The contrast in ours."""
    difference: float
    """The effect in ours minus the effect in theirs, percentage points."""


def terminal(comparison: Comparison, colour: bool = False, width: int | None = None) -> str:
    """Return the whole comparison as text of at most `width` columns, with `colour` if stdout is a terminal."""
    width = width or shutil.get_terminal_size((80, 24)).columns
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=colour, width=width, highlight=False, no_color=not colour)
    console.print(_text(heading(comparison), style="bold"))
    for line in (total(comparison), *settings(comparison)):
        console.print(_text(line))
    console.print()
    listed = _comparable(comparison)
    if listed:
        console.print(_text(f"Contrasts in {_unit(comparison)}: effect, interval, verdict", style="bold"))
        console.print(_contrasts(listed))
        if any(line.compared.bundle for line in listed):
            console.print(Text(f"{BUNDLE}\n"))
        console.print(_text("Rows: label in theirs, and in ours if it differs", style="bold"))
        console.print(_rows(comparison, listed))
        console.print()
    for title, lines in _lists(comparison):
        console.print(_text(title, style="bold"))
        for line in lines:
            console.print(_text(textwrap.fill(line, width - 1, initial_indent="• ", subsequent_indent="  ")))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def markdown(comparison: Comparison) -> str:
    """Return the whole comparison with one wide table."""
    parts = [f"# {in_markdown(heading(comparison))}", as_markdown_line(total(comparison))]
    parts += ["\n".join(f"- {as_markdown_line(line)}" for line in settings(comparison))]
    listed = _comparable(comparison)
    if listed:
        parts.append(f"## Contrasts\n\nIn {_unit(comparison)}. Rows have their numbers in theirs.")
        parts.append("\n".join(_markdown_table(listed)))
        parts.append(BUNDLE if any(line.compared.bundle for line in listed) else "")
        parts.append("## Rows\n\n" + "\n".join(_markdown_rows(comparison, listed)))
    for title, lines in _lists(comparison):
        parts.append(f"## {title}\n\n" + "\n".join(f"- {as_markdown_line(line)}" for line in lines))
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(comparison: Comparison) -> str:
    """Return the comparison as JSON text."""
    return json.dumps(document(comparison), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def document(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain values: effects in the metric's unit, words from the closed list."""
    ours, theirs = comparison.ours, comparison.theirs
    return {
        "schema": 2,
        "study": ours.study,
        "profile": ours.profile,
        "against": {"study": theirs.study, "profile": theirs.profile},
        "primary": ours.primary,
        "unit": ours.metric.unit,
        "direction": str(ours.metric.direction),
        "scale": str(ours.metric.scale),
        **units.amounts(ours.metric, {"delta": ours.delta}),
        "alpha": ours.alpha,
        "settings": [{"what": one.what, "ours": one.ours, "theirs": one.theirs} for one in comparison.settings],
        "levels": [
            {"factor": match.factor, "matched": "order" if match.by_order else "name", "ours_theirs": match.stands_for}
            for match in comparison.alignment.levels
        ],
        "total": comparison.counts,
        "contrasts": [_contrast_values(compared) for compared in comparison.compared],
        "ours_only": comparison.ours_only,
        "shared_trials": comparison.shared_trials,
        "readings": [_reading_values(reading) for reading in comparison.readings],
    }


def heading(comparison: Comparison) -> str:
    """Return the title of the comparison, with the study and profile of both sides."""
    return f"{comparison.ours.heading} against {comparison.theirs.heading}"


def total(comparison: Comparison) -> str:
    """Return the count of each word, and how many of the reproduced effects are surely within delta of each other."""
    counts = comparison.counts
    every = sum(counts.values())
    if not every:
        return "No contrast to compare: theirs has no two rows that differ."
    listed = ", ".join(f"{counts[word]} {spoken(word)}" for word in counts)
    counted = f"{wording.counted(every, 'contrast')}: {listed}."
    if not counts[REPRODUCED]:
        return counted
    band = units.band_text(comparison.ours.metric, comparison.ours.delta)
    return (
        f"{counted} The whole interval of the difference lies within {band} in "
        f"{comparison.surely_within:,} of {wording.counted(counts[REPRODUCED], 'reproduced contrast')}."
    )


def settings(comparison: Comparison) -> list[str]:
    """Return the differences between the studies around their results: levels, settings, rules, seeds, shared runs."""
    lines = list(_level_differences(comparison))
    differences = [_setting(one) for one in comparison.settings]
    if differences:
        more = len(differences) - MOST_SETTINGS
        lines += differences[:MOST_SETTINGS]
        lines += [f"{wording.counted(more, 'more setting')} that differ: see --format json."] if more > 0 else []
    if lines:
        lines.append(
            "The studies differ in this, so the comparison is about effects. It does not test whether a run gives the "
            "same numbers again."
        )
    return [*lines, *_rules(comparison)]


def _setting(difference: SettingDifference) -> str:
    """Return `Setting lr: ours 0.001, theirs 0.0001.`, or only the name if two long values begin alike."""
    ours, theirs = (
        "not known" if value is None else _shortened_value(value) for value in (difference.ours, difference.theirs)
    )
    if ours == theirs:
        return f"Setting {difference.what}: differs in a long value, see --format json."
    return f"Setting {difference.what}: ours {ours}, theirs {theirs}."


def _shortened_value(value: str) -> str:
    """Return a value of at most `LONGEST` letters, plus the brackets that the cut left open."""
    short = textwrap.shorten(value, LONGEST, placeholder=" …")
    closing: list[str] = []
    for letter in short:
        if letter in BRACKETS:
            closing.append(BRACKETS[letter])
        elif closing and letter == closing[-1]:
            closing.pop()
    return short + "".join(reversed(closing)) if short.endswith("…") else short


def spoken(word: str) -> str:
    """Return a word of the closed list as people read it: `same sign`."""
    return word.replace("_", " ")


def changed(compared: ComparedContrast) -> list[str]:
    """Return the changes of a contrast, one factor each and in one line: `omega 0.9 → 0.7`."""
    changes = (f"{change.factor} {change.before} → {change.after}" for change in compared.changes)
    return [visible(change, keep="") for change in changes]


def _verdict(contrast: Contrast, bundle: bool) -> str:
    """Return the verdict of one study about the contrast; a bundle has no verdict, but a p."""
    return _p(contrast.estimate) if bundle else wording.phrase(contrast)


def _p(estimate: EffectEstimate) -> str:
    if estimate.p is None:
        return "no p"
    return "p < 0.001" if estimate.p < 0.001 else f"p {estimate.p:.3f}"


def _text(words: str, style: str = "") -> Text:
    """Return words for a terminal: no markup, and no letter that it would obey."""
    return Text(visible(words), style=style)


def _unit(comparison: Comparison) -> str:
    metric = comparison.ours.metric
    if metric.scale is Scale.LOG:
        return f"ratios of {metric.title}"
    unit = units.difference_unit(metric)
    return f"{unit} of {metric.title}" if unit else metric.title


def _level_differences(comparison: Comparison) -> Iterator[str]:
    """Return the levels that were matched by order, and the factors that only one study has."""
    for match in comparison.alignment.levels:
        if match.by_order:
            pairs = ", ".join(f"{ours} stands for {theirs}" for ours, theirs in match.stands_for.items())
            yield f"{match.factor}: {pairs} (no level has the same name in both; matched by order, baseline first)."
    for whose, names in (("ours", comparison.alignment.only_ours), ("theirs", comparison.alignment.only_theirs)):
        if names:
            yield f"Only {whose} has {', '.join(names)}."


def _rules(comparison: Comparison) -> Iterator[str]:
    """Return the rules that both are judged by, and the limits of the comparison."""
    ours = comparison.ours
    confidence = f"{100 * (1 - ours.alpha):g} %"
    band = units.band_text(ours.metric, ours.delta)
    yield f"Both are judged by our delta {band} and alpha {ours.alpha:g}; each interval is at {confidence}."
    single = [
        name
        for name, results in (("ours", ours), ("theirs", comparison.theirs))
        if any(row.seeds for row in results.rows) and all(results.runs(row) in (0, 1) for row in results.rows)
    ]
    if single:
        verb = "have" if len(single) > 1 else "has"
        yield (
            f"{' and '.join(single).capitalize()} {verb} one seed per row: such results hold for those trained "
            "networks only, not for other seeds."
        )
    if comparison.shared_trials:
        yield (
            f"{wording.counted(comparison.shared_trials, 'trial')} in both studies: the intervals of the "
            "differences take the two as independent, and so are wider than necessary."
        )


def _comparable(comparison: Comparison) -> list[ComparableContrast]:
    return [
        ComparableContrast(compared, compared.ours, compared.difference)
        for compared in comparison.compared
        if compared.ours is not None and compared.difference is not None and compared.word != NOT_COMPARABLE
    ]


def _contrasts(listed: Sequence[ComparableContrast]) -> Table:
    table = _table()
    table.add_column("rows", no_wrap=True)
    table.add_column("changes", ratio=1, overflow="fold")
    for name in ("ours", "theirs", _difference_heading(listed)):
        table.add_column(name, justify="left", overflow="fold", min_width=14)
    table.add_column("", no_wrap=True, min_width=12)
    for compared, ours, difference in listed:
        factors = "\n".join(_in_column(change) for change in changed(compared))
        word = Text(spoken(compared.word), style=STYLES.get(compared.word, ""))
        word.append("\n(bundle)" if compared.bundle else "", style="not bold")
        cells = (
            _cell(ours, compared.bundle),
            _cell(compared.theirs, compared.bundle),
            _difference(compared, difference),
        )
        plain = (_text(text) for text in (_numbers(compared.pair, narrow=True), factors, *cells))  # "[/b]" is no markup
        table.add_row(*plain, word)
        table.add_row()
    return table


def _difference_heading(listed: Sequence[ComparableContrast]) -> str:
    """Return `ours − theirs`; of effects that are ratios, `ours / theirs`."""
    is_ratio = any(ours.estimate.metric.scale is Scale.LOG for _, ours, _ in listed)
    return "ours / theirs" if is_ratio else "ours − theirs"


def _in_column(change: str) -> str:
    """Return the factor above its levels, a long name broken at its underscores."""
    name, _, levels = change.partition(" ")
    return "\n".join([*textwrap.wrap(name.replace("_", "_ "), CHANGE_WIDTH), levels]).replace("_ ", "_")


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)


def _cell(contrast: Contrast, bundle: bool) -> str:
    """Return the effect, its interval and its verdict, one below the other."""
    estimate = contrast.estimate
    effect = wording.NOTHING if estimate.effect is None else units.difference_text(estimate.metric, estimate.effect)
    return f"{effect}\n{_interval(estimate.metric, estimate.interval)}\n{_verdict(contrast, bundle)}"


def _difference(compared: ComparedContrast, difference: float) -> str:
    """Return the difference of the two effects, with its interval below it."""
    metric = compared.theirs.estimate.metric
    return f"{units.difference_text(metric, difference)}\n{_interval(metric, compared.interval)}"


def _interval(metric: Metric, ends: tuple[float, float] | None) -> str:
    return wording.interval(metric, ends) if ends else "no interval"


def _numbers(pair: Pair, narrow: bool = False) -> str:
    return f"{pair[0]}→{pair[1]}" if narrow else f"{pair[0]} → {pair[1]}"


def _used(comparison: Comparison, listed: Sequence[ComparableContrast]) -> list[tuple[RowResult, str]]:
    """Return the rows of theirs that are compared, each with the label in ours if that is another."""
    labels: dict[int, dict[str, None]] = {}
    for compared, ours, _ in listed:
        for row, own in ((compared.theirs.before, ours.before), (compared.theirs.after, ours.after)):
            labels.setdefault(row.number, {})[own.label] = None
    rows = [row for row in comparison.theirs.rows if row.number in labels]
    return [(row, "; ".join(label for label in labels[row.number] if label != row.label)) for row in rows]


def _rows(comparison: Comparison, listed: Sequence[ComparableContrast]) -> Table:
    table = _table()
    table.add_column("#", justify="right")
    used = _used(comparison, listed)
    columns = [("theirs", [row.label for row, _ in used]), ("ours", [label for _, label in used])]
    used_columns = [(name, labels) for name, labels in columns if any(labels)]
    for name, _ in used_columns:
        table.add_column(name, overflow="fold")
    for at, (row, _) in enumerate(used):
        table.add_row(str(row.number), *(_text(labels[at]) for _, labels in used_columns))
    return table


def _lists(comparison: Comparison) -> Iterator[tuple[str, list[str]]]:
    """Return the lists below the table: contrasts not comparable and why, other readings, contrasts only ours has."""
    reasons: dict[str, list[Pair]] = {}
    for compared in comparison.compared:
        if compared.word == NOT_COMPARABLE:
            reasons.setdefault(compared.reason, []).append(compared.pair)
    if reasons:
        yield "Not comparable", _cut([f"{_shortened(pairs, _numbers)}: {why}" for why, pairs in reasons.items()])
    if comparison.readings:
        title = "Other readings of a log whose titles and values disagree"
        yield (
            title,
            [f"{one.words}: {_shortened(list(one.changed), _changed_word(one))}" for one in comparison.readings],
        )
    if comparison.ours_only:
        yield (
            "Only ours",
            [
                f"{wording.counted(comparison.ours_only, 'contrast')} of our study "
                f"{'has' if comparison.ours_only == 1 else 'have'} no matching rows in the other study"
            ],
        )


def _changed_word(reading: AlternativeReading) -> Callable[[Pair], str]:
    """Return a function from a pair of rows to its word in the other reading."""

    def changed_word(pair: Pair) -> str:
        listed, other = reading.changed[pair]
        if other is None:
            return f"{_numbers(pair)} is not compared"
        was = f" (as listed: {spoken(listed)})" if listed else ""
        return f"{_numbers(pair)} {spoken(other)}{was}"

    return changed_word


def _shortened(pairs: Sequence[Pair], text: Callable[[Pair], str]) -> str:
    more = f" and {len(pairs) - MOST_REASONS} more" if len(pairs) > MOST_REASONS else ""
    return ", ".join(text(pair) for pair in pairs[:MOST_REASONS]) + more


def _cut(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - MOST_REASONS} more reasons, see --format json"] if len(lines) > MOST_REASONS else []
    return lines[:MOST_REASONS] + more


def _markdown_table(listed: Sequence[ComparableContrast]) -> Iterator[str]:
    yield _line(["rows", "changes", "ours", "verdict", "theirs", "verdict", _difference_heading(listed), "word"])
    yield _line([":--", ":--", "--:", ":--", "--:", ":--", "--:", ":--"])
    for compared, ours, difference in listed:
        cells = [(*_cell(contrast, compared.bundle).rsplit("\n", 1),) for contrast in (ours, compared.theirs)]
        values = [part.replace("\n", " ") for cell in cells for part in cell]
        factors = ", ".join(changed(compared))
        word = spoken(compared.word) + (" (bundle)" if compared.bundle else "")
        values.append(_difference(compared, difference).replace("\n", " "))
        yield _line([_numbers(compared.pair), factors, *values, word])


def _markdown_rows(comparison: Comparison, listed: Sequence[ComparableContrast]) -> Iterator[str]:
    for row, label in _used(comparison, listed):
        yield in_markdown(f"{row.number}. {row.label}" + (f" (ours: {label})" if label else ""))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(in_markdown, cells)) + " |"


def _contrast_values(compared: ComparedContrast) -> dict[str, Any]:
    theirs, ours = compared.theirs, compared.ours
    return {
        "from": theirs.before.label,
        "to": theirs.after.label,
        "ours_from": ours.before.label if ours else None,
        "ours_to": ours.after.label if ours else None,
        "changes": [{"factor": c.factor, "from": c.before, "to": c.after} for c in compared.changes],
        "bundle": compared.bundle,
        "ours": _estimate_values(ours.estimate) if ours else None,
        "theirs": _estimate_values(theirs.estimate),
        **units.amounts(
            theirs.estimate.metric, {"difference": compared.difference, "ci_difference": compared.interval}
        ),
        "word": compared.word,
        "reason": compared.reason or None,
    }


def _estimate_values(estimate: EffectEstimate) -> dict[str, Any]:
    return {
        **units.amounts(estimate.metric, {"effect": estimate.effect, "ci": estimate.interval}),
        "method": estimate.method,
        "seeds": estimate.seeds,
        "p": estimate.p,
        "p_holm": estimate.p_holm,
        "verdict": estimate.verdict,
    }


def _reading_values(reading: AlternativeReading) -> dict[str, Any]:
    changed = [{"rows": list(pair), "listed": one, "read": other} for pair, (one, other) in reading.changed.items()]
    return {"reading": reading.words, "words": changed}
