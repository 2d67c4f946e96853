"""The settings of results of lm-evaluation-harness: the program's, the model's, and those of a task."""

from collections.abc import Mapping
from typing import Any

from ablate.imports.source import Cell
from ablate.imports.trackers.cells import cell, flat, typed

BOOKKEEPING = frozenset(
    {"batch_size", "batch_sizes", "device", "use_cache", "no_cache", "bootstrap_iters", "model_num_parameters"}
    | {"model_sha", "peft_sha", "delta_sha"}
)
"""Parts of `config` that say how the program ran, or that follow from other settings."""
SEEDS = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")
"""The four seeds of the program; its option --seed sets all of them."""
ENVIRONMENT = ("date", "git_hash", "lm_eval_version", "transformers_version", "total_evaluation_time_seconds")
PROMPTS = ("system_instruction", "fewshot_as_multiturn", "chat_template_sha")


def settings_of(content: Mapping[str, Any], task: str, place: str, unused: list[str]) -> dict[str, Cell]:
    """Return the settings of a task's results: the model and its arguments, prompts, shots and seeds."""
    config = {name: value for name, value in mapping_in(content, "config").items() if name != "model_args"}
    return {
        **{name: value for name, value in flat(config, place, unused).items() if name.split(".")[0] not in BOOKKEEPING},
        **model_args(mapping_in(content, "config").get("model_args"), place, unused),
        **{name: cell(content[name]) for name in PROMPTS if name in content},
        **_shots(content, task),
    }


def model_args(value: Any, place: str, unused: list[str]) -> dict[str, Cell]:
    """Return the parts of `model_args`, `pretrained=gpt2,dtype=float32` or a mapping, as `model_args.pretrained`."""
    if isinstance(value, str) and value:
        parts = [part.partition("=") for part in value.split(",")]
        value = {name.strip(): typed(text) if equals else True for name, equals, text in parts}
    if not isinstance(value, dict):
        return {}
    return {f"model_args.{name}": part for name, part in flat(value, place, unused).items()}


def _shots(content: Mapping[str, Any], task: str) -> dict[str, Cell]:
    shots = mapping_in(content, "n-shot").get(task)
    if shots is None:
        shots = mapping_in(mapping_in(content, "configs"), task).get("num_fewshot")
    return {} if shots is None else {"num_fewshot": cell(shots)}


def circumstances_of(content: Mapping[str, Any], task: str) -> dict[str, Cell]:
    """Return how and when the program ran, and the version of a task."""
    config = mapping_in(content, "config")
    version = mapping_in(content, "versions").get(task)
    return {
        **{name: cell(config[name]) for name in sorted(BOOKKEEPING) if name in config},
        **{name: cell(content[name]) for name in ENVIRONMENT if name in content},
        **({} if version is None else {"task_version": cell(version)}),
    }


def recipe_of(content: Mapping[str, Any], task: str, place: str) -> dict[str, Cell]:
    """Return the task's own config. Its `metadata` repeats the model's arguments, so it is not part of the recipe."""
    config = mapping_in(mapping_in(content, "configs"), task)
    left_out = {"metadata", "num_fewshot", "task"}
    return flat({key: value for key, value in config.items() if key not in left_out}, place, [])


def mapping_in(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the object under a key; an empty one if there is none."""
    value = content.get(key)
    return value if isinstance(value, dict) else {}
