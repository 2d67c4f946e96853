"""The embedded set, loaded once for all tests, and the code that builds it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from ablate.retrieval import data
from ablate.retrieval.data import Dataset
from ablate.retrieval.data.formats import emoji as emoji_set

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.fixture(scope="session")
def emoji() -> Dataset:
    return data.load("emoji", None, (64, 64))


@pytest.fixture(scope="session")
def items() -> list[emoji_set.EmojiItem]:
    return emoji_set.read_items(emoji_set.HERE, emoji_set.read_index(emoji_set.HERE))


@pytest.fixture(scope="session")
def names() -> ModuleType:
    """tools/emoji_names.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("emoji_names", TOOLS / "emoji_names.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
