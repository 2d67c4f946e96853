"""Ours against a reference, contrast by contrast: in the terminal at 80 columns, as markdown, and as JSON."""

import io
import json
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

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
from ablate.report import wording

MOST_APART = 12
"""Settings that differ, as text; the JSON has all."""
LONGEST = 40
"""Letters of a setting's value, as text."""
MOST_REASONS = 20
CHANGE_WIDTH = 14
STYLES = {"contradicted": "bold", "reproduced": "bold"}


def terminal(comparison: Comparison, colour: bool = False, width: int | None = None) -> str:
    """The whole comparison; `colour` where stdout is a terminal."""
    width = width or shutil.get_terminal_size((80, 24)).columns
    kept = io.StringIO()
    console = Console(file=kept, force_terminal=colour, width=width, highlight=False, no_color=not colour)
    console.print(Text(heading(comparison), style="bold"))
    for line in (total(comparison), *settings(comparison)):
        console.print(Text(line))
    console.print()
    listed = [compared for compared in comparison.compared if compared.word != NOT_COMPARABLE]
    if listed:
        console.print(Text(f"Contrasts, {_unit(comparison)}; an effect, its interval, its verdict", style="bold"))
        console.print(_contrasts(listed))
        if any(compared.bundle for compared in listed):
            console.print(Text("Bundle: several factors at once, judged as a whole by p.\n"))
        console.print(Text("Rows: theirs, and ours where its label is another", style="bold"))
        console.print(_rows(comparison, listed))
        console.print()
    for title, lines in _lists(comparison):
        console.print(Text(title, style="bold"))
        for line in lines:
            console.print(Text(textwrap.fill(line, width - 1, initial_indent="• ", subsequent_indent="  ")))
    return "\n".join(line.rstrip() for line in kept.getvalue().splitlines()) + "\n"


def markdown(comparison: Comparison) -> str:
    """The whole comparison with one wide table."""
    parts = [f"# {heading(comparison)}", total(comparison)]
    parts += ["\n".join(f"- {line}" for line in settings(comparison))]
    listed = [compared for compared in comparison.compared if compared.word != NOT_COMPARABLE]
    if listed:
        parts.append(f"## Contrasts\n\nIn {_unit(comparison)}; rows by their numbers in theirs.")
        parts.append("\n".join(_markdown_table(listed)))
        parts.append(
            "Bundle: several factors at once, judged as a whole by p." if any(c.bundle for c in listed) else ""
        )
        parts.append("## Rows\n\n" + "\n".join(_markdown_rows(comparison, listed)))
    for title, lines in _lists(comparison):
        parts.append(f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines))
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(comparison: Comparison) -> str:
    return json.dumps(document(comparison), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain values: effects in percentage points, words as in the closed list."""
    ours, theirs = comparison.ours, comparison.theirs
    return {
        "schema": 1,
        "study": ours.study,
        "profile": ours.profile,
        "against": {"study": theirs.study, "profile": theirs.profile},
        "primary": ours.primary,
        "delta_pp": ours.delta,
        "alpha": ours.alpha,
        "settings": [{"what": a.what, "ours": a.ours, "theirs": a.theirs} for a in comparison.apart],
        "levels": [
            {"factor": known.factor, "matched": "order" if known.by_order else "name", "ours_theirs": known.stands_for}
            for known in comparison.matching.levels
        ],
        "total": comparison.counts,
        "contrasts": [_contrast_values(compared) for compared in comparison.compared],
        "ours_only": comparison.ours_only,
        "shared_trials": comparison.shared_trials,
        "readings": [_reading_values(reading) for reading in comparison.readings],
    }


def heading(comparison: Comparison) -> str:
    return f"{comparison.ours.heading} against {comparison.theirs.heading}"


def total(comparison: Comparison) -> str:
    """The counts of all words, and what `reproduced` leaves open."""
    counts = comparison.counts
    every = sum(counts.values())
    if not every:
        return "No contrast to compare: theirs has no two rows that differ."
    listed = ", ".join(f"{counts[word]} {spoken(word)}" for word in counts)
    counted = f"{_counted(every, 'contrast')}: {listed}."
    if not counts[REPRODUCED]:
        return counted
    sure = f"Of the {counts[REPRODUCED]} reproduced, {comparison.surely_within or 'none'}"
    return f"{counted} {sure} with the whole interval of the difference within ±{comparison.ours.delta:g} pp."


def settings(comparison: Comparison) -> list[str]:
    """What differs around the contrasts, told once: levels that stand for others, settings, few seeds, shared runs."""
    found = list(_levels_apart(comparison))
    apart = [_apart(apart) for apart in comparison.apart]
    if apart:
        more = f"; and {len(apart) - MOST_APART} more, see --format json" if len(apart) > MOST_APART else ""
        found.append(f"Settings, ours | theirs: {'; '.join(apart[:MOST_APART])}{more}.")
    if found:
        found.append("So this asks whether the same changes do the same there and here, not whether a run repeats.")
    found += _about_rules(comparison)
    return found


def _apart(apart: SettingDifference) -> str:
    """`lr 0.001 | 0.0001`; two long values whose beginnings are alike only differ."""
    ours, theirs = (
        "not known" if value is None else textwrap.shorten(value, LONGEST, placeholder=" …")
        for value in (apart.ours, apart.theirs)
    )
    return f"{apart.what} differs" if ours == theirs else f"{apart.what} {ours} | {theirs}"


def spoken(word: str) -> str:
    return word.replace("_", " ")


def changed(compared: ComparedContrast) -> list[str]:
    """`omega 0.9 → 0.7`, a factor each."""
    return [f"{change.factor} {change.before} → {change.after}" for change in compared.changes]


def _verdict(contrast: Contrast, bundle: bool) -> str:
    """What a study by itself says of it; a bundle has no verdict, but a p."""
    return _p(contrast.estimate) if bundle else wording.phrase(contrast)


def _p(estimate: EffectEstimate) -> str:
    if estimate.p is None:
        return "no p"
    return "p < 0.001" if estimate.p < 0.001 else f"p {estimate.p:.3f}"


def _unit(comparison: Comparison) -> str:
    return f"pp of {wording.METRIC_NAMES[comparison.ours.primary]}"


def _levels_apart(comparison: Comparison) -> Iterator[str]:
    by_order = [known for known in comparison.matching.levels if known.by_order]
    for known in by_order:
        pairs = ", ".join(f"{ours} stands for {theirs}" for ours, theirs in known.stands_for.items())
        yield f"{known.factor}: {pairs} (no level has the same name in both; matched by order, baseline first)."
    for whose, names in (("ours", comparison.matching.only_ours), ("theirs", comparison.matching.only_theirs)):
        if names:
            yield f"Only {whose} has {', '.join(names)}."


def _about_rules(comparison: Comparison) -> Iterator[str]:
    ours = comparison.ours
    confidence = f"{100 * (1 - ours.alpha):g} %"
    yield f"Verdicts of both at our delta ±{ours.delta:g} pp and alpha {ours.alpha:g}; intervals at {confidence} each."
    single = [
        name
        for name, results in (("ours", ours), ("theirs", comparison.theirs))
        if any(row.seeds for row in results.rows) and all(len(row.seeds) <= 1 for row in results.rows)
    ]
    if single:
        verb = "have" if len(single) > 1 else "has"
        yield (
            f"{' and '.join(single).capitalize()} {verb} one seed a row: that is about those trained networks, and "
            "says nothing about other seeds."
        )
    if comparison.shared_trials:
        yield (
            f"{_counted(comparison.shared_trials, 'trial')} in both studies: their differences are surer than these "
            "intervals, which take the two as independent."
        )


def _contrasts(listed: Sequence[ComparedContrast]) -> Table:
    table = _table()
    table.add_column("rows", no_wrap=True)
    table.add_column("what changes", ratio=1, overflow="fold")
    for name in ("ours", "theirs", "ours − theirs"):
        table.add_column(name, justify="left", overflow="fold", min_width=14)
    table.add_column("", no_wrap=True, min_width=12)
    for compared in listed:
        assert compared.ours is not None
        what = "\n".join(_in_column(line) for line in changed(compared))
        word = Text(spoken(compared.word), style=STYLES.get(compared.word, ""))
        word.append("\n(bundle)" if compared.bundle else "", style="not bold")
        cells = (_cell(compared.ours, compared.bundle), _cell(compared.theirs, compared.bundle), _difference(compared))
        plain = (Text(text) for text in (_numbers(compared.pair, narrow=True), what, *cells))  # "[/b]" is no markup
        table.add_row(*plain, word)
        table.add_row()
    return table


def _in_column(change: str) -> str:
    """The factor above its levels; a long name broken at its underscores."""
    name, _, levels = change.partition(" ")
    return "\n".join([*textwrap.wrap(name.replace("_", "_ "), CHANGE_WIDTH), levels]).replace("_ ", "_")


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)


def _cell(contrast: Contrast, bundle: bool) -> str:
    estimate = contrast.estimate
    assert estimate.effect is not None
    interval = wording.interval(estimate.interval) if estimate.interval else "no interval"
    return f"{wording.signed(estimate.effect)}\n{interval}\n{_verdict(contrast, bundle)}"


def _difference(compared: ComparedContrast) -> str:
    assert compared.difference is not None
    interval = wording.interval(compared.interval) if compared.interval else "no interval"
    return f"{wording.signed(compared.difference)}\n{interval}"


def _numbers(pair: Pair, narrow: bool = False) -> str:
    return f"{pair[0]}→{pair[1]}" if narrow else f"{pair[0]} → {pair[1]}"


def _used(comparison: Comparison, listed: Sequence[ComparedContrast]) -> list[tuple[RowResult, str]]:
    """The rows of theirs that are compared, each with the label of ours where that is another."""
    labels: dict[int, dict[str, None]] = {}
    for compared in listed:
        assert compared.ours is not None
        for row, own in ((compared.theirs.before, compared.ours.before), (compared.theirs.after, compared.ours.after)):
            labels.setdefault(row.number, {})[own.label] = None
    rows = [row for row in comparison.theirs.rows if row.number in labels]
    return [(row, "; ".join(label for label in labels[row.number] if label != row.label)) for row in rows]


def _rows(comparison: Comparison, listed: Sequence[ComparedContrast]) -> Table:
    table = _table()
    table.add_column("#", justify="right")
    used = _used(comparison, listed)
    columns = [("theirs", [row.label for row, _ in used]), ("ours", [label for _, label in used])]
    kept = [(name, labels) for name, labels in columns if any(labels)]
    for name, _ in kept:
        table.add_column(name, overflow="fold")
    for at, (row, _) in enumerate(used):
        table.add_row(str(row.number), *(Text(labels[at]) for _, labels in kept))
    return table


def _lists(comparison: Comparison) -> Iterator[tuple[str, list[str]]]:
    """What stands below the table: what cannot be compared and why, other readings, what only ours has."""
    reasons: dict[str, list[Pair]] = {}
    for compared in comparison.compared:
        if compared.word == NOT_COMPARABLE:
            reasons.setdefault(compared.reason, []).append(compared.pair)
    if reasons:
        yield "Not comparable", _cut([f"{_shortened(pairs, _numbers)}: {why}" for why, pairs in reasons.items()])
    if comparison.readings:
        title = "Read otherwise, since a log does not agree with itself"
        yield title, [f"{reading.words}: {_shortened(list(reading.changed), _told(reading))}" for reading in
                      comparison.readings]  # fmt: skip
    if comparison.ours_only:
        yield "Only ours", [f"{_counted(comparison.ours_only, 'contrast')} of ours, for which theirs has no two rows"]


def _told(reading: AlternativeReading) -> Callable[[Pair], str]:
    def told(pair: Pair) -> str:
        listed, other = reading.changed[pair]
        if other is None:
            return f"{_numbers(pair)} is no contrast of its own"
        was = f" (as listed: {spoken(listed)})" if listed else ""
        return f"{_numbers(pair)} {spoken(other)}{was}"

    return told


def _shortened(pairs: Sequence[Pair], told: Callable[[Pair], str]) -> str:
    more = f" and {len(pairs) - MOST_REASONS} more" if len(pairs) > MOST_REASONS else ""
    return ", ".join(told(pair) for pair in pairs[:MOST_REASONS]) + more


def _cut(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - MOST_REASONS} more reasons; --format json has all"] if len(lines) > MOST_REASONS else []
    return lines[:MOST_REASONS] + more


def _markdown_table(listed: Sequence[ComparedContrast]) -> Iterator[str]:
    yield _line(["rows", "what changes", "ours", "verdict", "theirs", "verdict", "ours − theirs", "word"])
    yield _line([":--", ":--", "--:", ":--", "--:", ":--", "--:", ":--"])
    for compared in listed:
        assert compared.ours is not None
        cells = [(*_cell(contrast, compared.bundle).rsplit("\n", 1),) for contrast in (compared.ours, compared.theirs)]
        values = [part.replace("\n", " ") for cell in cells for part in cell]
        what = ", ".join(changed(compared))
        difference = _difference(compared).replace("\n", " ")
        word = spoken(compared.word) + (" (bundle)" if compared.bundle else "")
        yield _line([_numbers(compared.pair), what, *values, difference, word])


def _markdown_rows(comparison: Comparison, listed: Sequence[ComparedContrast]) -> Iterator[str]:
    for row, label in _used(comparison, listed):
        yield f"{row.number}. {row.label}" + (f" (ours: {label})" if label else "")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


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
        "difference_pp": compared.difference,
        "ci_difference_pp": list(compared.interval) if compared.interval else None,
        "word": compared.word,
        "reason": compared.reason or None,
    }


def _estimate_values(estimate: EffectEstimate) -> dict[str, Any]:
    return {
        "effect_pp": estimate.effect,
        "ci_pp": list(estimate.interval) if estimate.interval else None,
        "method": estimate.method,
        "seeds": estimate.seeds,
        "p": estimate.p,
        "p_holm": estimate.p_holm,
        "verdict": estimate.verdict,
    }


def _reading_values(reading: AlternativeReading) -> dict[str, Any]:
    changed = [{"rows": list(pair), "listed": one, "read": other} for pair, (one, other) in reading.changed.items()]
    return {"reading": reading.words, "words": changed}


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
