import pytest
import torch
from torch.optim.lr_scheduler import ChainedScheduler, ConstantLR, CosineAnnealingLR, LinearLR, MultiStepLR

from ablate.retrieval.config.schedule import Schedule
from ablate.retrieval.training.optimizer import learning_rate


@pytest.mark.parametrize(
    "setting",
    [
        {"warmup_steps": 0, "milestones": (3, 7)},
        {"warmup_steps": 5, "milestones": ()},
        {"warmup_steps": 8, "milestones": (4, 4, 12), "warmup_start": 0.2, "gamma": 0.5},
        {"warmup_steps": 6, "milestones": (4,), "warmup_start": 0.3, "warmup_shape": "constant"},
        {"decay": "cosine", "steps": 20},
        {"decay": "cosine", "steps": 20, "warmup_steps": 7, "milestones": (3,)},
    ],
)
def test_rates_are_those_of_torchs_schedulers(setting):
    config = Schedule(lr=0.3, **setting)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=config.lr)
    if config.decay == "cosine":
        parts = [CosineAnnealingLR(optimizer, T_max=config.steps)]
    else:
        parts = [MultiStepLR(optimizer, list(config.milestones), gamma=config.gamma)]
    if config.warmup_steps and config.warmup_shape == "constant":
        parts.append(ConstantLR(optimizer, factor=config.warmup_start, total_iters=config.warmup_steps))
    elif config.warmup_steps:
        parts.append(LinearLR(optimizer, start_factor=config.warmup_start, total_iters=config.warmup_steps))
    scheduler = ChainedScheduler(parts, optimizer)
    for step in range(20):
        assert learning_rate(step, config) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        scheduler.step()


def test_the_order_of_milestones_does_not_matter():
    ahead, behind = (Schedule(milestones=milestones) for milestones in ((3, 7), (7, 3)))
    assert [learning_rate(step, ahead) for step in range(9)] == [learning_rate(step, behind) for step in range(9)]


def test_warm_up_may_start_at_nothing():
    assert learning_rate(0, Schedule(warmup_steps=2, warmup_start=0.0)) == 0.0
