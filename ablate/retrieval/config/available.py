"""Names that large libraries offer, read from their files: importing the libraries takes seconds, and loads torch."""

import ast
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

REGISTERED = re.compile(rb"^@register_model\s+def (\w+)\(", re.MULTILINE)

UNUSABLE = {"DynamicSoftMarginLoss", "GenericPairLoss", "ManifoldLoss", "SelfSupervisedLoss", "VICRegLoss"}
"""Losses left out. The first keeps a state outside its state dict, so a training could not be resumed. The others take
no item numbers.
"""


@lru_cache
def timm_models() -> frozenset[str]:
    """Return the architectures that the installed timm registers; empty without timm."""
    folder = _folder("timm")
    files = (folder / "models").glob("*.py") if folder else ()
    return frozenset(name.decode() for file in files for name in REGISTERED.findall(file.read_bytes()))


@lru_cache
def pml_losses() -> frozenset[str]:
    """Return the losses of features and item numbers in the installed pytorch-metric-learning; empty without it."""
    folder = _folder("pytorch_metric_learning")
    if folder is None:
        return frozenset()
    tree = ast.parse((folder / "losses" / "__init__.py").read_bytes())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names}
    return frozenset(name for name in names - UNUSABLE if name.endswith("Loss"))


def _folder(library: str) -> Path | None:
    """Return the folder of a library's files, without importing it; None if it is not installed."""
    spec = find_spec(library)
    return Path(spec.origin).parent if spec and spec.origin else None
