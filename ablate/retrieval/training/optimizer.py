"""The optimiser of the network's weights, Adam, AdamW or SGD with fused kernels; and the learning rate of each step."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import SGD, Adam, AdamW, Optimizer

from ablate.retrieval.config.schedule import Schedule


class OptimizerStepper:
    """Takes the optimiser's steps on views of the weights, with their dimensions in the order of memory.

    The weights of convolutions are channels-last. The fused kernels on CPUs would copy each of them, its gradient and
    its moments into plain order and back, which takes longer than the step itself.
    """

    def __init__(self, network: nn.Module, config: Schedule, scaler: GradScaler) -> None:
        self.weights = [weight for weight in network.parameters() if weight.requires_grad]
        self.views = [plain(weight.detach()).requires_grad_() for weight in self.weights]
        self.optimizer = optimizer(self.views, config)
        self.scaler = scaler

    def step(self, loss: Tensor, rate: float) -> None:
        """Take one step at a learning rate. The scaler has no effect except in fp16."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        for weight, view in zip(self.weights, self.views, strict=True):
            view.grad = None if weight.grad is None else plain(weight.grad)
            weight.grad = None
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)


def plain(weight: Tensor) -> Tensor:
    """Return a view of a channels-last tensor with its dimensions in the order of memory; any other tensor as it is."""
    if weight.ndim == 4 and weight.is_contiguous(memory_format=torch.channels_last):
        return weight.permute(0, 2, 3, 1)
    return weight


def optimizer(weights: Sequence[Tensor], config: Schedule) -> Optimizer:
    """Return the optimiser. Weight decay is added to the gradient, except in AdamW. Each step sets its own rate."""
    shared = {"lr": config.lr, "weight_decay": config.weight_decay, "fused": True}
    if config.optimizer == "sgd":
        return SGD(weights, momentum=config.momentum, **shared)  # type: ignore[arg-type]
    kind = AdamW if config.optimizer == "adamw" else Adam
    return kind(weights, **shared)  # type: ignore[arg-type]


def warmup(step: int, config: Schedule) -> float:
    """Return the factor of warm-up: 1 from step `warmup_steps` on.

    Before, it rises linearly from `warmup_start`, or stays there.
    """
    if step >= config.warmup_steps:
        return 1.0
    if config.warmup_shape == "constant":
        return config.warmup_start
    return config.warmup_start + (1 - config.warmup_start) * step / config.warmup_steps


def decay(step: int, config: Schedule) -> float:
    """Return the factor of decay.

    It is gamma for each milestone that is reached: a milestone of 100 acts from the 101st step on. Or it is half a
    cosine from 1 at the first step towards 0 after the last (Loshchilov and Hutter, 2017, without restarts).
    """
    if config.decay == "cosine":
        return (1 + math.cos(math.pi * step / config.steps)) / 2
    reached = sum(step >= milestone for milestone in config.milestones)
    return float(config.gamma**reached)


def learning_rate(step: int, config: Schedule) -> float:
    """Return the learning rate of step number `step`, counted from 0."""
    return config.lr * warmup(step, config) * decay(step, config)
