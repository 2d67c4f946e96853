"""The validation that is cut off from training can be answered and can vary, as far as the data allow it."""

from itertools import product

import numpy as np
import pytest

from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.data.annotation_lists import is_held_out
from ablate.retrieval.data.dataset import GALLERY, NO_CAMERA, QUERY, SHOP, USER, Dataset
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.label_arrays import labels_of
from ablate.retrieval.data.validation_cut import validation_cut
from ablate.retrieval.evaluation.answerability import annotated_limits
from ablate.trainers.limits import SplitLimits

FORM = "made-up/1"


def image(item: str, number: int, camera: int = NO_CAMERA, category: str = "all", domain: int = SHOP) -> ImageEntry:
    return ImageEntry(f"{item}/{number}.png", item, "train", f"line {item}.{number}", category, domain, 0, camera)


def limits(entries: list[ImageEntry], held: frozenset[str], scope: str = "category") -> SplitLimits:
    """The limits of a validation split with the images of these items."""
    columns = labels_of(
        ImageList(None, entries, tuple(sorted({one.category for one in entries})), ""), range(len(entries))
    )  # type: ignore[arg-type]
    is_held = np.array([one.item in held for one in entries])
    columns["split"][:] = np.where(is_held, 1, 0)
    columns["role"][:] = np.where(is_held, QUERY | GALLERY, 0)
    made = Dataset("made-up", "", np.zeros((len(entries), 1, 1, 3), np.uint8), **columns, categories=("all",))
    return annotated_limits(made, "validation", Evaluate(scope=scope))


def test_items_that_two_cameras_saw_are_held_out_if_there_are_any() -> None:
    """Three items of twenty can be answered."""
    entries = [image(f"i{n}", m, m if n in (3, 8, 13) else 0) for n in range(20) for m in range(2)]
    cut = validation_cut(entries, FORM, has_domains=False)
    assert cut.items <= {"i3", "i8", "i13"}
    assert len(cut.items) >= 2
    found = limits(entries, cut.items)
    assert found.answerable == found.examples > 0
    assert not found.is_fixed("top1")


def test_one_item_that_can_be_answered_gets_company_that_can_be_mistaken_for_it() -> None:
    entries = [image(f"i{n}", m, m if n == 5 else 0) for n in range(20) for m in range(2)]
    cut = validation_cut(entries, FORM, has_domains=False)
    assert "i5" in cut.items
    found = limits(entries, cut.items)
    assert found.ranges["top1"][0] < found.ranges["top1"][1]


def test_items_of_one_category_are_held_out_together() -> None:
    entries = [image(f"i{n}", m, category=f"c{n // 2}") for n in range(10) for m in range(2)]
    cut = validation_cut(entries, FORM, has_domains=False)
    assert not limits(entries, cut.items).is_fixed("top1")


def test_with_domains_a_user_and_a_shop_need_two_cameras() -> None:
    sides = ((SHOP, 0), (USER, 1))
    entries = [
        image(f"i{n}", m, camera if n % 2 else 0, domain=domain)
        for n in range(10)
        for m, (domain, camera) in enumerate(sides)
    ]
    cut = validation_cut(entries, FORM, has_domains=True)
    assert cut.items
    assert all(int(item[1:]) % 2 for item in cut.items)


def test_a_long_list_whose_items_can_all_be_answered_is_cut_as_before() -> None:
    """A tenth by the hash, which keeps the identity of results."""
    for cameras in ((NO_CAMERA, NO_CAMERA), (0, 1)):
        entries = [image(f"i{n}", m, camera) for n in range(200) for m, camera in enumerate(cameras)]
        cut = validation_cut(entries, FORM, has_domains=False)
        assert cut.items == {f"i{n}" for n in range(200) if is_held_out(FORM, f"i{n}")}
        assert cut.is_first


@pytest.mark.parametrize(("items", "images"), list(product((1, 2, 3, 4, 5), (1, 2))))
def test_at_least_half_of_the_items_stay_for_training(items: int, images: int) -> None:
    names = [name for name in (f"i{n}" for n in range(100)) if not is_held_out(FORM, name)][:items]
    entries = [image(name, m) for name in names for m in range(images)]
    cut = validation_cut(entries, FORM, has_domains=False)
    assert len(cut.items) <= max(1, items // 2)
    assert len(cut.items) < items
    assert bool(cut.items) == (items > 1 and images > 1)
