"""Results as trainers give them, made of few numbers."""

from collections.abc import Mapping

from ablate.measurement import TEST, Measurement, Result


def top_k_result(hits: Mapping[int, int], queries: int, split: str = TEST, gallery: int = 10) -> Result:
    """Return the result of a split with {k: number of queries with a correct item among the k best}."""
    measured = [Measurement(f"top{k}", split, count / queries, queries) for k, count in hits.items()]
    return Result(measured, sizes={split: {"queries": queries, "gallery": gallery}})
