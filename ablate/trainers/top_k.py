"""The metrics of ranked results: how often a correct item is among the k best, and the precision of whole rankings."""

from dataclasses import replace
from itertools import zip_longest

from ablate.measurement import RATE, Display, Kind, Metric

KS = (1, 5, 10)
"""The values of k."""


def _display(title: str) -> Display:
    return replace(RATE, title=title, example="query", examples="queries", count="hits")


def top_k(k: int, more: int | None = None) -> Metric:
    """Return the metric of one k; `more`: the next k, whose share is never lower."""
    at_most = "" if more is None else f"top{more}"
    return Metric(f"top{k}", kind=Kind.PROPORTION, bounds=(0.0, 1.0), display=_display(f"top-{k}"), at_most=at_most)


TOP_K = {k: top_k(k, more) for k, more in zip_longest(KS, KS[1:])}
"""{k: the share of queries with a correct item among the k best}."""
MAP = Metric("map", kind=Kind.MEAN, bounds=(0.0, 1.0), display=_display("mAP"))
"""The mean over queries of their average precision; a query without a correct item has 0."""
MAP_AT_R = Metric("map_at_r", kind=Kind.MEAN, bounds=(0.0, 1.0), display=_display("mAP@R"))
"""The same of the R best items only, where R is the query's number of correct items."""
METRICS: tuple[Metric, ...] = (*TOP_K.values(), MAP, MAP_AT_R)
