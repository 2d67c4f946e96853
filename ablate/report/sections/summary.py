"""What a reader must know beside the tables: the data, the seeds, what intervals speak of, what failed; the footer."""

from collections.abc import Iterator, Mapping, Sequence

from ablate.analysis.analysis import Analysis, FamilySummary
from ablate.analysis.estimation.estimators import CROSSED
from ablate.analysis.results import StudyResults
from ablate.report import wording

MOST_LISTED = 4


def summary(analysis: Analysis) -> list[str]:
    """Sentences to read before the tables."""
    results = analysis.results
    gallery = f", gallery of {results.gallery:,}" if results.gallery else ""
    queries = f"{results.queries:,} test queries{gallery}" if results.queries else ""
    lines = [f"Data: {_data_name(results)}; {queries or 'no results yet'}."]
    if results.imported:
        lines.append("Imported from a log: totals are known, single queries' hits are not.")
    return [*lines, *_population(analysis), *_looks(analysis), *_noisy(analysis), *_lacking(results)]


def footer(analysis: Analysis) -> list[str]:
    """What makes the numbers: data, seeds, the declared rules, the family, and the methods used."""
    results = analysis.results
    fingerprint = (results.document.get("data") or {}).get("fingerprint")
    seeds = ", ".join(map(str, results.seeds)) if len(results.seeds) <= 10 else f"{len(results.seeds)} of them"
    used = sorted({method for method, _ in _measured(analysis) if method})
    return [
        f"data {_data_name(results)}{f' ({fingerprint[:16]})' if fingerprint else ''} · seeds {seeds or 'none'} · "
        f"alpha {results.alpha:g} · delta {results.delta:g} pp · family {family(analysis.family)} · "
        f"method {', '.join(used) or 'none'} · population {analysis.population}{_taken(results)}"
    ]


def family(found: FamilySummary) -> str:
    """`direct, 7 contrasts`, and how many of them have a result where not all have."""
    noun = "effect" if found.name == "effects" else "contrast"
    lacking = f", {found.tested:,} with a result" if found.tested != found.size else ""
    return f"{found.name}, {wording.counted(found.size, noun)}{lacking}"


def _data_name(results: StudyResults) -> str:
    data = results.document.get("data") or {}
    return str(data.get("name") or ("imported log" if results.imported else f"{results.document['trainer']} trainer"))


def _population(analysis: Analysis) -> Iterator[str]:
    """What the intervals are about, and what they leave out."""
    results = analysis.results
    counts = [len(row.seeds) for row in results.rows if row.seeds]
    asked_for_queries = analysis.population == "queries-and-seeds"
    at = f"intervals ({wording.percent(1 - results.alpha)})"
    if not counts:
        return
    if max(counts) == 1:
        yield (
            f"One seed a row: {at} are about these trained networks and new queries (E0); they say nothing "
            "about other seeds, so nothing here settles what a factor does."
        )
        if asked_for_queries:
            yield "New queries and new seeds (E2) need two seeds a row or more; this is E0."
        return
    seeds = f"{counts[0]}" if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
    of = "new queries and new seeds (E2)" if asked_for_queries else "new seeds on these queries (E1)"
    yield (
        f"{seeds} seeds a row; {at} of changes are about {of}"
        + ("" if asked_for_queries else "; the variance between seeds is pooled over all rows")
        + "."
    )
    if asked_for_queries:
        yield from _fallen_back(analysis)
    if any(seeds == 1 for _, seeds in _measured(analysis)):
        yield "Where two rows have one seed in common, their contrast is about those trained networks alone (E0)."


def _looks(analysis: Analysis) -> Iterator[str]:
    """Of a study that spends its seeds where verdicts are open."""
    results = analysis.results
    if results.schedule:
        yield (
            f"Seeds go where verdicts are open, by looks at {wording.listed([str(look) for look in results.schedule])} "
            f"seeds, {len(results.looks) or 'none'} of them taken: what is said of the family is what its last look "
            "showed."
        )


def _taken(results: StudyResults) -> str:
    """`looks 2/3/5/7/10, 3 taken`."""
    if not results.schedule:
        return ""
    return f" · looks {'/'.join(map(str, results.schedule))}, {len(results.looks)} taken"


def _fallen_back(analysis: Analysis) -> Iterator[str]:
    yield "Rows' own intervals are about new seeds on these queries (E1)."
    several = [method for method, seeds in _measured(analysis) if seeds > 1]
    fallen = sum(method != CROSSED for method in several)
    if fallen:
        yield (
            f"E2 could not be had for {fallen:,} of {wording.counted(len(several), 'contrast')} (hits of single "
            "queries are not known of both rows, or its variance is not positive): those are about new seeds on these "
            "queries (E1)."
        )


def _measured(analysis: Analysis) -> Iterator[tuple[str, int]]:
    """The method and the number of seeds of every contrast, without making objects of thousands."""
    for judged in analysis.contrasts.groups:
        yield from zip(judged.measured.methods.tolist(), judged.measured.seeds.tolist(), strict=True)


def _noisy(analysis: Analysis) -> Iterator[str]:
    for noisy in analysis.noisy_rows[:MOST_LISTED]:
        yield (
            f"Row {noisy.row.number} ({noisy.row.label}) varies more between seeds than the others: SD {noisy.sd:.2f} "
            f"pp against {noisy.others_sd:.2f} pp (p {wording.p_value(noisy.p, '= ')}); its contrasts use their own "
            "spread."
        )
    if len(analysis.noisy_rows) > MOST_LISTED:
        yield f"And so do {len(analysis.noisy_rows) - MOST_LISTED} more rows."


def _lacking(results: StudyResults) -> Iterator[str]:
    """Rows whose seeds failed or have no result yet."""
    rows = (*results.rows, *results.references)
    failed = {row.label: row.failed for row in rows if row.failed}
    waiting = {row.label: [seed for seed in row.missing if seed not in row.failed] for row in rows}
    yield from _listed("Failed", failed, len(rows), "; see `ablate status`")
    yield from _listed("No result yet", {label: seeds for label, seeds in waiting.items() if seeds}, len(rows), "")


def _listed(what: str, seeds: Mapping[str, Sequence[int]], rows: int, hint: str) -> list[str]:
    """A line a row, or one line for all where there are many."""
    if len(seeds) > MOST_LISTED:
        return [f"{what}: seeds of {len(seeds)} of {rows} rows{hint}."]
    return [
        f"{what}: {label}, seed{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}{hint}."
        for label, found in seeds.items()
    ]
