"""What is compared of an image: its embedding under one evaluation setting. Labels are not used."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ablate.retrieval.config.evaluate import Evaluate, QueryExpansion
from ablate.retrieval.evaluation.exact_neighbours import Between, nearest, nothing
from ablate.retrieval.model.network import Network

FLOOR = 1e-12
"""Variance of unit vectors below which a direction is no more than the rounding of float32, or of `eigh`."""

BLOCK = 256
"""Queries expanded at once."""


class FeaturesError(RuntimeError):
    """The network gives features that cannot be compared."""


@dataclass(frozen=True)
class Features:
    """Features before the neck, float32 (n, width), of images, and where they are asked for of their mirror images."""

    plain: Tensor
    mirrored: Tensor | None = None


def embed(network: Network, found: Features, config: Evaluate) -> Tensor:
    """Embeddings of unit length, (n, width), before whitening.

    Raises FeaturesError if a feature's length has no number.
    """
    chosen = found.plain
    if config.flip:
        assert found.mirrored is not None
        chosen = (chosen + found.mirrored) / 2
    if config.neck == "after":
        chosen = network.neck(chosen)
    if not bool(torch.linalg.vector_norm(chosen, dim=1).isfinite().all()):
        raise FeaturesError("the network gives features that are too large to compare; lower schedule.lr")
    return F.normalize(chosen)


class FittedWhitening(NamedTuple):
    """PCA whitening (Jégou and Chum, 2012): the `mean`, (width,), that is taken off, and the components, (width,
    dimensions), each divided by its standard deviation; 0 where the embeddings do not vary.
    """

    mean: Tensor
    components: Tensor

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Whitened embeddings of unit length, (n, dimensions); which way a component points changes no product."""
        return F.normalize((embeddings - self.mean) @ self.components)


def whitening(embeddings: Tensor, dimensions: int) -> FittedWhitening:
    """Fitted on embeddings (n, width), with 1 <= dimensions <= width; in float64 on the CPU, on every device alike.

    They may vary in fewer directions, as those of a collapsed network do: the others tell nothing apart.
    """
    found = embeddings.double().cpu()
    mean = found.mean(dim=0)
    centred = found - mean
    variance, vectors = torch.linalg.eigh(centred.T @ centred / len(found))  # ascending
    scale = torch.where(variance > FLOOR, variance.clamp(min=FLOOR).rsqrt(), 0.0)
    components = (vectors * scale)[:, -dimensions:]
    return FittedWhitening(mean.to(embeddings), components.to(embeddings))


def expand(
    queries: Tensor,
    gallery: Tensor,
    asked: Tensor,
    held: Tensor,
    config: QueryExpansion,
    between: Between = nothing,
) -> Tensor:
    """Queries averaged with their k nearest gallery entries (Chum et al., 2007), (queries, width), of unit length.

    Weights are similarity^alpha (Radenović et al., 2018), negative similarities counting as 0; the query's own is 1.
    `asked` (queries,) and `held` (gallery,) are numbers of images: a query is not its own neighbour. The gallery has k
    entries or more beside it.
    """
    inside = bool(torch.isin(asked, held).any())
    found = nearest(queries, gallery, config.k + inside, between)
    itself = held[found.entry] == asked[:, None]
    others = itself.int().argsort(dim=1, stable=True)[:, : config.k]
    entries, similarity = found.entry.gather(1, others), found.similarity.gather(1, others)
    weights = similarity.clamp(min=0) ** config.alpha
    expanded = torch.empty_like(queries)
    for start in range(0, len(queries), BLOCK):
        between()
        here = slice(start, start + BLOCK)
        expanded[here] = queries[here] + (weights[here, None] @ gallery[entries[here]]).squeeze(1)
    return F.normalize(expanded)
