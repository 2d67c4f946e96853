"""Folders `mlruns` in the form of MLflow's."""

from collections.abc import Mapping
from pathlib import Path

from tests.support.imports.canonical import METRIC, runs

EXPERIMENT = """artifact_location: file:///data/mlruns/{key}
creation_time: 1700000000000
experiment_id: '{key}'
last_update_time: 1700000000000
lifecycle_stage: {stage}
name: {name}
"""
RUN = """artifact_uri: file:///data/mlruns/{experiment}/{key}/artifacts
end_time: 1700000009000
entry_point_name: ''
experiment_id: '{experiment}'
lifecycle_stage: {stage}
run_id: {key}
run_name: {name}
source_name: ''
source_type: 4
source_version: ''
start_time: {start}
status: {status}
tags: []
user_id: ada
"""


class MlflowFolder:
    """A folder `mlruns` that a test fills. Each run starts a second after the one before it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.number = 0
        (root / ".trash").mkdir(parents=True)
        self.experiment("0", "Default")
        self.experiment("394962979225480788", "study")

    def experiment(self, key: str, name: str, stage: str = "active") -> Path:
        """Add an experiment and return its folder."""
        folder = self.root / (".trash" if stage == "deleted" else "") / key
        folder.mkdir()
        (folder / "meta.yaml").write_text(EXPERIMENT.format(key=key, name=name, stage=stage))
        return folder

    def add(
        self,
        name: str,
        params: Mapping[str, object],
        metrics: Mapping[str, str],
        tags: Mapping[str, str] | None = None,
        status: int = 3,
        stage: str = "active",
        experiment: str = "394962979225480788",
    ) -> Path:
        """Add a run and return its folder. `metrics` has the lines of each metric."""
        key = f"{self.number:032x}"
        folder = self.root / experiment / key
        for part in ("params", "metrics", "tags", "artifacts"):
            (folder / part).mkdir(parents=True)
        start = 1_700_000_000_000 + 1000 * self.number
        meta = RUN.format(key=key, name=name, experiment=experiment, stage=stage, start=start, status=status)
        (folder / "meta.yaml").write_text(meta)
        for part, texts in {"params": params, "metrics": metrics, "tags": tags or {}}.items():
            for each, text in texts.items():
                (folder / part / each).parent.mkdir(parents=True, exist_ok=True)
                (folder / part / each).write_text(str(text))
        self.number += 1
        return folder


def series(last: float) -> str:
    """Return the lines of a metric whose last value of three is `last`."""
    return f"1700000000001 0.25 0\n1700000000002 0.9 1\n1700000000003 {last} 2\n"


def write(folder: Path) -> Path:
    """Write the canonical study and return the folder `mlruns`."""
    kept = MlflowFolder(folder / "mlruns")
    for run in runs():
        params = {"lr": run.lr, "norm": run.norm, "seed": run.seed}
        kept.add(f"run-{kept.number}", params, {METRIC: series(run.acc)}, {"mlflow.source.name": "train.py"})
    return folder / "mlruns"
