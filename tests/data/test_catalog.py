"""The door to the data sets."""

import subprocess
import sys

import pytest

from ablate import data
from ablate.errors import DataError


def test_an_unknown_name_gets_the_known_ones_and_the_nearest() -> None:
    for ask in (
        lambda: data.load("emojy", None, (64, 64)),
        lambda: data.fingerprint("emojy", None),
        lambda: data.prepare("emojy", None, (64, 64)),
    ):
        with pytest.raises(DataError, match=r"'emojy'; known are emoji, deepfashion2. Did you mean 'emoji'\?"):
            ask()


def test_an_unlike_name_gets_no_suggestion() -> None:
    with pytest.raises(DataError) as caught:
        data.load("market1501", None, (64, 64))
    assert "Did you mean" not in str(caught.value)


def test_a_fingerprint_needs_neither_numpy_nor_pillow() -> None:
    """`ablate plan` asks for it at every start."""
    code = (
        "import sys, ablate.data as d; d.fingerprint('emoji', None); print({'numpy', 'PIL', 'torch'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_preparing_the_embedded_set_does_nothing() -> None:
    data.prepare("emoji", None, (64, 64))
