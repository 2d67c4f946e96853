"""A CSV list with small images next to it."""

from pathlib import Path

import numpy as np
from PIL import Image

TESTED = 6


def write_list(path: Path, items: int = 12, tested: int = TESTED, seed: int = 0) -> None:
    """Write a list of items with two images each, the last `tested` for the test, and the images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    lines = ["path,item,split,category"]
    for item in range(items):
        for number in range(2):
            name = f"{path.stem}-{item}-{number}.png"
            Image.fromarray(random.integers(0, 256, (16, 16, 3), np.uint8)).save(path.parent / name)
            lines.append(f"{name},item {item},{'test' if item >= items - tested else 'train'},things")
    path.write_text("\n".join([*lines, ""]))
