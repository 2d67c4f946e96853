"""Numbers and levels as every format prints them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablate.analysis.contrasts import Contrast
from ablate.analysis.results import RowResult, StudyResults
from ablate.study.factors import level_text

METRIC_NAMES = {"top1": "top-1", "top5": "top-5", "top10": "top-10"}
MARKS = {"on": "✓", "off": "✗"}
MINUS = "−"
MOST_LISTED = 4


def mark(level: Any) -> str:
    """✓ or ✗ for a component, the level itself for anything else."""
    text = level_text(level)
    return MARKS.get(text, text)


def rate(value: float) -> str:
    """A rate as a percentage, two digits."""
    return f"{100 * value:.2f}"


def signed(pp: float) -> str:
    """Percentage points with their sign, two digits."""
    return f"{pp:+.2f}".replace("-", MINUS)


def interval(ends: tuple[float, float]) -> str:
    return f"[{signed(ends[0])}, {signed(ends[1])}]"


def change(contrast: Contrast) -> str:
    """What a step changes and by how much: `+2.48 [+1.35, +3.61]`."""
    if contrast.effect is None or contrast.interval is None:
        return "no result"
    fewer = contrast.seeds < max(len(contrast.before.seeds), len(contrast.after.seeds))
    common = f" (on {contrast.seeds} common seed{'s' if contrast.seeds > 1 else ''})" if fewer else ""
    return f"{signed(contrast.effect)} {interval(contrast.interval)}{common}"


def differing(contrast: Contrast) -> str:
    """The factors in which two rows differ; a warning where they are not exactly one."""
    names = [*contrast.differs, *(f"{name} (undeclared)" for name in contrast.undeclared)]
    if not names:
        return "nothing"
    return names[0] if len(names) == 1 else f"{len(names)} at once: {', '.join(names)}"


def varying(rows: Sequence[RowResult], factors: Sequence[str]) -> list[str]:
    """The factors that have more than one level among the rows: the columns worth printing."""
    return [name for name in factors if len({level_text(row.levels.get(name)) for row in rows}) > 1]


def constant(results: StudyResults) -> Mapping[str, str]:
    """The factors that have one level in all rows, with it."""
    shown = varying(results.rows, results.factors)
    return {name: mark(results.rows[0].levels.get(name)) for name in results.factors if name not in shown}


def summary(results: StudyResults) -> list[str]:
    """What a reader must know before the table: the data, the seeds and what they cannot show, what is missing."""
    data = results.document.get("data") or {}
    name = data.get("name") or ("imported log" if results.imported else f"{results.document['trainer']} trainer")
    gallery = f", gallery of {results.gallery:,}" if results.gallery else ""
    queries = f"{results.queries:,} test queries{gallery}" if results.queries else "no results yet"
    lines = [f"Data: {name}; {queries}."]
    if results.imported:
        lines.append("Imported from a log; only totals are known.")
    return [*lines, *_about_seeds(results), *_lacking(results)]


def _about_seeds(results: StudyResults) -> list[str]:
    """What the intervals are about, and what they leave out."""
    counts = [len(row.seeds) for row in results.rows if row.seeds]
    confidence = f"{100 * (1 - results.alpha):g} %"
    if not counts:
        return []
    if max(counts) == 1:
        return [
            f"One seed a row: intervals ({confidence}) are about these trained networks and new queries; "
            "they say nothing about other seeds, so no step here settles what a factor does."
        ]
    seeds = f"{counts[0]}" if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
    return [
        f"{seeds} seeds a row, means; intervals ({confidence}) are about new queries and leave the spread "
        "between seeds out."
    ]


def _lacking(results: StudyResults) -> list[str]:
    """Rows whose seeds failed or have no result yet."""
    rows = (*results.rows, *results.references)
    failed = {row.label: row.failed for row in rows if row.failed}
    waiting = {row.label: [seed for seed in row.missing if seed not in row.failed] for row in rows}
    return [
        *_listed("Failed", failed, len(rows), "; see `ablate status`"),
        *_listed("No result yet", {label: seeds for label, seeds in waiting.items() if seeds}, len(rows), ""),
    ]


def _listed(what: str, seeds: Mapping[str, Sequence[int]], rows: int, hint: str) -> list[str]:
    """A line a row, or one line for all where there are many."""
    if len(seeds) > MOST_LISTED:
        return [f"{what}: seeds of {len(seeds)} of {rows} rows{hint}."]
    return [f"{what}: {label}, seeds {', '.join(map(str, found))}{hint}." for label, found in seeds.items()]
