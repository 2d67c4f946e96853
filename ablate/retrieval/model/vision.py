"""Importing torchvision beside a torch it was not built for."""

import importlib
from types import ModuleType

import torch


def torchvision() -> ModuleType:
    """The package torchvision.

    PyPI's wheel is built against CUDA's torch. Beside a CPU-only torch its C++ operators cannot load, and the
    import fails where it describes two of them; declared beforehand, everything but those operators and the
    image decoders works. Where torchvision imports by itself, nothing is declared.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as fault:
        if "torchvision::nms" not in str(fault):
            raise
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("torchvision")
