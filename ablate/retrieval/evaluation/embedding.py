"""The embeddings of images under one evaluation setting, which are compared. Labels are not used."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ablate.retrieval.config.evaluate import Evaluate, QueryExpansion
from ablate.retrieval.evaluation.exact_neighbours import Between, nearest, nothing
from ablate.retrieval.model.network import Network

FLOOR = 1e-12
"""A direction in which unit vectors have less variance than this holds only rounding errors of float32 or `eigh`."""

BLOCK = 256
"""The number of queries that are expanded at once."""


class FeaturesError(RuntimeError):
    """The features of the network cannot be compared."""


@dataclass(frozen=True)
class Features:
    """Features before the neck, float32 (n, width)."""

    plain: Tensor
    """Those of the images."""
    mirrored: Tensor | None = None
    """Those of their mirror images, if an evaluation setting needs them."""


def embed(network: Network, found: Features, config: Evaluate) -> Tensor:
    """Return embeddings of unit length, (n, width), before whitening.

    Raises FeaturesError if the length of a feature is not finite.
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
    """PCA whitening (Jégou and Chum, 2012)."""

    mean: Tensor
    """(width,), subtracted first."""
    components: Tensor
    """(width, dimensions), each divided by its standard deviation; 0 in directions without variance."""

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Return whitened embeddings of unit length, (n, dimensions). Signs of components change no inner product."""
        return F.normalize((embeddings - self.mean) @ self.components)


def whitening(embeddings: Tensor, dimensions: int) -> FittedWhitening:
    """Fit whitening on embeddings (n, width), with 1 <= dimensions <= width.

    The fit is in float64 on the CPU, for every device. If the embeddings vary in fewer directions, as those of a
    collapsed network do, the other components are 0.
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
    query_images: Tensor,
    gallery_images: Tensor,
    config: QueryExpansion,
    between: Between = nothing,
) -> Tensor:
    """Return queries averaged with their k nearest gallery entries (Chum et al., 2007), unit length, (queries, width).

    Weights are similarity^alpha (Radenović et al., 2018), with 0 for negative similarities and 1 for the query itself.
    `query_images` (queries,) and `gallery_images` (gallery,) are numbers of images: a query is not its own neighbour.
    The gallery has at least k other entries.
    """
    inside = bool(torch.isin(query_images, gallery_images).any())
    found = nearest(queries, gallery, config.k + inside, between)
    itself = gallery_images[found.entry] == query_images[:, None]
    others = itself.int().argsort(dim=1, stable=True)[:, : config.k]
    entries, similarity = found.entry.gather(1, others), found.similarity.gather(1, others)
    weights = similarity.clamp(min=0) ** config.alpha
    expanded = torch.empty_like(queries)
    for start in range(0, len(queries), BLOCK):
        between()
        here = slice(start, start + BLOCK)
        expanded[here] = queries[here] + (weights[here, None] @ gallery[entries[here]]).squeeze(1)
    return F.normalize(expanded)
