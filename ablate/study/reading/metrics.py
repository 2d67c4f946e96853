"""Reads the `metrics`, the `primary` metric and the `delta` of a study file. Faults are recorded with their places."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite, nan
from typing import Any

from pydantic import ValidationError

from ablate.errors import unknown_name
from ablate.measurement import RATE, Direction, Display, Kind, Metric, Scale
from ablate.study.config_keys import Config
from ablate.study.design.explicit import is_line
from ablate.study.reading.declared_numbers import USUAL_DELTA, accepted_delta, example_delta, has_usual_delta, is_delta
from ablate.study.reading.nodes import Node
from ablate.study.reading.problems import Path, Problems
from ablate.study.reading.schema import MetricEntry
from ablate.trainers.costs import COST_NAMES, COSTS
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.measuring.declaration import Declaration, metric_sources
from ablate.trainers.measuring.sources import RUN_EXAMPLES, MetricSource

METRICS: Path = ("metrics",)
PRIMARY: Path = ("primary",)
DELTA: Path = ("delta",)
LONGEST_UNIT = 16
"""Letters of a unit, which stands in the heads of tables."""
PERCENT = "%"
"""The unit of a listed metric that is a rate in [0, 1]."""
WORDS_OF_PERCENT = {"percent", "per cent", "pct", "percentage", "pp"}
RATES = {"acc", "accuracy", "precision", "recall", "f1", "auc", "auroc", "map", "iou", "dice", "top1", "top5"}
PARTS_OF_NAME = re.compile(r"[/_\-. ]+")
"""The parts of names that are usual for rates, and what separates the parts."""
PLACES = {"origin": "from", "take": "take", "examples": "examples", "split": "split", "percent": "percent"}
"""{field of an entry: its key}, of those about the place of the values."""


class MetricReader:
    """Reads part by part, so that a fault in one part does not hide those in another."""

    def __init__(
        self, root: Node, problems: Problems, trainer: TrainerEntry[Any] | None, configs: Sequence[Config] = ()
    ) -> None:
        """`trainer`: None if it is unknown; then any metric may be. `configs`: plain, empty if they have faults."""
        self.root, self.problems, self.trainer = root, problems, trainer
        declared = {metric.name: metric for metric in (*(trainer.metrics(configs) if trainer else ()), *COSTS)}
        self.is_complete = trainer is not None and not trainer.measures_listed
        self.declarations: dict[str, Declaration] = {}
        listed = self._with_listed(declared)
        self.sources = self._sources()
        """The places of the values of listed metrics that the trainer does not declare, if it can measure them."""
        for source in self.sources:
            listed[source.metric] = replace(listed[source.metric], on_validation=source.is_validation)
        self.metrics = tuple(listed.values())

    def primary(self) -> Metric | None:
        """Return the metric that verdicts are about; None if it cannot be read, which is recorded."""
        node = self.root.at(PRIMARY)
        known = {metric.name: metric for metric in self.metrics}
        if node is None:
            first = next((metric for metric in self.metrics if metric.name not in COST_NAMES), None)
            if first is None and self.trainer is not None:
                example = "write for example `metrics: {accuracy: {better: higher, unit: '%'}}`"
                self.problems.add(METRICS, f"no metric is declared; {example}")
            return first
        if not isinstance(node.value, str):
            return None  # recorded with the whole file's shape
        if node.value not in known and self.trainer is not None:
            listing = "" if self.is_complete else "; list a metric of your own in `metrics`"
            self.problems.add(PRIMARY, unknown_name("metric", node.value, known) + listing)
        return known.get(node.value)

    def delta(self, primary: Metric | None) -> float:
        """Return the smallest effect that counts, in the unit of shown effects; record one that is not accepted."""
        node = self.root.at(DELTA)
        if node is None:
            if primary is not None and not has_usual_delta(primary):
                path = PRIMARY if self.root.at(PRIMARY) else DELTA
                self.problems.add(path, f"{primary.name} needs `delta`, {_delta_words(primary)}")
            return USUAL_DELTA
        value = _number(node.value)
        if value is None:
            is_usual = primary is None or has_usual_delta(primary)
            is_infinite = type(node.value) in (int, float)
            number = "a finite number" if is_infinite else "a number"
            accepted = number if primary is None or is_usual else accepted_delta(primary, 0)
            if is_infinite and accepted != number and primary is not None and primary.scale is Scale.LINEAR:
                accepted = f"finite, {accepted}"
            self.problems.expected(DELTA, node.plain(), accepted)
        elif primary is not None and not is_delta(primary, value):
            self.problems.expected(DELTA, node.value, accepted_delta(primary, value))
        return USUAL_DELTA if value is None else value

    def _with_listed(self, declared: Mapping[str, Metric]) -> dict[str, Metric]:
        """Return {name: metric}: those of the trainer, those that the file lists, and the costs."""
        node = self.root.at(METRICS)
        listed: dict[str, Metric] = {}
        for name, child in node.value.items() if node and isinstance(node.value, dict) else ():
            try:
                entry = MetricEntry.model_validate(child.plain())
            except ValidationError:
                entry = MetricEntry()  # recorded with the whole file's shape
            if not isinstance(name, str):
                continue
            entry = self._with_known_unit(name, entry)
            if name in declared or self.is_complete:
                self._refuse_places(name, entry)
            if name in declared:
                listed[name] = self._changed(declared[name], entry)
            elif self.is_complete:
                self.problems.unknown((*METRICS, name), "metric", name, declared)
            else:
                listed[name] = self._new(name, entry, child)
        own = {name: metric for name, metric in declared.items() if name not in COST_NAMES}
        costs = {name: metric for name, metric in declared.items() if name in COST_NAMES}
        return {**own, **{name: metric for name, metric in listed.items() if name not in costs}, **costs, **listed}

    def _with_known_unit(self, name: str, entry: MetricEntry) -> MetricEntry:
        """Return the entry; without its unit, which is recorded, if that is none."""
        unit, path = entry.unit, (*METRICS, name, "unit")
        if unit == RATE.difference_unit:
            remedy = f"write {PERCENT!r} for a rate, or another unit"
            self.problems.add(path, f"found {unit!r}, in which differences of rates are printed; {remedy}")
        elif unit and (len(unit) > LONGEST_UNIT or unit != unit.strip() or not unit.isprintable()):
            self.problems.expected(path, unit, f"a unit of at most {LONGEST_UNIT} letters, without spaces around it")
        else:
            return entry
        return entry.model_copy(update={"unit": None})

    def _new(self, name: str, entry: MetricEntry, node: Node) -> Metric:
        """Return a metric that only the file declares."""
        path = (*METRICS, name)
        if not is_line(name) or any(letter.isspace() for letter in name):
            self.problems.expected(path, name, "a name without spaces")
        if isinstance(node.value, dict) and node.child("better") is None:
            self.problems.add(path, "`better` is missing; write `better: higher` or `better: lower`")
        direction = Direction.of_better(entry.better) if entry.better else Direction.MAXIMIZE
        scale = Scale(entry.scale or Scale.LINEAR)
        is_rate, kind = entry.unit == PERCENT, Kind.SCALAR if entry.examples is None else Kind.MEAN
        self.declarations[name] = Declaration(
            entry.origin, entry.take, entry.examples, entry.split, entry.percent, is_rate, direction
        )
        if is_rate:
            return Metric(name, direction, Kind.PROPORTION, bounds=(0.0, 1.0), scale=scale, display=RATE)
        unit = entry.unit or ""
        lowest = 0.0 if scale is Scale.LOG else float("-inf")
        shown = Display(unit=unit, difference_unit=unit)
        return Metric(name, direction, kind, unit, (lowest, float("inf")), scale, shown)

    def _sources(self) -> tuple[MetricSource, ...]:
        sources, faults = metric_sources(self.declarations)
        for fault in faults:
            self.problems.add((*METRICS, *fault.path), fault.message)
        takes_run = self.trainer is None or self.trainer.has_run_examples
        for source in sources:
            if source.examples == RUN_EXAMPLES and not takes_run:
                self.problems.expected(
                    (*METRICS, source.metric, "examples"),
                    RUN_EXAMPLES,
                    "a file in ${dir}, as only a function can call `run.examples`",
                )
        return sources

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each listed metric that may be a rate and has another unit than "%"."""
        for name in self.declarations:
            metric = next(one for one in self.metrics if one.name == name)
            if metric.display.unit.lower() in WORDS_OF_PERCENT:
                yield (
                    f"metrics.{name}: the unit {metric.display.unit!r} is a mere word; for a rate in [0, 1] write "
                    '`unit: "%"`, so that it is shown in percent, and effects and delta in percentage points'
                )
            if not metric.display.unit and set(PARTS_OF_NAME.split(name.lower())) & RATES:
                yield (
                    f'{name} has no unit; if its values are rates in [0, 1], write `unit: "%"` below metrics.{name}, '
                    "so that effects and delta are in percentage points"
                )

    def _refuse_places(self, name: str, entry: MetricEntry) -> None:
        """Record the keys about the place of a metric's values, of a metric that the trainer measures itself."""
        message = "the trainer measures its own metrics; leave this out"
        if not self.is_complete:
            by = "ablate" if name in COST_NAMES else "the trainer"
            message = f"{name} is measured by {by} itself; leave this out, or give your metric another name"
        for key in sorted(entry.model_fields_set & PLACES.keys()):
            self.problems.add((*METRICS, name, PLACES[key]), message)

    def _changed(self, metric: Metric, entry: MetricEntry) -> Metric:
        """Return a metric of the trainer with the scale that the file lists, and its unit if the trainer has none."""
        path = (*METRICS, metric.name)
        better = metric.direction.better
        if entry.better not in (None, better):
            self.problems.add(
                (*path, "better"),
                f"found {entry.better}, but {metric.name} is better if it is {better}; leave `better` out",
            )
        if entry.unit is not None:
            metric = self._with_unit(metric, entry.unit)
        scale = Scale(entry.scale or metric.scale)
        if scale is Scale.LOG and metric.bounds[0] < 0:
            self.problems.add(
                (*path, "scale"),
                f"found log, but {metric.name} can be 0 or less, and ratios need values above 0; accepted: linear",
            )
            scale = metric.scale  # so that `delta` is read as it is without the fault
        return replace(metric, scale=scale)

    def _with_unit(self, metric: Metric, unit: str) -> Metric:
        own = metric.display.unit or metric.unit
        if own and unit != own:
            self.problems.add(
                (*METRICS, metric.name, "unit"), f"found {unit!r}, but {metric.name} is in {own!r}; leave `unit` out"
            )
        if own or not unit:
            return metric
        if unit != PERCENT:
            return replace(metric, unit=unit, display=replace(metric.display, unit=unit, difference_unit=unit))
        if metric.bounds != (0.0, 1.0):
            self.problems.add(
                (*METRICS, metric.name, "unit"),
                f"found {unit!r}, which is for rates in [0, 1], but {metric.name} is no rate; write another unit",
            )
            return metric
        as_rate = {name: getattr(RATE, name) for name in ("factor", "unit", "difference_unit", "digits")}
        return replace(metric, display=replace(metric.display, **as_rate))


def _number(value: Any) -> float | None:
    """Return a finite number; None for anything else."""
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else nan
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return number if isfinite(number) else None


def _delta_words(metric: Metric) -> str:
    """Return the meaning of a delta in words, with an example."""
    if metric.scale is Scale.LOG:
        return "the smallest ratio of two values that is worth acting on; write `delta: 1.05` for five percent"
    unit = metric.display.difference_unit
    return (
        f"the smallest difference that is worth acting on{f', in {unit}' if unit else ''}; write for example "
        f"`delta: {example_delta(metric):g}`"
    )
