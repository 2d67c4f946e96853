"""A Python script as a first study: its command, config, metrics and factors."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ablate.study.starting.draft import StudyDraft, comments, quoted
from ablate.study.starting.factor_choice import chosen_factors
from ablate.study.starting.metric_guesses import MetricGuess, chosen, printed_metrics, written_metrics
from ablate.study.starting.option_use import OptionUse, config_value, option_use
from ablate.study.starting.roles import folder_text, output_file
from ablate.study.starting.scanning.argparse_options import argparse_options
from ablate.study.starting.scanning.class_fields import HUGGING_FACE, hugging_face_options
from ablate.study.starting.scanning.click_options import click_options
from ablate.study.starting.scanning.hydra_options import HYDRA, hydra_files, hydra_options
from ablate.study.starting.scanning.options import OptionKind, ScriptOption, ScriptOptions
from ablate.study.starting.scanning.printed_lines import printed_lines
from ablate.study.starting.scanning.project_sources import project_sources
from ablate.study.starting.scanning.source import PythonSource, read_source
from ablate.study.starting.scanning.typer_options import typer_options
from ablate.study.starting.scanning.written_files import written_results
from ablate.study.starting.script_notes import notes, to_do
from ablate.trainers.command.arguments import yaml_list

PYTHON = "${python}"
RUN_FOLDER = "${dir}"
RUN_FOLDER_WORDS = "a folder of its own for each training"
MOST_NAMED = 8
"""Options that a comment names."""


def script_draft(path: Path, study: str, folder: Path, command: Sequence[str] = ()) -> StudyDraft:
    """Return a first study of a Python script. `folder`: that of the study file.

    `command`: the command that ends with the options, if the script is not started directly. AblateError if the script
    cannot be read.
    """
    sources = project_sources(read_source(path))
    use = option_use(_options(sources))
    metrics, is_in_run_folder = _metrics(sources, use)
    factors = chosen_factors(use.config)
    start = command or (_python(), os.path.relpath(path, folder))
    return StudyDraft(
        study,
        (f"A first study of {path.name}, written by `ablate init`. Every line may be changed.",),
        tuple(_trainer_lines(path, folder, start, use, is_in_run_folder)),
        tuple(metrics),
        {option.name: config_value(option) for option in use.config},
        tuple(option.flag or option.name for option in use.left[:MOST_NAMED]),
        tuple(factors),
        tuple(notes(path, use, metrics, factors)),
        tuple(to_do(path, use, metrics, factors)),
    )


def _options(sources: Sequence[PythonSource]) -> ScriptOptions:
    """Return the options of the script, or of the first module of its project that has any."""
    for source in sources:
        if files := hydra_files(source):
            return hydra_options(files)
        for read in (hugging_face_options, typer_options, click_options, argparse_options):
            if (options := read(source)).options:
                return options
    return ScriptOptions("")


def _trainer_lines(
    path: Path, folder: Path, start: Sequence[str], use: OptionUse, is_in_run_folder: bool
) -> Iterator[str]:
    yield "trainer:"
    items = list(_items(start, use))
    meanings = {PYTHON: "the Python that runs ablate", _style(use): "the config below", RUN_FOLDER: RUN_FOLDER_WORDS}
    named = [f"{name}: {words}" for name, words in meanings.items() if any(name in item for item in items)]
    yield from comments([f"no shell reads this list; {', '.join(named)}"], "  ")
    yield f"  command: {yaml_list(items)}"
    beside = os.path.relpath(path.parent, folder)
    if is_in_run_folder:
        yield "  # the script writes its results under a fixed name: each training runs in a folder of its own"
        yield f"  cwd: {quoted(RUN_FOLDER)}"
    elif beside != ".":
        yield f"  cwd: {quoted(beside)}"
    if use.parser == HYDRA and (files := hydra_files(read_source(path))) is not None and files.main:
        yield f"  data: [{quoted(os.path.relpath(files.folder, folder))}]"


def _items(start: Sequence[str], use: OptionUse) -> Iterator[str]:
    """Yield the items of the command: options of the program, the subcommand, positional arguments, and the rest."""
    yield from start
    channels = [*([(use.seed, "${seed}")] if use.seed else []), *((each, folder_text(each)) for each in use.outputs)]
    if use.parser == HYDRA:
        yield _style(use)
        yield from (f"{option.name}={text}" for option, text in channels)
        yield f"hydra.run.dir={RUN_FOLDER}"
        return
    of_program = [(option, text) for option, text in channels if use.command and not option.commands]
    yield from (item for pair in of_program for item in _typed(*pair))
    yield from [use.command] if use.command else []
    singly = [option for option in use.config if _is_named_singly(option, use)]
    yield from (f"${{{option.name}}}" for option in singly if not option.flag)
    yield _style(use)
    yield from (item for option in singly if option.flag for item in (option.flag, f"${{{option.name}}}"))
    yield from (item for pair in channels if pair not in of_program for item in _typed(*pair))


def _typed(option: ScriptOption, text: str) -> list[str]:
    return [option.flag, text] if option.flag else [text]


def _is_named_singly(option: ScriptOption, use: OptionUse) -> bool:
    """Return True for an option that the style of the others cannot write."""
    has_flags = any(each.kind in (OptionKind.SWITCH, OptionKind.OFF_SWITCH, OptionKind.PAIR) for each in use.config)
    return not option.flag.startswith("--") or (option.kind is OptionKind.BOOLEAN and has_flags)


def _style(use: OptionUse) -> str:
    if use.parser == HYDRA:
        return "${args:hydra}"
    kinds = {option.kind for option in use.config}
    if kinds & {OptionKind.SWITCH, OptionKind.OFF_SWITCH}:
        return "${args:flags}"
    return "${args:flags+no}" if OptionKind.PAIR in kinds else "${args}"


def _python() -> str:
    """Return the interpreter for the script: that of another active environment, if there is one, or our own."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    is_own = active is None or Path(active).resolve() == Path(sys.prefix).resolve()
    return PYTHON if is_own else "python"


def _metrics(sources: Sequence[PythonSource], use: OptionUse) -> tuple[list[MetricGuess], bool]:
    """Return the metrics of the script itself, or else of the modules that it imports, and where it has to run.

    The second value is True if they are in files with fixed names, which need a working directory for each training.
    """
    outputs = {name: output_file(option) for option in use.outputs for name in (option.attribute, option.name) if name}
    for is_in_run_folder in (False, True):
        for part in (sources[:1], sources[1:]):
            guesses: list[MetricGuess] = []
            for source in part:
                guesses += printed_metrics(printed_lines(source), source)
                guesses += written_metrics(written_results(source, outputs), source, is_in_run_folder)
            if guesses:
                return chosen(guesses), is_in_run_folder
    if use.parser == HUGGING_FACE:
        reason = "the loss on the evaluation data, which Trainer.save_metrics writes"
        return [MetricGuess("eval_loss", "all_results.json:eval_loss", reason)], False
    return [], False
