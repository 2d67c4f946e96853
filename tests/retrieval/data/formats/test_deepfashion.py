"""DeepFashion's In-shop and Consumer-to-shop benchmarks in small trees of their official layouts."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.errors import DataError
from ablate.retrieval.data import GALLERY, QUERY, SHOP, USER
from ablate.retrieval.data.formats import consumer2shop, inshop
from tests.support.retrieval.small_datasets import in_shop, pairs, swap


@pytest.mark.parametrize("folders", [("", "", ""), ("Eval", "Anno", "Img")])
def test_in_shop_is_split_as_listed_and_cut_by_its_boxes(tmp_path: Path, folders: tuple[str, str, str]) -> None:
    found = inshop.read(in_shop(tmp_path, folders=folders))
    test = [entry for entry in found.entries if entry.split == "test"]
    assert [entry.item for entry in test] == ["id_00000040"] * 3 + ["id_00000041"] * 3
    assert [entry.role for entry in test] == [QUERY, GALLERY, GALLERY] * 2
    assert [entry.box for entry in test[:3]] == [(1, 2, 90, 120), (2, 2, 90, 120), (3, 2, 90, 120)]
    assert found.categories == ("WOMEN/Dresses",)
    assert all((tmp_path / entry.path).is_file() for entry in found.entries)
    assert len(found.entries) == 126


def test_in_shop_validation_has_both_sides_of_every_item(tmp_path: Path) -> None:
    found = inshop.read(in_shop(tmp_path, boxes=False))
    assert {entry.box for entry in found.entries} == {None}
    train = [f"id_{item:08d}" for item in range(40)]
    hashes = {name: hashlib.sha256(f"inshop/1:{name}".encode()).digest() for name in train}
    held = {name for name, digest in hashes.items() if int.from_bytes(digest[:8]) < 0.1 * 2**64}
    assert held
    roles: dict[str, list[int]] = {}
    for entry in found.entries:
        if entry.split == "validation":
            roles.setdefault(entry.item, []).append(entry.role)
    assert roles.keys() == held
    assert all(sorted(of_item) == [QUERY, GALLERY, GALLERY] for of_item in roles.values())
    assert {entry.role for entry in found.entries if entry.split == "train"} == {0}


def test_a_photograph_of_several_pairs_is_one_image(tmp_path: Path) -> None:
    found = consumer2shop.read(pairs(tmp_path))
    assert [(e.item, e.split, e.domain, e.role) for e in found.entries] == [
        ("id_1", "train", USER, 0), ("id_1", "train", SHOP, 0), ("id_1", "train", USER, 0),
        ("id_2", "validation", USER, QUERY), ("id_2", "validation", SHOP, GALLERY), ("id_2", "validation", USER, QUERY),
        ("id_3", "test", USER, QUERY), ("id_3", "test", SHOP, GALLERY), ("id_3", "test", USER, QUERY),
    ]  # fmt: skip
    assert {e.box for e in found.entries} == {(5, 6, 70, 80)}
    assert found.categories == ("CLOTHING/Blouse",)
    assert found.entries[0].source == "Eval/list_eval_partition.txt, line 3"
    assert found.index == ("Anno/list_bbox_consumer2shop.txt", "Eval/list_eval_partition.txt")


Spoil = Callable[[Path], object]
PARTITION, BOXES = "list_eval_partition.txt", "list_bbox_inshop.txt"
IN_SHOP_FAULTS: list[tuple[Spoil, str]] = [
    (lambda root: swap(root / PARTITION, "126\n", "127\n"), "expected the number of lines, found '127', and"),
    (lambda root: swap(root / PARTITION, " train", " trian"), r"line 3: status 'trian', expected train"),
    (lambda root: swap(root / PARTITION, " train", ""), r"eval_partition.txt, line 3: has 2 fields, expected 3"),
    (lambda root: swap(root / BOXES, " 90 120", " 1 120"), "bbox_inshop.txt, line 3: box 1 2 1 120, expected left"),
    (lambda root: swap(root / BOXES, " 90 120", " 9o 120"), "bbox_inshop.txt, line 3: box 1 2 9o 120"),
    (lambda root: swap(root / BOXES, "01_1_front", "01_9_front"), "eval_partition.txt, line 3: .* has no box in"),
    (lambda root: swap(root / PARTITION, "id_00000041 query", "id_00000039 query"), "item id_00000039 is in test"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), IN_SHOP_FAULTS)
def test_faults_in_shop(tmp_path: Path, spoil: Spoil, said: str) -> None:
    spoil(in_shop(tmp_path))
    with pytest.raises(DataError, match=said):
        inshop.read(tmp_path)


AT, BOXED = "Eval/list_eval_partition.txt", "Anno/list_bbox_consumer2shop.txt"
PAIR_FAULTS: list[tuple[Spoil, str]] = [
    (lambda root: swap(root / BOXED, "shop_01.jpg 1 1", "shop_01.jpg 1 2"), "a consumer's by .*, expected a shop's"),
    (lambda root: swap(root / BOXED, "shop_01.jpg 1 1", "shop_01.jpg 1 3"), "line 5: source '3', expected 1 .shop."),
    (lambda root: swap(root / AT, "id_1 train", "id_7 train"), "shop_01.jpg is of item id_1, and of id_7 by Eval/"),
    (lambda root: swap(root / AT, "id_1 train", "id_1 training"), "line 3: status 'training', expected train, val"),
    (lambda root: swap(root / AT, "id_2 val", "id_2 test"), "item id_2 is in .*, and in "),
    (lambda root: (root / BOXED).unlink(), "no list_bbox_consumer2shop.txt in it"),
    (lambda root: [(root / AT).unlink(), (root / BOXED).unlink()], "no list_eval_partition.txt and no list_bbox"),
    (lambda root: swap(root / AT, "comsumer_02.jpg img/CLOTHING/Blouse/id_2/shop_01.jpg id_2 val",
                          "comsumer_02.jpg img/CLOTHING/Blouse/id_2/shop_01.jpg id_2 test"),
     "line 6: img/CLOTHING/Blouse/id_2/shop_01.jpg is in test, and in validation by Eval/.* line 5"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), PAIR_FAULTS)
def test_faults_of_pairs(tmp_path: Path, spoil: Spoil, said: str) -> None:
    spoil(pairs(tmp_path))
    with pytest.raises(DataError, match=said):
        consumer2shop.read(tmp_path)
