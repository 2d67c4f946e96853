"""The same image in two places where it must not be: in training and test, or as a query and in the gallery.

Two images are the same if all their packed pixels are equal. So the same bytes under two paths are found, and two files
that are decoded to the same pixels; a picture that was saved again with losses, cut or mirrored is not.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from ablate.retrieval.data.dataset import GALLERY, NO_CAMERA, QUERY, SPLITS
from ablate.text import MOST_FAULTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

USES = {QUERY: " query", GALLERY: " gallery image"}
"""The use of an image in a test by its role, for messages."""

CHUNK = 256
"""The number of images that one thread hashes in one task."""


@dataclass(frozen=True)
class Leakage:
    """How many images of a pack are in two places where they must not be."""

    trained: int = 0
    """Validation and test images that are training images too."""
    shared: int = 0
    """Test images that are validation images too."""
    trivial: int = 0
    """Queries with the same image, of the same item, in the gallery that they are searched for in."""
    own_camera: int = 0
    """Queries with such images by their own camera only, which `evaluate.cameras: other` does not rank."""
    contradictory: int = 0
    """Images that have another item at another place in their split."""
    examples: tuple[str, ...] = ()
    """The first of these images, a sentence each."""

    def __bool__(self) -> bool:
        return any((self.trained, self.shared, self.trivial, self.own_camera, self.contradictory))

    def counts(self) -> Iterator[str]:
        """Yield a sentence for each kind that occurs."""
        if self.trained:
            images = _counted(self.trained, "validation or test image is", "validation or test images are")
            yield f"{images} in training too"
        if self.shared:
            yield f"{_counted(self.shared, 'test image is', 'test images are')} in validation too"
        if self.trivial:
            queries = _counted(self.trivial, "query has", "queries have")
            yield f"{queries} the same image in the gallery, so any network finds it"
        if self.own_camera:
            one, more = "query has the same image by its", "queries have the same image by their"
            queries = _counted(self.own_camera, one, more)
            yield f"{queries} own camera in the gallery, so any network finds it with `evaluate.cameras: all`"
        if self.contradictory:
            images = _counted(self.contradictory, "image is", "images are")
            yield f"{images} listed with different items in one split"


def _counted(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


class ImageName(NamedTuple):
    """The name of an image for messages."""

    path: str
    """The photograph's file, or the place in the annotations if the file is not known."""
    source: str | None
    """The place in the annotations that lists the image; None if that is `path`."""
    is_cut: bool = False
    """True for a validation image that the annotations list as a training image."""


@dataclass(frozen=True)
class PackedLabels:
    """The labels that decide whether an image may occur twice, and the names of the images for messages."""

    split: NDArray[np.uint8]
    role: NDArray[np.uint8]
    item: NDArray[np.int32]
    name: Callable[[int], ImageName]
    camera: NDArray[np.int32] | None = None
    """NO_CAMERA for an image by an unknown camera; None if no camera is known."""

    def camera_of(self, image: int) -> int:
        """Return the number of an image's camera; NO_CAMERA if it is not known."""
        return NO_CAMERA if self.camera is None else int(self.camera[image])

    def described(self, image: int) -> str:
        """Return the name of an image, its use and its place in the annotations."""
        split, role = SPLITS[self.split[image]], int(self.role[image])
        use = f"{'training' if split == 'train' else split}{USES.get(role, ' image')}"
        path, source, is_cut = self.name(image)
        use += ", cut off from training" if is_cut else ""
        return f"{path} ({use}; {source})" if source else f"{path} ({use})"


def leakage(digests: NDArray[np.uint64], labels: PackedLabels) -> Leakage:
    """Return the leakage between images; those with equal digests are the same image."""
    counts: Counter[str] = Counter()
    examples: list[str] = []
    for images in _equal(digests):
        for kind, (image, other, number) in _kinds(images, labels):
            counts[kind] += number
            if len(examples) < MOST_FAULTS:
                examples.append(f"{labels.described(image)} is the same image as {labels.described(other)}")
    return Leakage(**counts, examples=tuple(dict.fromkeys(examples)))


def _equal(digests: NDArray[np.uint64]) -> Iterator[Sequence[int]]:
    """Yield the images of each digest that occurs more than once, in the order of their first images."""
    import numpy as np

    order = np.argsort(digests, kind="stable")
    starts = np.flatnonzero(np.diff(digests[order], prepend=~digests[order[:1]]))
    ends = np.append(starts[1:], len(order))
    groups = [order[start:end].tolist() for start, end in zip(starts, ends, strict=True) if end - start > 1]
    yield from sorted(groups, key=lambda group: group[0])


Found = tuple[int, int, int]
"""An image, the image that it must not be, and the number of images like the first."""


def _kinds(images: Sequence[int], labels: PackedLabels) -> Iterator[tuple[str, Found]]:
    """Yield the kinds of leakage within one group of equal images, in time that grows with their number only."""
    by_split: Mapping[str, list[int]] = {
        name: [image for image in images if labels.split[image] == number] for number, name in enumerate(SPLITS)
    }
    training, validation, test = by_split["train"], by_split["validation"], by_split["test"]
    if training and (validation or test):
        yield "trained", ([*test, *validation][0], training[0], len(validation) + len(test))
    if validation and test:
        yield "shared", (test[0], validation[0], len(test))
    for same in (validation, test):
        for kind, pairs in _trivial(same, labels).items():
            yield kind, (*pairs[0], len(pairs))
    for same in (training, validation, test):
        if len({int(labels.item[image]) for image in same}) > 1:
            other = next(image for image in same if labels.item[image] != labels.item[same[0]])
            yield "contradictory", (other, same[0], len(same))


def _trivial(images: Sequence[int], labels: PackedLabels) -> Mapping[str, list[tuple[int, int]]]:
    """Return {kind: (query, equal image of its item in the gallery) of one split}."""
    gallery: dict[int, dict[int, list[int]]] = {}
    for image in images:
        if labels.role[image] & GALLERY:
            gallery.setdefault(int(labels.item[image]), {}).setdefault(labels.camera_of(image), []).append(image)
    found: dict[str, list[tuple[int, int]]] = {}
    for image in images:
        if labels.role[image] & QUERY:
            camera, of_item = labels.camera_of(image), gallery.get(int(labels.item[image]), {})
            is_own = {by: by == camera != NO_CAMERA for by in islice(of_item, 2)}
            for by in sorted(is_own, key=is_own.__getitem__):  # other cameras first
                others = [other for other in of_item[by][:2] if other != image]
                if others:
                    found.setdefault("own_camera" if is_own[by] else "trivial", []).append((image, others[0]))
                    break
    return found


def digests(read: Callable[[int], Any], count: int) -> NDArray[np.uint64]:
    """Return a hash of each image's pixels, computed by all threads. `read` returns the bytes of image 0, 1, …."""
    import numpy as np

    from ablate.retrieval.data.packing.decode import in_threads

    result = np.empty(count, dtype=np.uint64)

    def work(start: int) -> None:
        for number in range(start, min(count, start + CHUNK)):
            result[number] = int.from_bytes(hashlib.blake2b(read(number), digest_size=8).digest(), "little")

    for _ in in_threads(work, range(0, count, CHUNK)):
        pass
    return result
