"""The optimiser of the network's weights: Adam, AdamW or SGD, fused into one kernel a type."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import SGD, Adam, AdamW, Optimizer

from ablate.retrieval.config.retrieval import Schedule


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
