import copy

import pytest
import torch
from torch import nn

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.model.grouped_batchnorm import by_role
from ablate.retrieval.model.network import network


def built(backbone, grouping):
    model = {"backbone": backbone, "last_stride": 2, "bn_grouping": grouping}
    config = RetrievalConfig.model_validate({"data": {"size": [32, 32]}, "model": model})
    return network(config, classes=3, seed=0, device=torch.device("cpu"))


def test_each_role_is_normalised_by_its_own_mean_and_variance():
    norm = nn.BatchNorm1d(5)
    by_role(norm)
    batch = torch.randn(12, 5, generator=torch.Generator().manual_seed(0)) * 3 + 2
    roles = batch.view(4, 3, 5)
    expected = (roles - roles.mean(1, keepdim=True)) / (roles.var(1, unbiased=False, keepdim=True) + norm.eps).sqrt()
    assert torch.allclose(norm(batch).view(4, 3, 5), expected, atol=1e-5)
    mean = torch.zeros(5)
    for role in roles:
        mean = 0.9 * mean + 0.1 * role.mean(0)
    assert torch.allclose(norm.running_mean, mean, atol=1e-6)
    assert norm.num_batches_tracked == 4


@pytest.mark.network
@pytest.mark.parametrize("backbone", ["resnet18", "timm/test_resnet", "timm/test_efficientnet"])
def test_one_pass_is_four_passes_one_a_role(backbone):
    """Outputs, gradients and running statistics, against the library's norms and a loop over roles.

    test_efficientnet has norms with an activation inside.
    """
    ours, plain = built(backbone, "per_role"), built(backbone, "fused")
    plain.load_state_dict(ours.state_dict())
    images = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    once = ours.logits(ours.features(images))
    looped = torch.cat([plain.logits(plain.features(role)) for role in images.chunk(4)])
    assert torch.allclose(once, looped, rtol=1e-3, atol=1e-5)
    once.square().sum().backward()
    looped.square().sum().backward()
    trained = [(name, one) for name, one in ours.named_parameters() if one.requires_grad]
    theirs = dict(plain.named_parameters())
    largest = max(float(one.grad.abs().max()) for _, one in trained)
    for name, one in trained:  # some gradients are 0 but for rounding: a bias that the next norm takes out again
        other = theirs[name].grad
        assert torch.allclose(one.grad, other, rtol=1e-3, atol=1e-3 * float(other.abs().max()) + 1e-6 * largest), name
    for (name, one), (_, other) in zip(ours.named_buffers(), plain.named_buffers(), strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("backbone", ["resnet18", "timm/test_efficientnet"])
def test_no_norm_keeps_the_whole_batch_and_all_keep_their_class_and_names(backbone):
    ours, plain = built(backbone, "per_role"), built(backbone, "fused")
    norms = [module for module in plain.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    changed = [module for module in ours.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    for one, other in zip(changed, norms, strict=True):
        assert isinstance(one, type(other))
        assert type(one) is not type(other)
    assert list(ours.state_dict()) == list(plain.state_dict())


def test_in_evaluation_mode_nothing_changes():
    norm = nn.BatchNorm2d(5)
    norm.running_mean.uniform_()
    ours = copy.deepcopy(norm)
    by_role(ours)
    by_role(ours)  # once more does no harm
    batch = torch.randn(3, 5, 2, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ours.eval()(batch), norm.eval()(batch))
