"""Output folders in the form of Hugging Face's Trainer."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.imports.canonical import runs

CARD = """---
library_name: transformers
---
# {name}

## Training procedure

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: {lr}
- optimizer: Use OptimizerNames.ADAMW_TORCH with betas=(0.9,0.999) and epsilon=1e-08
- seed: {seed}

### Framework versions

- Transformers 4.42.3
"""


def state(history: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the content of `trainer_state.json`."""
    return {
        "best_metric": None,
        "best_model_checkpoint": None,
        "epoch": 2.0,
        "eval_steps": 500,
        "global_step": 20,
        "log_history": list(history),
        "max_steps": 20,
        "num_train_epochs": 2,
        "total_flos": 123.0,
        "train_batch_size": 8,
        "trial_name": None,
        "trial_params": None,
        **more,
    }


def evaluation(step: int, **metrics: float) -> dict[str, Any]:
    """Return a line of the history after an evaluation."""
    named = {f"eval_{name}": value for name, value in metrics.items()}
    return {"epoch": step / 10, **named, "eval_runtime": 1.5, "eval_samples_per_second": 10.5, "step": step}


def save(folder: Path, files: Mapping[str, Mapping[str, Any] | str | bytes]) -> Path:
    """Write files into an output folder, and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str | bytes) else json.dumps(content, indent=4, sort_keys=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def write(folder: Path) -> Path:
    """Write the canonical study as twelve output folders, whose names have the settings."""
    for run in runs():
        results = {"epoch": 2.0, "acc": run.acc, "eval_runtime": 1.5 + run.seed, "train_samples": 50}
        files: dict[str, Mapping[str, Any] | bytes] = {
            "all_results.json": results,
            "train_results.json": {"epoch": 2.0, "train_samples": 50},
            "training_args.bin": b"PK\3\4",
        }
        save(folder / "out" / f"lr{run.lr}_norm-{run.norm}_seed{run.seed}", files)
    return folder / "out"
