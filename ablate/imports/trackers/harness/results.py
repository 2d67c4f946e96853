"""Files of aggregated results of lm-evaluation-harness: one line for each task and filter.

Their form is that of `lm_eval/result_schema.py` (version 0.4), and of version 0.3, which has no filters.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import SourceError
from ablate.imports.source import Request
from ablate.imports.trackers.cells import Cell, cell, flat, number, typed
from ablate.imports.trackers.documents import json_of

BOOKKEEPING = frozenset(
    {"batch_size", "batch_sizes", "device", "use_cache", "no_cache", "bootstrap_iters", "model_num_parameters"}
    | {"model_sha", "peft_sha", "delta_sha"}
)
"""Parts of `config` that say how the program ran, or that follow from other settings."""
SEEDS = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")
"""The four seeds of the program; its option --seed sets all of them."""
ENVIRONMENT = ("date", "git_hash", "lm_eval_version", "transformers_version", "total_evaluation_time_seconds")
PROMPTS = ("system_instruction", "fewshot_as_multiturn", "chat_template_sha")
NOT_METRICS = frozenset({"alias", "name", "sample_len", "sample_count", "samples"})
"""Keys of a task's results next to its metrics."""
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
    subtasks = _mapping(content, "group_subtasks")
    return {name: below for name, below in subtasks.items() if below and set(below) & set(content["results"])}


def _of_task(
    path: Path, content: Mapping[str, Any], task: str, values: Mapping[str, Any], unused: list[str]
) -> Iterator[TaskResult]:
    place = f"{path.name}, {task}"
    config = {name: value for name, value in _mapping(content, "config").items() if name != "model_args"}
    settings = {
        **{name: value for name, value in flat(config, place, unused).items() if name.split(".")[0] not in BOOKKEEPING},
        **model_args(_mapping(content, "config").get("model_args"), place, unused),
        **{name: cell(content[name]) for name in PROMPTS if name in content},
        **_shots(content, task),
    }
    for name, metrics in _by_filter(values, place, unused).items():
        yield TaskResult(
            path=path,
            task=task,
            filter=name,
            metrics=metrics,
            settings={"task": task, "filter": name, **{key: settings[key] for key in settings if key not in SEEDS}},
            seeds={name: settings[name] for name in SEEDS if name in settings},
            circumstances=_circumstances(content, config, task),
            directions={
                metric: is_higher
                for metric, is_higher in _mapping(_mapping(content, "higher_is_better"), task).items()
                if isinstance(is_higher, bool)
            },
            examples=_count(content, task, values),
            recipe=_recipe(content, task, place),
        )


def _by_filter(values: Mapping[str, Any], place: str, unused: list[str]) -> dict[str, dict[str, float]]:
    """Return {filter: {metric: value}}; the keys are `metric,filter`, and only `metric` in old files."""
    filters: dict[str, dict[str, float]] = {}
    for key, value in values.items():
        metric, _, name = key.partition(",")
        if metric in NOT_METRICS or metric.endswith("_stderr"):
            continue
        parsed = number(value)
        if parsed is None:
            unused.append(f"{place}, {key}: {str(value)[:40]!r} is no number")
            continue
        filters.setdefault(name or NO_FILTER, {})[metric] = parsed
    return filters


def model_args(value: Any, place: str, unused: list[str]) -> dict[str, Cell]:
    """Return the parts of `model_args`, `pretrained=gpt2,dtype=float32` or a mapping, as `model_args.pretrained`."""
    if isinstance(value, str) and value:
        parts = [part.partition("=") for part in value.split(",")]
        value = {name.strip(): typed(text) if equals else True for name, equals, text in parts}
    if not isinstance(value, dict):
        return {}
    return {f"model_args.{name}": part for name, part in flat(value, place, unused).items()}


def _shots(content: Mapping[str, Any], task: str) -> dict[str, Cell]:
    shots = _mapping(content, "n-shot").get(task)
    if shots is None:
        shots = _mapping(_mapping(content, "configs"), task).get("num_fewshot")
    return {} if shots is None else {"num_fewshot": cell(shots)}


def _circumstances(content: Mapping[str, Any], config: Mapping[str, Any], task: str) -> dict[str, Cell]:
    version = _mapping(content, "versions").get(task)
    return {
        **{name: cell(config[name]) for name in sorted(BOOKKEEPING) if name in config},
        **{name: cell(content[name]) for name in ENVIRONMENT if name in content},
        **({} if version is None else {"task_version": cell(version)}),
    }


def _count(content: Mapping[str, Any], task: str, values: Mapping[str, Any]) -> int | None:
    count = _mapping(_mapping(content, "n-samples"), task).get("effective", values.get("sample_len"))
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else None


def _recipe(content: Mapping[str, Any], task: str, place: str) -> dict[str, Cell]:
    """Return the task's own config. Its `metadata` repeats the model's arguments, so it is not part of the recipe."""
    config = _mapping(_mapping(content, "configs"), task)
    left_out = {"metadata", "num_fewshot", "task"}
    return flat({key: value for key, value in config.items() if key not in left_out}, place, [])


def _mapping(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}
