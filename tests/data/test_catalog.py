"""The door to the data sets."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ablate import data
from ablate.data import Dataset, catalog, pack
from ablate.errors import DataError


def test_an_unknown_name_gets_the_known_ones_and_the_nearest() -> None:
    for ask in (
        lambda: data.load("emojy", None, (64, 64)),
        lambda: data.fingerprint("emojy", None),
        lambda: data.prepare("emojy", None, (64, 64)),
    ):
        with pytest.raises(
            DataError, match=r"unknown data set 'emojy'; known: emoji, deepfashion2.*; did you mean 'emoji'\?"
        ):
            ask()


def test_an_unlike_name_gets_no_suggestion() -> None:
    with pytest.raises(DataError) as caught:
        data.load("imagenet", None, (64, 64))
    assert "did you mean" not in str(caught.value)


def test_a_fingerprint_needs_neither_numpy_nor_pillow() -> None:
    """`ablate plan` asks for it at every start."""
    code = (
        "import sys, ablate.data as d; d.fingerprint('emoji', None); print({'numpy', 'PIL', 'torch'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_preparing_the_embedded_set_does_nothing() -> None:
    assert data.prepare("emoji", None, (64, 64)) is None


def test_labels_come_without_pixels(emoji: Dataset) -> None:
    bare = data.load("emoji", None, (64, 64), pixels=False)
    assert bare.images.shape == emoji.images.shape
    assert bare.images.strides == (0, 0, 0, 0), "no memory, however many images there are"
    for column in pack.COLUMNS:
        assert np.array_equal(getattr(bare, column), getattr(emoji, column))


@pytest.mark.parametrize("name", [name for name in data.DATASETS if name != "emoji"])
def test_every_set_has_a_module_that_reads_it_and_says_what_to_get(name: str, tmp_path: Path) -> None:
    module = catalog.reader(name)
    assert module.HOME.startswith("data/")
    with pytest.raises(DataError) as caught:
        module.read(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)


def test_the_sets_are_not_imported_before_they_are_asked_for() -> None:
    """Only those that are named in `DATASETS` and read by a module of that name."""
    code = f"import sys, ablate.data; print([n for n in {list(data.DATASETS)} if f'ablate.data.{{n}}' in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
