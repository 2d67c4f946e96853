"""Testing a trained network: each query of a split is searched for in the gallery of its split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ablate.data.dataset import GALLERY, QUERY, SPLITS, Dataset
from ablate.train.augment import normalize
from ablate.train.config.retrieval import Evaluate, RetrievalConfig
from ablate.train.device import autocast
from ablate.train.images import Fetch, ahead
from ablate.train.interface import Evaluation, Precision, Ranks
from ablate.train.model import Network
from ablate.train.nearest import Between, nothing
from ablate.train.ranking import Judged, Marks, judge

BATCH = 256


class FeaturesError(RuntimeError):
    """The network gives features that cannot be compared."""


@dataclass(frozen=True)
class Side:
    """The queries or the gallery of a split: features before the neck, (n, width), with the images' labels, (n,)."""

    features: Tensor
    category: NDArray[np.int16]
    marks: Marks


@dataclass(frozen=True)
class Tested:
    """One split: what is searched for, and what is searched."""

    queries: Side
    gallery: Side


@torch.no_grad()  # not inference mode: training may go on, and what a backbone caches here must be of use in it
def extract(
    network: Network,
    dataset: Dataset,
    fetch: Fetch,
    amp: str,
    between: Between = nothing,
    splits: Sequence[str] = ("validation", "test"),
) -> dict[str, Tested]:
    """Features of the splits' images, computed once for all evaluation settings.

    The network is in evaluation mode: batch norms use their running statistics. Those of an untrained network
    are the initial ones, mean 0 and variance 1, so its batch norms change nothing: it is a random projection
    without normalisation. That is well defined and the same for every arm of a backbone and seed.
    """
    network.eval()

    def side(chosen: NDArray[np.int64], found: Tensor) -> Side:
        labels = (each[chosen].astype(np.int64) for each in (dataset.item, dataset.camera))
        marks = (torch.from_numpy(each).to(found.device) for each in (*labels, chosen))
        return Side(found, dataset.category[chosen], Marks(*marks))

    def tested(split: str) -> Tested:
        chosen = np.flatnonzero((dataset.split == SPLITS.index(split)) & (dataset.role > 0))
        found = features(network, fetch, chosen, amp, between)
        has = [np.flatnonzero(dataset.role[chosen] & role) for role in (QUERY, GALLERY)]
        return Tested(*(side(chosen[places], found[torch.from_numpy(places).to(found.device)]) for places in has))

    return {split: tested(split) for split in splits}


def features(network: Network, fetch: Fetch, chosen: NDArray[np.int64], amp: str, between: Between = nothing) -> Tensor:
    """Features before the neck, float32 (chosen, width), in the order of `chosen`."""
    device = next(network.parameters()).device
    found = torch.empty(len(chosen), network.width, device=device)
    blocks = {start: chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH)}
    with ahead(fetch, blocks.values()) as soon:
        for start, block in blocks.items():
            between()
            images = normalize(soon(block))
            with autocast(device, amp):
                found[start : start + BATCH] = network.features(images)
    if not bool(found.isfinite().all()):
        raise FeaturesError("the network gives features that are not finite; lower schedule.lr, or set amp to none")
    return found


def validate(
    network: Network, dataset: Dataset, fetch: Fetch, config: RetrievalConfig, between: Between = nothing
) -> Ranks:
    """The ranks of the validation split on the way: none is found where features cannot be compared yet.

    Batch norms' running statistics may be far from the batches' then, and training may still get over that.
    """
    try:
        tested = extract(network, dataset, fetch, config.amp, between, ["validation"])
        return evaluate(network, tested, config.evaluate, between).ranks["validation"]
    except FeaturesError:
        asked = (dataset.split == SPLITS.index("validation")) & (dataset.role & QUERY > 0)
        return np.zeros(np.count_nonzero(asked), dtype=np.uint32)


@torch.no_grad()
def evaluate(network: Network, tested: dict[str, Tested], config: Evaluate, between: Between = nothing) -> Evaluation:
    """The ranks and precisions of every split under one evaluation setting."""
    judged = {split: judge_split(network, parts, config, between) for split, parts in tested.items()}
    return Evaluation(
        ranks={split: found.first for split, found in judged.items()},
        gallery={split: len(parts.gallery.category) for split, parts in tested.items()},
        precision={split: Precision(found.average, found.at_r) for split, found in judged.items()},
    )


def judge_split(network: Network, parts: Tested, config: Evaluate, between: Between = nothing) -> Judged:
    """How a split's queries are answered, in the order of the data set."""
    sides = (parts.queries, parts.gallery)
    queries, gallery = (embed(network, side.features, config.neck) for side in sides)
    if config.scope == "all":
        return judge(queries, gallery, parts.queries.marks, parts.gallery.marks, between)
    count = len(parts.queries.category)
    found = Judged(np.zeros(count, np.uint32), np.zeros(count, np.float32), np.zeros(count, np.float32))
    for category in np.unique(parts.queries.category):
        asked, held = (np.flatnonzero(side.category == category) for side in sides)
        here, there = (torch.from_numpy(chosen).to(queries.device) for chosen in (asked, held))
        marks = taken(parts.queries.marks, here), taken(parts.gallery.marks, there)
        for whole, part in zip(found, judge(queries[here], gallery[there], *marks, between), strict=True):
            whole[asked] = part
    return found


def taken(marks: Marks, chosen: Tensor) -> Marks:
    """The marks of some of the images."""
    return Marks(*(mark[chosen] for mark in marks))


def embed(network: Network, found: Tensor, neck: str) -> Tensor:
    """Embeddings of unit length from features before the neck. Raises FeaturesError if their length has no number."""
    chosen = network.neck(found) if neck == "after" else found
    if not bool(torch.linalg.vector_norm(chosen, dim=1).isfinite().all()):
        raise FeaturesError("the network gives features that are too large to compare; lower schedule.lr")
    return F.normalize(chosen)
