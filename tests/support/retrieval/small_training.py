"""Trainings of a small network that are interrupted, and digests of their results."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from ablate.measurement import Result
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.training import loop
from ablate.retrieval.training.trainer import train_on
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import Progress
from ablate.trainers.rank_results import ranks_of

Configure = Callable[..., RetrievalConfig]


SMALL = {"model": {"backbone": "timm/test_resnet"}, "runtime": {"checkpoint_seconds": 0.0}}


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"))]


class Torn(Exception):  # noqa: N818
    """Ends a training without a warning, as a crash does."""


def silent(_: Progress) -> None:
    pass


def stop_at(step: int) -> Callable[[Progress], None]:
    """Return a callback that ends a training during a step: after it was taken, before it is saved."""

    def progress(made: Progress) -> None:
        if made.step == step:
            raise Torn

    return progress


def weights(checkpoints: Checkpoints) -> str:
    """Return the SHA-256 of the trained weights and statistics."""
    state = checkpoints.newest()
    assert state is not None
    path = checkpoints.folder / "state"
    path.write_bytes(state)
    found = torch.load(path, weights_only=True)
    assert "optimizer" not in found
    digest = hashlib.sha256()
    for name, value in found["network"].items():
        digest.update(name.encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def ranks(outcome: Sequence[Result]) -> str:
    """Return the SHA-256 of every query's rank."""
    found = (ranks_of(one, split) for one in outcome for split in sorted(one.sizes))
    return hashlib.sha256(b"".join(each.tobytes() for each in found)).hexdigest()


def interrupted(
    dataset: Dataset, config: RetrievalConfig, checkpoints: Checkpoints, steps: list[int]
) -> tuple[str, str, list[Result]]:
    """Train to the end after an interruption during each of the steps: digests of weights and ranks, the outcome."""
    for step in steps:
        with pytest.raises(Torn):
            train_on(dataset, [config], 0, stop_at(step), checkpoints)
    outcome = train_on(dataset, [config], 0, silent, checkpoints)
    return weights(checkpoints), ranks(outcome), outcome


def with_small(configure: Configure, change: dict[str, Any], steps: int) -> RetrievalConfig:
    """Return a config with the small network, these changes and this number of steps."""
    sections = {name: dict(values) for name, values in SMALL.items()}
    for name, values in change.items():
        sections[name] = sections.get(name, {}) | values if isinstance(values, dict) else values
    sections["schedule"] = sections.get("schedule", {}) | {"steps": steps}
    return configure(**sections)


def stopping_during(step: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Return the `stopping` of a training that is stopped while it takes a step; steps count from 1."""
    asked, draw = False, loop.draw

    def watch(source: loop.BatchSource, config: RetrievalConfig, seed: int, at: int) -> loop.TrainingBatch:
        nonlocal asked
        asked = asked or at + 1 == step
        return draw(source, config, seed, at)

    monkeypatch.setattr(loop, "draw", watch)
    return lambda: asked
