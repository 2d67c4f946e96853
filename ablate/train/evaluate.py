"""Exact retrieval: every user image is a query against the shop images of its split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ablate.data.dataset import SHOP, SPLITS, USER, Dataset
from ablate.train.augment import normalize
from ablate.train.config.retrieval import Evaluate, RetrievalConfig
from ablate.train.device import autocast
from ablate.train.images import Fetch
from ablate.train.interface import Evaluation, Ranks
from ablate.train.model import Network

BATCH = 256
CELLS = 2**24
"""Similarities held at once."""

Between = Callable[[], None]
"""Called between batches, categories and the like: a sign of life, and a place to stop."""


class FeaturesError(RuntimeError):
    """The network gives features that cannot be compared."""


def nothing() -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class Labelled:
    """Features of some images, (n, width) before the neck, with the images' items and categories, (n,)."""

    features: Tensor
    item: NDArray[np.int32]
    category: NDArray[np.int16]


@dataclass(frozen=True)
class Tested:
    """One split: what is searched for, and what is searched."""

    queries: Labelled
    gallery: Labelled


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

    def labelled(split: str, domain: int) -> Labelled:
        chosen = np.flatnonzero((dataset.split == SPLITS.index(split)) & (dataset.domain == domain))
        return Labelled(features(network, fetch, chosen, amp, between), dataset.item[chosen], dataset.category[chosen])

    return {split: Tested(labelled(split, USER), labelled(split, SHOP)) for split in splits}


def features(network: Network, fetch: Fetch, chosen: NDArray[np.int64], amp: str, between: Between = nothing) -> Tensor:
    """Features before the neck, float32 (chosen, width), in the order of `chosen`."""
    device = next(network.parameters()).device
    found = torch.empty(len(chosen), network.width, device=device)
    for start in range(0, len(chosen), BATCH):
        between()
        images = normalize(fetch(chosen[start : start + BATCH]))
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
        asked = (dataset.split == SPLITS.index("validation")) & (dataset.domain == USER)
        return np.zeros(np.count_nonzero(asked), dtype=np.uint32)


@torch.no_grad()
def evaluate(network: Network, tested: dict[str, Tested], config: Evaluate, between: Between = nothing) -> Evaluation:
    """The ranks of every split under one evaluation setting."""
    return Evaluation(
        ranks={split: split_ranks(network, parts, config, between) for split, parts in tested.items()},
        gallery={split: len(parts.gallery.item) for split, parts in tested.items()},
    )


def split_ranks(network: Network, parts: Tested, config: Evaluate, between: Between = nothing) -> Ranks:
    """Ranks of a split's queries, in the order of the data set."""
    sides = (parts.queries, parts.gallery)
    queries, gallery = (embed(network, side.features, config.neck) for side in sides)
    if config.scope == "all":
        return ranks(queries, gallery, parts.queries.item, parts.gallery.item, between)
    found = np.zeros(len(parts.queries.item), dtype=np.uint32)
    for category in np.unique(parts.queries.category):
        asked, held = (np.flatnonzero(side.category == category) for side in sides)
        items = parts.queries.item[asked], parts.gallery.item[held]
        found[asked] = ranks(queries[asked], gallery[held], *items, between)
    return found


def embed(network: Network, found: Tensor, neck: str) -> Tensor:
    """Embeddings of unit length from features before the neck. Raises FeaturesError if their length has no number."""
    chosen = network.neck(found) if neck == "after" else found
    if not bool(torch.linalg.vector_norm(chosen, dim=1).isfinite().all()):
        raise FeaturesError("the network gives features that are too large to compare; lower schedule.lr")
    return F.normalize(chosen)


def ranks(
    queries: Tensor,
    gallery: Tensor,
    query_items: NDArray[np.int32],
    gallery_items: NDArray[np.int32],
    between: Between = nothing,
) -> Ranks:
    """1-based rank, by cosine, of each query's best-placed gallery entry of the same item; 0 if it has none.

    Embeddings are float32 (n, width) of unit length. Equal similarities rank by gallery index.
    """
    wanted, held = (torch.from_numpy(items).to(queries.device) for items in (query_items, gallery_items))
    if len(held) == 0:
        return np.zeros(len(wanted), dtype=np.uint32)
    rows = max(1, CELLS // len(held))
    pieces = []
    for asked, items in zip(torch.split(queries, rows), torch.split(wanted, rows), strict=True):
        between()
        pieces.append(best_ranks(asked @ gallery.T, items[:, None] == held))
    return torch.cat(pieces).cpu().numpy().astype(np.uint32)


def best_ranks(similarity: Tensor, correct: Tensor) -> Tensor:
    """Ranks (queries,) from similarities and correctness, both (queries, gallery)."""
    best = similarity.masked_fill(~correct, -torch.inf).amax(1, keepdim=True)
    tied = similarity == best
    first = (tied & correct).int().argmax(1, keepdim=True)
    index = torch.arange(similarity.shape[1], device=similarity.device)
    ahead = (similarity > best) | (tied & (index < first))
    return torch.where(correct.any(1), ahead.sum(1) + 1, 0)
