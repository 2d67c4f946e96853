"""Files of lm-evaluation-harness 0.4 in the form of its `save_results_aggregated` and `save_results_samples`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.imports.canonical import runs

DATE = "2024-07-01T12-00-0{}.123456"


def content(
    results: Mapping[str, Mapping[str, Any]],
    model_args: str | Mapping[str, Any] = "pretrained=org/model",
    seed: int = 1234,
    shots: int = 0,
    examples: int = 1000,
    configs: Mapping[str, Any] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return the content of a file of results, with the metrics that are better if they are higher."""
    names = {task: [key.split(",")[0] for key in values if "," in key] for task, values in results.items()}
    return {
        "results": {task: {"alias": task, **values} for task, values in results.items()},
        "group_subtasks": groups or {task: [] for task in results},
        "configs": configs or {task: {"task": task, "doc_to_text": "{{q}}", "num_fewshot": shots} for task in results},
        "versions": dict.fromkeys(results, 1.0),
        "n-shot": dict.fromkeys(results, shots),
        "higher_is_better": {
            task: {name: name != "perplexity" for name in each if not name.endswith("_stderr")}
            for task, each in names.items()
        },
        "n-samples": {task: {"original": 5000, "effective": examples} for task in results},
        "config": {
            "model": "hf",
            "model_args": model_args,
            "model_num_parameters": 14067712,
            "model_dtype": "torch.float16",
            "model_revision": "main",
            "model_sha": "f33025648652797a390d8c54835273845b437161",
            "batch_size": "auto",
            "batch_sizes": [64],
            "device": "cuda:0",
            "use_cache": None,
            "limit": None,
            "bootstrap_iters": 100000,
            "gen_kwargs": None,
            "random_seed": seed,
            "numpy_seed": seed,
            "torch_seed": seed,
            "fewshot_seed": seed,
        },
        "git_hash": "4a62757d",
        "date": 1719829000.5 + seed,
        "pretty_env_info": "PyTorch version: 2.3.1",
        "transformers_version": "4.42.3",
        "task_hashes": {},
        "model_source": "hf",
        "model_name": "org/model",
        "model_name_sanitized": "org__model",
        "system_instruction": None,
        "chat_template": None,
        "start_time": 100.0,
        "end_time": 160.0,
        "total_evaluation_time_seconds": "60.0",
    }


def save(folder: Path, results: Mapping[str, Any], number: int = 0) -> Path:
    """Write a file of results into a folder, under the date of a number, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"results_{DATE.format(number)}.json"
    path.write_text(json.dumps(results, indent=2), encoding="utf-8")
    return path


def sample(number: int, values: Mapping[str, Any], name: str = "none") -> dict[str, Any]:
    """Return the sample of an example with its metrics, for a filter."""
    return {
        "doc_id": number,
        "doc": {"q": f"question {number}"},
        "target": "0",
        "arguments": {"gen_args_0": {"arg_0": f"question {number}"}},
        "resps": [[["-1.5", "False"]]],
        "filtered_resps": [["-1.5", "False"]],
        "filter": name,
        "metrics": list(values),
        "doc_hash": f"{number:064x}",
        "prompt_hash": f"{number + 1:064x}",
        "target_hash": f"{0:064x}",
        **values,
    }


def save_samples(folder: Path, task: str, samples: Sequence[Mapping[str, Any]], number: int = 0) -> None:
    """Write the samples of a task next to its results."""
    path = folder / f"samples_{task}_{DATE.format(number)}.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in samples), encoding="utf-8")


def write(folder: Path) -> Path:
    """Write the canonical study as twelve models that were evaluated on one task."""
    for number, run in enumerate(runs()):
        args = f"pretrained=org/model,lr={run.lr},norm={run.norm}"
        values = {"boolq": {"acc,none": run.acc, "acc_stderr,none": 0.0123}}
        save(folder / "out" / f"model{number}", content(values, args, seed=run.seed))
    return folder / "out"
