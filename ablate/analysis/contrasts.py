"""Contrasts: two rows compared, with every factor in which they differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import fmean

from ablate.analysis.results import RowResult, StudyResults
from ablate.analysis.stats import newcombe

DIRECT, CONFOUNDED = "direct", "confounded"


@dataclass(frozen=True)
class Contrast:
    """Row `after` against row `before` on one metric, in percentage points; None where either has no result.

    `undeclared` are recorded circumstances, like a library's version, that no factor declares.
    """

    before: RowResult
    after: RowResult
    differs: tuple[str, ...]
    undeclared: tuple[str, ...]
    metric: str
    seeds: int
    effect: float | None
    interval: tuple[float, float] | None

    @property
    def identified(self) -> str:
        """Direct if exactly one factor differs and nothing undeclared does."""
        return DIRECT if len(self.differs) == 1 and not self.undeclared else CONFOUNDED


def all_contrasts(results: StudyResults, metric: str | None = None) -> Iterator[Contrast]:
    """Every pair of rows, the earlier one first."""
    for before, after in combinations(results.rows, 2):
        yield contrast(results, before, after, metric)


def steps(results: StudyResults, metric: str | None = None) -> list[Contrast]:
    """Each row against the one before it."""
    return [contrast(results, before, after, metric) for before, after in pairwise(results.rows)]


def contrast(results: StudyResults, before: RowResult, after: RowResult, metric: str | None = None) -> Contrast:
    """Two rows on the seeds that both have. With several, Newcombe's interval is that of their mean rates."""
    metric = metric or results.primary
    differs = tuple(name for name in before.levels if before.levels[name] != after.levels.get(name))
    seeds = [seed for seed in before.seeds if seed in after.seeds]
    declared = {key.rpartition(".")[2] for factor in differs for key in results.sets(factor)}
    found = _circumstances([(before.environments[seed], after.environments[seed]) for seed in seeds])
    undeclared = tuple(sorted(found - declared))
    effect, interval = None, None
    if seeds and metric in before.metrics and metric in after.metrics:
        a, b = _mean_hits(before, metric, seeds), _mean_hits(after, metric, seeds)
        n_a, n_b = before.metrics[metric].n, after.metrics[metric].n
        low, high = newcombe(a, n_a, b, n_b, 1 - results.alpha)
        effect, interval = 100 * (b / n_b - a / n_a), (100 * float(low), 100 * float(high))
    return Contrast(before, after, differs, undeclared, metric, len(seeds), effect, interval)


def _mean_hits(row: RowResult, metric: str, seeds: Sequence[int]) -> float:
    by_seed = dict(zip(row.seeds, row.metrics[metric].hits, strict=True))
    return fmean(by_seed[seed] for seed in seeds)


def _circumstances(pairs: Sequence[tuple[Mapping[str, str], Mapping[str, str]]]) -> set[str]:
    """What was recorded otherwise in two rows' runs of a seed, like `torch` or `threads`."""
    return {name for a, b in pairs for name in {*a, *b} if a.get(name) != b.get(name)}
