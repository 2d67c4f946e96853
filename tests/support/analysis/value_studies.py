"""Studies of any metric made for tests of the analysis, without a store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ablate.analysis.results import StudyResults
from ablate.measurement import Metric
from ablate.store.results import StoredValue
from tests.support.analysis.analysis_rows import results, row

SQUARE = [{"a": a, "b": b} for a in ("off", "on") for b in ("off", "on")]
"""The levels of four rows: all combinations of two factors."""


def study_of_values(
    metric: Metric,
    delta: float,
    levels: Sequence[Mapping[str, str]],
    values: np.ndarray,
    examples: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    n: int | None = None,
    **document: Any,
) -> StudyResults:
    """A study of these values of a metric, shape (rows, seeds), nan if missing, with the levels of each row.

    `examples`: of the first seed, shape (rows, examples), or of all seeds, shape (seeds, rows, examples). `delta`: as
    reports print effects. `n`: the number of examples; None if it is not known, except from `examples`.
    """
    of_seeds = [] if examples is None else examples if examples.ndim == 3 else [examples]
    n = of_seeds[0].shape[1] if len(of_seeds) else n
    rows = []
    for at, of_row in enumerate(values):
        seeds = [seed for seed, value in enumerate(of_row) if not np.isnan(value)]
        made = row(at + 1, levels[at], dict.fromkeys(seeds, 0))
        measured = {
            seed: replace(one, values={metric.name: StoredValue(float(of_row[seed]), n)}, sizes={})
            for seed, one in made.results.items()
        }
        rows.append(replace(made, metrics={metric.name: metric}, results=measured))
    study = results({name: list(dict.fromkeys(of[name] for of in levels)) for name in levels[0]}, rows, **document)
    known = {
        f"{at + 1}/{seed}": of.astype(np.float32)
        for seed, of_rows in enumerate(of_seeds)
        for at, of in enumerate(of_rows)
    }
    stored = replace(study.document, primary=metric.name, delta=delta, metrics=(metric,))
    in_clusters = {} if clusters is None else dict.fromkeys(known, clusters)
    return replace(study, document=stored, examples={metric.name: known}, clusters=in_clusters, sizes={})
