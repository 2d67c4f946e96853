"""The mean of examples that may come in clusters, and its variance: examples of one cluster are not independent."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def variance_of_mean(values: Floats, clusters: Ints | None = None) -> tuple[Floats, float]:
    """Return the variance of the mean over examples, and its degrees of freedom.

    `values`: shape (..., examples). `clusters`: a number from 0 for each example, shape (examples,); None if all are
    independent. With G clusters the variance is G/(G−1) Σ u², with u a cluster's sum of deviations over the number of
    examples (Liang and Zeger 1986, with the usual correction for few clusters), on G − 1 degrees of freedom. nan for
    fewer than two examples or clusters. In the unit of the values, squared.
    """
    n = values.shape[-1]
    if clusters is None:
        if n < 2:
            return np.full(values.shape[:-1], np.nan), 1.0
        return values.var(axis=-1, ddof=1) / n, float(n - 1)
    sums = _cluster_sums(values - values.mean(axis=-1, keepdims=True), clusters)
    groups = sums.shape[-1]
    if groups < 2:
        return np.full(values.shape[:-1], np.nan), 1.0
    variance: Floats = groups / (groups - 1) * np.sum((sums / n) ** 2, axis=-1)
    return variance, float(groups - 1)


def by_cluster(values: Floats, clusters: Ints | None) -> Floats:
    """Return one value for each cluster, shape (..., clusters), with the mean that the examples have.

    `values`: shape (..., examples). Without clusters, the values themselves.
    """
    if clusters is None:
        return values
    sums = _cluster_sums(values, clusters)
    scaled: Floats = sums * (sums.shape[-1] / values.shape[-1])
    return scaled


def _cluster_sums(values: Floats, clusters: Ints) -> Floats:
    """Return the sum over each cluster, shape (..., clusters)."""
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=clusters[order[0]] - 1))
    sums: Floats = np.add.reduceat(values[..., order], starts, axis=-1)
    return sums
