"""Results of different trainings that are equal: of rows and of seeds, certain ones and those that may be chance."""

from collections.abc import Sequence

from ablate.study.wiring.coincidence import IN_REPORTS, Caution
from ablate.study.wiring.equal_rows import EqualRows
from ablate.study.wiring.equal_seeds import EqualSeeds
from ablate.study.wiring.evidence import Evidence
from ablate.study.wiring.grouping import groups_in_row, groups_of_rows, groups_of_seeds, marks_by_values
from ablate.study.wiring.outcomes import EqualResults, ReadContents, RowOutcomes


def equal_results(
    rows: Sequence[RowOutcomes], read_contents: ReadContents, caution: Caution = IN_REPORTS
) -> EqualResults:
    """Return the rows, and the seeds, that have equal results.

    Values are compared first, for all rows; contents are read only of results with equal values. See `coincidence.py`
    for the conclusions from results that are equal. `caution`: the evidence for results that are likely equal.
    """
    by_values = marks_by_values(rows)
    suspects = _suspects(rows, by_values)
    if not suspects:
        return EqualResults()
    contents = read_contents(suspects)
    digests = {key: one.digest for key, one in contents.items()}
    evidence = Evidence(rows, {key: (mark, digests.get(key)) for key, mark in by_values.items()}, contents)
    repeats = {label for _, *others in groups_of_rows(rows, evidence.marks) for label in others}
    seeds = EqualSeeds(evidence, caution, {row.label for row in rows if row.label not in repeats})
    certain = tuple(seeds.certain())
    repeated = {seed for _, *others in certain for seed in others}
    of_rows = EqualRows(evidence, caution, {seed for row in rows for seed in row.outcomes} - repeated)
    return EqualResults(
        rows=tuple(of_rows.certain()),
        seeds=certain,
        alike_rows=tuple(of_rows.alike()),
        likely_rows=tuple(of_rows.likely()),
        likely_seeds=tuple(seeds.likely()),
        seeds_of_rows=tuple(seeds.of_single_rows()),
    )


def _suspects(rows: Sequence[RowOutcomes], marks: dict[str, object]) -> set[str]:
    """Return the trials whose values are equal to those of another row in each seed, or of another seed."""
    labels = {label for group in groups_of_rows(rows, marks) for label in group}
    seeds = {seed for group in groups_of_seeds(rows, marks) for seed in group}
    chosen = {one.trial for row in rows for seed, one in row.outcomes.items() if row.label in labels or seed in seeds}
    alone = (row.outcomes[seed].trial for row in rows for group in groups_in_row(row, marks) for seed in group)
    return {*chosen, *alone}
