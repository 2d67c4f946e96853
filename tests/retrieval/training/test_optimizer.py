"""The optimiser against torch's own, on a network whose weights lie channels-last."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import SGD, Adam, AdamW, Optimizer

from ablate.retrieval.config.schedule import Schedule
from ablate.retrieval.training.optimizer import OptimizerStepper, plain

RATES = [1e-2, 3e-3, 1e-2, 1e-3]


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(3, 8, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 4, 1, bias=False),
        nn.Flatten(),
        nn.Linear(4 * 9, 2),
    )
    made = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    made[1].bias.requires_grad_(False)
    return made  # type: ignore[no-any-return]


def loss(net: nn.Module, step: int) -> Tensor:
    images = torch.randn(5, 3, 5, 5, generator=torch.Generator().manual_seed(step))
    found: Tensor = net(images.contiguous(memory_format=torch.channels_last)).square().mean()
    return found


@pytest.mark.parametrize(
    ("setting", "kind", "options"),
    [
        ({"optimizer": "adam", "weight_decay": 0.1}, Adam, {"weight_decay": 0.1}),
        ({"optimizer": "adamw", "weight_decay": 0.1}, AdamW, {"weight_decay": 0.1}),
        ({"optimizer": "sgd", "weight_decay": 0.1, "momentum": 0.5}, SGD, {"weight_decay": 0.1, "momentum": 0.5}),
    ],
    ids=["adam", "adamw", "sgd"],
)
def test_steps_are_torchs(setting: dict[str, Any], kind: type[Optimizer], options: dict[str, float]) -> None:
    ours, theirs = network(), network()
    stepper = OptimizerStepper(ours, Schedule(**setting), GradScaler("cpu", enabled=False))
    trainable = [weight for weight in theirs.parameters() if weight.requires_grad]
    other = kind(trainable, lr=1.0, foreach=False, **options)  # type: ignore[call-arg]
    for step, rate in enumerate(RATES):
        stepper.step(loss(ours, step), rate)
        for group in other.param_groups:
            group["lr"] = rate
        other.zero_grad()
        loss(theirs, step).backward()  # type: ignore[no-untyped-call]
        other.step()
    for (name, one), (_, reference) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert torch.allclose(one, reference, rtol=1e-4, atol=1e-7), name
    assert all(weight.grad is None for weight in ours.parameters())


def test_the_views_share_the_weights_memory_in_its_order() -> None:
    for weight in network().parameters():
        view = plain(weight.detach())
        assert view.is_contiguous()
        assert view.data_ptr() == weight.data_ptr()
