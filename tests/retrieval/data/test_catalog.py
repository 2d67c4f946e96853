"""The door to the data sets."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data import Dataset, catalog
from ablate.retrieval.data.entries import ImageList
from ablate.retrieval.data.packing import format
from tests.support.retrieval.trees import SIZE, expected, tree, tree_of


def test_an_unknown_name_gets_the_known_ones_and_the_nearest() -> None:
    for ask in (
        lambda: data.load("emojy", None, (64, 64)),
        lambda: data.fingerprint("emojy", None),
        lambda: data.prepare("emojy", None, (64, 64)),
    ):
        with pytest.raises(
            DataError, match=r"unknown data set 'emojy'; did you mean 'emoji'\? known: emoji, deepfashion2"
        ):
            ask()


def test_an_unlike_name_gets_no_suggestion() -> None:
    with pytest.raises(DataError) as caught:
        data.load("imagenet", None, (64, 64))
    assert "did you mean" not in str(caught.value)


def test_a_fingerprint_needs_neither_numpy_nor_pillow() -> None:
    """`ablate plan` asks for it at every start."""
    code = (
        "import sys, ablate.retrieval.data as d; d.fingerprint('emoji', None); "
        "print({'numpy', 'PIL', 'torch'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_preparing_the_embedded_set_does_nothing() -> None:
    assert data.prepare("emoji", None, (64, 64)) is None


def test_labels_come_without_pixels(emoji: Dataset) -> None:
    bare = data.load("emoji", None, (64, 64), pixels=False)
    assert bare.images.shape == emoji.images.shape
    assert bare.images.strides == (0, 0, 0, 0), "no memory, however many images there are"
    for column in format.COLUMNS:
        assert np.array_equal(getattr(bare, column), getattr(emoji, column))


def test_the_readers_are_not_imported_before_they_are_used() -> None:
    """Only the embedded set's module, which has no annotations to read, is imported with the catalog."""
    names = [catalog.MODULES.get(name, name) for name in data.DATASETS if name != catalog.EMBEDDED]
    code = (
        "import sys, ablate.retrieval.data; "
        f"print([n for n in {names} if f'ablate.retrieval.data.formats.{{n}}' in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with photographs and two lists of them, and a data set that such a list is the root of."""
    tree(tmp_path, 8)
    for number, name in enumerate(("one.csv", "two.csv")):
        (tmp_path / name).write_text(f"{4 + number} photographs\n")

    def read(root: Path) -> ImageList:
        if not root.exists():
            raise DataError(f"get {root} from somebody")
        return replace(tree_of(root.parent, int(root.read_text().split()[0])), index=(root.name,))

    monkeypatch.setitem(data.DATASETS, "made_up", "a list of photographs")
    monkeypatch.setitem(
        sys.modules, "ablate.retrieval.data.formats.made_up", SimpleNamespace(HOME="data/list.csv", read=read)
    )
    return tmp_path


def images_of(path: Path, pixels: bool = True) -> NDArray[np.uint8]:
    return data.load("made_up", str(path), SIZE, pixels).images


def test_two_lists_in_one_folder_do_not_disturb_each_other(lists: Path) -> None:
    for name, count in (("one.csv", 4), ("two.csv", 5)):
        root = lists / name
        data.prepare("made_up", str(root), SIZE)
        photographs = tree_of(lists, count)
        assert np.array_equal(images_of(root), expected(photographs))
        assert images_of(root, pixels=False).shape == images_of(root).shape
        assert not images_of(root, pixels=False).any()
    first, second = (data.fingerprint("made_up", str(lists / name)) for name in ("one.csv", "two.csv"))
    assert first != second
    (lists / "two.csv").write_text("6 photographs\n")
    with pytest.raises(DataError, match=r"two\.csv changed since.*`ablate data prepare made_up --root .*two\.csv`"):
        data.fingerprint("made_up", str(lists / "two.csv"))
    assert data.fingerprint("made_up", str(lists / "one.csv")) == first
    data.prepare("made_up", str(lists / "two.csv"), SIZE)
    assert len(images_of(lists / "two.csv")) == len(tree_of(lists, 6).entries)


def test_a_set_that_is_packed_needs_its_photographs_no_more(lists: Path) -> None:
    root = lists / "one.csv"
    data.prepare("made_up", str(root), SIZE)
    before = images_of(root).copy()
    for folder in ("a", "b"):
        shutil.rmtree(lists / folder)
    data.prepare("made_up", str(root), SIZE)
    assert np.array_equal(images_of(root), before)


def test_a_set_that_is_not_there_says_what_its_reader_says(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lists)
    for ask in (data.load, data.prepare, lambda name, root, _: data.fingerprint(name, root)):
        with pytest.raises(DataError, match=r"get data/list\.csv from somebody"):
            ask("made_up", None, SIZE)
