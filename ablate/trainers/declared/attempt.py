"""One attempt at a training by a user's script: its files, its environment, and the record of a finished one."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ablate.trainers.command.config_files import write_config
from ablate.trainers.entry import Config
from ablate.trainers.gpus import visible_gpus
from ablate.trainers.measuring.files import OWN

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Variables by which libraries take their number of CPU threads."""
OUTSIDE = ("runtime",)
"""Sections of a config that are not the script's."""
FINISHED = f"{OWN}finished.json"
"""The file with the record of a finished attempt."""


@dataclass(frozen=True)
class Attempt:
    """One attempt at a training."""

    folder: Path
    """The folder of the training, the same in all attempts."""
    number: int
    """1 for the first attempt."""
    seed: int
    config: Config
    """The whole resolved config, plain."""
    cwd: Path
    """The working directory."""
    began: float
    """Seconds since the epoch."""
    lock: int | None = None
    """The file descriptor of the folder's lock, which the script inherits; None for an attempt that has ended."""

    @property
    def log(self) -> Path:
        """The file of the script's output."""
        return self.folder / f"attempt-{self.number}.log"

    @property
    def result(self) -> Path:
        """The file that the script may write its result to."""
        return self.folder / "result.json"

    @property
    def arguments(self) -> Config:
        """The config without the sections that are not the script's."""
        return {name: value for name, value in self.config.items() if name not in OUTSIDE}

    @property
    def runtime(self) -> Mapping[str, Any]:
        """The section `runtime` of the config."""
        runtime: Mapping[str, Any] = self.config["runtime"]
        return runtime

    def environment(self) -> dict[str, str]:
        """Return all environment variables of the script, and write the config to the file that one of them names."""
        own = {
            "ABLATE_CONFIG": os.fspath(write_config(self.arguments, self.folder, "json")),
            "ABLATE_SEED": str(self.seed),
            "ABLATE_DIR": os.fspath(self.folder),
            "ABLATE_RESULT": os.fspath(self.result),
            "ABLATE_ATTEMPT": str(self.number),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            **dict.fromkeys(THREADS, str(self.runtime["threads"])),
        }
        if self.runtime["device"] == "cpu":
            own["CUDA_VISIBLE_DEVICES"] = ""
        return {**os.environ, **own}

    @property
    def gpus(self) -> int:
        """The number of GPUs that the script may use."""
        return 0 if self.runtime["device"] == "cpu" else len(visible_gpus())


def new_attempt(folder: Path, number: int, seed: int, config: Config, cwd: Path, lock: int) -> Attempt:
    """Return an attempt that begins now in a folder whose lock is held, without the result of an earlier attempt."""
    attempt = Attempt(folder, number, seed, config, cwd, time.time(), lock)
    attempt.result.unlink(missing_ok=True)
    return attempt


@dataclass(frozen=True)
class FinishedAttempt:
    """An attempt that ended with exit code 0. It is not run again if only its results must be read in another way."""

    number: int
    began: float
    """Seconds since the epoch."""
    costs: Mapping[str, float]
    """{metric: value} of the costs that were measured."""
    unreadable: str = ""
    """The digest of the sources of metrics with which reading failed; empty if it did not fail."""


def finished_attempt(folder: Path, sources: object) -> FinishedAttempt | None:
    """Return the finished attempt in the folder of a training; None if there is none, or if reading it again fails."""
    try:
        stored = json.loads((folder / FINISHED).read_bytes())
        finished = FinishedAttempt(**stored)
    except (OSError, ValueError, TypeError):
        return None
    return finished if finished.unreadable != digest_of(sources) else None


def save_finished(folder: Path, finished: FinishedAttempt) -> None:
    """Write the record of a finished attempt, whole or not at all."""
    aside = folder / f"{OWN}finished.part"
    aside.write_text(json.dumps(asdict(finished)), encoding="utf-8")
    aside.rename(folder / FINISHED)


def digest_of(sources: object) -> str:
    """Return a digest of the sources of metrics."""
    return hashlib.sha256(json.dumps(sources, sort_keys=True, default=str).encode()).hexdigest()[:20]
