"""A Python function as a first study: its config, metrics and factors."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ablate.errors import AblateError, unknown_name
from ablate.study.starting.draft import TO_FILL_IN, StudyDraft, quoted
from ablate.study.starting.factor_choice import chosen_factors
from ablate.study.starting.metric_guesses import MetricGuess, chosen
from ablate.study.starting.metric_names import is_metric
from ablate.study.starting.option_use import OptionUse, config_value, option_use
from ablate.study.starting.scanning.config_reads import GIVEN, config_options, returned_keys
from ablate.study.starting.scanning.options import ScriptOption, ScriptOptions
from ablate.study.starting.scanning.project_sources import project_sources
from ablate.study.starting.scanning.source import Function, PythonSource, read_source
from ablate.study.starting.scanning.typer_options import parameters
from ablate.study.starting.script_notes import guesses
from ablate.text import listed_in_part, plural

PARSER = "function"
MOST_NAMED = 8


def function_draft(path: Path, name: str, reference: str, study: str, folder: Path) -> StudyDraft:
    """Return a first study of a function at the top of a file. `reference`: the function, as the study file names it.

    `folder`: that of the study file. AblateError if the file cannot be read, or has no such function.
    """
    sources = project_sources(read_source(path))
    node = _function(sources[0], name)
    merged = _with_classes_of(sources)
    options = [_in_config(option) for option in config_options(node, merged)]
    use = option_use(ScriptOptions(PARSER, tuple(options)))
    factors = chosen_factors(use.config)
    metrics = _metrics(node)
    return StudyDraft(
        study,
        (f"A first study of {reference}, written by `ablate init`. Every line may be changed.",),
        tuple(_trainer_lines(path, folder, reference)),
        tuple(metrics),
        {option.name: config_value(option) for option in use.config},
        tuple(option.name for option in use.left[:MOST_NAMED]),
        tuple(factors),
        (f"{reference}: {plural(len(options), 'config key')}", *guesses(metrics, factors)),
        tuple(_to_do(node, name, use, metrics)),
    )


def _function(source: PythonSource, name: str) -> Function:
    if name in source.functions:
        return source.functions[name]
    if not source.functions:
        raise AblateError(f"{source.path}: has no function at its top, so none is called {name!r}")
    raise AblateError(f"{source.path}: {unknown_name('function', name, source.functions)}")


def _with_classes_of(sources: list[PythonSource]) -> PythonSource:
    """Return the first file with the classes of the modules that it imports: a config may lie in another file."""
    first = sources[0]
    for source in reversed(sources[1:]):
        first.classes.update({name: node for name, node in source.classes.items() if name not in first.classes})
    return first


def _in_config(option: ScriptOption) -> ScriptOption:
    """Return an option of which a name such as `out` or `device` means nothing special: it is a key like others."""
    return replace(option, flag="")


def _trainer_lines(path: Path, folder: Path, reference: str) -> Iterator[str]:
    file, colon, name = reference.rpartition(":")
    shown = f"{os.path.relpath(path, folder)}{colon}{name}" if file.endswith(".py") else reference
    yield "trainer:"
    yield f"  function: {quoted(shown) if ' ' in shown else shown}"
    beside = os.path.relpath(path.parent, folder)
    if file.endswith(".py") and beside != ".":
        yield f"  cwd: {quoted(beside)}"


def _metrics(node: Function) -> list[MetricGuess]:
    """Return the metrics that a function returns; all its keys if none of them has the name of a metric."""
    keys = returned_keys(node)
    named = {key: line for key, line in keys.items() if is_metric(key)} or keys
    return chosen([MetricGuess(key, "", f"returned in line {line}") for key, line in named.items()])


def _to_do(node: Function, name: str, use: OptionUse, metrics: list[MetricGuess]) -> Iterator[str]:
    if use.missing:
        names = listed_in_part([option.name for option in use.missing], MOST_NAMED)
        yield f"the config needs {names}: write the value in place of {TO_FILL_IN}"
    if not use.config:
        arguments = listed_in_part(list(GIVEN), MOST_NAMED)
        yield f"no config key was recognised: {name} gets {arguments} by name, and the keys that you write in `config:`"
    if "seed" not in {parameter.name for parameter in parameters(node)}:
        yield f"{name} has no argument `seed`; add one, as only several seeds show which differences are chance"
    if not metrics:
        yield f"no metric was recognised: let {name} return them, as in `return {{'val_acc': 0.93}}`, and list them"
