"""Pixels of every kind as RGB of 8 bits: which kinds are scaled, and by which rule, and which are refused.

An image is never packed as one colour, or almost black, because its kind does not fit: that is a fault of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DIM = 1 << 12
"""Pixels of 16 bits whose largest value is below this are refused: their upper eight bits are 0 to 15, almost black."""

MOST = (1 << 16) - 1
"""The largest value of 16 bits."""

WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")

SIXTEEN = re.compile(r"(?<!BGR);16")
"""Sixteen bits for each colour, in the name of a raw mode. `BGR;16` has sixteen for all three."""

OF_16_BITS = ("PNG", "PPM")
"""Formats whose images of mode I hold unsigned 16 bits, in some versions of Pillow."""

SAVE = "save it as an image of 8 bits, scaled as you mean it"
WHITE_IS_ZERO, PHOTOMETRIC = 0, 262
"""A value of a TIFF's tag, and the tag."""


class PixelKindError(ValueError):
    """An image whose pixels cannot become RGB of 8 bits by a rule. The message has the fault and the remedy."""


@dataclass(frozen=True)
class PixelKind:
    """The facts about an opened image that loading its pixels may change."""

    mode: str
    """Pillow's mode."""
    is_16_bit: bool
    """True if the file holds 16 bits for each colour, also if Pillow gives only the upper eight."""
    is_inverted: bool
    """True for a TIFF in which 0 is white."""


def kind_of(image: Image.Image) -> PixelKind:
    """Return the kind of an image's pixels, before they are loaded."""
    inverted = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO
    return PixelKind(image.mode, _is_16_bit(image), inverted)


def _is_16_bit(image: Image.Image) -> bool:
    """Return True if the file holds unsigned values of 16 bits, which its decoder's arguments show."""
    if image.mode == "I":
        return image.format in OF_16_BITS
    arguments = [tile.args if isinstance(tile.args, tuple) else (tile.args,) for tile in getattr(image, "tile", ())]
    in_decoder = any(each == MOST or SIXTEEN.search(str(each)) for tile in arguments for each in tile)
    return image.mode.startswith("I;16") or in_decoder


def rgb(image: Image.Image, kind: PixelKind) -> Image.Image:
    """Return a loaded image as RGB. PixelKindError if no rule makes RGB of it without losing what it shows.

    Greys and colours of 16 bits keep their upper eight. Transparency is dropped. Other modes are converted by Pillow.
    """
    if image.mode == "F":
        raise PixelKindError(f"greys of floating point, whose range no rule knows; {SAVE}")
    if image.mode == "I" and not kind.is_16_bit:
        raise PixelKindError(f"greys of 32 bits or with a sign, whose range no rule knows; {SAVE}")
    if image.mode.startswith("I"):
        return _upper_bits(np.asarray(image), kind)
    result = _converted(image)
    if kind.is_16_bit:
        largest = max(high for _, high in map(_range, result.split()))
        _check_bright(largest << 8, f"{(largest << 8) + 255:,} or less")
    if (image.mode in WITH_ALPHA or "transparency" in image.info) and all(map(_is_even, result.split())):
        _check_alpha(image)
    return result


def _upper_bits(greys: NDArray[Any], kind: PixelKind) -> Image.Image:
    """Return greys of 16 bits as RGB."""
    if kind.is_inverted:
        raise PixelKindError(f"greys of 16 bits in which 0 is white; {SAVE}")
    largest = int(greys.max())
    if largest:
        _check_bright(largest, f"{largest:,}")
    return Image.fromarray((greys >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")


def _check_bright(largest: int, words: str) -> None:
    """Raise PixelKindError if the largest value of 16 bits is so small that the upper eight bits are almost black."""
    if largest < DIM:
        raise PixelKindError(
            f"pixels of 16 bits whose largest value is {words}, of {MOST:,} that are possible; the upper eight bits "
            f"are kept, so it would be packed almost black; {SAVE}"
        )


def _converted(image: Image.Image) -> Image.Image:
    """Return an image without its transparency as RGB."""
    if image.mode == "RGB":
        return image
    transparency = image.info.pop("transparency", None)  # with it, Pillow warns on stderr
    try:
        return image.convert("RGB")
    except (ValueError, OSError, ImportError) as error:
        raise PixelKindError(f"pixels of mode {image.mode}, which Pillow cannot convert ({error}); {SAVE}") from None
    finally:
        if transparency is not None:
            image.info["transparency"] = transparency


def _check_alpha(image: Image.Image) -> None:
    """Raise PixelKindError if an image of one colour has a transparency that varies."""
    if not _is_even(image.convert("RGBA").getchannel("A")):
        raise PixelKindError(
            "a picture of one colour, which only its transparency draws; transparency is dropped, so one colour would "
            "be packed; draw the picture on a background and save it again"
        )


def _is_even(band: Image.Image) -> bool:
    low, high = _range(band)
    return low == high


def _range(band: Image.Image) -> tuple[int, int]:
    """Return the smallest and the largest value of one band."""
    low, high = band.getextrema()
    return int(low), int(high)  # type: ignore[arg-type]
