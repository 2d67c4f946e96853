"""Files of the embedded set that are missing or changed: always a DataError that says which and what to do."""

import json
import shutil
from pathlib import Path

import pytest

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data.formats import emoji


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(emoji.HERE, tmp_path / "emoji")


def refused(root: Path, *words: str) -> None:
    for ask in (lambda: data.fingerprint("emoji", str(root)), lambda: data.load("emoji", str(root), (64, 64))):
        with pytest.raises(DataError) as caught:
            ask()
        for word in words:
            assert word in str(caught.value)


def test_a_copy_is_the_same_data(copy: Path) -> None:
    assert data.fingerprint("emoji", str(copy)) == data.fingerprint("emoji", None)


def test_one_changed_bit_is_found(copy: Path) -> None:
    strip = copy / "twemoji" / "03.jpg"
    content = bytearray(strip.read_bytes())
    content[len(content) // 2] ^= 1
    strip.write_bytes(content)
    refused(copy, "twemoji/03.jpg", "sha256", "tools/build_emoji.py")


def test_a_missing_strip_is_named(copy: Path) -> None:
    (copy / "noto" / "00.jpg").unlink()
    refused(copy, "noto/00.jpg", "No such file", "Reinstall")


def test_changed_labels_are_found(copy: Path) -> None:
    table = copy / "items.tsv"
    table.write_text(table.read_text().replace("\ttest\t", "\ttrain\t", 1))
    refused(copy, "items.tsv", "sha256")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"vendors": 3}', "\x00"])
def test_an_unreadable_index_is_named(copy: Path, content: str) -> None:
    (copy / "index.json").write_text(content)
    refused(copy, "index.json", "not a readable index", "Reinstall")


def test_an_index_of_other_files_does_not_fit(copy: Path) -> None:
    """Every hash is right, yet the table speaks of more images than there are."""
    index = json.loads((copy / "index.json").read_text())
    del index["files"]["noto/00.jpg"]
    (copy / "index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"noto/00\.jpg"):
        data.load("emoji", str(copy), (64, 64))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere", "data.root")


def test_other_labels_give_another_fingerprint() -> None:
    index = emoji.read_index(emoji.HERE)
    changed = emoji.EmojiIndex(index.size, index.categories[::-1], index.domains, index.strip, index.files)
    assert changed.fingerprint() != index.fingerprint() == data.fingerprint("emoji", None)
