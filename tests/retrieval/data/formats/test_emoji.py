"""What the embedded set promises: splits, domains, labels and pixels of the shipped files."""

import hashlib
import json
import re
from collections import defaultdict

import numpy as np
import pytest

from ablate.retrieval.data import SHOP, SPLITS, USER, Dataset
from ablate.retrieval.data.formats import emoji as emoji_set
from ablate.retrieval.data.packing.leakage import ImageName, PackedLabels, digests, leakage

SKIN_AND_GENDER = re.compile(
    r"-?((medium-)?(light|dark)|medium)-skin-tone|(^|-)(wo)?m[ae]n(-|$)|(^|-)pe(rson|ople)(-|$)"
)


@pytest.mark.slow
def test_arrays_have_the_declared_shapes_and_types(emoji: Dataset) -> None:
    count = len(emoji.images)
    assert emoji.images.shape == (count, 64, 64, 3)
    assert count > 15_000
    expected = {"images": np.uint8, "item": np.int32, "category": np.int16, "domain": np.uint8, "split": np.uint8}
    assert {name: getattr(emoji, name).dtype for name in expected} == expected
    assert {len(getattr(emoji, name)) for name in expected} == {count}


def test_an_item_lies_in_one_split_and_one_category(emoji: Dataset) -> None:
    for labels in (emoji.split, emoji.category):
        assert len(np.unique(np.stack([emoji.item, labels.astype(np.int32)]), axis=1).T) == len(np.unique(emoji.item))


def test_every_item_has_a_query_and_a_gallery_image_and_three_vendors(
    emoji: Dataset, items: list[emoji_set.EmojiItem]
) -> None:
    shop, user = set(emoji.item[emoji.domain == SHOP]), set(emoji.item[emoji.domain == USER])
    assert shop == user == set(range(len(items)))
    assert np.bincount(emoji.item).min() >= 3


def test_no_family_is_on_two_sides(items: list[emoji_set.EmojiItem]) -> None:
    sides = defaultdict(set)
    for item in items:
        sides[item.family].add(item.split)
    assert [family for family, found in sides.items() if len(found) > 1] == []


def test_names_that_differ_in_skin_tone_or_gender_only_are_on_one_side(items: list[emoji_set.EmojiItem]) -> None:
    """Judged by a rule of its own, cruder than the one that made the families."""
    sides = defaultdict(set)
    for item in items:
        plain = item.name
        while (shorter := SKIN_AND_GENDER.sub("-", plain).strip("-")) != plain:
            plain = shorter
        sides[plain].add(item.split)
    assert [name for name, found in sides.items() if len(found) > 1] == []


def test_shares_are_about_60_15_25(emoji: Dataset, items: list[emoji_set.EmojiItem]) -> None:
    by_item = [sum(item.split == side for item in items) / len(items) for side in SPLITS]
    by_image = np.bincount(emoji.split) / len(emoji.split)
    assert by_item == pytest.approx((0.60, 0.15, 0.25), abs=0.03)
    assert by_image == pytest.approx((0.60, 0.15, 0.25), abs=0.03)


def test_every_category_is_on_every_side_with_items_to_tell_apart(emoji: Dataset) -> None:
    for side in range(len(SPLITS)):
        for category in range(len(emoji.categories)):
            inside = (emoji.split == side) & (emoji.category == category)
            assert len(np.unique(emoji.item[inside])) >= 2, (SPLITS[side], emoji.categories[category])


def test_no_family_dominates_the_test(items: list[emoji_set.EmojiItem]) -> None:
    test = [item.family for item in items if item.split == "test"]
    assert max(test.count(family) for family in set(test)) <= len(test) / 20


def test_no_image_is_blank_and_none_stands_for_two_items(emoji: Dataset) -> None:
    assert emoji.images.reshape(len(emoji.images), -1).min(axis=1).max() < 230
    owners = defaultdict(set)
    for item, image in zip(emoji.item, emoji.images, strict=True):
        owners[image.tobytes()].add(int(item))
    assert max(len(found) for found in owners.values()) == 1


def test_an_image_is_nearer_to_its_item_in_another_vendor_than_chance(emoji: Dataset) -> None:
    """The labels belong to the pixels: flags and food are found by their bare pixels far above chance."""
    food = (emoji.category == emoji.categories.index("Food & Drink")) & (emoji.split == SPLITS.index("test"))
    pixels = emoji.images[:, 2::4, 2::4].reshape(len(emoji.images), -1).astype(np.float32)
    query, gallery = food & (emoji.domain == USER), food & (emoji.domain == SHOP)
    distance = ((pixels[query][:, None] - pixels[gallery][None]) ** 2).sum(axis=2)
    hit = emoji.item[gallery][distance.argmin(axis=1)] == emoji.item[query]
    assert hit.mean() > 10 / len(np.unique(emoji.item[food]))


def test_pixels_are_those_that_were_packed(emoji: Dataset) -> None:
    recorded = json.loads((emoji_set.HERE / "index.json").read_text())["pixels"]
    assert hashlib.sha256(emoji.images.tobytes()).hexdigest() == recorded


def test_every_vendor_has_its_licence_beside_its_images() -> None:
    index = json.loads((emoji_set.HERE / "index.json").read_text())
    for vendor in index["vendors"]:
        text = (emoji_set.HERE / vendor["name"] / "LICENSE.txt").read_text()
        assert vendor["licence"] in text
        assert vendor["version"] in text
        assert "Changes made" in text


def test_stays_small() -> None:
    assert sum(path.stat().st_size for path in emoji_set.HERE.rglob("*")) < 25e6


@pytest.mark.slow
def test_no_image_is_in_two_splits_or_drawn_alike_by_a_query_and_the_gallery(emoji: Dataset) -> None:
    labels = PackedLabels(emoji.split, emoji.role, emoji.item, lambda image: ImageName(str(emoji.source[image]), None))
    assert not leakage(digests(lambda image: emoji.images[image].tobytes(), len(emoji.images)), labels)
