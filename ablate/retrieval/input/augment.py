"""Augmentation of whole batches: flip, pad and crop, normalisation, random erasing.

Random numbers are drawn on the CPU from named streams and applied on the images' device; nothing loops over images.
The input is uint8 (n, height, width, 3). The output is float32 (n, 3, height, width) in channels-last memory, which is
a permuted view of the input's layout.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.retrieval.config.augment import Augment, RandomErasing
from ablate.trainers.random_streams import below, uniform

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
TRIES = 100

Slots = NDArray[np.int64]


@dataclass(frozen=True)
class CropPlacement:
    """The position of each image in its frame, shapes (n,)."""

    flip: NDArray[np.bool_]
    """True if the image is mirrored."""
    top: NDArray[np.int64]
    """The row of the crop's corner in the padded image, pixels. A value of `pad` does not shift the image."""
    left: NDArray[np.int64]
    """The column of that corner, pixels; likewise."""


def placements(config: Augment, seed: int, step: int, slots: Slots) -> CropPlacement:
    """Draw flips and crops."""
    corners = 2 * config.pad + 1
    return CropPlacement(
        uniform(seed, "augment/flip", step, slots) < config.flip,
        below(uniform(seed, "augment/crop top", step, slots), corners),
        below(uniform(seed, "augment/crop left", step, slots), corners),
    )


def place(images: Tensor, placement: CropPlacement, pad: int) -> Tensor:
    """Flip, pad with zeros and crop to size, in one gather. Input and output are uint8.

    The flip comes before the crop, and the padding is black before normalisation, as in the log.
    """
    n, height, width, _ = images.shape
    flip, top, left = (
        torch.from_numpy(each).to(images.device)[:, None] for each in (placement.flip, placement.top, placement.left)
    )
    rows = torch.arange(height, device=images.device) + top - pad
    columns = torch.arange(width, device=images.device) + left - pad
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    columns = torch.where(flip, width - 1 - columns, columns).clamp(0, width - 1)
    which = torch.arange(n, device=images.device)
    gathered = images[which[:, None, None], rows.clamp(0, height - 1)[:, :, None], columns[:, None, :]]
    return gathered * inside[..., None]


def normalize(images: Tensor) -> Tensor:
    """Convert uint8 (n, height, width, 3) to float32 (n, 3, height, width), by ImageNet's mean and deviation."""
    mean, std = (torch.tensor(values, device=images.device) * 255 for values in (MEAN, STD))
    return ((images - mean) / std).permute(0, 3, 1, 2)


def erasures(config: RandomErasing, size: tuple[int, int], seed: int, step: int, slots: Slots) -> Slots:
    """Draw rectangles to erase, shape (n, 4): top, left, height, width. Height and width are 0 if nothing is erased.

    Area share and aspect (height / width) are drawn up to 100 times, until the rectangle is smaller than the
    image on both sides (Zhong et al., 2020, as the log's code had it). The share is uniform, and so is the
    aspect, or with `aspect_law: log` its logarithm. Both laws use the same draws.
    """
    height, width = size
    area = between(config.area, uniform(seed, "augment/erase area", step, slots, TRIES))
    aspect = aspects(config, uniform(seed, "augment/erase aspect", step, slots, TRIES))
    tall = np.rint(np.sqrt(area * height * width * aspect)).astype(np.int64)
    wide = np.rint(np.sqrt(area * height * width / aspect)).astype(np.int64)
    fits = (tall < height) & (wide < width)
    chosen = (np.arange(len(slots)), fits.argmax(axis=1))
    tall, wide = tall[chosen], wide[chosen]
    top = below(uniform(seed, "augment/erase top", step, slots), height - tall + 1)
    left = below(uniform(seed, "augment/erase left", step, slots), width - wide + 1)
    erased = (uniform(seed, "augment/erase", step, slots) < config.p) & fits[chosen]
    return np.where(erased[:, None], np.stack([top, left, tall, wide], axis=1), 0)


def between(bounds: tuple[float, float], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale draws from [0, 1) to uniform numbers between two bounds."""
    low, high = bounds
    return low + (high - low) * draws


def aspects(config: RandomErasing, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn draws from [0, 1) into height / width: uniform, or log-uniform so that tall and wide are equally likely."""
    if config.aspect_law == "linear":
        return between(config.aspect, draws)
    low, high = config.aspect
    return np.exp(between((math.log(low), math.log(high)), draws))


def erase(images: Tensor, rectangles: Slots, fill: str) -> Tensor:
    """Fill rectangles (n, 4) of normalised images with 0, the mean colour, or with ImageNet's `raw_mean`.

    That mean belongs to images before normalisation. Filling with it afterwards is a quirk of the log that is kept.
    """
    top, left, tall, wide = torch.from_numpy(rectangles).to(images.device).T[:, :, None]
    rows, columns = (torch.arange(length, device=images.device) for length in images.shape[2:])
    in_rows = (rows >= top) & (rows < top + tall)
    in_columns = (columns >= left) & (columns < left + wide)
    mask = (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
    colour = torch.tensor(MEAN if fill == "raw_mean" else (0.0, 0.0, 0.0), device=images.device)
    return torch.where(mask, colour.view(1, 3, 1, 1), images)


def augment(images: Tensor, config: Augment, seed: int, step: int, slots: Slots) -> Tensor:
    """Return the training images of one step. `slots`, shape (n,), selects the random draws of each image."""
    ready = normalize(place(images, placements(config, seed, step, slots), config.pad))
    if config.random_erasing is None:
        return ready
    size = (ready.shape[2], ready.shape[3])
    return erase(ready, erasures(config.random_erasing, size, seed, step, slots), config.random_erasing.fill)
