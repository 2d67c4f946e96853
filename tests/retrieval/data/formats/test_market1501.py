"""Market-1501 in a small tree of its official layout."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data import GALLERY, QUERY
from ablate.retrieval.data.formats import market1501
from tests.support.retrieval.small_datasets import MARKET_GALLERY as GALLERY_PATHS
from tests.support.retrieval.small_datasets import MARKET_ONE_CAMERA as ONE_CAMERA
from tests.support.retrieval.small_datasets import MARKET_QUERIES as QUERIES
from tests.support.retrieval.small_datasets import MARKET_TRAIN as TRAIN
from tests.support.retrieval.small_datasets import market


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return market(tmp_path)


def test_the_test_is_the_official_one(root: Path) -> None:
    test = [entry for entry in market1501.read(root).entries if entry.split == "test"]
    assert [entry.path for entry in test if entry.role == QUERY] == QUERIES
    assert [entry.path for entry in test if entry.role == GALLERY] == GALLERY_PATHS[1:]  # without person −1
    assert [(entry.item, entry.camera) for entry in test if entry.role == GALLERY] == [
        ("0000", 1), ("0000", 4), ("0001", 1), ("0001", 3), ("1501", 2),
    ]  # fmt: skip


def test_validation_is_cut_by_person_and_has_a_query_for_each_camera(root: Path) -> None:
    entries = market1501.read(root).entries
    held = {
        item for item in (f"{person:04d}" for person in (*range(2, 62), 99))
        if int.from_bytes(hashlib.sha256(f"market1501/1:{item}".encode()).digest()[:8]) / 2**64 < 0.1
    }  # fmt: skip
    assert 1 < len(held) < 20
    assert {entry.item for entry in entries if entry.split == "validation"} == held
    assert {entry.role for entry in entries if entry.split == "train"} == {0}
    person = min(held)
    of_one = {entry.path: entry.role for entry in entries if entry.item == person}
    first, again, other = (f"bounding_box_train/{person}_{rest}_00.jpg" for rest in
                           ("c1s1_000151", "c1s1_000251", "c3s1_000151"))  # fmt: skip
    assert of_one == {first: QUERY, again: GALLERY, other: QUERY}


def test_a_person_at_one_camera_is_never_a_query(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market1501, "is_held_out", lambda _, item: True)
    assert [e.role for e in market1501.read(root).entries if e.item == "0099"] == [GALLERY]


def test_it_is_found_in_the_folder_of_the_archive(root: Path, tmp_path: Path) -> None:
    (tmp_path / "Market-1501-v15.09.15").mkdir()
    for name in market1501.FOLDERS:
        (root / name).rename(tmp_path / "Market-1501-v15.09.15" / name)
    assert market1501.read(tmp_path).root == tmp_path / "Market-1501-v15.09.15"
    data.prepare("market1501", str(tmp_path), (8, 4))
    assert (
        len(data.load("market1501", str(tmp_path), (8, 4)).images)
        == len(TRAIN) + 1 + len(QUERIES) + len(GALLERY_PATHS) - 1
    )


def test_packed_and_loaded(root: Path) -> None:
    data.prepare("market1501", str(root), (8, 4))
    loaded = data.load("market1501", str(root), (8, 4))
    asked = loaded.role == QUERY
    assert loaded.source[asked & (loaded.split == 2)].tolist() == [path.encode() for path in QUERIES]
    assert loaded.camera[asked & (loaded.split == 2)].tolist() == [1, 2, 6]
    items = loaded.item[loaded.split == 2]
    assert len(np.unique(items)) == 3
    assert not set(items) & set(loaded.item[loaded.split != 2])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / QUERIES[0]).rename(root / "query/one.jpg"), r"one.jpg: expected a name like 0002_c1s1"),
        (lambda root: [(root / path).unlink() for path in QUERIES], "query: has no images; the archive"),
        (lambda root: (root / "query").rename(root / "queries"), "query: cannot be read .*; the archive"),
        (lambda root: (root / ONE_CAMERA).rename(root / "bounding_box_train/0001_c1s1_000151_00.jpg"),
         "item 0001 is in test, and in train by bounding_box_train/0001_c1s1_000151_00.jpg"),
        (lambda root: (root / ONE_CAMERA).rename(root / "bounding_box_train/0000_c1s1_000151_00.jpg"),
         "is of person 0"),
    ],
)  # fmt: skip
def test_faults(root: Path, spoil, said: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(market1501, "is_held_out", lambda _, item: False)
    spoil(root)
    with pytest.raises(DataError, match=said):
        market1501.read(root)


def test_an_empty_folder_is_a_wrong_root(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)no bounding_box_train in it.*Get Market-1501"):
        market1501.read(tmp_path)
