"""Explains errors of too little memory: the activity, and the batch that would fit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ablate.errors import AblateError
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.training.device import device_name
from ablate.retrieval.training.loop import TrainingBatch, forward
from ablate.retrieval.training.state import TrainingState

MESSAGES = (
    "can't allocate memory",
    "bad_alloc",
    "could not create a memory",
    "could not create a primitive",
)
"""Parts of the messages of torch and oneDNN for the end of memory on a CPU."""


def within_memory(training: TrainingState, config: RetrievalConfig, action: Callable[[], None]) -> None:
    """Run the steps of a training. If memory runs out, raise AblateError with the batch that would fit."""
    try:
        action()
        return
    except (RuntimeError, MemoryError) as fault:
        if not ran_out(fault):
            raise
    # The step's memory is free only after that block: the fault holds the frames, and they hold its tensors.
    raise AblateError(_advice(training, config))


@contextmanager
def explained(activity: str, config: RetrievalConfig) -> Iterator[None]:
    """Raise AblateError with the activity if memory runs out in the block."""
    try:
        yield
    except (RuntimeError, MemoryError) as fault:
        if not ran_out(fault):
            raise
        remedy = "a smaller model.backbone or data.size needs less"
        raise AblateError(f"out of memory {activity} {config.model.backbone}; {remedy} ({fault})") from fault


def ran_out(fault: BaseException) -> bool:
    """Return True if a fault means that memory ran out, on a GPU or on the CPU."""
    if isinstance(fault, torch.OutOfMemoryError | MemoryError):
        return True
    return any(words in str(fault) for words in MESSAGES)


def _advice(training: TrainingState, config: RetrievalConfig) -> str:
    """Return the message: the batch that failed, the largest half, quarter, … of it that fits, and the remedies."""
    batch = config.batch
    key, each = ("quadruplets", 4) if batch.sampling == "quadruplets" else ("items", batch.images)
    count = getattr(batch, key)
    halves = [count // 2**times for times in range(1, count.bit_length() - 1)]
    fits = next((half for half in halves if _fits(training, config, half * each)), None)
    height, width = config.data.size
    return (
        f"out of memory at step {training.at + 1}: {count * each} images of {height}×{width} (batch.{key} {count}) "
        f"are too many for {config.model.backbone} on {device_name(training.network.classifier.weight.device)}; "
        + (f"batch.{key} {fits} would fit" if fits else f"not even batch.{key} {halves[-1] if halves else count} fits")
        + "; a smaller data.size or model.backbone, or amp other than none, needs less memory as well"
    )


def _fits(training: TrainingState, config: RetrievalConfig, images: int) -> bool:
    """Return True if a step with this number of images fits into memory.

    It takes such a step, which changes the weights: this training does not continue.
    """
    device = training.network.classifier.weight.device
    training.network.zero_grad()
    training.stepper.optimizer.zero_grad()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    try:
        black = torch.zeros(images, *config.data.size, 3, device=device).permute(0, 3, 1, 2)
        alike = torch.zeros(images, dtype=torch.int64, device=device)
        training.stepper.step(forward(training.network, TrainingBatch(black, alike, alike), config).total, 0.0)
    except (RuntimeError, MemoryError) as fault:
        if not ran_out(fault):
            raise
        return False
    return True
