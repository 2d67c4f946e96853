"""Studies of any metric made for tests of the analysis, without a store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ablate.analysis.results import StudyResults
from ablate.measurement import Metric
from ablate.store.results import StoredValue
from tests.support.analysis.analysis_rows import results, row


def study_of_values(
    metric: Metric,
    delta: float,
    levels: Sequence[Mapping[str, str]],
    values: np.ndarray,
    examples: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
) -> StudyResults:
    """A study of these values of a metric, shape (rows, seeds), nan if missing, with the levels of each row.

    `examples`: of the first seed, shape (rows, examples). `delta`: as reports print effects.
    """
    n = None if examples is None else examples.shape[1]
    rows = []
    for at, of_row in enumerate(values):
        seeds = [seed for seed, value in enumerate(of_row) if not np.isnan(value)]
        made = row(at + 1, levels[at], dict.fromkeys(seeds, 0))
        measured = {
            seed: replace(one, values={metric.name: StoredValue(float(of_row[seed]), n)}, sizes={})
            for seed, one in made.results.items()
        }
        rows.append(replace(made, metrics={metric.name: metric}, results=measured))
    study = results({name: list(dict.fromkeys(of[name] for of in levels)) for name in levels[0]}, rows)
    known = {} if examples is None else {f"{at + 1}/0": of.astype(np.float32) for at, of in enumerate(examples)}
    document = replace(study.document, primary=metric.name, delta=delta, metrics=(metric,))
    return replace(study, document=document, examples={metric.name: known}, clusters=clusters, sizes={})
