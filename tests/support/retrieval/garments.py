"""Photographs and annotations in DeepFashion2's layout."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RED, BLUE, GREEN = (200, 0, 0), (0, 0, 200), (0, 200, 0)
SIZE = (16, 8)


def garment(style: int, box: list[int], category: int = 1) -> dict[str, Any]:
    return {"style": style, "bounding_box": box, "category_id": category, "category_name": "unused"}


def photograph(root: Path, part: str, number: int, source: str, pair: int, *garments: dict[str, Any]) -> None:
    """A green picture, 40x60, its left half red and its right half blue within each garment's box."""
    pixels = np.full((60, 40, 3), GREEN, np.uint8)
    for one in garments:
        left, top, right, bottom = one["bounding_box"]
        pixels[top:bottom, left:right] = RED
        pixels[top:bottom, (left + right) // 2 : right] = BLUE
    for kind in ("image", "annos"):
        (root / part / kind).mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(root / part / "image" / f"{number:06d}.jpg", quality=95, subsampling=0)
    named = {f"item{n}": one for n, one in enumerate(garments, 1)}
    annotation = root / part / "annos" / f"{number:06d}.json"
    annotation.write_text(json.dumps({"source": source, "pair_id": pair, **named}))


def garments_of_pairs(root: Path) -> Path:
    """Pair 1 with two garments, one of them without a match; pairs 2 to 40; one pair in the official validation."""
    box = [4, 8, 36, 56]
    photograph(root, "train", 1, "shop", 1, garment(1, box, 9), garment(0, [0, 0, 3, 7]))
    photograph(root, "train", 2, "user", 1, garment(1, [0, 0, 40, 30], 9), garment(2, [0, 30, 40, 60]))
    for pair in range(2, 41):
        photograph(root, "train", 2 * pair, "shop", pair, garment(1, box))
        photograph(root, "train", 2 * pair + 1, "user", pair, garment(1, box, 2))
    photograph(root, "validation", 1, "user", 1, garment(1, box, 13))
    photograph(root, "validation", 2, "shop", 1, garment(1, box, 13))
    return root
