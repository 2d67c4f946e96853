"""Strides along an axis of one pixel, where there is nothing to skip."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def without_needless_strides(network: nn.Module) -> Iterator[None]:
    """Sets to 1 each stride that the images given inside were too small for; what the network computes stays the same.

    A convolution that makes one pixel of one along an axis does so at any stride. On CPUs the bf16 gradient of its
    weights nevertheless needs a stride of 1 there: with another, oneDNN 3.12 (torch 2.13) reads what lies beyond its
    memory, and the weights become different in each run, or not numbers at all.
    """
    seen: dict[nn.Conv2d, list[torch.Size]] = defaultdict(list)

    def look(module: nn.Conv2d, given: tuple[Tensor, ...]) -> None:
        seen[module].append(given[0].shape[2:])

    strided = [each for each in network.modules() if isinstance(each, nn.Conv2d) and max(each.stride) > 1]
    hooks = [each.register_forward_pre_hook(look) for each in strided]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    for module, sizes in seen.items():
        height, width = (all(size[axis] == 1 for size in sizes) and centred(module, axis) for axis in (0, 1))
        module.stride = (1 if height else module.stride[0], 1 if width else module.stride[1])


def centred(module: nn.Conv2d, axis: int) -> bool:
    """Whether the padding along an axis is the least that takes one pixel, or is the module's own affair."""
    padding, reach = module.padding[axis], module.dilation[axis] * (module.kernel_size[axis] - 1)
    return isinstance(padding, int) and 2 * padding <= reach
