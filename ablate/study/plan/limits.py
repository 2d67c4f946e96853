"""Can a study's tests show anything? The limits of the tests of its rows, and what follows from them for its claims."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.study.config_keys import Config
from ablate.study.model import Study
from ablate.trainers.limits import ROUNDING, SplitLimits
from ablate.trainers.registry import TRAINERS

TEST, VALIDATION = "test", "validation"
WHOLE = 100.0
"""The largest effect, in percentage points."""


@dataclass(frozen=True)
class RowLimits:
    """Rows with the limits that they share."""

    rows: tuple[str, ...]
    """Their labels; empty if all rows of a study share the limits."""
    splits: tuple[SplitLimits, ...]

    def on(self, split: str) -> SplitLimits | None:
        """Return the limits on a split; None if they are not known."""
        return next((limits for limits in self.splits if limits.split == split), None)

    def to_json(self) -> dict[str, Any]:
        """Return the limits as a stored plan writes them."""
        return {"rows": list(self.rows), "splits": [limits.to_json() for limits in self.splits]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "RowLimits":
        """Return the limits of a stored plan."""
        return cls(tuple(stored["rows"]), tuple(SplitLimits.from_json(limits) for limits in stored["splits"]))


def row_limits(trainer: str, configs: Mapping[str, Config]) -> tuple[RowLimits, ...]:
    """Return the limits of rows' tests by the trainer's hook, {label: plain config}; rows of equal limits together."""
    limits_of_rows = TRAINERS[trainer].limits(list(configs.values()))
    shared: list[tuple[tuple[SplitLimits, ...], list[str]]] = []
    known: dict[int, list[str]] = {}
    for label, limits in zip(configs, limits_of_rows, strict=True):
        if not limits:
            continue
        if id(limits) not in known:
            splits = tuple(limits)
            labels = next((labels for other, labels in shared if other == splits), None)
            if labels is None:
                labels = []
                shared.append((splits, labels))
            known[id(limits)] = labels
        known[id(limits)].append(label)
    return tuple(RowLimits(tuple(labels), splits) for splits, labels in shared)


def stored_limits(limits: Sequence[RowLimits], rows: int) -> tuple[RowLimits, ...]:
    """Return limits as a plan stores them: without labels if all `rows` of the study share them."""
    if len(limits) == 1 and len(limits[0].rows) == rows:
        return (RowLimits((), limits[0].splits),)
    return tuple(limits)


def of_rows(limits: Sequence[RowLimits], labels: Sequence[str], split: str) -> list[SplitLimits | None]:
    """Return the limits of each row's test on a split, as `stored_limits` has them; None if they are not known."""
    by_label = {label: shared.on(split) for shared in limits for label in shared.rows}
    of_all = next((shared.on(split) for shared in limits if not shared.rows), None)
    return [by_label.get(label, of_all) for label in labels]


def limit_faults(study: Study, limits: RowLimits, searching: bool) -> Iterator[str]:
    """Yield why tests with these limits can show nothing, a sentence each.

    The test split is judged by the primary metric. If `searching`, the validation split is judged by the metrics of
    the search; otherwise no result of it counts.
    """
    yield from _split_faults(limits.on(TEST), (study.primary,), study.delta)
    if searching and study.search:
        yield from _split_faults(limits.on(VALIDATION), study.search.metrics)


def limit_warnings(study: Study, limits: RowLimits, searching: bool) -> Iterator[str]:
    """Yield what tests with these limits can show less well, a sentence each."""
    test, validation = limits.on(TEST), limits.on(VALIDATION)
    if test is not None:
        yield from _split_warnings(test, study.primary, study.delta)
        if _query_pp(test) > study.delta + ROUNDING:
            yield (
                f"{test.name} has {_queries(test)}, so one query is {_pp(_query_pp(test))} pp, more than delta "
                f"({study.delta:g} pp): rows that differ by one query differ by more than delta; use more queries, or "
                "a larger delta"
            )
    if validation is None:
        return
    if searching or (study.search and not list(_split_faults(validation, study.search.metrics))):
        metric = study.search.metrics[0] if study.search else study.primary
        yield from _split_warnings(validation, metric, study.delta)
    elif study.search:
        for fault in _split_faults(validation, study.search.metrics):
            yield f"{fault}; until then `ablate search` is refused"
    elif not validation.answerable:
        yield f"{_unanswered(validation)}; verdicts do not use it, but a search would"


def _split_faults(limits: SplitLimits | None, metrics: Sequence[str], delta: float = 0.0) -> Iterator[str]:
    """Yield why a split cannot show a difference in these metrics; `delta` is the smallest that counts, in pp."""
    if limits is None:
        return
    if not limits.answerable:
        yield _unanswered(limits)
        return
    for metric in metrics:
        low, high = limits.range(metric)
        if limits.is_fixed(metric):
            yield (
                f"{metric} is {_percent(high)} on {limits.name}, whatever is trained, as {limits.because}, so it shows "
                f"no difference; {_other_metric(limits, metrics)}{limits.remedy}"
            )
        elif delta < WHOLE and 100 * (high - low) <= delta + ROUNDING:
            yield (
                f"{metric} can only be from {_percent(low)} to {_percent(high)} on {limits.name}, which is no more "
                f"than delta ({delta:g} pp), so it shows no effect beyond delta; {_advice(limits)}"
            )


def _split_warnings(limits: SplitLimits, metric: str, delta: float) -> Iterator[str]:
    """Yield the queries that cannot be answered or cannot be missed, and the metrics that cannot vary.

    The floor of the judged metric counts if it is more than `delta`, in pp.
    """
    if not limits.answerable:
        return
    if limits.unanswerable:
        lost = limits.queries - limits.answerable
        yield (
            f"{lost:,} of {_queries(limits)} of {limits.name} cannot be answered, so {metric} is at most "
            f"{_percent(limits.range(metric)[1])}: {_reasons(limits)}"
        )
    low = limits.range(metric)[0]
    if 100 * low > delta and not limits.is_fixed(metric):
        yield (
            f"{metric} is at least {_percent(low)} on {limits.name}, whatever is trained, as some queries cannot be "
            f"missed; {limits.remedy}"
        )
    fixed = [other for other in limits.ranges if other != metric and limits.is_fixed(other)]
    if fixed:
        verb = "is" if len(fixed) == 1 else "are"
        value = _percent(limits.range(fixed[0])[1])
        names = " and ".join([", ".join(fixed[:-1]), fixed[-1]] if len(fixed) > 1 else fixed)
        yield f"{names} {verb} {value} on {limits.name}, whatever is trained, as {limits.because}"


def _unanswered(limits: SplitLimits) -> str:
    if not limits.queries:
        return f"{limits.name} has no queries, so nothing can be found in it; {limits.remedy}"
    which = "the one query" if limits.queries == 1 else f"none of the {_queries(limits)}"
    verb = "cannot" if limits.queries == 1 else "can"
    return f"{which} of {limits.name} {verb} be answered, so every rate is 0 %, whatever is trained: {_reasons(limits)}"


def _reasons(limits: SplitLimits) -> str:
    """Return why queries cannot be answered, how many for each reason, and the remedies."""
    several = len(limits.unanswerable) > 1
    parts = []
    for group in limits.unanswerable:
        counted = f"for {group.queries:,} of them, " if several else ""
        first = f" (the first is {group.first})" if group.first else ""
        parts.append(f"{counted}{group.reason}{first}; {group.remedy}")
    return "; ".join(parts)


def _advice(limits: SplitLimits) -> str:
    remedies = [group.remedy for group in limits.unanswerable] or [limits.remedy]
    return "; ".join([*remedies, "or set a smaller delta"])


def _other_metric(limits: SplitLimits, metrics: Sequence[str]) -> str:
    """Return advice to judge by a rate that can vary, if there is one."""
    free = next((name for name in ("top1", "top5", "top10") if name not in metrics and not limits.is_fixed(name)), None)
    return f"judge by {free}, which can vary, or " if free else ""


def _queries(limits: SplitLimits) -> str:
    return "1 query" if limits.queries == 1 else f"{limits.queries:,} queries"


def _query_pp(limits: SplitLimits) -> float:
    """Return what one query is of a rate, in percentage points; 0 without queries."""
    return 100 / limits.queries if limits.queries else 0.0


def _pp(value: float) -> str:
    return f"{value:.3g}"


def _percent(rate: float) -> str:
    return f"{100 * rate:.4g} %"
