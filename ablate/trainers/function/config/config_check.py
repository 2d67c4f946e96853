"""Checks configs against the type of a function's argument `config`, in a process that imports the function."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ablate.trainers.entry import Config
from ablate.trainers.function.job import RETURNED, FunctionJob, FunctionReturn, child_command
from ablate.trainers.function.spec import FunctionSpec

MOST_SECONDS = 600
"""The longest time that the import of a user's function may take."""


def config_faults(spec: FunctionSpec, study_folder: Path, configs: Sequence[Config]) -> list[str]:
    """Return a sentence for each fault of plain configs, or why the function cannot be imported."""
    arguments = [{name: value for name, value in config.items() if name != "runtime"} for config in configs]
    with tempfile.TemporaryDirectory(prefix="ablate-check-") as folder:
        job = FunctionJob(spec.function, spec.evaluate, str(study_folder), arguments, 0, 1, folder, check=True)
        command = child_command(Path(folder), job)
        try:
            end = subprocess.run(command, cwd=study_folder, capture_output=True, timeout=MOST_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return [f"{spec.function} cannot be imported within {MOST_SECONDS} s"]
        if end.returncode != 0:
            lines = end.stderr.decode(errors="replace").strip().splitlines()
            return [f"{spec.function} cannot be imported: {lines[-1] if lines else 'it gave no message'}"]
        return FunctionReturn(**json.loads((Path(folder) / RETURNED).read_bytes())).faults
