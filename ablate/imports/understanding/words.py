"""An imported study in words, before anything is stored: what was understood, what is a guess, and what is not used."""

from collections.abc import Iterator, Sequence

from ablate.imports.understanding.factors import ImportedFactor
from ablate.imports.understanding.study import ImportedStudy
from ablate.measurement import Metric
from ablate.study.factors import level_text
from ablate.text import listed, listed_in_part, plural

MOST_LEVELS, MOST_CONSTANTS, MOST_NAMES = 8, 8, 12
"""Levels of a factor, constants, and names of columns that are listed."""


def lines(study: ImportedStudy) -> Iterator[tuple[str, str]]:
    """Yield (heading, text) of each line; a heading is empty below the line that it belongs to."""
    yield "taken for", f"{study.kind}, because {study.why}"
    yield "runs", _runs(study)
    yield from _under("factors", [_factor(factor) for factor in study.factors] or ["none: no setting varies"])
    if study.constants:
        yield (
            "same in all",
            listed_in_part([f"{key}={level_text(v)}" for key, v in study.constants.items()], MOST_CONSTANTS),
        )
    if study.circumstances:
        yield "set aside", listed_in_part(list(study.circumstances), MOST_NAMES)
    yield from _under("metrics", [_metric(metric, at == 0) for at, metric in enumerate(study.metrics)])
    yield from _under("not used", study.unused)
    yield from _under("note", study.notes)


def _under(heading: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at, text in enumerate(texts):
        yield ("" if at else heading), text


def _runs(study: ImportedStudy) -> str:
    counts = [len(row.runs) for row in study.rows]
    total, rows = sum(counts), plural(len(counts), "row")
    if any(row.spreads for row in study.rows):
        seeds = {one.seeds for row in study.rows for one in row.spreads.values()}
        of = "an unknown number of seeds" if None in seeds else f"{listed(sorted(map(str, seeds)))} seeds"
        return f"{rows}, each a mean of {of}"
    each = f"{counts[0]}" if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
    one = counts and max(counts) == 1
    if study.unpaired:
        return f"{total:,}: {rows} x {each} run{'' if one else 's'}, not paired: {study.unpaired}"
    if study.seed:
        return f"{total:,}: {rows} x {each} seed{'' if one else 's'} (column {study.seed})"
    return f"{total:,}: {rows} of one run each"


def _factor(factor: ImportedFactor) -> str:
    words = [level_text(level) + (" (baseline)" if level == factor.baseline else "") for level in factor.levels]
    keys = f" ({listed_in_part(list(factor.keys), MOST_NAMES)} vary together)" if factor.is_bundle else ""
    return f"{factor.name}: {listed_in_part(words, MOST_LEVELS)}{keys}"


def _metric(metric: Metric, is_primary: bool) -> str:
    about = "; verdicts are about it" if is_primary else ""
    return f"{metric.name}: {metric.direction.better} is better{about}"
