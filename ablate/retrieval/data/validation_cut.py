"""The training items of an image list that are held out for validation, so that it can be answered and can vary."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ablate.retrieval.data.annotation_lists import hash_share, is_held_out
from ablate.retrieval.data.dataset import NO_CAMERA, SHOP, USER
from ablate.retrieval.data.entries import ImageEntry

Images = Mapping[str, Sequence[ImageEntry]]
"""{training item: its images}."""


@dataclass(frozen=True)
class ValidationCut:
    """The items that are held out."""

    items: frozenset[str]
    is_first: bool
    """True if the first version of the rule holds out the same. That one did not look at cameras, and might take one
    item alone, for which every image that can be found is right."""


def validation_cut(entries: Iterable[ImageEntry], form: str, has_domains: bool) -> ValidationCut:
    """Return the items to hold out: a tenth by the hashes of their names with `form`, and if these are few, some more.

    They are items with an answerable query if there are such: two images of one category, by two cameras if their
    cameras are known, and with domains a user's and a shop's. Otherwise items with two images, or one of each domain.
    The tenth is extended until a query has right and wrong images to rank, but at least half of the items stay.
    """
    images: dict[str, list[ImageEntry]] = {}
    for entry in entries:
        if entry.split == "train":
            images.setdefault(entry.item, []).append(entry)
    shares = {item: hash_share(form, item) for item in images}
    paired = {item for item, of_item in images.items() if _is_paired(of_item, has_domains)}
    preferred = {item for item in paired if _is_answerable(images[item], has_domains)} or paired
    first, held = (_tenth(chosen, form, shares) for chosen in (paired, preferred))
    order = sorted(images.keys() - held, key=lambda item: (item not in preferred, item not in paired, shares[item]))
    while held and not _can_vary(held, preferred, images) and len(held) < len(paired) // 2:
        categories = {images[item][0].category for item in held}
        held.add(next((item for item in order if images[item][0].category in categories), order[0]))
        order = [item for item in order if item not in held]
    return ValidationCut(frozenset(held), held == first)


def _tenth(items: Collection[str], form: str, shares: Mapping[str, float]) -> set[str]:
    """Return a tenth of the items by their hashes, at least one of them if another item stays."""
    held = {item for item in items if is_held_out(form, item)}
    return held or ({min(items, key=shares.__getitem__)} if items and len(shares) > 1 else set())


def _is_paired(of_item: Sequence[ImageEntry], has_domains: bool) -> bool:
    return len({entry.domain for entry in of_item} if has_domains else of_item) > 1


def _is_answerable(of_item: Sequence[ImageEntry], has_domains: bool) -> bool:
    """Return True if an image of the item finds another one under the strictest rules of the evaluation."""
    by_category: dict[str, list[ImageEntry]] = {}
    for entry in of_item:
        by_category.setdefault(entry.category, []).append(entry)
    for images in by_category.values():
        asked = {entry.camera for entry in images if entry.domain == USER or not has_domains}
        held = {entry.camera for entry in images if entry.domain == SHOP or not has_domains}
        if asked and held and _is_paired(images, has_domains) and (NO_CAMERA in asked or len(asked | held) > 1):
            return True
    return False


def _can_vary(held: Collection[str], preferred: Collection[str], images: Images) -> bool:
    """Return True if an item that can be found has another item of its category next to it."""
    categories = [images[item][0].category for item in held]
    return any(item in preferred and categories.count(images[item][0].category) > 1 for item in held)
