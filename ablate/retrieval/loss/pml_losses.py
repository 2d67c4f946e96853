"""The losses of pytorch-metric-learning as metric terms: built from a config, tried before training."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import torch
from torch import nn

from ablate.errors import AblateError
from ablate.retrieval.config.loss import PML, Loss
from ablate.retrieval.model.initial_weights import library_draws

REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""The errors that the library's losses raise for arguments that they cannot work with."""

OBJECTS = {"distance", "reducer", "embedding_regularizer", "weight_regularizer", "weight_init_func"}
"""Arguments that are objects of the library, which no config can hold."""


def metric_loss(config: Loss, items: int, width: int, seed: int) -> nn.Module | None:
    """Return the module of `pml/NAME`, on the CPU; None for the triplet term.

    It is called as loss(features, labels), with features (n, width) in fp32 and labels (n,), item numbers in 0 to
    `items` − 1. `items` is the number of training items. If the constructor requires the number of classes or the
    width, it gets these, unless `metric_options` sets them. Its own weights, if any, are functions of the seed and are
    trained with the network's: the caller moves them to the device and passes them to the optimiser. Neither building
    nor trying it changes a global random generator.

    A few of these losses draw from torch's global generator when called (TripletMarginLoss and MarginLoss with
    `triplets_per_anchor`), none from numpy's. The training loop therefore seeds torch at each step. Raises AblateError
    if the library is missing, if the constructor refuses its arguments, or if the loss refuses a small batch.
    """
    if config.metric == "triplet":
        return None
    kind = _kind(config.metric)
    arguments = _arguments(config, kind, items, width)
    with library_draws(seed, "initial/metric"):
        built = _built(config, kind, arguments)
        _try(config, built, items, width)
    return built


def _kind(metric: str) -> type[nn.Module]:
    """Return the library's class of `pml/NAME`."""
    name = metric.removeprefix(PML)
    try:
        loss: type[nn.Module] = getattr(import_module("pytorch_metric_learning.losses"), name)
    except ImportError:
        raise AblateError(
            f"loss.metric: {metric} needs pytorch-metric-learning, which is not installed; "
            "pip install 'ablate-study[pml]'"
        ) from None
    return loss


def _arguments(config: Loss, kind: type[nn.Module], items: int, width: int) -> dict[str, Any]:
    """Return the constructor's arguments: the options, and the sizes that it requires."""
    sizes = {"num_classes": items, "embedding_size": width, "descriptors_dim": width}
    required = {one.name for one in _parameters(kind) if one.default is one.empty}
    arguments = {name: size for name, size in sizes.items() if name in required} | config.metric_options
    # A class may itself pass the arguments that only its parent requires, so its own signature counts.
    own = inspect.signature(kind).parameters.values()
    missing = [one.name for one in own if one.name in required - set(arguments)]
    unknown = set(config.metric_options) - _accepted(kind)
    if missing or unknown:
        problems = [("needs", missing), ("does not take", sorted(unknown))]
        raise _fault(config, kind, " and ".join(f"{verb} {', '.join(names)}" for verb, names in problems if names))
    return arguments


def _parameters(kind: type[nn.Module]) -> Iterator[inspect.Parameter]:
    """Yield the named parameters of a constructor, and of its parents' as long as arguments are forwarded to them."""
    for one in kind.__mro__[: kind.__mro__.index(nn.Module)]:
        own = inspect.signature(one).parameters.values()
        yield from (each for each in own if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD))
        if all(each.kind is not each.VAR_KEYWORD for each in own):
            return


def _accepted(kind: type[nn.Module]) -> set[str]:
    """Return the names of the arguments that a config can set."""
    return {one.name for one in _parameters(kind)} - OBJECTS


def _built(config: Loss, kind: type[nn.Module], arguments: dict[str, Any]) -> nn.Module:
    try:
        return kind(**arguments)
    except REFUSALS as error:
        problem = f"cannot be made with these options ({type(error).__name__}: {error})"
        raise _fault(config, kind, problem) from None


def _try(config: Loss, built: nn.Module, items: int, width: int) -> None:
    """Call the loss on eight images of the last items, the same number of each.

    Faults that only appear in a call would otherwise end a trial, with a message in the library's terms.
    """
    labels = items - 1 - torch.arange(8) % (4 if items >= 4 else 2)
    try:
        with torch.no_grad():
            value = built(torch.randn(8, width), labels)
        if value.numel() != 1:
            raise ValueError(f"it returns {value.numel()} numbers")
    except REFUSALS as error:
        raise AblateError(
            f"loss.metric: {config.metric}, as loss.metric_options make it, cannot be computed from features and "
            f"item numbers alone ({type(error).__name__}: {error}); change the options, or use another loss"
        ) from None


def _fault(config: Loss, kind: type[nn.Module], problem: str) -> AblateError:
    """Return the error for options of a loss, with the names that it accepts."""
    return AblateError(f"loss.metric_options: {config.metric} {problem}; it takes {', '.join(sorted(_accepted(kind)))}")
