"""What to say when memory runs out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ablate.errors import AblateError
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.training.device import device_name
from ablate.retrieval.training.loop import TrainingBatch, forward
from ablate.retrieval.training.state import TrainingState

SAID = ("can't allocate memory", "bad_alloc", "could not create a memory", "could not create a primitive")
"""What torch and oneDNN say on a CPU when memory ends."""


def within_memory(training: TrainingState, config: RetrievalConfig, action: Callable[[], None]) -> None:
    """Runs a training's steps; where memory ends, AblateError says which batch would fit."""
    try:
        action()
        return
    except (RuntimeError, MemoryError) as fault:
        if not ran_out(fault):
            raise
    # Only out of that block is the step's memory free: the fault holds the frames, and they hold its tensors.
    raise AblateError(_advice(training, config))


@contextmanager
def told(what: str, config: RetrievalConfig) -> Iterator[None]:
    """Where memory ends within, AblateError says during what."""
    try:
        yield
    except (RuntimeError, MemoryError) as fault:
        if not ran_out(fault):
            raise
        remedy = "a smaller model.backbone or data.size needs less"
        raise AblateError(f"out of memory {what} {config.model.backbone}; {remedy} ({fault})") from fault


def ran_out(fault: BaseException) -> bool:
    """Whether a fault means that memory ran out, on a GPU or on the CPU."""
    if isinstance(fault, torch.OutOfMemoryError | MemoryError):
        return True
    return any(words in str(fault) for words in SAID)


def _advice(training: TrainingState, config: RetrievalConfig) -> str:
    batch = config.batch
    key, each = ("quadruplets", 4) if batch.sampling == "quadruplets" else ("items", batch.images)
    asked = getattr(batch, key)
    halves = [asked // 2**times for times in range(1, asked.bit_length() - 1)]
    fits = next((count for count in halves if _fits(training, config, count * each)), None)
    height, width = config.data.size
    return (
        f"out of memory at step {training.at + 1}: {asked * each} images of {height}×{width} (batch.{key} {asked}) "
        f"are too many for {config.model.backbone} on {device_name(training.network.classifier.weight.device)}; "
        + (f"batch.{key} {fits} would fit" if fits else f"not even batch.{key} {halves[-1] if halves else asked} fits")
        + "; a smaller data.size or model.backbone, or amp other than none, needs less memory as well"
    )


def _fits(training: TrainingState, config: RetrievalConfig, images: int) -> bool:
    """Whether a step of so many images fits: takes one, for nothing goes on from this training."""
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
