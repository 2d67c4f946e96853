"""A tiny tree in DeepFashion2's layout: what is kept, how it is cut and packed, and every fault named."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data import GALLERY, QUERY, SHOP, SPLITS, USER
from tests.support.retrieval.garments import BLUE, RED, SIZE, garment, garments_of_pairs, photograph


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return garments_of_pairs(tmp_path)


@pytest.fixture
def packed(root: Path) -> data.Dataset:
    data.prepare("deepfashion2", str(root), SIZE)
    return data.load("deepfashion2", str(root), SIZE)


def refused(root: Path, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        data.prepare("deepfashion2", str(root), SIZE)
    for word in words:
        assert word in str(caught.value)
    assert not list(root.glob("ablate-pack/[0-9]*")), "there is no pack"


def test_items_are_the_styles_seen_in_both_domains(packed: data.Dataset) -> None:
    assert len(packed.images) == 2 * 41
    assert np.bincount(packed.item).tolist() == [2] * 41
    for domain in (SHOP, USER):
        assert len(np.unique(packed.item[packed.domain == domain])) == 41


def test_the_official_validation_is_the_test_and_shares_no_item(packed: data.Dataset) -> None:
    sides = [set(packed.item[packed.split == side]) for side in range(len(SPLITS))]
    assert len(sides[2]) == 1
    assert len(sides[0]) > len(sides[1]) > 0
    assert len(set.union(*sides)) == sum(map(len, sides))


def test_categories_are_the_garments_own(packed: data.Dataset) -> None:
    assert [packed.categories[n] for n in packed.category[:2]] == ["skirt", "skirt"]
    assert packed.categories[packed.category[-1]] == "sling dress"
    assert len(packed.categories) == 13


def test_images_are_the_boxes_at_the_size_asked_for(packed: data.Dataset) -> None:
    assert packed.images.shape[1:] == (*SIZE, 3)
    assert isinstance(packed.images, np.memmap)
    for image in packed.images:
        assert np.abs(image[:, 1].astype(int) - RED).max() < 20, "green would mean a wrong box"
        assert np.abs(image[:, -2].astype(int) - BLUE).max() < 20


def test_users_photographs_are_searched_for_among_shops(packed: data.Dataset) -> None:
    tested = packed.split > 0
    assert (packed.role[tested] == np.where(packed.domain[tested] == USER, QUERY, GALLERY)).all()
    assert not packed.role[~tested].any()
    assert packed.source[0] == b"train/annos/000001.json, item1"


def test_other_photographs_give_another_fingerprint(root: Path, packed: data.Dataset) -> None:
    photograph(root, "train", 3, "user", 1, garment(1, [0, 0, 30, 30], 9))
    data.prepare("deepfashion2", str(root), (8, 8))
    assert data.fingerprint("deepfashion2", str(root)) != packed.fingerprint
    with pytest.raises(DataError, match="not packed at 16x8"):
        data.load("deepfashion2", str(root), SIZE)


def test_a_fingerprint_needs_neither_numpy_nor_pillow(root: Path, packed: data.Dataset) -> None:
    ask = f"print(d.fingerprint('deepfashion2', {str(root)!r}), {{'numpy', 'PIL', 'torch'}} & {{*sys.modules}})"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, ablate.retrieval.data as d; {ask}"], capture_output=True, text=True
    )
    assert found.stdout.split() == [packed.fingerprint, "set()"]


def test_a_missing_root_says_what_to_get_and_where_to_put_it(tmp_path: Path) -> None:
    for ask in (
        lambda: data.fingerprint("deepfashion2", None),
        lambda: data.prepare("deepfashion2", None, SIZE),
        lambda: data.load("deepfashion2", None, SIZE),
    ):
        with pytest.raises(DataError) as caught:
            ask()
        for word in (
            "github.com/switchablenorms/DeepFashion2",
            "password",
            "data/deepfashion2/train/annos",
            "data.root",
        ):
            assert word in str(caught.value)


def change(root: Path, **values: Any) -> None:
    path = root / "train" / "annos" / "000001.json"
    annotation = json.loads(path.read_text())
    annotation.update({key: value for key, value in values.items() if key in ("source", "pair_id")})
    annotation["item1"].update({key: value for key, value in values.items() if key not in ("source", "pair_id")})
    path.write_text(json.dumps(annotation))


@pytest.mark.parametrize(
    "values",
    [
        {"source": "street"},
        {"pair_id": "one"},
        {"category_id": 14},
        {"style": None},
        {"bounding_box": [1, 2, 3]},
        {"bounding_box": "none"},
        {"bounding_box": None},
        {"bounding_box": [0, 0, float("inf"), 5]},
        {"bounding_box": [0, 0, float("nan"), 5]},
        {"pair_id": float("-inf")},
        {"pair_id": float("nan")},
        {"style": float("inf")},
        {"category_id": float("inf")},
    ],
    ids=str,
)
def test_a_wrong_value_names_file_and_expectation(root: Path, values: dict[str, Any]) -> None:
    change(root, **values)
    refused(root, "000001.json", "Expected source (shop or user)", "bounding_box (four numbers", "unpack them again")


def test_a_wrong_value_of_a_garment_names_the_item_and_the_value(root: Path) -> None:
    change(root, bounding_box=[0, 0, float("inf"), 5])
    refused(root, "000001.json: item1: ", "bounding_box [0, 0, inf, 5]")


@pytest.mark.parametrize("key", ["source", "pair_id"])
def test_a_missing_key_is_named(root: Path, key: str) -> None:
    path = root / "train" / "annos" / "000001.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != key}))
    refused(root, "000001.json", key)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"a":' * 100_000], ids=lambda text: text[:6])
def test_an_annotation_that_is_no_object_is_named(root: Path, content: str) -> None:
    (root / "train" / "annos" / "000001.json").write_text(content)
    refused(root, "000001.json")


def test_every_fault_of_the_annotations_is_named_at_once(root: Path) -> None:
    change(root, category_id=14)
    (root / "train" / "annos" / "000004.json").write_text("{")
    (root / "validation" / "annos" / "000002.json").write_text(json.dumps({"source": "shop"}))
    refused(root, "3 faults", "000001.json: item1: category_id 14", "train/annos/000004.json: not the JSON")
    refused(root, "validation/annos/000002.json: no pair_id")


def test_an_annotation_that_cannot_be_read_is_named(root: Path) -> None:
    (root / "train" / "annos" / "000009.json").unlink()
    (root / "train" / "annos" / "000009.json").mkdir()
    refused(root, "000009.json", "Is a directory")


def test_a_box_outside_the_image_is_named(root: Path) -> None:
    change(root, bounding_box=[4, 8, 90, 56])
    refused(
        root,
        "train/annos/000001.json, item1: found",
        "000001.jpg",
        "[4, 8, 90, 56]",
        "expected one that lies in",
        "40x60",
    )


def test_a_box_without_area_is_named(root: Path) -> None:
    change(root, bounding_box=[4, 8, 4, 56])
    refused(root, "train/annos/000001.json, item1: found", "000001.jpg", "[4, 8, 4, 56]", "has no area", "left < right")


@pytest.mark.parametrize("damage", ["cut", "text", "gone"])
def test_a_damaged_photograph_is_named(root: Path, damage: str) -> None:
    path = root / "validation" / "image" / "000002.jpg"
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"no picture")
    found = {"gone": "found no file", "text": "no image of at least", "cut": "truncated"}[damage]
    refused(root, "validation/image/000002.jpg", found, "expected a")


def test_nothing_to_match_is_said(tmp_path: Path) -> None:
    for part in ("train", "validation"):
        photograph(tmp_path, part, 1, "shop", 1, garment(1, [0, 0, 10, 10]))
    refused(tmp_path, "style >= 1")


@pytest.mark.parametrize("content", [None, b"", b"x"])
@pytest.mark.parametrize("name", ["images.npy", "labels.npz"])
def test_a_damaged_pack_is_named(root: Path, packed: data.Dataset, name: str, content: bytes | None) -> None:
    path = next(root.glob(f"ablate-pack/16x8-*/{name}"))
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"is damaged .* packs again"):
        data.load("deepfashion2", str(root), SIZE)


@pytest.mark.parametrize("name", ["images.npy", "labels.npz"])
def test_a_pack_torn_anywhere_is_named(root: Path, packed: data.Dataset, name: str) -> None:
    path = next(root.glob(f"ablate-pack/16x8-*/{name}"))
    whole = path.read_bytes()
    path.unlink()  # the images of `packed` stay mapped
    for length in range(0, len(whole), max(1, len(whole) // 50)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"is damaged .*delete it, `ablate run` packs again"):
            data.load("deepfashion2", str(root), SIZE)


def test_a_header_that_numpy_cannot_parse_is_damage(root: Path, packed: data.Dataset) -> None:
    path = next(root.glob("ablate-pack/16x8-*/images.npy"))
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole.replace(b"}", b" ", 1))
    with pytest.raises(DataError, match="is damaged"):
        data.load("deepfashion2", str(root), SIZE)


@pytest.mark.parametrize(
    ("kept", "dtype", "said"),
    [
        (np.s_[:-1], np.uint8, "holds 81 images, labels.npz item of shape"),
        (np.s_[:, :4], np.uint8, "expected uint8"),
        (np.s_[:], float, "float64"),
    ],
)
def test_images_that_do_not_fit_the_labels_are_damage(
    root: Path, packed: data.Dataset, kept: Any, dtype: type, said: str
) -> None:
    path = next(root.glob("ablate-pack/16x8-*/images.npy"))
    path.unlink()
    np.save(path, packed.images[kept].astype(dtype))
    with pytest.raises(DataError, match=rf"is damaged .*{said}.*: delete it"):
        data.load("deepfashion2", str(root), SIZE)


def test_a_damaged_record_is_named(root: Path, packed: data.Dataset) -> None:
    (root / "ablate-pack" / "deepfashion2.json").write_text("{")
    with pytest.raises(DataError, match=r"deepfashion2\.json cannot be read .* delete it, `ablate data prepare"):
        data.fingerprint("deepfashion2", str(root))
