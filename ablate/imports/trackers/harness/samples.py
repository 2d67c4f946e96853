"""Files of samples of lm-evaluation-harness: the value of each example, which pairs runs example by example."""

from collections import Counter
from collections.abc import Sequence
from math import isclose, isnan
from pathlib import Path
from typing import Any

import numpy as np

from ablate.imports.source import ExampleValues
from ablate.imports.trackers.cells import number
from ablate.imports.trackers.documents import json_lines
from ablate.imports.trackers.harness.results import TaskResult

TOLERANCE = 1e-6
"""The largest difference between a metric and the mean of its examples, relative to the metric."""


def samples_file(result: TaskResult) -> Path | None:
    """Return the file of samples that was written with a file of results: next to it, with its task and its date."""
    date = result.path.stem.rpartition("_")[2]
    path = result.path.with_name(f"samples_{result.task}_{date}.jsonl")
    return path if path.is_file() else None


def examples_of(results: Sequence[TaskResult], unused: list[str]) -> dict[str, list[ExampleValues | None]]:
    """Return {metric: the examples of each result}, for metrics that are the mean of a number for each example."""
    names = dict.fromkeys(metric for result in results for metric in result.metrics)
    examples: dict[str, list[ExampleValues | None]] = {name: [None] * len(results) for name in names}
    for at, result in enumerate(results):
        path = samples_file(result)
        for metric, values in (_of_file(path, result, unused) if path else {}).items():
            examples[metric][at] = values
    return {name: values for name, values in examples.items() if any(values)}


def _of_file(path: Path, result: TaskResult, unused: list[str]) -> dict[str, ExampleValues]:
    ids: list[str] = []
    columns: dict[str, list[float | None]] = {metric: [] for metric in result.metrics}
    for line in json_lines(path):
        sample = line.content
        if not isinstance(sample, dict) or sample.get("filter", result.filter) != result.filter:
            continue
        ids.append(_id(sample, len(ids)))
        for metric, column in columns.items():
            column.append(number(sample.get(metric)))
    kept = {}
    for metric, column in columns.items():
        if fault := _fault(column, result.metrics[metric]):
            unused.append(f"{path.name}, {metric}: {fault}, so its examples are not used")
        else:
            kept[metric] = ExampleValues(_unique(ids), np.array(column, dtype=np.float32))
    return kept


def _id(sample: dict[str, Any], at: int) -> str:
    return str(sample.get("doc_hash", sample.get("doc_id", at)))


def _unique(ids: Sequence[str]) -> list[str]:
    """Return the ids, with the number of its occurrence if a document occurs more than once."""
    seen: Counter[str] = Counter()
    unique = []
    for each in ids:
        seen[each] += 1
        unique.append(each if seen[each] == 1 else f"{each}#{seen[each]}")
    return unique


def _fault(column: Sequence[float | None], value: float) -> str:
    """Return why the numbers are not those that a metric is the mean of; empty if they are."""
    numbers = [each for each in column if each is not None]
    if not numbers or len(numbers) < len(column):
        return "it is no number for each example"
    mean = sum(numbers) / len(numbers)
    if isnan(value) or not isclose(mean, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        return f"it is {value:g} and not the mean of its examples, {mean:g}"
    return ""
