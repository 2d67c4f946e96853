"""Data sets by name. Importing this loads neither numpy nor Pillow; `load` and `prepare` do."""

from ablate.data.catalog import DATASETS, fingerprint, load, prepare
from ablate.data.dataset import GALLERY, NO_CAMERA, QUERY, SHOP, SPLITS, USER, Dataset

__all__ = [
    "DATASETS",
    "GALLERY",
    "NO_CAMERA",
    "QUERY",
    "SHOP",
    "SPLITS",
    "USER",
    "Dataset",
    "fingerprint",
    "load",
    "prepare",
]
