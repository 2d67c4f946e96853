"""The table of unread keys: config keys that nothing reads if other keys have certain values.

The training reads a config at few places, and this table follows them line by line: `training/loop.py`,
`training/optimizer.py`, `loss/objective.py`, `input/augment.py`, `input/samplers.py`, `evaluation/pipeline.py`. A
property test changes every key and compares the trained weights, bit for bit, with what the table claims.

Everything here is exact. A key that changes a result hardly ever is read.
"""

from collections.abc import Sequence
from typing import Any

from ablate.retrieval.config.evaluate import Rerank
from ablate.retrieval.data.label_facts import camera_reason, category_reason
from ablate.trainers.unread import ActsAs, UnreadIf

METRIC_TERM = tuple(
    f"loss.{name}" for name in ("metric", "metric_options", "margin", "normalize_features", "distance", "mining")
)
"""Keys that only the metric term reads."""
CLASSIFICATION_TERM = ("loss.target", "loss.unused_classes", "loss.label_smoothing")
"""Keys that only the classification term reads. `model.neck` is not among them: a test may read the neck."""
DECAY = ("schedule.decay", "schedule.milestones", "schedule.gamma")
WARMUP = ("schedule.warmup_steps", "schedule.warmup_start", "schedule.warmup_shape")
OPTIMIZER = ("schedule.optimizer", "schedule.lr", "schedule.weight_decay", "schedule.momentum")
ERASING = tuple(f"augment.random_erasing.{name}" for name in ("area", "aspect", "aspect_law", "fill"))
TIMM = "timm/"
STRIDES_BEFORE_LAST_STAGE = 16
"""The stages of a ResNet before its last turn this number of pixels into one."""


def _no_steps(steps: int) -> str | None:
    return "schedule.steps is 0" if steps == 0 else None


def _never_learns(steps: int, warmup_steps: int, start: float, shape: str) -> str | None:
    """Return why every step has a learning rate of 0, so that no step moves a weight."""
    in_warmup = min(steps, warmup_steps)
    if steps and start == 0 and in_warmup == steps and (shape == "constant" or steps == 1):
        return (
            f"the learning rate is 0 at every step: schedule.warmup_start is 0, and warm-up lasts {warmup_steps} steps"
        )
    return None


def _not_sgd(optimizer: str) -> str | None:
    return None if optimizer == "sgd" else f"schedule.optimizer is {optimizer}"


def _one_step(steps: int) -> str | None:
    return "schedule.steps is 1, and momentum acts from the second step on" if steps == 1 else None


def _not_milestones(decay: str) -> str | None:
    return None if decay == "milestones" else f"schedule.decay is {decay}"


def _no_milestone_is_reached(milestones: Sequence[int], steps: int) -> str | None:
    if _reached(milestones, steps):
        return None
    return "schedule.milestones is empty" if not milestones else f"training ends at step {steps}, before a milestone"


def _gamma_is_one(gamma: float) -> str | None:
    return "schedule.gamma is 1" if gamma == 1 else None


def _decay_of_one_step(steps: int, milestones: Sequence[int], gamma: float) -> str | None:
    """Return why both kinds of decay leave the only step its whole rate."""
    falls = gamma != 1 and _reached(milestones, steps)
    return "schedule.steps is 1, before any decay" if steps == 1 and not falls else None


def _no_warmup(warmup_steps: int) -> str | None:
    return "schedule.warmup_steps is 0" if warmup_steps == 0 else None


def _warmup_starts_at_one(start: float) -> str | None:
    return "schedule.warmup_start is 1" if start == 1 else None


def _warmup_of_one_step(steps: int, warmup_steps: int) -> str | None:
    key = "schedule.steps" if steps == 1 else "schedule.warmup_steps"
    return f"{key} is 1, and both shapes begin alike" if min(steps, warmup_steps) == 1 else None


def _no_metric_term(omega: float) -> str | None:
    return "loss.omega is 0" if omega == 0 else None


def _no_classification_term(omega: float) -> str | None:
    return "loss.omega is 1" if omega == 1 else None


def _not_triplet(metric: str) -> str | None:
    return None if metric == "triplet" else f"loss.metric is {metric}"


def _sampling(needed: str, sampling: str) -> str | None:
    return None if sampling == needed else f"batch.sampling is {sampling}"


def _never_erased(p: float | None) -> str | None:
    return "augment.random_erasing.p is 0" if p == 0 else None


def _nothing_erased(area: Sequence[float] | None) -> str | None:
    return "augment.random_erasing.area is 0" if area is not None and area[1] == 0 else None


def _only_original_distance(weight: float | None) -> str | None:
    return "evaluate.rerank.weight is 1" if weight == 1 else None


def _last_stage_sees_one_pixel(backbone: str, size: Sequence[int]) -> str | None:
    """Return why a stride cannot matter: the last stage of a ResNet gets one pixel. Other networks are not known."""
    if backbone.startswith(TIMM) or max(size) > STRIDES_BEFORE_LAST_STAGE:
        return None
    return f"data.size is {list(size)}, of which the last stage sees one pixel"


def _reached(milestones: Sequence[int], steps: int) -> list[int]:
    return [milestone for milestone in milestones if milestone < steps]


def _acting_milestones(milestones: list[int], steps: int, decay: str, gamma: float) -> list[int]:
    if not steps or decay != "milestones":
        return milestones
    return [] if gamma == 1 else sorted(_reached(milestones, steps))


def _acting_erasing(erasing: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if erasing and (erasing["p"] == 0 or erasing["area"][1] == 0) else erasing


def _acting_warmup(warmup_steps: int, steps: int, shape: str, start: float) -> int:
    if start == 1:
        return 0
    return min(warmup_steps, steps) if shape == "constant" or steps == 1 else warmup_steps


def _acting_optimizer(optimizer: str, weight_decay: float) -> str:
    return "adam" if optimizer == "adamw" and weight_decay == 0 else optimizer


def _acting_rerank(rerank: dict[str, Any] | None) -> dict[str, Any] | None:
    return Rerank(weight=1.0).model_dump(mode="json") if rerank and rerank["weight"] == 1 else rerank


LABELS = ("data.name", "data.root", "data.size", "evaluate.detections")

UNREAD = (
    # no training, or one that moves no weight
    UnreadIf(
        ("loss", "augment", "batch", "model.bn_grouping", *OPTIMIZER, *DECAY, *WARMUP),
        ("schedule.steps",),
        _no_steps,
        is_meant=True,
    ),
    UnreadIf(("loss", *OPTIMIZER, *DECAY), ("schedule.steps", *WARMUP), _never_learns),
    # the optimiser and its learning rate
    UnreadIf(("schedule.momentum",), ("schedule.optimizer",), _not_sgd),
    UnreadIf(("schedule.momentum",), ("schedule.steps",), _one_step),
    UnreadIf(("schedule.milestones", "schedule.gamma"), ("schedule.decay",), _not_milestones),
    UnreadIf(("schedule.gamma",), ("schedule.milestones", "schedule.steps"), _no_milestone_is_reached),
    UnreadIf(("schedule.milestones",), ("schedule.gamma",), _gamma_is_one),
    UnreadIf(("schedule.decay",), ("schedule.steps", "schedule.milestones", "schedule.gamma"), _decay_of_one_step),
    UnreadIf(("schedule.warmup_start", "schedule.warmup_shape"), ("schedule.warmup_steps",), _no_warmup),
    UnreadIf(("schedule.warmup_steps", "schedule.warmup_shape"), ("schedule.warmup_start",), _warmup_starts_at_one),
    UnreadIf(("schedule.warmup_shape",), ("schedule.steps", "schedule.warmup_steps"), _warmup_of_one_step),
    # the two terms of the loss
    UnreadIf(METRIC_TERM, ("loss.omega",), _no_metric_term),
    UnreadIf(CLASSIFICATION_TERM, ("loss.omega",), _no_classification_term),
    UnreadIf(("loss.margin", "loss.distance", "loss.mining"), ("loss.metric",), _not_triplet),
    # batches and their augmentation
    UnreadIf(
        ("batch.quadruplets", "batch.drawn_once"), ("batch.sampling",), lambda value: _sampling("quadruplets", value)
    ),
    UnreadIf(("batch.items", "batch.images"), ("batch.sampling",), lambda value: _sampling("pk", value)),
    UnreadIf(ERASING, ("augment.random_erasing.p",), _never_erased),
    UnreadIf(("augment.random_erasing.p", *ERASING[1:]), ("augment.random_erasing.area",), _nothing_erased),
    # the network
    UnreadIf(("model.last_stride",), ("model.backbone", "data.size"), _last_stage_sees_one_pixel),
    # the test
    UnreadIf(("evaluate.rerank.k1", "evaluate.rerank.k2"), ("evaluate.rerank.weight",), _only_original_distance),
    UnreadIf(("evaluate.cameras",), LABELS, camera_reason, asks_data=True),
    UnreadIf(("evaluate.scope",), LABELS, category_reason, asks_data=True),
)
"""The keys that nothing reads, and when. The first reason that holds is printed."""

ALIKE = (
    ActsAs("schedule.milestones", ("schedule.steps", "schedule.decay", "schedule.gamma"), _acting_milestones),
    ActsAs(
        "schedule.warmup_steps", ("schedule.steps", "schedule.warmup_shape", "schedule.warmup_start"), _acting_warmup
    ),
    ActsAs("schedule.optimizer", ("schedule.weight_decay",), _acting_optimizer),
    ActsAs("augment.random_erasing", (), _acting_erasing),
    ActsAs("evaluate.rerank", (), _acting_rerank),
)
"""Values that act alike: milestones and a constant warm-up beyond the last step, milestones with a gamma of 1, a
warm-up that starts at the whole rate, every warm-up of a training of one step, AdamW without weight decay, random
erasing of no image or of no area, re-ranking by the original distance alone."""
