"""Sentences about rows that lack results: seeds that failed or diverged, each reason once, and seeds that wait."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import shorten

from ablate.analysis.results import RowResult, StudyResults
from ablate.report import wording

MOST_LISTED = 4
"""Rows that are named one by one, and reasons; more rows share one line."""
MOST_LETTERS = 300
"""Letters of a reason before it is cut."""

SeedsOf = Mapping[str, Sequence[int]]
"""{label of a row: some of its seeds}."""


def incomplete(results: StudyResults) -> Iterator[str]:
    """Yield the rows whose seeds failed, diverged or have no result yet, and the results that the plan leaves out."""
    rows = (*results.rows, *results.references)
    failed, diverged = _of_rows(rows, lambda row: row.failed), _of_rows(rows, lambda row: row.diverged)
    waiting = _of_rows(rows, lambda row: [one for one in row.missing if one not in (*row.failed, *row.diverged)])
    if max(map(len, (failed, diverged, waiting))) > MOST_LISTED:
        done, lacking = sum(len(row.seeds) for row in rows), sum(len(row.missing) for row in rows)
        yield f"{done:,} of {wording.counted(done + lacking, 'trial')} have a result."
    yield from _by_reason("Failed", failed, rows)
    yield from _by_reason("Diverged", diverged, rows)
    if (failed or diverged) and not results.imported:
        yield f"`ablate status {results.study}` has the whole reasons."
    yield from (f"No result yet: {line}." for line in _listed(waiting, len(rows)))
    yield from _hidden(results)


def _of_rows(rows: Sequence[RowResult], seeds: Callable[[RowResult], Sequence[int]]) -> SeedsOf:
    """Return the rows that have such seeds."""
    return {row.label: seeds(row) for row in rows if seeds(row)}


def _by_reason(end: str, seeds_of: SeedsOf, rows: Sequence[RowResult]) -> Iterator[str]:
    """Yield the rows and seeds of each reason, those of the most frequent one first."""
    of_reason: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        for seed in seeds_of.get(row.label, ()):
            of_reason.setdefault(row.reasons.get(seed, ""), {}).setdefault(row.label, []).append(seed)
    by_number = sorted(of_reason.items(), key=lambda item: -_number(item[1]))
    for reason, same in by_number[:MOST_LISTED]:
        why = shorten(reason, MOST_LETTERS, placeholder=" …")
        sentence = f"{end}: {'; '.join(_listed(same, len(rows)))}{why and f': {why}'}"
        yield sentence if sentence.endswith((".", "…")) else f"{sentence}."
    if len(by_number) > MOST_LISTED:
        others = sum(_number(same) for _, same in by_number[MOST_LISTED:])
        yield f"{end} for other reasons: {wording.counted(others, 'trial')}."


def _number(seeds_of: SeedsOf) -> int:
    return sum(map(len, seeds_of.values()))


def _listed(seeds_of: SeedsOf, rows: int) -> list[str]:
    """Return `LABEL, seeds 1, 2` for each row, or one text for all rows if they are many."""
    if len(seeds_of) > MOST_LISTED:
        return [f"{wording.counted(_number(seeds_of), 'trial')}, in {len(seeds_of)} of {rows} rows"]
    return [
        f"{label}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
        for label, seeds in seeds_of.items()
    ]


def _hidden(results: StudyResults) -> Iterator[str]:
    """Yield the number of results that the plan leaves out."""
    if hidden := results.document.hidden:
        several = wording.counted(_number(hidden), "result")
        yield (
            f"Not shown: {several} of {wording.counted(len(hidden), 'row')} with other seeds "
            f"({', '.join(map(str, sorted({seed for seeds in hidden.values() for seed in seeds})))}), which this plan "
            "leaves out and the store keeps."
        )
