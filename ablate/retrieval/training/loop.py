"""The training loop, on one page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.input.augment import augment
from ablate.retrieval.input.samplers import Sampler
from ablate.retrieval.input.targets import TrainingTargets
from ablate.retrieval.input.transfer import Fetch, ahead
from ablate.retrieval.loss.objective import LossTerms, loss_terms
from ablate.retrieval.model.network import Network
from ablate.retrieval.training.checkpointing import CheckpointSaver
from ablate.retrieval.training.device import autocast
from ablate.retrieval.training.optimizer import learning_rate
from ablate.retrieval.training.pruning import ValidationWatch
from ablate.retrieval.training.state import TrainingState
from ablate.trainers.protocol import Progress
from ablate.trainers.random_streams import number

LOOK_EVERY = 10
"""The number of steps between two reads of the loss. Each read makes the CPU wait for the device."""


@dataclass(frozen=True)
class BatchSource:
    """The source of the images and targets of each step."""

    sampler: Sampler
    fetch: Fetch
    labels: TrainingTargets


def fit(
    training: TrainingState,
    source: BatchSource,
    config: RetrievalConfig,
    seed: int,
    saver: CheckpointSaver,
    progress: Callable[[Progress], None],
    watch: ValidationWatch | None = None,
) -> None:
    """Take the remaining steps of `schedule.steps`. Raises RuntimeError if a loss is not finite."""
    steps, begun = config.schedule.steps, training.step
    unread: list[LossTerms] = []
    training.network.train()
    drawn = (source.sampler.draw(seed, step) for step in range(begun, steps))
    with ahead(source.fetch, drawn) as fetch:
        source = replace(source, fetch=fetch)
        for step in range(begun, steps):
            torch.manual_seed(number(seed, "network", step))  # for random draws inside a network, such as dropout
            batch = draw(source, config, seed, step)
            terms = forward(training.network, batch, config)
            training.stepper.step(terms.total, learning_rate(step, config.schedule))
            unread.append(LossTerms(*(term.detach() for term in terms)))
            training.at = step + 1
            watched = watch is not None and watch.is_due(step + 1)
            if (step + 1) % LOOK_EVERY == 0 or step + 1 == steps or watched or saver.is_due():
                training.losses += read(unread, training.step, config)
                unread.clear()
                if step + 1 == steps:
                    check_weights(training, config)
                progress(Progress(step + 1, steps, training.losses[-1], begun))
                if watch:
                    watch.look(training, saver)  # before saving, so that a resumed training does not repeat this part
                saver.save(training, final=step + 1 == steps)


@dataclass(frozen=True)
class TrainingBatch:
    """The augmented images of one step and their targets, on the device."""

    images: Tensor
    """(n, 3, height, width)."""
    items: Tensor
    """(n,)."""
    classes: Tensor
    """(n,)."""


def draw(source: BatchSource, config: RetrievalConfig, seed: int, step: int) -> TrainingBatch:
    """Return the images of one step and their targets, as a pure function of seed and step."""
    chosen = source.sampler.draw(seed, step)
    images = augment(source.fetch(chosen), config.augment, seed, step, source.sampler.slots())
    targets = (torch.from_numpy(each[chosen]).to(images.device) for each in (source.labels.item, source.labels.target))
    return TrainingBatch(images, *targets)


def forward(network: Network, batch: TrainingBatch, config: RetrievalConfig) -> LossTerms:
    """Return the loss of a batch and its two terms.

    The backbone runs in mixed precision. Everything after pooling is cheap and runs in fp32.
    """
    with autocast(batch.images.device, config.amp):
        features = network.features(batch.images)
    logits = network.logits(features)
    return loss_terms(features, logits, batch.items, batch.classes, config.loss, network.metric)


def read(unread: Sequence[LossTerms], done: int, config: RetrievalConfig) -> list[float]:
    """Return the losses of the steps after `done`, fetched from the device at once.

    Raises RuntimeError if one is not finite.
    """
    values = torch.stack([torch.stack(list(terms)) for terms in unread]).tolist()
    for step, (total, metric, classification) in enumerate(values, start=done):
        if not math.isfinite(total):
            raise RuntimeError(
                f"the loss of step {step + 1} is {total}: metric term {metric:.6g}, classification term "
                f"{classification:.6g}, learning rate {learning_rate(step, config.schedule):.6g}; "
                "lower schedule.lr, lengthen schedule.warmup_steps, or set amp to none"
            )
    return [total for total, _, _ in values]


def check_weights(training: TrainingState, config: RetrievalConfig) -> None:
    """Raise RuntimeError if the last step left weights that are not finite, although its loss was."""
    if not all(bool(weight.isfinite().all()) for weight in training.network.parameters()):
        rate = learning_rate(training.step - 1, config.schedule)
        raise RuntimeError(
            f"step {training.step}, the last, left weights that are not finite: its loss was "
            f"{training.losses[-1]:.6g}, its learning rate {rate:.6g}; lower schedule.lr, or set amp to none"
        )


def thin(history: Sequence[float], points: int = 100) -> list[tuple[int, float]]:
    """Return the learning curve in at most `points` points: (last step, mean loss) of stretches of equal length."""
    stretch = max(1, math.ceil(len(history) / points))
    ends = [min(start + stretch, len(history)) for start in range(0, len(history), stretch)]
    return [(end, float(np.mean(history[start:end]))) for start, end in zip([0, *ends], ends, strict=False)]
