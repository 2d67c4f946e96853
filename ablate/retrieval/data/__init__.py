"""Data sets by name. Importing this package loads neither numpy nor Pillow; `load` and `prepare` do."""

from ablate.retrieval.data.catalog import DATASETS, fingerprint, leakage, load, load_labels, prepare, replaced, tested
from ablate.retrieval.data.dataset import GALLERY, NO_CAMERA, QUERY, SHOP, SPLITS, USER, Dataset
from ablate.retrieval.data.detections.detections import DetectedBoxes, detected, detected_labels, prepare_detections

__all__ = [
    "DATASETS",
    "GALLERY",
    "NO_CAMERA",
    "QUERY",
    "SHOP",
    "SPLITS",
    "USER",
    "Dataset",
    "DetectedBoxes",
    "detected",
    "detected_labels",
    "fingerprint",
    "leakage",
    "load",
    "load_labels",
    "prepare",
    "prepare_detections",
    "replaced",
    "tested",
]
