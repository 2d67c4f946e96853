"""A small made-up data set, and configs that train on it in a second."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import NO_CAMERA, SHOP, SPLITS, USER, Dataset, roles

TINY = {
    "data": {"size": [32, 32]},
    "augment": {"pad": 2},
    "batch": {"quadruplets": 4},
    "schedule": {"steps": 3, "lr": 1e-3, "milestones": []},
    "runtime": {"device": "cpu"},
}


def merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in more.items():
        both[key] = merged(base.get(key, {}), value) if isinstance(value, dict) else value
    return both


@pytest.fixture(scope="session")
def configure() -> Callable[..., RetrievalConfig]:
    """Makes a tiny config; sections are given as keyword arguments."""
    return lambda **sections: RetrievalConfig.model_validate(merged(TINY, sections))


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., Dataset]:
    """Makes a data set of coloured blocks: an item has its pattern, an image its noise and brightness, and
    users see red for blue, so that there is something to learn.
    """

    def make(items: int = 40, categories: int = 4, size: int = 32, each: int = 2) -> Dataset:
        random = np.random.default_rng(7)
        item = np.repeat(np.arange(items), 2 * each).astype(np.int32)
        patterns = random.integers(0, 256, (items, 4, 4, 3))[item]
        blocks = patterns.repeat(size // 4, axis=1).repeat(size // 4, axis=2)
        domain = np.tile(np.repeat([SHOP, USER], each), items)
        seen = np.where(domain[:, None, None, None] == USER, blocks[..., ::-1], blocks)
        noisy = seen * random.uniform(0.4, 1, (len(item), 1, 1, 1)) + random.normal(0, 40, seen.shape)
        shuffled = random.permutation(len(item))
        split = np.array([0, 0, 0, 1, 2])[item % 5]
        return Dataset(
            name="made-up",
            fingerprint="made-up",
            images=noisy.clip(0, 255).astype(np.uint8)[shuffled],
            item=item[shuffled],
            category=(item // 5 % categories).astype(np.int16)[shuffled],
            domain=domain.astype(np.uint8)[shuffled],
            split=split.astype(np.uint8)[shuffled],
            role=roles(domain)[shuffled],
            camera=np.full(len(item), NO_CAMERA, np.int32),
            source=np.array([f"image {number}".encode() for number in shuffled]),
            categories=tuple(f"category {number}" for number in range(categories)),
        )

    assert SPLITS == ("train", "validation", "test")
    return make


@pytest.fixture(scope="session")
def dataset(make_dataset: Callable[..., Dataset]) -> Dataset:
    return make_dataset()
