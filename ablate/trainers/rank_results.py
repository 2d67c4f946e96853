"""Results that are made of ranks: the rank of each query's best-placed correct item."""

from collections.abc import Iterator, Mapping
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ablate.measurement import Measurement, Result
from ablate.packed_arrays import pack, unpack
from ablate.trainers.top_k import MAP, MAP_AT_R, TOP_K

Ranks = NDArray[np.uint32]
"""Shape (queries,): the 1-based rank of each query's best-placed correct item; 0 if it has none."""

Precisions = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Average precision and precision at R of each query, shape (queries,); 0 for a query without a correct item."""

RANKS = "ranks"
"""The artifact RANKS/SPLIT of a result holds the ranks of the queries of a split."""


def rank_measurements(split: str, ranks: Ranks) -> Iterator[Measurement]:
    """Yield the share of queries with a correct item among the k best, for each k."""
    n = len(ranks)
    for k, metric in TOP_K.items():
        found = (ranks > 0) & (ranks <= k)
        value = int(np.count_nonzero(found)) / n if n else float("nan")
        yield Measurement(metric.name, split, value, n, found)


def precision_measurements(split: str, precisions: Precisions) -> Iterator[Measurement]:
    """Yield the mean of each precision over the queries; nothing without queries."""
    for metric, values in zip((MAP, MAP_AT_R), precisions, strict=True):
        if len(values):
            yield Measurement(metric.name, split, fmean(values.tolist()), len(values), values)


def rank_result(
    ranks: Mapping[str, Ranks], gallery: Mapping[str, int], precisions: Mapping[str, Precisions] = {}
) -> Result:
    """Return the result of ranked queries, {split: ranks}; the ranks themselves are an artifact.

    `gallery`: {split: number of gallery items}. `precisions`: {split: precisions of the queries}, if they are known.
    """
    measured = [one for split, of_split in ranks.items() for one in rank_measurements(split, of_split)]
    measured += [one for split, of_split in precisions.items() for one in precision_measurements(split, of_split)]
    return Result(
        measured,
        artifacts={f"{RANKS}/{split}": pack(of_split) for split, of_split in ranks.items()},
        sizes={split: {"queries": len(of_split), "gallery": gallery[split]} for split, of_split in ranks.items()},
    )


def ranks_of(result: Result, split: str) -> Ranks:
    """Return the ranks that `rank_result` kept."""
    return unpack(result.artifacts[f"{RANKS}/{split}"])
