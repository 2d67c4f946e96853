"""Photographs that are replaced after packing."""

import os
from pathlib import Path

import numpy as np
import pytest

from ablate.errors import DataError
from ablate.retrieval.data.entries import ImageList
from ablate.retrieval.data.packing import format, photo_files
from tests.support.retrieval.trees import SIZE, expected, photograph, place, prepare, tree

PHOTOS = 12


@pytest.fixture
def listing(tmp_path: Path) -> ImageList:
    return tree(tmp_path / "set", PHOTOS)


class Messages:
    """Keeps every message."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def notify(self, text: str) -> None:
        self.texts.append(text)

    def advance(self, done: int, total: int) -> None:
        pass


@pytest.mark.parametrize("same_size", [False, True])
def test_a_replaced_photograph_makes_another_set(listing: ImageList, same_size: bool) -> None:
    path, most = listing.root / "a/002.jpg", 5000 if same_size else 0
    path.write_bytes(path.read_bytes().ljust(most, b"\0"))
    before = prepare(listing)
    photograph(path, 99)
    path.write_bytes(path.read_bytes().ljust(most, b"\0"))
    watcher = Messages()
    after = prepare(listing, watcher=watcher)
    assert after.fingerprint != before.fingerprint
    (told,) = [text for text in watcher.texts if "1 photograph changed since packing" in text]
    assert "a/002.jpg" in told
    assert np.array_equal(format.read(place(listing.root), SIZE, after.fingerprint)[0], expected(listing))
    assert prepare(listing, watcher=Messages()) == after


def test_a_photograph_that_is_only_touched_is_the_same(listing: ImageList, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepare(listing)
    os.utime(listing.root / "a/002.jpg", ns=(5, 5))
    assert prepare(listing) == before
    monkeypatch.setattr(photo_files, "file_hash", lambda _: pytest.fail("hashed again, though its time is known"))
    assert prepare(listing) == before


def test_photographs_that_are_gone_are_no_change(listing: ImageList) -> None:
    before = prepare(listing)
    (listing.root / "a/002.jpg").unlink()
    assert prepare(listing) == before
    for path in (listing.root / "b").iterdir():
        path.unlink()
    (listing.root / "b").rmdir()
    assert prepare(listing) == before


def test_a_set_that_was_moved_with_its_pack_is_the_same(tmp_path: Path, listing: ImageList) -> None:
    before = prepare(listing)
    moved = listing.root.rename(tmp_path / "moved")
    assert photo_files.changed(place(moved), before.fingerprint) == []
    photograph(moved / "a/002.jpg", 99)
    assert photo_files.changed(place(moved), before.fingerprint) == ["a/002.jpg"]


@pytest.mark.parametrize("damage", [b"", b"ablate-file-list 1 other\n", b"garbage\nmore", b"\xff\xfe"])
def test_a_damaged_list_of_files_is_no_fault(listing: ImageList, damage: bytes) -> None:
    before = prepare(listing)
    place(listing.root).files.write_bytes(damage)
    photograph(listing.root / "a/002.jpg", 99)
    assert prepare(listing) == before


def test_a_photograph_that_is_replaced_by_a_broken_one_is_a_fault(listing: ImageList) -> None:
    prepare(listing)
    (listing.root / "a/002.jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"002\.jpg: found a file that is damaged"):
        prepare(listing)
