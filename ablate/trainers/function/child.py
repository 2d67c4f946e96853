"""The process that runs a user's function: `python -P -m ablate.trainers.function.child JOB`.

It is a process of its own for each training, so that no training depends on those before it.
"""

import importlib
import importlib.util
import inspect
import json
import os
import platform
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from ablate.trainers.function.config.typed_config import ConfigFaultsError, annotation_of, as_annotated
from ablate.trainers.function.config.watched_config import WATCH, watched_arguments
from ablate.trainers.function.job import ENDED_EARLY, RETURNED, SAVED, FunctionJob, FunctionReturn
from ablate.trainers.function.plain_values import metric_values, result_examples
from ablate.trainers.function.reference import parts_of
from ablate.trainers.function.run import EndedEarly, Run
from ablate.trainers.measuring.files import OWN

VERSIONS = ("torch", "numpy", "sklearn", "jax", "tensorflow", "transformers", "lightning", "pytorch_lightning")
"""Libraries of which the version is recorded if the function imported them."""


def load_function(reference: str, folder: Path) -> Callable[..., Any]:
    """Import the function that a study file in `folder` names. Two functions of one file share the imported module."""
    file, module, name = parts_of(reference)
    sys.path.insert(0, str(folder))
    loaded = importlib.import_module(str(module)) if file is None else _load_file((folder / file).resolve())
    sys.argv = [loaded.__file__ or ""]  # code that reads its arguments gets those of a script that was given none
    function: Callable[..., Any] = getattr(loaded, name)
    return function


def _load_file(path: Path) -> ModuleType:
    """Import a file as a module of its name."""
    sys.path.insert(0, str(path.parent))
    earlier = sys.modules.get(path.stem)
    if earlier is not None and earlier.__file__ == str(path):
        return earlier
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = loaded  # so that its classes can be pickled
    spec.loader.exec_module(loaded)
    return loaded


def called(function: Callable[..., Any], config: Mapping[str, Any], seed: int, run: Run) -> Any:
    """Call a function with the arguments that its signature names, and return its result."""
    parameters = inspect.signature(function).parameters
    given = {**config, "seed": seed, "run": run, "config": as_annotated(config, annotation_of(function, "config"))}
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    if takes_any and not set(parameters) & set(given):
        arguments = {**config, "seed": seed}
    else:
        arguments = {name: value for name, value in given.items() if name in parameters}
    return function(**(watched_arguments(function, config, arguments) if WATCH in os.environ else arguments))


def train(job: FunctionJob) -> FunctionReturn | int:
    """Run a job, and return its result, or the exit code of a training that saved its state."""
    channel = socket.socket(fileno=job.channel) if job.channel is not None else None
    run = Run(Path(job.run_folder), job.attempt, channel, job.with_examples)
    run.catch_signals()
    folder = Path(job.folder)
    function = load_function(job.function, folder)
    evaluate = load_function(job.evaluate, folder) if job.evaluate else None
    result = FunctionReturn()
    try:
        if evaluate is None:
            _add(result, called(function, job.configs[0], job.seed, run), run)
        else:
            _train_apart(function, job, run)
            for config in () if run.has_stopped else job.configs:
                _add(result, called(evaluate, config, job.seed, run), run)
    except EndedEarly:
        return ENDED_EARLY
    result.curve = run.curve
    result.environment = _environment()
    return SAVED if run.has_stopped else result


def _train_apart(function: Callable[..., Any], job: FunctionJob, run: Run) -> None:
    """Train, unless an earlier attempt has done so, and keep the curve."""
    trained = run.dir / f"{OWN}trained.json"
    if trained.exists():
        run.curve = json.loads(trained.read_bytes())
        return
    called(function, _without_evaluate(job.configs[0]), job.seed, run)
    if not run.has_stopped:
        trained.write_text(json.dumps(run.curve), encoding="utf-8")


def _add(result: FunctionReturn, returned: Any, run: Run) -> None:
    """Add what a function returned, and the examples that it gave meanwhile, as the next ones of a result."""
    if run.has_stopped:
        return
    result.values.append(metric_values(returned))
    result.examples.append({**result_examples(returned), **run.outcomes})
    run.outcomes = {}


def check(job: FunctionJob) -> FunctionReturn:
    """Import the functions, and compare each config with the annotation of the argument `config`."""
    result = FunctionReturn()
    references = [reference for reference in (job.function, job.evaluate) if reference]
    for reference in references:
        function = load_function(reference, Path(job.folder))
        annotation = annotation_of(function, "config")
        trains_only = job.evaluate is not None and reference == job.function
        for config in job.configs:
            try:
                as_annotated(_without_evaluate(config) if trains_only else config, annotation)
            except ConfigFaultsError as error:
                result.faults += [fault for fault in error.faults if fault not in result.faults]
    return result


def _without_evaluate(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != "evaluate"}


def _environment() -> dict[str, str]:
    modules = {name: sys.modules.get(name) for name in VERSIONS}
    versions = {name: str(getattr(module, "__version__", "")) for name, module in modules.items() if module}
    return {"python": platform.python_version(), **{name: version for name, version in versions.items() if version}}


def main(path: Path) -> int:
    """Run the job in a file, write its return next to it, and return the exit code."""
    job = FunctionJob(**json.loads(path.read_bytes()))
    result = check(job) if job.check else train(job)
    if isinstance(result, int):
        return result
    path.parent.mkdir(parents=True, exist_ok=True)  # the function may have removed it
    aside = path.with_name(f"{OWN}returned.part")
    aside.write_text(json.dumps(asdict(result)), encoding="utf-8")
    aside.rename(path.with_name(RETURNED))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except KeyboardInterrupt:  # raised by the function: Ctrl-C does not reach this process
        traceback.print_exc()
        sys.exit(1)
