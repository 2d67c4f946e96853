"""Convolutions with strides along axes of one pixel."""

import pytest
import torch
from torch import nn

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.model.backbone import without_needless_strides
from ablate.retrieval.model.network import network


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def gradients(built, images):
    """Those of every weight in bf16, after memory that is about to be used again was filled with what is no number."""
    junk = [torch.full((length,), torch.nan) for length in (64, 576, 4608, 36864, 1179648, 2359296) for _ in range(8)]
    del junk
    built.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        features = built.features(images)
    features.square().sum().backward()
    return {name: each.grad.clone() for name, each in built.named_parameters() if each.grad is not None}


@pytest.mark.network
@pytest.mark.parametrize(
    ("backbone", "size"),
    [
        *(("resnet18", size) for size in [(16, 16), (64, 16), (16, 48), (16, 8), (64, 32)]),
        ("timm/test_efficientnet", (16, 16)),
    ],
)
def test_tiny_images_give_the_same_gradients_each_time(backbone, size):
    config = RetrievalConfig.model_validate(
        {"data": {"size": list(size)}, "model": {"backbone": backbone, "last_stride": 2}}
    )
    built = network(config, 4, 0, torch.device("cpu"))
    images = noise(16, 3, *size).contiguous(memory_format=torch.channels_last)
    first = gradients(built, images)
    for _ in range(5):
        assert all(torch.equal(each, first[name]) for name, each in gradients(built, images).items())
    built.zero_grad()
    built.features(images).square().sum().backward()
    kernels = [name for name, each in built.named_parameters() if each.ndim == 4]
    beside = {name: (built.get_parameter(name).grad == 0).all(0).all(0) for name in kernels}
    assert any(taps.any() for taps in beside.values())
    for name, taps in beside.items():
        assert not first[name][..., taps].any(), f"{name}: what lies beside the image has no part in the sum"


@pytest.mark.parametrize(
    ("convolution", "size", "stride"),
    [
        (nn.Conv2d(2, 3, 3, stride=2, padding=1), (1, 1), (1, 1)),
        (nn.Conv2d(2, 3, 7, stride=(4, 2), padding=3), (1, 5), (1, 2)),
        (nn.Conv2d(2, 3, 3, stride=2, padding=2, dilation=2), (6, 1), (2, 1)),
        (nn.Conv2d(2, 3, 3, stride=2, padding=1), (2, 2), (1, 1)),  # two pixels, of which the stride leaves one out
        (nn.Conv2d(2, 3, 3, stride=2, padding=1), (8, 2), (2, 1)),
        (nn.Conv2d(2, 3, 3, stride=2, padding=1), (3, 8), (2, 2)),
        (nn.Conv2d(2, 3, 3, stride=2, padding=2), (1, 1), (2, 2)),  # padded to five: two outputs of one pixel
        (nn.Conv2d(2, 3, 1, stride=2, padding="valid"), (1, 1), (1, 1)),
    ],
)
def test_a_stride_is_dropped_where_it_changes_nothing(convolution, size, stride):
    images = noise(4, 2, *size)
    before = convolution(images)
    with without_needless_strides(convolution):
        convolution(images)
    assert convolution.stride == stride
    torch.testing.assert_close(convolution(images), before)


def test_a_convolution_that_sees_two_sizes_keeps_its_stride():
    shared = nn.Conv2d(2, 2, 3, stride=2, padding=1)
    with without_needless_strides(shared):
        shared(shared(noise(1, 2, 4, 4)))
    assert shared.stride == (2, 2)
