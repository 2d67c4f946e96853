"""The report as markdown: one wide table, the reading aids above it, what was noticed below."""

from collections.abc import Iterable, Sequence

from ablate.analysis.contrasts import Contrast, steps
from ablate.analysis.results import RowResult, StudyResults
from ablate.report import words


def render(results: StudyResults) -> str:
    """The whole report."""
    parts = [f"# {results.heading}", results.document.get("question") or "", *words.summary(results)]
    if constant := words.constant(results):
        parts.append("In all rows: " + ", ".join(f"{name} {level}" for name, level in constant.items()) + ".")
    parts.append("\n".join(_table(results)))
    parts.append(
        "Change: against the row above, in percentage points of top-"
        f"{results.primary.removeprefix('top')}, with Newcombe's interval."
    )
    if noticed := results.findings:
        parts.append("## Noticed\n\n" + "\n".join(f"- {finding}" for finding in noticed))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(results: StudyResults) -> Iterable[str]:
    factors = words.varying(results.rows, results.factors)
    metrics = list(words.METRIC_NAMES)
    header = ["#", "row", *factors, *(f"{words.METRIC_NAMES[m]} %" for m in metrics), "change, pp", "what differs"]
    aligned = ["--:", ":--", *(":-:" for _ in factors), *("--:" for _ in metrics), "--:", ":--"]
    yield _line(header)
    yield _line(aligned)
    for row, step in zip(results.rows, [None, *steps(results)], strict=True):
        yield _line([str(row.number), row.label, *_levels(row, factors), *_rates(row, metrics), *_change(step)])
    for row in results.references:
        yield _line(["", f"*{row.label}*", *("" for _ in factors), *_rates(row, metrics), "", "reference"])


def _levels(row: RowResult, factors: Sequence[str]) -> list[str]:
    return [words.mark(row.levels.get(name)) for name in factors]


def _rates(row: RowResult, metrics: Sequence[str]) -> list[str]:
    return [words.rate(row.metrics[name].mean) if name in row.metrics else "–" for name in metrics]


def _change(step: Contrast | None) -> list[str]:
    return ["", ""] if step is None else [words.change(step), words.differing(step)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
