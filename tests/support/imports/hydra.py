"""The canonical study as Hydra writes a multirun: `norm` is a group, each job wrote a results.json."""

import json
from pathlib import Path

from tests.support.imports import canonical

KIND = "hydra"


def write(folder: Path) -> Path:
    """Write the study; return the path to import."""
    multirun = folder / "multirun" / "2026-01-05" / "16-44-19"
    for number, run in enumerate(canonical.runs()):
        inner = multirun / str(number) / ".hydra"
        inner.mkdir(parents=True)
        config = (
            f"norm:\n  _target_: layers.{run.norm.title()}\nlr: {run.lr}\nseed: {run.seed}\nout: ${{hydra:run.dir}}\n"
        )
        (inner / "config.yaml").write_text(config, encoding="utf-8")
        overrides = f"- norm={run.norm}\n- lr={run.lr}\n- seed={run.seed}\n- +debug=false\n- ~data\n"
        (inner / "overrides.yaml").write_text(overrides, encoding="utf-8")
        hydra = f"hydra:\n  runtime:\n    choices:\n      norm: {run.norm}\n      hydra/launcher: basic\n"
        (inner / "hydra.yaml").write_text(hydra, encoding="utf-8")
        (inner.parent / "results.json").write_text(json.dumps({"acc": run.acc}), encoding="utf-8")
        (inner.parent / "train.log").write_text(f"[INFO] - acc: {run.acc}\n", encoding="utf-8")
    (multirun / "multirun.yaml").write_text("hydra:\n  mode: MULTIRUN\n", encoding="utf-8")
    return multirun
