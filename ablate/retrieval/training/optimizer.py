"""The optimiser of the network's weights: Adam, AdamW or SGD, fused into one kernel a type."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import SGD, Adam, AdamW, Optimizer

from ablate.retrieval.config.schedule import Schedule


class OptimizerStepper:
    """Takes the optimiser's steps, on views of the weights in the order in which they lie in memory.

    The weights of convolutions are channels-last; the fused kernels on CPUs would copy each of them, its gradient and
    its moments into plain order and back, which takes longer than the step itself.
    """

    def __init__(self, network: nn.Module, config: Schedule, scaler: GradScaler) -> None:
        self.weights = [weight for weight in network.parameters() if weight.requires_grad]
        self.views = [plain(weight.detach()).requires_grad_() for weight in self.weights]
        self.optimizer = optimizer(self.views, config)
        self.scaler = scaler

    def step(self, loss: Tensor, rate: float) -> None:
        """One step at a learning rate; the scaler passes everything through unless in fp16."""
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
    """A view of a channels-last tensor that lies in memory as it is indexed; any other tensor as it is."""
    if weight.ndim == 4 and weight.is_contiguous(memory_format=torch.channels_last):
        return weight.permute(0, 2, 3, 1)
    return weight


def optimizer(weights: Sequence[Tensor], config: Schedule) -> Optimizer:
    """L2 is coupled, that is added to the gradient, but for AdamW; learning rates are set step by step."""
    shared = {"lr": config.lr, "weight_decay": config.weight_decay, "fused": True}
    if config.optimizer == "sgd":
        return SGD(weights, momentum=config.momentum, **shared)  # type: ignore[arg-type]
    kind = AdamW if config.optimizer == "adamw" else Adam
    return kind(weights, **shared)  # type: ignore[arg-type]


def warmup(step: int, config: Schedule) -> float:
    """Factor that is 1 from step `warmup_steps` on: before, it rises linearly from `warmup_start`, or stays there."""
    if step >= config.warmup_steps:
        return 1.0
    if config.warmup_shape == "constant":
        return config.warmup_start
    return config.warmup_start + (1 - config.warmup_start) * step / config.warmup_steps


def decay(step: int, config: Schedule) -> float:
    """Factor gamma for each milestone reached, where a milestone of 100 acts from the 101st step on; or half a cosine
    from 1 at the first step towards 0 after the last (Loshchilov and Hutter, 2017, without restarts).
    """
    if config.decay == "cosine":
        return (1 + math.cos(math.pi * step / config.steps)) / 2
    reached = sum(step >= milestone for milestone in config.milestones)
    return float(config.gamma**reached)


def learning_rate(step: int, config: Schedule) -> float:
    """The rate of the optimiser's step number `step`, counted from 0."""
    return config.lr * warmup(step, config) * decay(step, config)
