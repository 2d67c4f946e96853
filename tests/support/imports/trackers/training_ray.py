"""Folders of trials in the form of Ray Tune."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.imports.canonical import runs

OWN = {
    "timestamp": 1700000000,
    "checkpoint_dir_name": None,
    "done": False,
    "trial_id": "f6a5c_00000",
    "date": "2023-11-14_22-13-20",
    "time_this_iter_s": 0.5,
    "pid": 4711,
    "hostname": "host",
    "node_ip": "127.0.0.1",
    "iterations_since_restore": 1,
}
"""The keys that Ray adds to a report."""


def save(folder: Path, params: Mapping[str, Any], reports: Sequence[Mapping[str, Any]]) -> Path:
    """Write the folder of a trial with its reports as JSON, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.json").write_text(json.dumps(params, indent=2, sort_keys=True))
    (folder / "params.pkl").write_bytes(b"\x80\x05}.")
    lines = [
        json.dumps({**report, **OWN, "training_iteration": at, "config": params, "experiment_tag": "0_lr=0.1"})
        for at, report in enumerate(reports, 1)
    ]
    (folder / "result.json").write_text("".join(f"{line}\n" for line in lines))
    return folder


def write(folder: Path) -> Path:
    """Write the canonical study as twelve trials."""
    for number, run in enumerate(runs()):
        params = {"lr": run.lr, "model": {"norm": run.norm}, "seed": run.seed}
        trial = f"train_f6a5c_{number:05}_{number}_lr={run.lr},norm={run.norm}_2023-11-14_22-13-20"
        save(folder / "exp" / trial, params, [{"acc": 0.9}, {"acc": run.acc}])
    return folder / "exp"
