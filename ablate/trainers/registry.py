"""The typed configs of the built-in trainers: every value that a study file can set, with its meaning.

The study side reads this, so it imports no torch. A field annotated with `OutsideIdentity` says where or how a trial
runs, and leaves its identity alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ablate.retrieval.config.presets import PRESETS
from ablate.retrieval.config.retrieval import NO_FILE, RetrievalConfig
from ablate.trainers.config import ConfigClash, OutsideIdentity, Section
from ablate.trainers.simulated.config import SimulatedConfig

__all__ = [
    "NO_FILE",
    "TRAINERS",
    "ConfigClash",
    "OutsideIdentity",
    "RetrievalConfig",
    "Section",
    "SimulatedConfig",
    "TrainerEntry",
]


@dataclass(frozen=True)
class TrainerEntry:
    """A trainer by name: its config, and where its function is. What that module imports decides its results.

    `shape` are the keys on which the time depends that a trial takes, so that one can be told from another's; a
    section's name means all of it. `on_gpus`: whether it uses a GPU where there is one. `presets` are named values that
    a study's config may start from.
    """

    config: type[Section]
    entry: str
    shape: tuple[str, ...]
    on_gpus: bool = False
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


RETRIEVAL_SHAPE = (
    *("data.name", "data.size", "model.backbone", "model.last_stride", "model.bn_grouping"),
    *("loss.metric", "loss.mining", "augment", "batch", "schedule.steps", "schedule.optimizer", "amp"),
    *("runtime.threads", "runtime.device", "runtime.compile", "runtime.trials_per_gpu"),
)

TRAINERS = {
    "retrieval": TrainerEntry(
        RetrievalConfig, "ablate.retrieval.training.trainer:train", RETRIEVAL_SHAPE, True, PRESETS
    ),
    "simulated": TrainerEntry(SimulatedConfig, "ablate.trainers.simulated.trainer:train", ("seconds", "queries")),
}
