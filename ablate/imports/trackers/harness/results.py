"""Files of aggregated results of lm-evaluation-harness: one line for each task and filter.

Their form is that of `lm_eval/result_schema.py` (version 0.4), and of version 0.3, which has no filters.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import SourceError
from ablate.imports.source import Cell, Request
from ablate.imports.trackers.cells import number
from ablate.imports.trackers.documents import json_of
from ablate.imports.trackers.harness.settings import SEEDS, circumstances_of, mapping_in, recipe_of, settings_of

NOT_METRICS = frozenset({"alias", "name", "sample_len", "sample_count", "samples"})
"""Keys of a task's results next to its metrics."""
NO_VALUE = "N/A"
"""The value of a metric that could not be computed."""
NO_FILTER = "none"
_HEAD = re.compile(r'\s*\{\s*"results"\s*:\s*\{')
LONGEST_HEAD = 4096


@dataclass(frozen=True)
class TaskResult:
    """The values of one task with one filter, as one file has them."""

    path: Path
    task: str
    filter: str
    metrics: Mapping[str, float]
    """{metric: its value}, without errors; they are over items, not over seeds."""
    settings: Mapping[str, Cell]
    seeds: Mapping[str, Cell]
    circumstances: Mapping[str, Cell]
    directions: Mapping[str, bool]
    """{metric: True if higher values are better}, if the file says it."""
    examples: int | None
    """The number of examples that the values are over, if the file says it."""
    recipe: Mapping[str, Cell]
    """The task's own config: its prompts, its data and more."""


def is_results(path: Path) -> bool:
    """Return True if the file has the form of aggregated results. Reads the whole file only if its head fits."""
    try:
        return has_head(path) and has_form(json_of(path))
    except SourceError:
        return False


def has_head(path: Path) -> bool:
    """Return True if a file begins as results do. It may be torn after that."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return bool(_HEAD.match(file.read(LONGEST_HEAD)))
    except OSError:
        return False


def has_form(content: Any) -> bool:
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        return False
    tasks = content["results"].values()
    has_sign = any(name in content for name in ("versions", "n-shot", "lm_eval_version", "group_subtasks"))
    return bool(tasks) and has_sign and all(isinstance(task, dict) for task in tasks)


def results_of(path: Path, request: Request, unused: list[str]) -> Iterator[TaskResult]:
    """Yield the results of a file, task after task. SourceError if it has another form.

    A group's line is the mean over tasks that have lines of their own, so it is left out, unless `--where task=GROUP`
    names it.
    """
    content = json_of(path)
    if not has_form(content):
        raise SourceError(f"{path}: has no `results` with values for each task next to `versions`")
    groups = _groups(content)
    asked = request.where.get("task")
    for task, values in content["results"].items():
        if task in groups and task != asked:
            unused.append(
                f"{path.name}, {task}: the aggregate of {len(groups[task])} tasks in the same file; "
                f"--where task={task} uses it"
            )
            continue
        yield from _of_task(path, content, task, values, unused)


def _groups(content: Mapping[str, Any]) -> dict[str, list[str]]:
    subtasks = mapping_in(content, "group_subtasks")
    named = {name: [str(task) for task in below] for name, below in subtasks.items() if isinstance(below, list)}
    return {name: below for name, below in named.items() if set(below) & set(content["results"])}


def _of_task(
    path: Path, content: Mapping[str, Any], task: str, values: Mapping[str, Any], unused: list[str]
) -> Iterator[TaskResult]:
    place = f"{path.name}, {task}"
    settings = settings_of(content, task, place, unused)
    for name, metrics in _by_filter(values, place, unused).items():
        yield TaskResult(
            path=path,
            task=task,
            filter=name,
            metrics=metrics,
            settings={"task": task, "filter": name, **{key: settings[key] for key in settings if key not in SEEDS}},
            seeds={name: settings[name] for name in SEEDS if name in settings},
            circumstances=circumstances_of(content, task),
            directions={
                metric: is_higher
                for metric, is_higher in mapping_in(mapping_in(content, "higher_is_better"), task).items()
                if isinstance(is_higher, bool)
            },
            examples=_count(content, task, values),
            recipe=recipe_of(content, task, place),
        )


def _by_filter(values: Mapping[str, Any], place: str, unused: list[str]) -> dict[str, dict[str, float]]:
    """Return {filter: {metric: value}}; the keys are `metric,filter`, and only `metric` in old files."""
    filters: dict[str, dict[str, float]] = {}
    for key, value in values.items():
        metric, _, name = key.partition(",")
        if metric in NOT_METRICS or metric.endswith("_stderr"):
            continue
        parsed = None if value == NO_VALUE else number(value)
        if parsed is None:
            unused.append(f"{place}, {key}: {str(value)[:40]!r} is no number")
            continue
        filters.setdefault(name or NO_FILTER, {})[metric] = parsed
    return filters


def _count(content: Mapping[str, Any], task: str, values: Mapping[str, Any]) -> int | None:
    count = mapping_in(mapping_in(content, "n-samples"), task).get("effective", values.get("sample_len"))
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else None
