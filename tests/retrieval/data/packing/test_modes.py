"""A ramp in every kind of pixels: packed as what it shows, or refused with the reason."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from ablate.errors import DataError
from ablate.retrieval.data.packing import decode

SIDE = 32
RAMP: NDArray[np.float64] = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)
GREY = Image.fromarray((RAMP * 255).astype(np.uint8))
RGB = GREY.convert("RGB")


def opened(path: Path, image: Image.Image, **settings: object) -> NDArray[np.int64]:
    """The pixels that are packed of an image, saved at a path."""
    image.save(path, **settings)
    photo, _ = decode.open_photo(path)
    assert photo.mode == "RGB"
    return np.asarray(photo).astype(int)


@pytest.mark.parametrize(
    ("mode", "ending"),
    [
        ("L", "png"),
        ("L", "jpg"),
        ("L", "pgm"),
        ("P", "png"),
        ("P", "gif"),
        ("LA", "png"),
        ("PA", "tif"),
        ("RGB", "png"),
        ("RGB", "webp"),
        ("RGBA", "png"),
        ("RGBA", "tif"),
        ("RGBX", "tif"),
        ("CMYK", "jpg"),
        ("CMYK", "tif"),
        ("YCbCr", "tif"),
        ("YCbCr", "jpg"),
        ("LAB", "tif"),
    ],
)
def test_a_ramp_stays_a_ramp(tmp_path: Path, mode: str, ending: str) -> None:
    image = RGB.convert(mode) if mode in ("CMYK", "YCbCr", "LAB") else GREY.convert(mode)
    pixels = opened(tmp_path / f"a.{ending}", image)
    expected = (RAMP * 255)[:, :, None]
    assert np.abs(pixels - expected).max() <= 12, "of 255; JPEG and WebP lose some"


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    pixels = opened(tmp_path / "a.png", GREY.convert("1", dither=Image.Dither.NONE))
    assert np.array_equal(pixels[:, :, 0], np.where(np.asarray(GREY) >= 128, 255, 0))


@pytest.mark.parametrize("ending", ["png", "tif", "pgm", "jp2"])
def test_greys_of_sixteen_bits_are_scaled(tmp_path: Path, ending: str) -> None:
    settings = {"irreversible": False} if ending == "jp2" else {}
    pixels = opened(tmp_path / f"a.{ending}", Image.fromarray((RAMP * 65535).astype(np.uint16)), **settings)
    assert np.array_equal(pixels[:, :, 1], (RAMP * 65535).astype(int) >> 8)


def png_of_16_bits(path: Path, values: NDArray[np.float64]) -> Path:
    """A colour PNG of 16 bits, which Pillow reads and does not write: its chunks by hand."""
    rows = np.repeat(values[:, :, None], 3, axis=2).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        header = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0)
        for kind, content in ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")):
            PngImagePlugin.putchunk(file, kind, content)
    return path


def test_colours_of_sixteen_bits_keep_their_upper_eight(tmp_path: Path) -> None:
    photo, _ = decode.open_photo(png_of_16_bits(tmp_path / "a.png", RAMP * 65535))
    assert np.array_equal(np.asarray(photo)[:, :, 2], (RAMP * 65535).astype(int) >> 8)


def shape_in(mode: str) -> Image.Image:
    """A black picture whose ramp is its transparency."""
    image = Image.new(mode, (SIDE, SIDE))
    image.putalpha(GREY)
    return image


@pytest.mark.parametrize(
    ("image", "ending", "said"),
    [
        (Image.fromarray(RAMP.astype(np.float32)), "tif", "greys of floating point"),
        (Image.fromarray(RAMP.astype(np.float32)), "pfm", "greys of floating point"),
        (Image.fromarray((RAMP * 255).astype(np.int32)), "tif", "greys of 32 bits or with a sign"),
        (Image.fromarray((RAMP * 255).astype(np.uint16)), "png", "16 bits whose largest value is 255, of 65,535"),
        (Image.fromarray((RAMP * 4095).astype(np.uint16)), "tif", "16 bits whose largest value is 4,095, of 65,535"),
        (Image.fromarray((RAMP * 255).astype(np.int32)), "pgm", "16 bits whose largest value is 255, of 65,535"),
        (shape_in("RGB"), "png", "which only its transparency draws"),
        (shape_in("L"), "png", "which only its transparency draws"),
        (shape_in("RGB"), "tif", "which only its transparency draws"),
    ],
)
def test_no_ramp_is_packed_black(tmp_path: Path, image: Image.Image, ending: str, said: str) -> None:
    with pytest.raises(DataError, match=rf"a\.{ending}: found .*{said}.*save it") as caught:
        opened(tmp_path / f"a.{ending}", image)
    assert "damaged" not in str(caught.value)


def test_dark_colours_of_sixteen_bits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="16 bits whose largest value is 4,095 or less, of 65,535"):
        decode.open_photo(png_of_16_bits(tmp_path / "a.png", RAMP * 4095))


def test_a_palette_that_is_transparent_in_part_is_refused_if_nothing_else_draws(tmp_path: Path) -> None:
    image = Image.fromarray((np.asarray(GREY) // 128).astype(np.uint8), "P")
    image.putpalette([0, 0, 0] * 2)
    with pytest.raises(DataError, match="which only its transparency draws"):
        opened(tmp_path / "a.png", image, transparency=bytes([0, 255]))


def test_pixels_of_fifteen_or_sixteen_bits_for_all_three_colours_may_be_dark(tmp_path: Path) -> None:
    """A BMP with five or six bits a colour, which Pillow reads and does not write."""
    path, count = tmp_path / "a.bmp", SIDE * SIDE
    head = struct.pack("<2sIHHI", b"BM", 66 + 2 * count, 0, 0, 66)
    info = struct.pack("<IiiHHIIiiII", 40, SIDE, -SIDE, 1, 16, 3, 2 * count, 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    path.write_bytes(head + info + masks + np.full(count, 1, "<u2").tobytes())
    photo, _ = decode.open_photo(path)
    assert [low for low, _ in (band.getextrema() for band in photo.split())] == [0, 0, 8]


def test_a_transparent_palette_gives_no_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = opened(tmp_path / "a.png", GREY.convert("P"), transparency=bytes(range(256)))
    assert np.array_equal(pixels[:, :, 0], np.asarray(GREY))


def test_signed_greys_of_sixteen_bits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray((RAMP * 32767).astype(np.uint16)).save(path, tiffinfo={339: 2})  # SampleFormat: signed
    with pytest.raises(DataError, match="with a sign"):
        decode.open_photo(path)


def test_greys_of_sixteen_bits_that_are_white_at_zero_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray((RAMP * 65535).astype(np.uint16)).save(path, tiffinfo={262: 0})
    with Image.open(path) as image:
        if image.tag_v2[262] != 0:
            pytest.skip("this Pillow does not write the tag")
    with pytest.raises(DataError, match="in which 0 is white"):
        decode.open_photo(path)


def test_a_truly_black_picture_is_packed(tmp_path: Path) -> None:
    for mode in ("L", "I;16", "RGB", "RGBA"):
        assert not opened(tmp_path / "a.png", Image.new(mode, (SIDE, SIDE))).any()


def test_the_first_picture_of_an_animation_is_packed(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    GREY.save(path, save_all=True, append_images=[Image.new("L", GREY.size)])
    assert np.abs(np.asarray(decode.open_photo(path)[0])[:, :, 0] - np.asarray(GREY).astype(int)).max() == 0


def test_a_rotation_in_exif_is_ignored(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    pixels = opened(tmp_path / "a.png", RGB, exif=exif)
    assert np.array_equal(pixels[:, :, 0], np.asarray(GREY))
