"""Cars196 (Krause et al., 2013) in both layouts that it was published in: 196 models of cars, whole images.

Metric learning's split is by class (Oh Song et al., CVPR 2016): classes 1–98 for training, 99–196 for
the test. It pools the images of the two official folders; the later archive has all of them in one folder.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ablate.filesystem import exists, read_regular
from ablate.retrieval.data.annotation_lists import AnnotationProblems, folder_with, image_list, train_or_validation
from ablate.retrieval.data.entries import ImageEntry, ImageList

HOME = "data/cars196"
FORM = "cars196/1"  # part of the fingerprint, and the salt of the validation split
CLASSES, TRAINED = 196, 98
POOLED = "cars_annos.mat"
SEPARATE = {"cars_train": "cars_train_annos.mat", "cars_test": "cars_test_annos_withlabels.mat"}

WHAT_TO_GET = """\
Get the set of Krause et al. (2013), and unpack it whole so that there are
  {root}/cars_annos.mat           {root}/car_ims/000001.jpg, …
or
  {root}/devkit/cars_train_annos.mat and cars_test_annos_withlabels.mat (that of cars_test has no classes)
  {root}/cars_train/00001.jpg, …  {root}/cars_test/00001.jpg, …
or set data.root to its folder."""


def read(root: Path) -> ImageList:
    """Return every image, in the order of the annotations. DataError with every fault."""
    remedy = WHAT_TO_GET.format(root=root)
    problems, content = AnnotationProblems(root, remedy), hashlib.sha256(FORM.encode())
    if exists(root / POOLED):
        annotated = [(POOLED, "", "relative_im_path")]
    else:
        folder_with(root, ("", "devkit"), SEPARATE["cars_train"], remedy)
        annotated = [(_place(root, name), f"{folder}/", "fname") for folder, name in SEPARATE.items()]
    entries: list[ImageEntry] = []
    for name, folder, field in annotated:
        entries += _entries(root, name, folder, field, content, problems)
    return image_list(root, entries, content.hexdigest(), [name for name, _, _ in annotated], problems)


def _place(root: Path, name: str) -> str:
    """Return the path of an annotation file relative to the root: in the root itself, or in devkit/."""
    return name if exists(root / name) else f"devkit/{name}"


def _entries(
    root: Path, name: str, folder: str, field: str, content: hashlib._Hash, problems: AnnotationProblems
) -> Iterator[ImageEntry]:
    """Yield the images of one annotation file. `field` is the member of a struct that has the image's path."""
    for number, row in enumerate(_annotations(root, name, content, problems), start=1):
        source = f"{name}, annotation {number}"
        try:
            path, label = f"{folder}{row[field].item()}", int(row["class"].item())
        except (ValueError, TypeError, KeyError, IndexError) as error:
            problems.add(source, f"expected {field} and class ({error})")
            continue
        if not 1 <= label <= CLASSES:
            problems.add(source, f"class {label}, expected 1 to {CLASSES}")
            continue
        entry = ImageEntry(path, f"{label:03d}", "test", source, "car")
        yield train_or_validation(FORM, entry) if label <= TRAINED else entry


def _annotations(root: Path, name: str, content: hashlib._Hash, problems: AnnotationProblems) -> Sequence[Any]:
    """Return the structs of a .mat file, and hash it. If it cannot be read: a fault, and no structs."""
    from scipy.io import loadmat

    try:
        data = read_regular(root / name)
        content.update(f"{name}:{len(data)}:".encode() + data)
        rows = loadmat(io.BytesIO(data))["annotations"].ravel()
        missing = {"class"} - set(rows.dtype.names or ())
    except OSError as error:
        problems.add(name, f"cannot be read ({error.strerror})")
        return []
    except Exception as error:  # scipy raises many kinds of errors for a torn file
        problems.add(name, f"is no .mat file with `annotations` ({type(error).__name__}: {error})")
        return []
    if missing:
        labelled = SEPARATE["cars_test"]
        problems.add(name, f"its annotations have no class, but {', '.join(rows.dtype.names or ())}; {labelled} has it")
        return []
    return list(rows)
