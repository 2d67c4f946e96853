"""CUB-200-2011, Cars196 and Stanford Online Products in small trees of their official layouts."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from scipy.io import savemat

from ablate.errors import DataError
from ablate.retrieval.data import GALLERY, QUERY
from ablate.retrieval.data.entries import ImageList
from ablate.retrieval.data.formats import cars196, cub200, sop
from tests.support.retrieval.small_datasets import car_mat, cars_pooled, cars_separate, cub, products, swap

BOTH = QUERY | GALLERY


def items(found: ImageList, split: str) -> set[str]:
    return {entry.item for entry in found.entries if entry.split == split}


def held_out(form: str, names: list[str]) -> set[str]:
    """The rule in the docs: a tenth, by a hash of the item's name."""
    hashes = {name: hashlib.sha256(f"{form}:{name}".encode()).digest() for name in names}
    return {name for name, digest in hashes.items() if int.from_bytes(digest[:8]) < 0.1 * 2**64}


@pytest.mark.parametrize(
    ("make", "read", "form", "trained", "classes"),
    [
        (cub, cub200.read, "cub200/1", 100, 200),
        (cars_separate, cars196.read, "cars196/1", 98, 196),
        (cars_pooled, cars196.read, "cars196/1", 98, 196),
    ],
)
def test_splits_by_class(
    tmp_path: Path,
    make: Callable[[Path], Path],
    read: Callable[[Path], ImageList],
    form: str,
    trained: int,
    classes: int,
) -> None:
    found = read(make(tmp_path / "set") if make is not cub else make(tmp_path))
    train = [f"{label:03d}" for label in range(1, trained + 1)]
    held = held_out(form, train)
    assert 0 < len(held) < 30
    assert items(found, "test") == {f"{label:03d}" for label in range(trained + 1, classes + 1)}
    assert items(found, "validation") == held
    assert items(found, "train") == set(train) - held
    assert {(e.split, e.role) for e in found.entries} == {("train", 0), ("validation", BOTH), ("test", BOTH)}
    assert len(found.entries) == (196 if make is cars_pooled else 2 * classes)
    assert all((found.root / e.path).is_file() for e in found.entries)
    assert all(f"{int(e.path.split('/')[-1].split('.')[0].split('_')[-2 if make is cub else -1]):03d}" == e.item
               for e in found.entries)  # fmt: skip


def test_products_and_their_kinds(tmp_path: Path) -> None:
    found = sop.read(products(tmp_path))
    held = held_out("sop/1", [str(item) for item in range(60)])
    assert (items(found, "test"), items(found, "validation")) == ({"60", "61", "62"}, held)
    assert held
    assert found.categories == ("bicycle", "chair")
    assert {(e.split, e.role) for e in found.entries} == {("train", 0), ("validation", BOTH), ("test", BOTH)}
    assert found.entries[0].source == "Ebay_train.txt, line 2"
    assert found.index == ("Ebay_train.txt", "Ebay_test.txt")


def test_the_archives_own_folder_will_do(tmp_path: Path) -> None:
    (tmp_path / "CUB_200_2011").mkdir()
    cub(tmp_path / "CUB_200_2011")
    products(tmp_path / "Stanford_Online_Products")
    assert cub200.read(tmp_path).root == tmp_path / "CUB_200_2011"
    assert sop.read(tmp_path).root == tmp_path / "Stanford_Online_Products"


CUB_FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (lambda root: swap(root / "image_class_labels.txt", "\n7 4\n", "\n7 x\n"), "class_labels.txt, line 7: class"),
    (lambda root: swap(root / "image_class_labels.txt", "\n7 4\n", "\n"), "line 7: image 7 has no class"),
    (lambda root: swap(root / "images.txt", "\n7 004", "\n7 and 004"), "line 7: has 3 fields, expected 2"),
    (lambda root: (root / "classes.txt").unlink(), "classes.txt: cannot be read"),
    (lambda root: swap(root / "image_class_labels.txt", "\n400 200\n", "\n400 200\n401 9\n"),
     "images.txt: lacks 1 images that image_class_labels.txt has, 401 one of them"),
    (lambda root: swap(root / "images.txt", "400 200.Bird_200/Bird_200_2", "400 200.Bird_200/Bird_200_1"),
     "line 400: images/200.Bird_200/Bird_200_1.jpg is in images.txt, line 399 already"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), CUB_FAULTS)
def test_faults_of_birds(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(cub(tmp_path))
    with pytest.raises(DataError, match=said):
        cub200.read(tmp_path)


PRODUCT_FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (
        lambda root: swap(root / "Ebay_test.txt", "image_id ", "id "),
        "Ebay_test.txt, line 1: expected the header",
    ),
    (lambda root: swap(root / "Ebay_train.txt", "\n4 2 1", "\nfour 2 1"), "line 6: image_id 'four'"),
    (lambda root: swap(root / "Ebay_test.txt", "\n120 60 ", "\n120 5 "), "item 5 is in test, and in "),
    (lambda root: (root / "Ebay_test.txt").unlink(), "Ebay_test.txt: cannot be read"),
]


@pytest.mark.parametrize(("spoil", "said"), PRODUCT_FAULTS)
def test_faults_of_products(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(products(tmp_path))
    with pytest.raises(DataError, match=said):
        sop.read(tmp_path)


CAR_FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (lambda root: (root / "devkit/cars_train_annos.mat").write_bytes(b"MATLAB 5.0, and torn"), "is no .mat file"),
    (lambda root: (root / "devkit/cars_test_annos_withlabels.mat").unlink(), "withlabels.mat: cannot be read"),
    (lambda root: savemat(root / "devkit/cars_test_annos_withlabels.mat", car_mat([{"bbox_x1": 1, "fname": "1"}])),
     "its annotations have no class, but bbox_x1, fname"),
    (lambda root: savemat(root / "devkit/cars_train_annos.mat", car_mat([{"class": 197, "fname": "00001.jpg"}])),
     "cars_train_annos.mat, annotation 1: class 197, expected 1 to 196"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), CAR_FAULTS)
def test_faults_of_cars(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(cars_separate(tmp_path / "set"))
    with pytest.raises(DataError, match=said):
        cars196.read(tmp_path / "set")
