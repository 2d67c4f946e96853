"""Batch normalisation whose statistics are a role's, not the batch's."""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

ROLES = 4


class GroupedByRole(nn.Module):
    """Mixed into a class of batch norms: in training mode each quarter of a batch goes through it on its own.

    In evaluation mode the norm is what it was.
    """

    def forward(self, batch: Tensor) -> Tensor:
        """Normalises (n, width, ...), n a multiple of 4; the running statistics see the roles one after another."""
        normalise = super().forward
        if self.training:
            return torch.cat([normalise(role) for role in batch.chunk(ROLES)])
        made: Tensor = normalise(batch)
        return made


def by_role(network: nn.Module) -> None:
    """Makes every batch norm of the network one by role, in place; names, weights and settings stay.

    The network then computes in one pass what it would in four, one a role, and the convolutions, which do
    not care whose images they see, run on the whole batch, which is faster.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            norm: Any = type(module)
            module.__class__ = role_class(norm)


@cache
def role_class(norm: type[nn.Module]) -> Any:
    """A library's class of batch norms, by role: whatever else its forward does, an activation say, it still does."""
    return norm if issubclass(norm, GroupedByRole) else type(f"{norm.__name__}ByRole", (GroupedByRole, norm), {})
