"""Can a study's tests show anything? The limits of the tests of its rows, and what follows from them for its claims."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from ablate.measurement import TEST, VALIDATION, Kind, Metric, Scale
from ablate.study.config_keys import Config
from ablate.study.model import Study
from ablate.text import listed
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.limits import ROUNDING, SplitLimits


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


def row_limits(entry: TrainerEntry[Any], configs: Mapping[str, Config]) -> tuple[RowLimits, ...]:
    """Return the limits of rows' tests by the trainer's hook, {label: plain config}; rows of equal limits together."""
    limits_of_rows = entry.limits(list(configs.values()))
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
    yield from _split_faults(study, limits.on(TEST), (study.metric(study.primary),), study.delta)
    if searching and study.search:
        yield from _split_faults(study, limits.on(VALIDATION), _searched(study))


def limit_warnings(study: Study, limits: RowLimits, searching: bool) -> Iterator[str]:
    """Yield what tests with these limits can show less well, a sentence each."""
    test, validation, primary = limits.on(TEST), limits.on(VALIDATION), study.metric(study.primary)
    if test is not None:
        yield from _split_warnings(test, primary, study.delta)
        yield from _coarse(test, primary, study.delta)
    if validation is None:
        return
    searched = _searched(study)
    if searching or (searched and not list(_split_faults(study, validation, searched))):
        judged = searched[0] if searched else primary
        yield from _split_warnings(validation, judged, study.delta if judged == primary else 0.0)
    elif searched:
        for fault in _split_faults(study, validation, searched):
            yield f"{fault}; until then `ablate search` is refused"
    elif not validation.answerable:
        yield f"{_unanswered(validation)}; verdicts do not use it, but a search would"


def _searched(study: Study) -> Sequence[Metric]:
    """Return the metrics of the search; none if there is no search."""
    return study.search.metrics if study.search else ()


def _split_faults(
    study: Study, limits: SplitLimits | None, metrics: Sequence[Metric], delta: float | None = None
) -> Iterator[str]:
    """Yield why a split cannot show a difference in these metrics; `delta` is the smallest that counts, as shown."""
    if limits is None:
        return
    if not limits.answerable:
        yield _unanswered(limits)
        return
    for metric in metrics:
        low, high = limits.ends(metric)
        if limits.is_fixed(metric.name):
            yield (
                f"{metric.name} is {_value(metric, high)} on {limits.name}, whatever is trained, as {limits.because}, "
                f"so it shows no difference; {_other_metric(study, limits, metrics)}{limits.remedy}"
            )
        elif delta is not None and metric.name in limits.ranges and _width(metric, low, high) <= delta + ROUNDING:
            yield (
                f"{metric.name} can only be from {_value(metric, low)} to {_value(metric, high)} on {limits.name}, "
                f"which is no more than delta ({_difference(metric, delta)}), so it shows no effect beyond delta; "
                f"{_advice(limits)}"
            )


def _split_warnings(limits: SplitLimits, metric: Metric, delta: float) -> Iterator[str]:
    """Yield the examples that cannot be answered or cannot be missed, and the metrics that cannot vary.

    The floor of the judged metric counts if it is more than `delta`, as shown; 0 for a metric without a delta.
    """
    if not limits.answerable:
        return
    low, high = limits.ends(metric)
    if limits.unanswerable:
        lost = limits.examples - limits.answerable
        most = f", so {metric.name} is at most {_value(metric, high)}" if metric.name in limits.ranges else ""
        yield f"{lost:,} of {limits.counted} of {limits.name} cannot be answered{most}: {_reasons(limits)}"
    is_floor = metric.bounds[0] < low and _width(metric, metric.bounds[0], low) > delta
    if is_floor and not limits.is_fixed(metric.name):
        yield (
            f"{metric.name} is at least {_value(metric, low)} on {limits.name}, whatever is trained, as some "
            f"{limits.nouns[1]} cannot be missed; {limits.remedy}"
        )
    fixed = [other for other in limits.ranges if other != metric.name and limits.is_fixed(other)]
    if fixed:
        verb = "is" if len(fixed) == 1 else "are"
        value = _value(metric, limits.ranges[fixed[0]][1])
        yield f"{listed(fixed)} {verb} {value} on {limits.name}, whatever is trained, as {limits.because}"


def _coarse(limits: SplitLimits, metric: Metric, delta: float) -> Iterator[str]:
    """Yield a sentence if one example changes a proportion by more than delta."""
    if metric.kind is not Kind.PROPORTION or metric.scale is not Scale.LINEAR or not limits.examples:
        return
    step = metric.shown(1 / limits.examples)
    if step > delta + ROUNDING:
        one, several = limits.nouns
        yield (
            f"{limits.name} has {limits.counted}, so one {one} is {_difference(metric, float(f'{step:.3g}'))}, more "
            f"than delta ({_difference(metric, delta)}): rows that differ by one {one} differ by more than delta; use "
            f"more {several}, or a larger delta"
        )


def _unanswered(limits: SplitLimits) -> str:
    one, several = limits.nouns
    if not limits.examples:
        return f"{limits.name} has no {several}, so nothing can be found in it; {limits.remedy}"
    which = f"the one {one}" if limits.examples == 1 else f"none of the {limits.counted}"
    verb = "cannot" if limits.examples == 1 else "can"
    return f"{which} of {limits.name} {verb} be answered, so every rate is 0 %, whatever is trained: {_reasons(limits)}"


def _reasons(limits: SplitLimits) -> str:
    """Return why examples cannot be answered, how many for each reason, and the remedies."""
    several = len(limits.unanswerable) > 1
    parts = []
    for group in limits.unanswerable:
        counted = f"for {group.examples:,} of them, " if several else ""
        first = f" (the first is {group.first})" if group.first else ""
        parts.append(f"{counted}{group.reason}{first}; {group.remedy}")
    return "; ".join(parts)


def _advice(limits: SplitLimits) -> str:
    remedies = [group.remedy for group in limits.unanswerable] or [limits.remedy]
    return "; ".join([*remedies, "or set a smaller delta"])


def _other_metric(study: Study, limits: SplitLimits, metrics: Sequence[Metric]) -> str:
    """Return advice to judge by another metric of the test that can vary, if there is one."""
    free = (
        one.name
        for one in study.metrics
        if one.kind is not Kind.SCALAR and one not in metrics and not limits.is_fixed(one.name)
    )
    name = next(free, None)
    return f"judge by {name}, which can vary, or " if name else ""


def _width(metric: Metric, low: float, high: float) -> float:
    """Return the largest effect between two values, as reports print effects."""
    if metric.scale is Scale.LOG:
        return high / low if low > 0 else inf
    return metric.shown(high - low)


def _value(metric: Metric, value: float) -> str:
    return f"{value * metric.display.factor:.4g} {metric.display.unit}".strip()


def _difference(metric: Metric, shown: float) -> str:
    """Return an effect or a delta as reports print it: `0.5 pp`; on a log scale it is a ratio."""
    unit = "" if metric.scale is Scale.LOG else metric.display.difference_unit
    return f"{shown:g} {unit}".strip()
