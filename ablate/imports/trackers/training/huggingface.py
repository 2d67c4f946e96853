"""The reader of the output folders of Hugging Face's Trainer: `all_results.json` and `trainer_state.json`.

The hyperparameters lie in `training_args.bin`, a pickle, which could run code when it is loaded: it is never read.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.errors import SourceError
from ablate.imports.source import Cell, Request, Source
from ablate.imports.trackers.cells import cell, flat, number, typed
from ablate.imports.trackers.documents import json_of, text_of
from ablate.imports.trackers.logged import LoggedRun, source_of, with_names
from ablate.imports.trackers.walk import by_numbers, files_below, glimpse, relative
from ablate.text import fault_lines, plural

RESULTS = ("eval_results.json", "all_results.json")
"""The files of `Trainer.save_metrics`, the combined one last."""
STATE, PICKLE, CARD = "trainer_state.json", "training_args.bin", "README.md"
STATE_SETTINGS = ("num_train_epochs", "max_steps", "train_batch_size")
"""Settings that the state repeats."""
STATE_CIRCUMSTANCES = ("global_step", "best_metric", "best_global_step", "best_model_checkpoint", "trial_name")
COUNTERS = frozenset({"epoch", "step", "total_flos", "learning_rate", "grad_norm", "num_input_tokens_seen"})
SPEED = re.compile(r"_(runtime|samples|samples_\w+|samples_per_second|steps_per_second|mem_\w+|jit_compilation_time)$")
"""Ends of names that measure the program and not the model."""
SAMPLES = "_samples"
LARGEST_CARD = 2**20
_CHECKPOINT = re.compile(r"checkpoint-\d+")
_CARD_HEAD = "### Training hyperparameters"
_CARD_LINE = re.compile(r"- (\w+): (.+)")


class HuggingFaceReader:
    """Reads the output folders below a folder; each is a run, and its checkpoints are parts of it."""

    kind = "huggingface"

    def recognise(self, path: Path) -> str:
        if not path.is_dir():
            return ""
        first = next((file for file in glimpse(path, _is_file_of_run) if _is_output(file)), None)
        return f"{relative(first, path)} is a file of Hugging Face's Trainer" if first else ""

    def read(self, path: Path, request: Request) -> Source:
        files = [file for file in files_below(path, _is_file_of_run) if _is_output(file)]
        folders = sorted({_run_folder(file, path) for file in files}, key=by_numbers)
        runs, faults, unused = [], [], list[str]()
        for folder in folders:
            try:
                runs.append(_run(folder, path))
            except SourceError as error:
                faults.append(str(error))
        if faults:
            raise SourceError(f"{path}: cannot be read as outputs of Hugging Face's Trainer:\n{fault_lines(faults)}")
        unused += [f"{run.place}: it has no metrics" for run in runs if not run.metrics]
        used = with_names([run for run in runs if run.metrics], request)
        pickles = sum((folder / PICKLE).is_file() for folder in folders)
        if pickles:
            unused.append(
                f"{PICKLE} of {plural(pickles, 'run')}: a pickle can run code, so it is not read; settings are taken "
                f"from {CARD}, {STATE} and the folders' names"
            )
        return source_of(self.kind, self.recognise(path), used, unused, primary=request.metrics, counts=_counts(used))


def _is_file_of_run(name: str) -> bool:
    return name in (STATE, *RESULTS)


def _is_output(file: Path) -> bool:
    """Return True for a file of a Trainer: other programs have files of results, but no state next to them."""
    if file.name == STATE:
        return True
    names = (STATE, PICKLE, "train_results.json", "eval_results.json")
    return any(file.with_name(name).is_file() for name in names if name != file.name)


def _run_folder(file: Path, root: Path) -> Path:
    is_part = _CHECKPOINT.fullmatch(file.parent.name) and file.parent != root
    return file.parent.parent if is_part else file.parent


def _run(folder: Path, root: Path) -> LoggedRun:
    name = relative(folder, root)
    state = _state(folder)
    values: dict[str, Any] = _last_of_history(state)
    for file in (folder / each for each in RESULTS):
        values |= _object(file) if file.is_file() else {}
    numbers = {key: parsed for key, value in values.items() if (parsed := number(value)) is not None}
    metrics = {key: value for key, value in numbers.items() if key not in COUNTERS and not SPEED.search(key)}
    circumstances: dict[str, Cell] = {"run": name, **{key: numbers[key] for key in numbers if key not in metrics}}
    circumstances |= {key: cell(state[key]) for key in STATE_CIRCUMSTANCES if state.get(key) is not None}
    return LoggedRun(name, _settings(folder, state, name), metrics, circumstances)


def _state(folder: Path) -> dict[str, Any]:
    """Return the state at the end; of the last checkpoint if the program did not save it. Empty if there is none."""
    checkpoints = sorted(folder.glob(f"checkpoint-*/{STATE}"), key=by_numbers, reverse=True)
    file = next((each for each in (folder / STATE, *checkpoints) if each.is_file()), None)
    return _object(file) if file else {}


def _object(file: Path) -> dict[str, Any]:
    content = json_of(file)
    if not isinstance(content, dict):
        raise SourceError(f"{file}: must be an object with a value for each name")
    return content


def _last_of_history(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last value of each key of the history, which has lines of training and of evaluation."""
    history = state.get("log_history")
    last: dict[str, Any] = {}
    for entry in history if isinstance(history, list) else []:
        last |= entry if isinstance(entry, dict) else {}
    return last


def _settings(folder: Path, state: Mapping[str, Any], place: str) -> dict[str, Cell]:
    """Return the settings of the model card, of the state, and of a search that the run was a trial of."""
    settings = {key: cell(state[key]) for key in STATE_SETTINGS if state.get(key) is not None}
    card = folder / CARD
    if card.is_file():
        settings |= card_settings(text_of(card, LARGEST_CARD).splitlines())
    params = state.get("trial_params")
    return settings | (flat(params, place, []) if isinstance(params, dict) else {})


def card_settings(lines: Sequence[str]) -> dict[str, Cell]:
    """Return the hyperparameters that `Trainer.create_model_card` lists: `- learning_rate: 5e-05`."""
    if _CARD_HEAD not in lines:
        return {}
    settings: dict[str, Cell] = {}
    for line in lines[lines.index(_CARD_HEAD) + 1 :]:
        if line.startswith("#"):
            break
        if match := _CARD_LINE.fullmatch(line.strip()):
            settings[match[1]] = typed(match[2])
    return settings


def _counts(runs: Sequence[LoggedRun]) -> dict[str, list[int | None]]:
    """Return the number of examples of each metric: `eval_samples` of `eval_accuracy`. A loss is over tokens."""
    counts: dict[str, list[int | None]] = {}
    for metric in dict.fromkeys(name for run in runs for name in run.metrics):
        samples = metric.split("_")[0] + SAMPLES
        numbers = [_whole(run.circumstances.get(samples)) if metric in run.metrics else None for run in runs]
        if any(numbers) and not metric.endswith("loss"):
            counts[metric] = numbers
    return counts


def _whole(value: Cell) -> int | None:
    return int(value) if isinstance(value, float) and value >= 1 and value.is_integer() else None


reader = HuggingFaceReader()
