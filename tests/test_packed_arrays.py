"""Arrays come back from their blobs to the bit, and ranks take little room."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ablate.packed_arrays import (
    deflate,
    inflate,
    pack,
    pack_examples,
    pack_words,
    unpack,
    unpack_examples,
    unpack_words,
)

BITS = arrays.arrays(np.uint32, st.integers(0, 300), elements=st.integers(0, 2**32 - 1))


@given(BITS)
def test_round_trip(ranks: np.ndarray) -> None:
    assert np.array_equal(unpack(pack(ranks)), ranks)


@pytest.mark.parametrize("gallery", [36_961, 65_535])
def test_even_ranks_of_pure_chance_take_under_30_kilobytes(gallery: int) -> None:
    ranks = np.random.default_rng(0).integers(1, gallery + 1, 12_377).astype(np.uint32)
    assert len(pack(ranks)) < 30_000


@given(BITS)
def test_floats_come_back_to_the_bit(bits: np.ndarray) -> None:
    """Whatever their bits say: minus zero, subnormal numbers, no numbers at all."""
    found = inflate(deflate(bits.view("<f4")), "<f4")
    assert found.dtype == np.dtype("<f4")
    assert np.array_equal(found.view("<u4"), bits)


def test_every_second_number_of_an_array_is_an_array_too() -> None:
    values = np.arange(10, dtype="<f4") / 7
    assert np.array_equal(inflate(deflate(values[::2]), "<f4"), values[::2])


@pytest.mark.parametrize(("planes", "ranks"), [(b"\x01\x00\xff", [1, 0, 255]), (b"\x01\x02\x00\x01", [1, 258])])
def test_ranks_of_stores_from_before_can_be_read(planes: bytes, ranks: list[int]) -> None:
    """The format as it is written in a store: the width, then all low bytes before all high ones."""
    blob = bytes([len(planes) // len(ranks)]) + zlib.compress(planes)
    assert unpack(blob).tolist() == ranks


@pytest.mark.parametrize(
    "values",
    [
        np.array([], dtype=np.float32),
        np.array([True, False, True, True, False, False, True, False, True]),
        np.array([0, 1, 1, 0], dtype=np.float32),
        np.array([0.0, 1.0, 0.5], dtype=np.float32),
        np.array([np.nan, np.inf, -1.5, 0.0], dtype=np.float32),
        np.full(1001, 1.0, dtype=np.float32),
    ],
    ids=["none", "bools", "zeros and ones", "fractions", "no numbers", "ones"],
)
def test_examples_come_back_as_they_were(values: np.ndarray) -> None:
    found = unpack_examples(pack_examples(values))
    assert found.dtype == np.float32
    assert np.array_equal(found, values.astype(np.float32), equal_nan=True)


def test_an_example_that_is_0_or_1_takes_less_than_two_bits() -> None:
    hits = np.random.default_rng(0).random(12_377) < 0.3
    assert len(pack_examples(hits)) < 12_377 / 4


@pytest.mark.parametrize("words", [[], ["a"], ["ä", "", "a b", "\udc80", "x" * 1000, '"']])
def test_words_come_back_as_they_were(words: list[str]) -> None:
    assert unpack_words(pack_words(words)) == words
