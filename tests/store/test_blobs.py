"""Ranks come back as they were, and take little room."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ablate.store.blobs import pack, unpack


@given(arrays.arrays(np.uint32, st.integers(0, 300), elements=st.integers(0, 2**32 - 1)))
def test_round_trip(ranks: np.ndarray) -> None:
    assert np.array_equal(unpack(pack(ranks)), ranks)


@pytest.mark.parametrize("gallery", [36_961, 65_535])
def test_even_ranks_of_pure_chance_take_under_30_kilobytes(gallery: int) -> None:
    ranks = np.random.default_rng(0).integers(1, gallery + 1, 12_377).astype(np.uint32)
    assert len(pack(ranks)) < 30_000
