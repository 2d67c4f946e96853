"""How many gallery images are right and wrong for each query, from labels alone, by the rule that ranks are judged by.

The rule is that of `average_precision.MatchKeys`, of the scope and of the cameras in `pipeline.py`; a test compares the
two on random labels. Nothing here needs pixels or torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.data.dataset import GALLERY, QUERY, SPLITS, Dataset
from ablate.text import plural
from ablate.trainers.limits import QUERY_NOUNS, SplitLimits, Unanswerable
from ablate.trainers.top_k import MAP, MAP_AT_R, TOP_K

if TYPE_CHECKING:
    from ablate.retrieval.data import DetectedBoxes

Indices = NDArray[np.int64]
Counts = NDArray[np.int64]


class Reason(NamedTuple):
    """A reason why queries have no right gallery image, and the remedy."""

    text: str
    remedy: str


UNDETECTED, NO_CATEGORY, ABSENT, ELSEWHERE, ALONE, CAMERA = range(1, 7)

REASONS: Mapping[int, Reason] = {
    UNDETECTED: Reason("no detected box stands for them", "give a file of detections that has their boxes"),
    NO_CATEGORY: Reason(
        "the gallery has no image of their category, and evaluate.scope: category searches no other",
        "set evaluate.scope: all, or add gallery images of their category",
    ),
    ABSENT: Reason(
        "the gallery has no image of their item",
        "add gallery images of these items, correct the names of the items, or leave these queries out",
    ),
    ELSEWHERE: Reason(
        "the gallery images of their item are of another category, and evaluate.scope: category searches no other",
        "set evaluate.scope: all, or correct the categories",
    ),
    ALONE: Reason(
        "the gallery has no image of their item but the query itself",
        "add other images of these items, or leave these queries out",
    ),
    CAMERA: Reason(
        "all gallery images of their item are by their own camera, and evaluate.cameras: other leaves these out",
        "set evaluate.cameras: all, or add gallery images of these items by other cameras",
    ),
}


@dataclass(frozen=True)
class RankedCounts:
    """The gallery images that rank for each query, shape (queries,)."""

    right: Counts
    """Number of right ones."""
    wrong: Counts
    """Number of wrong ones."""
    reason: NDArray[np.int8]
    """The key in REASONS if none is right; otherwise 0."""

    def padded(self, answered: Indices, total: int) -> "RankedCounts":
        """Return the candidates of `total` queries of which these are those at `answered`; the others have no box."""
        right, wrong = np.zeros(total, np.int64), np.zeros(total, np.int64)
        reason = np.full(total, UNDETECTED, np.int8)
        right[answered], wrong[answered], reason[answered] = self.right, self.wrong, self.reason
        return RankedCounts(right, wrong, reason)


def candidates(dataset: Dataset, asked: Indices, held: Indices, config: Evaluate) -> RankedCounts:
    """Count the candidates of the queries `asked` in the gallery `held`, indices of images in ascending order."""
    by_category, by_camera = config.scope == "category", config.cameras == "other"
    item, category, camera = ((each[held], each[asked]) for each in (dataset.item, dataset.category, dataset.camera))
    scope = [category] if by_category else []
    searched = _alike(len(held), len(asked), *scope)
    of_item = _alike(len(held), len(asked), item, *scope)
    itself = np.isin(asked, held).astype(np.int64)
    of_camera = _alike(len(held), len(asked), item, *scope, camera)
    left_out = np.where((camera[1] >= 0) & by_camera, np.maximum(of_camera, itself), itself)
    anywhere = _alike(len(held), len(asked), item)
    right = of_item - left_out
    reason = np.select(
        [right > 0, searched == 0, anywhere == 0, of_item == 0, of_item == itself],
        [0, NO_CATEGORY, ABSENT, ELSEWHERE, ALONE],
        CAMERA,
    )
    return RankedCounts(right, searched - of_item, reason.astype(np.int8))


def _alike(held: int, asked: int, *columns: tuple[NDArray[np.generic], NDArray[np.generic]]) -> Counts:
    """Return for each query the number of gallery images that equal it in all columns, (gallery's, queries')."""
    code = np.zeros(held + asked, np.int64)
    for column in columns:
        _, number = np.unique(np.concatenate(column), return_inverse=True)
        code = code * (int(number.max(initial=0)) + 1) + number.reshape(-1)
    known = np.sort(code[:held])
    found: Counts = np.searchsorted(known, code[held:], side="right") - np.searchsorted(known, code[held:])
    return found


def annotated_limits(dataset: Dataset, split: str, config: Evaluate) -> SplitLimits:
    """Return the limits of a split on its annotated images."""
    here = dataset.split == SPLITS.index(split)
    asked, held = (np.flatnonzero(here & (dataset.role & role > 0)) for role in (QUERY, GALLERY))
    found = candidates(dataset, asked, held, config)
    return split_limits(split, dataset.name, found, dataset.source[asked], _by_category(dataset, held, config))


def detected_limits(dataset: Dataset, boxes: "DetectedBoxes", config: Evaluate) -> SplitLimits:
    """Return the limits of the test split on detected boxes: a query without a box is a miss."""
    is_query = (dataset.split == SPLITS.index("test")) & (dataset.role & QUERY > 0)
    answered = np.flatnonzero(boxes.stands_for >= 0)
    asked, held = boxes.stands_for[answered], np.flatnonzero(boxes.dataset.role & GALLERY > 0)
    found = candidates(boxes.dataset, asked, held, config).padded(answered, len(boxes.stands_for))
    by_category = _by_category(boxes.dataset, held, config)
    return split_limits("test", f"{dataset.name} on detected boxes", found, dataset.source[is_query], by_category)


def _by_category(dataset: Dataset, held: Indices, config: Evaluate) -> bool:
    """Return True if the scope keeps queries from gallery images of other categories."""
    return config.scope == "category" and len(np.unique(dataset.category[held])) > 1


def split_limits(
    split: str, data: str, found: RankedCounts, source: NDArray[np.bytes_], by_category: bool
) -> SplitLimits:
    """Return the limits of a split from its queries' candidates.

    `source` (queries,) are the queries' places. `by_category`: a wider scope would search more.
    """
    queries = len(found.right)
    if not queries:
        return SplitLimits(split, data, 0, remedy=NO_QUERIES[split], nouns=QUERY_NOUNS)
    return SplitLimits(
        split,
        data,
        queries,
        tuple(_unanswerable(found, source)),
        dict(_ranges(found)),
        _because(found),
        "set evaluate.scope: all, or add gallery images of other items of each category"
        if by_category
        else "add gallery images of other items",
        QUERY_NOUNS,
    )


def _because(found: RankedCounts) -> str:
    """Return why a metric cannot vary more: after w wrong images at most comes a right one."""
    searched, wrong = (int(each.max(initial=0)) for each in (found.right + found.wrong, found.wrong))
    if wrong == 0:
        return "a query searches no gallery image of another item"
    of_others = "" if wrong + 1 == searched else " of other items"
    return f"a query searches {plural(searched if not of_others else wrong, 'gallery image')}{of_others} at most"


NO_QUERIES: Mapping[str, str] = {
    "validation": "give the data a validation split with two images or more of each of its items (a CSV: lines of the "
    "split validation)",
    "test": "use a data set whose test split has queries and a gallery",
}
"""Advice for a split without queries."""


def _unanswerable(found: RankedCounts, source: NDArray[np.bytes_]) -> Iterator[Unanswerable]:
    for number, reason in REASONS.items():
        chosen = np.flatnonzero(found.reason == number)
        if len(chosen):
            first = source[chosen[0]].decode("utf-8", "replace")
            yield Unanswerable(reason.text, len(chosen), first, reason.remedy)


def _ranges(found: RankedCounts) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield each metric with its lowest and highest value: all wrong candidates first, and all right ones first."""
    queries = len(found.right)
    highest = float(np.count_nonzero(found.right) / queries)
    for k, rate in TOP_K.items():
        yield rate.name, (float(np.count_nonzero((found.right > 0) & (found.wrong < k)) / queries), highest)
    for mean, lowest in zip((MAP, MAP_AT_R), _lowest_precisions(found), strict=True):
        yield mean.name, (min(lowest, highest), highest)


def _lowest_precisions(found: RankedCounts) -> Sequence[float]:
    """Return the smallest mean average precision, and the smallest mean average precision at R."""
    pairs, number = np.unique(np.column_stack([found.right, found.wrong]), axis=0, return_counts=True)
    total, total_at_r = 0.0, 0.0
    for (right, wrong), count in zip(pairs.tolist(), number.tolist(), strict=True):
        place = np.arange(1, right + 1)
        precision = place / (wrong + place)
        total += count * float(precision.mean()) if right else 0.0
        total_at_r += count * float(precision[: max(0, right - wrong)].sum()) / max(1, right)
    return total / len(found.right), total_at_r / len(found.right)
