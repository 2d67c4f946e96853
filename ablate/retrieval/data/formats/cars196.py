"""Cars196 (Krause et al., 2013) in the layouts that people have: 196 models of cars, whole images.

Metric learning's split is by class (Oh Song et al., CVPR 2016): 1–98 train, 99–196 test. The images of the two
official folders, or of the later one with all, are pooled for it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ablate.filesystem import exists
from ablate.retrieval.data.annotation_lists import AnnotationProblems, for_training, found_in, listing
from ablate.retrieval.data.entries import ImageEntry, ImageList

HOME = "data/cars196"
FORM = "cars196/1"  # part of the fingerprint, and the salt of the validation split
CLASSES, TRAINED = 196, 98
POOLED = "cars_annos.mat"
APART = {"cars_train": "cars_train_annos.mat", "cars_test": "cars_test_annos_withlabels.mat"}

WHAT_TO_GET = """\
Get the set of Krause et al. (2013), and unpack it whole so that there are
  {root}/cars_annos.mat           {root}/car_ims/000001.jpg, …
or
  {root}/devkit/cars_train_annos.mat and cars_test_annos_withlabels.mat (that of cars_test has no classes)
  {root}/cars_train/00001.jpg, …  {root}/cars_test/00001.jpg, …
or say with data.root where it is."""


def read(root: Path) -> ImageList:
    """Every image, in the order of the annotations. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    faults, content = AnnotationProblems(root, remedy), hashlib.sha256(FORM.encode())
    if exists(root / POOLED):
        annotated = [(POOLED, "", "relative_im_path")]
    else:
        found_in(root, ("", "devkit"), APART["cars_train"], remedy)
        annotated = [(_place(root, name), f"{folder}/", "fname") for folder, name in APART.items()]
    entries: list[ImageEntry] = []
    for name, folder, field in annotated:
        entries += _entries(root, name, folder, field, content, faults)
    return listing(root, entries, content.hexdigest(), [name for name, _, _ in annotated], faults)


def _place(root: Path, name: str) -> str:
    """The annotations' path below the root, in devkit/ or not."""
    return name if exists(root / name) else f"devkit/{name}"


def _entries(
    root: Path, name: str, folder: str, field: str, content: hashlib._Hash, faults: AnnotationProblems
) -> Iterator[ImageEntry]:
    for number, row in enumerate(_annotations(root, name, content, faults), start=1):
        source = f"{name}, annotation {number}"
        try:
            path, label = f"{folder}{row[field].item()}", int(row["class"].item())
        except (ValueError, TypeError, KeyError, IndexError) as error:
            faults.add(source, f"expected {field} and class ({error})")
            continue
        if not 1 <= label <= CLASSES:
            faults.add(source, f"class {label}, expected 1 to {CLASSES}")
            continue
        entry = ImageEntry(path, f"{label:03d}", "test", source, "car")
        yield for_training(FORM, entry) if label <= TRAINED else entry


def _annotations(root: Path, name: str, content: hashlib._Hash, faults: AnnotationProblems) -> Sequence[Any]:
    """The structs of a .mat file; none, and a fault, if it cannot be read."""
    from scipy.io import loadmat

    try:
        data = (root / name).read_bytes()
        content.update(f"{name}:{len(data)}:".encode() + data)
        rows = loadmat(io.BytesIO(data))["annotations"].ravel()
        missing = {"class"} - set(rows.dtype.names or ())
    except OSError as error:
        faults.add(name, f"cannot be read ({error.strerror})")
        return []
    except Exception as error:  # scipy raises a dozen kinds for a torn file
        faults.add(name, f"is no .mat file with `annotations` ({type(error).__name__}: {error})")
        return []
    if missing:
        wanted = APART["cars_test"]
        faults.add(name, f"its annotations have no class, but {', '.join(rows.dtype.names or ())}; {wanted} has them")
        return []
    return list(rows)
