"""A first study of a user's images: a folder with one folder a class, or a CSV list in the form of the set `csv`."""

import csv
import hashlib
import io
import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ablate.errors import DataError
from ablate.filesystem import is_file, is_folder
from ablate.retrieval.data.folder_listing import is_stray
from ablate.text import plural
from ablate.trainers.entry import FirstStudy

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm")
NEEDED = {"path", "item", "split"}
SPLITS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
          "dev": "validation", "test": "test", "testing": "test"}  # fmt: skip
"""{name of a folder around the folders of classes: its split}."""
FEWEST = 5
"""Classes that a folder needs: two to train with, one for validation, and two for the test, which share none."""
MOST_ITEMS = 16

TEXT = """\
# A first study of {shown}, with the built-in trainer for image retrieval, written by `ablate init`.
# Every line may be changed; docs/config.md lists all keys. This packs the images, and `ablate run` does it too:
#   ablate data prepare csv --root {typed} --size 64 64
study: {study}
trainer: retrieval
primary: top1          # the share of test images whose most similar other image is of the same class
delta: 0.5             # the smallest difference worth acting on, in percentage points
config:
  data: {{name: csv, root: {root}, size: [64, 64]}}
  model: {{backbone: resnet18, bn_grouping: fused}}
  loss: {{mining: batch-hard, target: item}}
  batch: {{sampling: pk, items: {items}, images: 4}}     # {items} classes a step, with 4 images each
  schedule: {{steps: 300, lr: 1e-3, milestones: []}}    # minutes on two cores; choose more steps for real results
  amp: bf16
  evaluate: {{scope: all}}
factors:
  random_erasing:  {{sets: augment.random_erasing, levels: {{off: null, on: {{p: 0.5}}}}}}
  label_smoothing: {{sets: loss.label_smoothing, levels: {{off: 0.0, on: 0.1}}}}
  margin:          {{sets: loss.margin, levels: [0.3, 0.5]}}
design:
  - add_one: {{from: {{}}}}
seeds: 3
"""


def first_study(data: Path, study: str, list_path: Path) -> FirstStudy | None:
    """Return a first study of images; None for anything else. DataError for a folder whose images have no classes."""
    if is_folder(data):
        return _of_folder(data, study, list_path)
    if is_file(data) and data.suffix.lower() == ".csv" and (items := _items_of_list(data)):
        root = os.path.relpath(data, list_path.parent)
        note = f"{data.name} is a list of images: {items:,} items in training"
        return FirstStudy(_text(study, data.name, root, items), [note])
    return None


def _text(study: str, shown: str, root: str, items: int) -> str:
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", root)
    written = root if plain else "'" + root.replace("'", "''") + "'"
    typed = shlex.quote(root)
    return TEXT.format(study=study, shown=shown, root=written, typed=typed, items=max(2, min(MOST_ITEMS, items)))


def _items_of_list(path: Path) -> int:
    """Return the number of items that stay for training, of a list of images; 0 for a table of another form."""
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        if not {str(name).strip() for name in rows.fieldnames or ()} >= NEEDED:
            return 0
        splits = {(row["item"], (row.get("split") or "").strip()) for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error):
        return 0
    return max(1, _left_for_training(splits))


def _left_for_training(splits: Collection[tuple[str, str]]) -> int:
    """Return the number of items for training of (item, split); half of them may go to a missing validation split."""
    items = sum(1 for _, split in splits if split == "train")
    return items if any(split == "validation" for _, split in splits) else items // 2


def _of_folder(folder: Path, study: str, list_path: Path) -> FirstStudy | None:
    images = _images(folder)
    if not any(images.values()):
        return None
    named = {name: paths for name, paths in images.items() if name}
    if not named:
        raise DataError(
            f"{folder}: has images, and no folders with them: put the images of each class in a folder of its own, or "
            "write a list (docs/data-sets.md shows its form)"
        )
    lines, reason = _with_splits(named)
    in_training = _left_for_training({(item, split) for _, item, split in lines})
    if in_training < 2:
        raise DataError(
            f"{folder}: has {len({item for _, item, _ in lines})} classes, and {FEWEST} are needed: the trainer of "
            "image retrieval trains with some classes and tests with others; for a classifier, give your own script, "
            "as in `ablate init train.py`"
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "item", "split"])
    writer.writerows([os.path.relpath(path, list_path.parent), item, split] for path, item, split in lines)
    notes = list(_notes(folder, images, lines, reason))
    return FirstStudy(_text(study, f"{folder.name}/", list_path.name, in_training), notes, (), text.getvalue())


def _images(folder: Path) -> dict[str, list[Path]]:
    """Return the images by the folders that they lie in, as paths from `folder`; hidden ones are left out."""
    images: dict[str, list[Path]] = {}
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")) and name != "ablate-pack")
        paths = [Path(root, name) for name in sorted(files) if not name.startswith(".") and not is_stray(name)]
        name = Path(root).relative_to(folder).as_posix()
        images["" if name == "." else name] = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
    return {name: paths for name, paths in images.items() if paths}


Line = tuple[Path, str, str]
"""The image, its class and its split."""


def _with_splits(images: Mapping[str, Sequence[Path]]) -> tuple[list[Line], str]:
    """Return the lines of the list, and the reason for their splits in words.

    The splits are those of the folders around the classes, if they have any and share no class. Otherwise classes are
    drawn by a hash of their names: half of them for the test, a tenth for validation.
    """
    parts = {name: name.partition("/") for name in images}
    has_splits = all(head.lower() in SPLITS and item for head, _, item in parts.values())
    by_class: dict[str, dict[str, list[Path]]] = {}
    for name, paths in images.items():
        head, _, item = parts[name] if has_splits else ("", "", name)
        by_class.setdefault(item, {}).setdefault(SPLITS.get(head.lower(), ""), []).extend(paths)
    splits = {split for of_class in by_class.values() for split in of_class}
    if {"train", "test"} <= splits and all(len(of_class) == 1 for of_class in by_class.values()):
        kept = [
            (path, item, split) for item, part in by_class.items() for split, paths in part.items() for path in paths
        ]
        return kept, "the split of an image is its folder"
    ranked = sorted(by_class, key=lambda item: hashlib.sha256(item.encode("utf-8", "surrogateescape")).hexdigest())
    tested, count = len(ranked) // 2, max(1, len(ranked) // 10)
    split_of = {item: "test" if at < tested else "validation" if at < tested + count else "train"
                for at, item in enumerate(ranked)}  # fmt: skip
    drawn = [
        (path, item, split_of[item]) for item, part in by_class.items() for paths in part.values() for path in paths
    ]
    shared = "its folders of splits share classes, so " if has_splits else ""
    return drawn, f"{shared}training, validation and test have different classes, drawn by a hash of their names"


def _notes(folder: Path, images: Mapping[str, Sequence[Path]], lines: Sequence[Line], reason: str) -> Iterator[str]:
    counts = {split: sum(1 for line in lines if line[2] == split) for split in ("train", "validation", "test")}
    shown = ", ".join(f"{count:,} for {split}" for split, count in counts.items() if count)
    classes = len({item for _, item, _ in lines})
    yield f"{folder.name}: {len(lines):,} images of {classes:,} classes: {shown}; {reason}"
    if images.get(""):
        yield f"{plural(len(images['']), 'image')} right in {folder.name} belong to no class and are left out"
