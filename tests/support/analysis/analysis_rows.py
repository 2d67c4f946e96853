"""Results made for tests of the analysis, without a store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ablate.analysis.results import RowResult, SeedResult, StudyResults
from ablate.store.plan_document import PlanDocument
from ablate.store.results import StoredValue
from ablate.trainers.top_k import METRICS

N = 1000


def row(
    number: int,
    levels: Mapping[str, Any],
    hits: Mapping[int, float],
    n: int = N,
    environments: Mapping[int, Mapping[str, str]] | None = None,
    label: str | None = None,
) -> RowResult:
    """A row with `hits` of `n` by seed."""
    return RowResult(
        number=number,
        label=label or f"row {number}",
        title=None,
        levels=levels,
        lines=None,
        results={
            seed: SeedResult(
                trial=f"{number}/{seed}",
                training=f"{number}/{seed}",
                values={"top1": StoredValue(count / n, n)},
                sizes={"queries": n, "gallery": None},
                environment=environments[seed] if environments else {},
            )
            for seed, count in hits.items()
        },
        metrics={metric.name: metric for metric in METRICS},
    )


def recorded(row: RowResult, environments: Mapping[int, Mapping[str, str]]) -> RowResult:
    """Return the row with these {seed: environment} in place of its own."""
    return replace(
        row, results={seed: replace(one, environment=environments[seed]) for seed, one in row.results.items()}
    )


def results(
    factors: Mapping[str, Sequence[Any]],
    rows: Sequence[RowResult],
    hits: Mapping[str, Any] | None = None,
    **document: Any,
) -> StudyResults:
    """A study of these rows; a factor's first level is its baseline.

    `hits`: {trial key: 1 for each query that is a hit on top-1, otherwise 0}. Effects are in the unit of a rate: 0.01
    is one percentage point.
    """
    named = [
        {"name": name, "sets": [f"settings.{name}"], "levels": list(levels), "baseline": levels[0]}
        for name, levels in factors.items()
    ]
    usual = {"primary": "top1", "alpha": 0.05, "delta_pp": 0.5, "trainer": "simulated", "factors": named}
    return StudyResults(
        study="made",
        profile="default",
        imported=False,
        document=PlanDocument.from_json({**usual, **document}),
        rows=tuple(rows),
        references=(),
        sizes={"queries": N, "gallery": None},
        examples={"top1": {key: np.asarray(values, dtype=np.float32) for key, values in (hits or {}).items()}},
    )


def drawn(
    factors: Mapping[str, Sequence[Any]],
    cells: Sequence[Mapping[str, Any]],
    seeds: int,
    rng: np.random.Generator,
    **document: Any,
) -> StudyResults:
    """A study whose rows have hits near 270 of 1,000, with a shift that the rows of a seed share."""
    shared = rng.normal(0, 4, seeds)
    made = []
    for number, levels in enumerate(cells, start=1):
        hits = np.rint(270 + shared + rng.normal(0, 6, seeds)).astype(int).tolist()
        made.append(row(number, levels, dict(enumerate(hits))))
    return results(factors, made, **document)
