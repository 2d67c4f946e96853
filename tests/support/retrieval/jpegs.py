"""Small folders in the layouts of data sets."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def photographs(root: Path, paths: Iterable[str], size: tuple[int, int] = (20, 30)) -> None:
    """A JPEG of this (width, height) at each path, each of another colour."""
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        colour = (number * 37 % 256, number * 91 % 256, number * 151 % 256)
        Image.fromarray(np.full((size[1], size[0], 3), colour, np.uint8)).save(root / path)
