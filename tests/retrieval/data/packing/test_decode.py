"""Resizing and cutting."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.errors import DataError
from ablate.retrieval.data.packing import decode


@pytest.fixture
def noise() -> decode.Pixels:
    return np.random.default_rng(0).integers(0, 256, (600, 16, 12, 3), dtype=np.uint8)


def test_the_stored_size_is_not_touched(noise: decode.Pixels) -> None:
    assert decode.resize(noise, (16, 12)) is noise


def test_size_is_height_then_width(noise: decode.Pixels) -> None:
    assert decode.resize(noise, (8, 24)).shape == (600, 8, 24, 3)


def test_resizing_is_the_same_twice_and_image_by_image(noise: decode.Pixels) -> None:
    once = decode.resize(noise, (7, 9))
    assert np.array_equal(once, decode.resize(noise, (7, 9)))
    assert np.array_equal(once[300:301], decode.resize(noise[300:301], (7, 9)))


def test_neighbours_do_not_bleed() -> None:
    pair = np.stack([np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)])
    small = decode.resize(pair, (5, 3))
    assert small[0].max() == 0
    assert small[1].min() == 255


def test_shrinking_averages_what_it_leaves_out() -> None:
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    assert decode.resize(stripes, (8, 8))[0, 2:-2, 2:-2].astype(int) == pytest.approx(127.5, abs=3)


def test_a_strip_of_another_height_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 8)).save(tmp_path / "strip.png")
    with pytest.raises(ValueError, match=r"expected RGB \(4, 12\)"):
        decode.decode_strips(lambda _: (tmp_path / "strip.png").read_bytes(), [3], 4)


@pytest.mark.parametrize(
    ("corners", "size"), [((2, 1, 6, 9), (4, 8)), ((0, 0, 10, 10), (10, 10)), ((-1, 5, 11, 11), (10, 5))]
)
def test_cut_gives_the_box_clipped_to_the_photograph(corners: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    assert decode.cut(Image.new("RGB", (10, 10)), corners, Path("a.jpg"), "a.json: item1").size == size


@pytest.mark.parametrize(
    ("corners", "wrong"),
    [
        ((5, 5, 5, 9), "has no area"),
        ((6, 5, 2, 9), "has no area"),
        ((1, 9, 5, 9), "has no area"),
        ((0, 0, 12, 5), "expected one that lies in"),
        ((-2, 0, 5, 5), "expected one that lies in"),
        ((10, 0, 11, 5), "expected one that lies in"),
    ],
)
def test_cut_refuses_a_box_that_is_empty_or_outside(corners: tuple[int, int, int, int], wrong: str) -> None:
    with pytest.raises(DataError, match=rf"^a\.json: item1: found the box .* {wrong}.* the 10x10 pixels of a\.jpg"):
        decode.cut(Image.new("RGB", (10, 10)), corners, Path("a.jpg"), "a.json: item1")


def claiming(width: int, height: int) -> bytes:
    """A JPEG whose header says that size; it stands after the marker SOF0, a length and the precision."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    head, tail = stream.getvalue().split(b"\xff\xc0", 1)
    return head + b"\xff\xc0" + tail[:3] + struct.pack(">HH", height, width) + tail[7:]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: 0 bytes"),
        (b"no picture", "in its 10 bytes"),
        (claiming(0, 8), "at least 1x1 pixels"),
        (claiming(8, 0), "at least 1x1 pixels"),
        (claiming(65500, 65500), "4290250000 pixels"),
    ],
    ids=["empty", "text", "no width", "no height", "enormous"],
)
def test_what_is_no_photograph_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(
        DataError, match=rf"a\.jpg: found a file that is damaged \(.*{said}.*\), expected a whole"
    ) as caught:
        decode.open_photo(tmp_path / "a.jpg")
    assert " object at " not in str(caught.value)


def test_a_photograph_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.jpg: found no file, expected an image"):
        decode.open_photo(tmp_path / "a.jpg")


def test_threads_give_results_in_order_and_begin_little_that_nobody_asks_for() -> None:
    begun = []
    results = decode.in_threads(lambda number: begun.append(number) or number * number, range(100_000))
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    results.close()
    assert len(begun) <= decode.AHEAD * decode.THREADS + 5


def test_an_error_in_a_thread_is_raised_where_results_are_asked_for() -> None:
    results = decode.in_threads(lambda number: 1 // number, [1, 1, 0, 1])
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
