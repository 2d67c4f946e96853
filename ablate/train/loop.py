"""The training loop, on one page."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Adam, Optimizer

from ablate.data.dataset import Dataset
from ablate.train.augment import augment
from ablate.train.batches import Pool, pool, quadruplets, slots
from ablate.train.config.retrieval import RetrievalConfig, Schedule
from ablate.train.device import autocast
from ablate.train.images import Fetch
from ablate.train.interface import Progress
from ablate.train.losses import quadruplet_loss
from ablate.train.model import Network
from ablate.train.norm import ROLES
from ablate.train.schedule import learning_rate

LOOK_EVERY = 10
"""Steps between two looks at the loss; each look makes the CPU wait for the device."""


def fit(
    network: Network,
    dataset: Dataset,
    fetch: Fetch,
    config: RetrievalConfig,
    seed: int,
    progress: Callable[[Progress], None],
) -> list[float]:
    """Trains in place for `schedule.steps` steps and returns the loss of each.

    Raises AblateError if the data gives no quadruplet, RuntimeError if the loss is not finite.
    """
    steps = config.schedule.steps
    if steps == 0:
        return []
    items = pool(dataset)
    optimizer = adam(network, config.schedule)
    scaler = GradScaler(network.neck.weight.device.type, enabled=config.amp == "fp16")
    history: list[float] = []
    unread: list[Tensor] = []
    network.train()
    for step in range(steps):
        images, categories = batch(dataset, items, fetch, config, seed, step)
        loss = forward(network, images, categories, config)
        update(loss, optimizer, scaler, learning_rate(step, config.schedule))
        unread.append(loss.detach())
        if (step + 1) % LOOK_EVERY == 0 or step + 1 == steps:
            history += read(unread, len(history))
            unread.clear()
            progress(Progress(step + 1, steps, history[-1]))
    return history


def batch(
    dataset: Dataset, items: Pool, fetch: Fetch, config: RetrievalConfig, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """A step's augmented images (4 · quadruplets, 3, height, width), role by role, and their categories."""
    count = config.batch.quadruplets
    chosen = quadruplets(items, count, seed, step).ravel()
    images = augment(fetch(chosen), config.augment, seed, step, slots(count).ravel())
    return images, torch.from_numpy(dataset.category[chosen].astype(np.int64)).to(images.device)


def adam(network: Network, schedule: Schedule) -> Adam:
    """Adam with coupled L2 on every trainable parameter, fused into one kernel a dtype."""
    trainable = [weight for weight in network.parameters() if weight.requires_grad]
    return Adam(trainable, lr=schedule.lr, weight_decay=schedule.weight_decay, fused=True)


def forward(network: Network, images: Tensor, categories: Tensor, config: RetrievalConfig) -> Tensor:
    """The loss of a batch, a scalar.

    The backbone runs in mixed precision; what comes after pooling is cheap, and runs in fp32.
    """
    with autocast(images.device, config.amp):
        features = network.features(images)
    logits = network.logits(features)
    return quadruplet_loss(features.view(ROLES, -1, features.shape[1]), logits, categories, config.loss)


def update(loss: Tensor, optimizer: Optimizer, scaler: GradScaler, rate: float) -> None:
    """One step of the optimiser; the scaler passes everything through unless in fp16."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    scaler.step(optimizer)
    scaler.update()


def read(losses: list[Tensor], done: int) -> list[float]:
    """The losses of the steps after `done`, fetched at once."""
    values: list[float] = torch.stack(losses).tolist()
    for step, value in enumerate(values, start=done + 1):
        if not math.isfinite(value):
            raise RuntimeError(f"the loss of step {step} is {value}; lower schedule.lr, or set amp to none")
    return values


def thin(history: list[float], points: int = 100) -> list[tuple[int, float]]:
    """The learning curve in at most `points` points: (last step, mean loss) of equal stretches."""
    stretch = max(1, math.ceil(len(history) / points))
    ends = [min(start + stretch, len(history)) for start in range(0, len(history), stretch)]
    return [(end, float(np.mean(history[start:end]))) for start, end in zip([0, *ends], ends, strict=False)]
