"""The reader of lm-evaluation-harness: files of results, with the samples next to them."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import Cell, ColumnRole, Request, Source
from ablate.imports.trackers.harness.results import NO_FILTER, TaskResult, has_head, is_results, results_of
from ablate.imports.trackers.harness.samples import examples_of
from ablate.imports.trackers.logged import LoggedRun, source_of
from ablate.imports.trackers.walk import files_below, glimpse, relative
from ablate.measurement import Direction
from ablate.text import listed_in_part

MOST_TRIED = 10
"""JSON files of a folder that are tried to recognise it."""


MOST_LISTED = 10
"""Tasks that a message names one by one."""
PREFIX = "results_"
"""The start of the names of files of results, unless a user names them."""


class HarnessReader:
    """Reads one file of results, or all of them below a folder. A task with a filter is a run."""

    kind = "lm-eval"

    def recognise(self, path: Path) -> str:
        if path.is_file():
            is_it = path.suffix == ".json" and is_results(path)
            return (
                "it has `results` for each task next to `versions`, as lm-evaluation-harness writes them"
                if is_it
                else ""
            )
        likely = sorted(glimpse(path, _is_results_name), key=lambda file: not file.name.startswith(PREFIX))
        first = next((file for file in islice(likely, MOST_TRIED) if is_results(file)), None)
        return f"{relative(first, path)} is a file of results of lm-evaluation-harness" if first else ""

    def read(self, path: Path, request: Request) -> Source:
        unused: list[str] = []
        files = [path] if path.is_file() else _files(path, unused)
        if not files:
            raise SourceError(f"{path}: has no results_*.json of lm-evaluation-harness below it")
        results = _all(files, request, unused)
        if not results:
            raise SourceError(f"{path}: has no values for a task; {' '.join(unused)}")
        root = path if path.is_dir() else path.parent
        runs = _runs(results, root)
        return source_of(
            self.kind,
            self.recognise(path),
            runs,
            unused,
            primary=request.metrics,
            roles={"seed": ColumnRole.SEED} if "seed" in runs[0].settings else {},
            directions=_directions(results, unused),
            counts=_counts(results),
            examples=examples_of(results, unused),
        )


def _is_results_name(name: str) -> bool:
    return name.endswith(".json") and not name.startswith("samples_")


def _files(root: Path, unused: list[str]) -> list[Path]:
    """Return the files that begin as results do. One that is named so and does not is named in `unused`."""
    named = files_below(root, _is_results_name)
    files = [file for file in named if has_head(file)]
    others = set(named) - set(files)
    left_out = [file for file in named if file in others and file.name.startswith(PREFIX)]
    unused += [f"{relative(file, root)}: does not begin as a file of results" for file in left_out]
    return files


def _all(files: Sequence[Path], request: Request, unused: list[str]) -> list[TaskResult]:
    results: list[TaskResult] = []
    faults = []
    for file in files:
        try:
            results += results_of(file, request, unused)
        except SourceError as error:
            faults.append(str(error))
    if faults:
        raise SourceError("\n".join(faults))
    return _chosen(results, request, unused)


def _chosen(results: Sequence[TaskResult], request: Request, unused: list[str]) -> list[TaskResult]:
    """Return the results of the task and filter of --where, with the metric that is named: tasks have different ones.

    SourceError if there are none.
    """
    chosen = [
        result
        for result in results
        if all(
            request.where.get(name, value) == value
            for name, value in (("task", result.task), ("filter", result.filter))
        )
    ]
    if results and not chosen:
        known = dict.fromkeys(f"task={result.task} filter={result.filter}" for result in results)
        raise SourceError(f"--where chooses no task; there are {listed_in_part(list(known), MOST_LISTED)}")
    with_metric = [result for result in chosen if not request.metrics or request.metrics[0] in result.metrics]
    if len(with_metric) in (0, len(chosen)):
        return chosen
    others = dict.fromkeys(result.task for result in chosen if result not in with_metric)
    unused.append(f"{listed_in_part(list(others), MOST_LISTED)}: without the metric {request.metrics[0]}")
    return with_metric


def _runs(results: Sequence[TaskResult], root: Path) -> list[LoggedRun]:
    seeds, recipes = _seeds(results), _recipes(results)
    runs = []
    for at, result in enumerate(results):
        file = relative(result.path, root)
        settings = {**result.settings, **recipes[at], **(seeds[at] if seeds else {})}
        circumstances = {"file": file, **result.circumstances, **({} if seeds else result.seeds)}
        name = result.task if result.filter == NO_FILTER else f"{result.task}, {result.filter}"
        runs.append(LoggedRun(f"{file}, {name}", settings, result.metrics, circumstances))
    return runs


def _seeds(results: Sequence[TaskResult]) -> list[Mapping[str, Cell]]:
    """Return the seed of each result, if the program's seeds vary, and together; otherwise an empty list.

    Seeds that vary apart stay columns of their own, for the user to name the one that counts.
    """
    names = dict.fromkeys(name for result in results for name in result.seeds)
    columns = {name: [result.seeds.get(name) for result in results] for name in names}
    varying = [column for column in columns.values() if len(set(column)) > 1]
    if not varying:
        return []
    if len(set(zip(*varying, strict=True))) > min(len(set(column)) for column in varying):
        return [dict(result.seeds) for result in results]
    return [{"seed": value} for value in varying[0]]


def _recipes(results: Sequence[TaskResult]) -> list[dict[str, Cell]]:
    """Return the parts of each task's own config that differ between files, such as its prompt."""
    values: dict[tuple[str, str], set[Cell]] = {}
    for result in results:
        for name, value in result.recipe.items():
            values.setdefault((result.task, name), set()).add(value)
    varying = {name for (_, name), seen in values.items() if len(seen) > 1}
    return [{name: value for name, value in result.recipe.items() if name in varying} for result in results]


def _directions(results: Sequence[TaskResult], unused: list[str]) -> dict[str, Direction]:
    said: dict[str, set[bool]] = {}
    for result in results:
        for metric, is_higher in result.directions.items():
            said.setdefault(metric, set()).add(is_higher)
    for metric in (metric for metric, ways in said.items() if len(ways) > 1):
        unused.append(f"the direction of {metric} is not used: tasks differ in it; --where task=TASK chooses one")
    return {
        metric: Direction.MAXIMIZE if ways == {True} else Direction.MINIMIZE
        for metric, ways in said.items()
        if len(ways) == 1
    }


def _counts(results: Sequence[TaskResult]) -> dict[str, list[int | None]]:
    if not any(result.examples for result in results):
        return {}
    names = dict.fromkeys(metric for result in results for metric in result.metrics)
    return {name: [result.examples if name in result.metrics else None for result in results] for name in names}


reader = HarnessReader()
