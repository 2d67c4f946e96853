"""Tests a trained network: searches for each query of a split in the gallery of the split."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.measurement import VALIDATION, Measurement, Result
from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import GALLERY, NO_CAMERA, QUERY, SPLITS, Dataset
from ablate.retrieval.evaluation.average_precision import MatchKeys, RankedQueries, judge
from ablate.retrieval.evaluation.embedding import Features, FeaturesError, FittedWhitening, embed, expand, whitening
from ablate.retrieval.evaluation.exact_neighbours import Between, nothing
from ablate.retrieval.evaluation.rerank import rerank
from ablate.retrieval.input.augment import normalize
from ablate.retrieval.input.transfer import Fetch, ahead, fetcher
from ablate.retrieval.model.network import Network
from ablate.retrieval.training.device import autocast
from ablate.retrieval.training.preflight import FITTED, TESTED
from ablate.trainers.rank_results import precision_measurements, rank_measurements, rank_result

if TYPE_CHECKING:
    from ablate.retrieval.data import DetectedBoxes

BATCH = 256

Indices = NDArray[np.int64]

Seen = Callable[[Indices], Features]
"""Takes image indices in ascending order and returns the features of these images."""


@dataclass(frozen=True)
class SplitSide:
    """The queries or the gallery of a split, n images."""

    place: Tensor
    """(n,) the rows of their features."""
    category: NDArray[np.int16]
    """(n,)."""
    marks: MatchKeys
    """(n,) each."""

    def some(self, chosen: Indices, embeddings: Tensor) -> tuple[Tensor, MatchKeys]:
        """Return embeddings and keys of some of the images, selected from the embeddings of all features."""
        here = torch.from_numpy(chosen).to(self.place.device)
        return embeddings[self.place[here]], MatchKeys(*(mark[here] for mark in self.marks))


@dataclass(frozen=True)
class TestSplit:
    """The queries and the gallery of one split."""

    features: Features
    queries: SplitSide
    gallery: SplitSide
    query_numbers: Indices
    """(queries,) the number of each query among the `total` queries of the split. Queries without one are misses."""
    total: int


@dataclass(frozen=True)
class ExtractedFeatures:
    """The features for all evaluation settings of a training."""

    splits: Mapping[str, TestSplit]
    training: Features | None
    """The features that whitening is fitted on; None if no setting needs them."""
    detected: Mapping[str, TestSplit]
    """{file of detected boxes: the test split on them}."""

    def tested(self, config: Evaluate) -> dict[str, TestSplit]:
        """Return the splits of one setting: on its detected boxes if it has any."""
        boxes = self.detected.get(config.detections or "")
        return {**self.splits, "test": boxes} if boxes else dict(self.splits)


@torch.no_grad()  # not inference mode: training may continue, and needs the tensors that a backbone caches here
def extract(
    network: Network,
    dataset: Dataset,
    fetch: Fetch,
    amp: str,
    settings: Sequence[Evaluate],
    between: Between = nothing,
    splits: Sequence[str] = TESTED,
    detections: Mapping[str, "DetectedBoxes"] = {},
) -> ExtractedFeatures:
    """Return the features of the splits' images, computed once for all evaluation settings, and only those needed.

    `detections` is {file: its detected boxes}. The network is in evaluation mode: batch norms use their running
    statistics. Those of an untrained network are the initial ones, mean 0 and variance 1, so its batch norms change
    nothing: it is a random projection without normalisation. That is well defined and the same for every arm of a
    backbone and seed.
    """
    network.eval()
    flip = any(each.flip for each in settings)

    def seen(images: Indices, fetch: Fetch = fetch) -> Features:
        return features(network, fetch, images, amp, between, flip)

    def on_boxes(detected: "DetectedBoxes") -> TestSplit:
        device = next(network.parameters()).device
        return boxes(detected, partial(seen, fetch=fetcher(detected.dataset.images, device)))

    files = dict.fromkeys(each.detections for each in settings) if "test" in splits else {}
    return ExtractedFeatures(
        splits={split: annotated(dataset, split, seen) for split in splits if split != "test" or None in files},
        training=seen(fitted_on(dataset)) if any(each.whitening for each in settings) else None,
        detected={path: on_boxes(detections[path]) for path in files if path is not None},
    )


def annotated(dataset: Dataset, split: str, seen: Seen) -> TestSplit:
    """Return a split on its annotated images."""
    here = dataset.split == SPLITS.index(split)
    asked, held = (np.flatnonzero(here & (dataset.role & role > 0)) for role in (QUERY, GALLERY))
    return TestSplit(*sides(dataset, asked, held, seen), np.arange(len(asked)), len(asked))


def boxes(detected: "DetectedBoxes", seen: Seen) -> TestSplit:
    """Return the test split on detected boxes: a query without a box is a miss."""
    answered = np.flatnonzero(detected.stands_for >= 0)
    held = np.flatnonzero(detected.dataset.role & GALLERY > 0)
    found = sides(detected.dataset, detected.stands_for[answered], held, seen)
    return TestSplit(*found, answered, len(detected.stands_for))


def sides(dataset: Dataset, asked: Indices, held: Indices, seen: Seen) -> tuple[Features, SplitSide, SplitSide]:
    """Return the features of queries and gallery, and both sides. An image that is on both has its features once."""
    chosen = np.union1d(asked, held)
    found = seen(chosen)

    def side(images: Indices) -> SplitSide:
        labels = (each[images].astype(np.int64) for each in (dataset.item, dataset.camera))
        numbers = (np.searchsorted(chosen, images), *labels, images)
        place, *marks = (torch.from_numpy(each).to(found.plain.device) for each in numbers)
        return SplitSide(place, dataset.category[images], MatchKeys(*marks))

    return found, side(asked), side(held)


def fitted_on(dataset: Dataset) -> Indices:
    """Return at most FITTED training images, evenly spaced, for fitting whitening."""
    train = np.flatnonzero(dataset.split == SPLITS.index("train"))
    number = min(len(train), FITTED)
    return np.take(train, np.arange(number) * len(train) // number) if number else train


def features(
    network: Network, fetch: Fetch, chosen: Indices, amp: str, between: Between = nothing, flip: bool = False
) -> Features:
    """Return features before the neck, float32 (chosen, width), in that order; with `flip`, mirrored ones too."""
    device = next(network.parameters()).device
    found = Features(*(torch.empty(len(chosen), network.width, device=device) for _ in range(1 + flip)))
    blocks = {start: chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH)}
    with ahead(fetch, blocks.values()) as soon:
        for start, block in blocks.items():
            between()
            images = normalize(soon(block))
            with autocast(device, amp):
                found.plain[start : start + BATCH] = network.features(images)
                if found.mirrored is not None:
                    found.mirrored[start : start + BATCH] = network.features(images.flip(-1))
    if not all(bool(each.isfinite().all()) for each in (found.plain, found.mirrored) if each is not None):
        raise FeaturesError("the network gives features that are not finite; lower schedule.lr, or set amp to none")
    return found


@torch.no_grad()
def validate(
    network: Network, dataset: Dataset, fetch: Fetch, config: RetrievalConfig, between: Between = nothing
) -> Sequence[Measurement]:
    """Return the measurements on the validation split during training; all are 0 if features cannot be compared.

    That can happen early, while the running statistics of batch norms are far from those of the batches. Training may
    still recover.
    """
    try:
        found = extract(network, dataset, fetch, config.amp, [config.evaluate], between, [VALIDATION])
        return evaluate(network, found, config.evaluate, between).measurements
    except FeaturesError:
        asked = np.count_nonzero((dataset.split == SPLITS.index(VALIDATION)) & (dataset.role & QUERY > 0))
        not_found, no_precision = np.zeros(asked, dtype=np.uint32), np.zeros(asked, dtype=np.float32)
        precisions = no_precision, no_precision
        return [*rank_measurements(VALIDATION, not_found), *precision_measurements(VALIDATION, precisions)]


@torch.no_grad()
def evaluate(network: Network, found: ExtractedFeatures, config: Evaluate, between: Between = nothing) -> Result:
    """Return the ranks and precisions of every split under one evaluation setting."""
    whiten = None
    if config.whitening:
        assert found.training is not None
        whiten = whitening(embed(network, found.training, config), config.whitening.dimensions)
    tested = found.tested(config)
    judged = {split: judge_split(network, parts, config, whiten, between) for split, parts in tested.items()}
    return rank_result(
        ranks={split: each.first for split, each in judged.items()},
        gallery={split: len(parts.gallery.category) for split, parts in tested.items()},
        precisions={split: (each.average, each.at_r) for split, each in judged.items()},
    )


def judge_split(
    network: Network,
    parts: TestSplit,
    config: Evaluate,
    whiten: FittedWhitening | None = None,
    between: Between = nothing,
) -> RankedQueries:
    """Return the judgement of a split's queries, in the order of the data set."""
    embeddings = embed(network, parts.features, config)
    if whiten:
        embeddings = whiten(embeddings)
    count = parts.total
    judged = RankedQueries(np.zeros(count, np.uint32), np.zeros(count, np.float32), np.zeros(count, np.float32))
    for searching, searched in searches(parts, config.scope):
        asked, held = parts.queries.some(searching, embeddings), parts.gallery.some(searched, embeddings)
        answered = parts.query_numbers[searching]
        for whole, part in zip(judged, search(*asked, *held, config, between), strict=True):
            whole[answered] = part
    return judged


def searches(parts: TestSplit, scope: str) -> Iterator[tuple[Indices, Indices]]:
    """Yield groups of queries with the part of the gallery that they search, as numbers on each side, never empty."""
    sides = (parts.queries.category, parts.gallery.category)
    for category in np.unique(sides[0]) if scope == "category" else (None,):
        asked, held = (
            np.flatnonzero(each == category) if category is not None else np.arange(len(each)) for each in sides
        )
        if len(asked) and len(held):
            yield asked, held


def search(
    queries: Tensor, asked: MatchKeys, gallery: Tensor, held: MatchKeys, config: Evaluate, between: Between = nothing
) -> RankedQueries:
    """Return the judgement of queries, from the embeddings of queries and gallery."""
    if config.query_expansion:
        queries = expand(queries, gallery, asked.image, held.image, config.query_expansion, between)
    if config.cameras == "all":
        asked = asked._replace(camera=torch.full_like(asked.camera, NO_CAMERA))
    if config.rerank:
        return rerank(queries, gallery, asked, held, config.rerank, between)
    return judge(queries, gallery, asked, held, between)
