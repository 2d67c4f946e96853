"""What readers of folders share: text files with their line numbers, faults that come all at once, what is on disk."""

import hashlib
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ablate.errors import DataError
from ablate.filesystem import exists, is_file
from ablate.retrieval.data.dataset import GALLERY, QUERY
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.text import fault_lines

VALIDATION_SHARE = 0.1  # of the training items, where a set has no validation split of its own


class AnnotationProblems:
    """Collects what is wrong with a data set, so that it is told at once."""

    def __init__(self, root: Path, remedy: str) -> None:
        """`remedy` says what a whole set looks like, and where to get it."""
        self.root, self.remedy = root, remedy
        self.found: list[str] = []

    def add(self, source: str, fault: str) -> None:
        """`source`: the file below the root, and the line: `list.txt, line 7`."""
        self.found.append(f"{source}: {fault}")

    def check(self) -> None:
        """DataError if there are any."""
        if self.found:
            faults = f"{len(self.found):,} fault{'s' if len(self.found) > 1 else ''}"
            raise DataError(f"{self.root}: {faults} in this data set:\n{fault_lines(self.found)}\n{self.remedy}")


class AnnotationLists:
    """The text files of a data set: read once, hashed, and named in faults."""

    def __init__(self, root: Path, faults: AnnotationProblems, form: str) -> None:
        """`form` names the reader's rules: it is part of what is hashed."""
        self.root, self.faults = root, faults
        self.hash = hashlib.sha256(form.encode())
        self.names: list[str] = []

    def lines(self, name: str) -> list[tuple[str, str]]:
        """(source, text) of every line that is not empty; none, and a fault, if the file cannot be read."""
        try:
            data = (self.root / name).read_bytes()
            text = data.decode("utf-8-sig")
        except OSError as error:
            self.faults.add(name, f"cannot be read ({error.strerror})")
            return []
        except UnicodeDecodeError as error:
            self.faults.add(name, f"is no UTF-8 text ({error.reason} at byte {error.start})")
            return []
        self.names.append(name)
        self.hash.update(f"{name}:{len(data)}:".encode() + data)
        numbered = enumerate(text.splitlines(), start=1)
        return [(f"{name}, line {number}", line) for number, line in numbered if line.strip()]

    def rows(self, name: str, columns: Sequence[str], header: int = 0) -> list[tuple[str, list[str]]]:
        """(source, fields) of every line after the first `header`, split at white space; others are faults."""
        return self._split(self.lines(name)[header:], columns)

    def counted(self, name: str, columns: Sequence[str]) -> list[tuple[str, list[str]]]:
        """`rows` of a file that begins with their number and a header; another number is a fault."""
        lines = self.lines(name)
        rows = lines[2:]
        if lines and lines[0][1].strip() != str(len(rows)):
            found = f"{lines[0][1].strip()[:40]!r}, and {len(rows)} lines after the header"
            self.faults.add(lines[0][0], f"expected the number of lines, found {found}; the file is not whole")
        return self._split(rows, columns)

    def _split(self, lines: Sequence[tuple[str, str]], columns: Sequence[str]) -> list[tuple[str, list[str]]]:
        rows = [(source, line.split()) for source, line in lines]
        for source, fields in rows:
            if len(fields) != len(columns):
                self.faults.add(source, f"has {len(fields)} fields, expected {len(columns)}: {' '.join(columns)}")
        return [(source, fields) for source, fields in rows if len(fields) == len(columns)]


def whole(text: str) -> int | None:
    """The number that a field is, or None."""
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 20 else None


Box = tuple[int, int, int, int]
"""Left, top, right, bottom, pixels."""


def box_of(source: str, corners: Sequence[str], faults: AnnotationProblems) -> Box:
    """The box that four fields are; a fault, and some box, if they are none."""
    numbers = [whole(corner) for corner in corners]
    left, top, right, bottom = (0 if number is None else number for number in numbers)
    if None in numbers or left >= right or top >= bottom:
        expected = "four whole numbers, left < right and top < bottom"
        faults.add(source, f"box {' '.join(corners)}, expected left, top, right, bottom: {expected}")
    return left, top, right, bottom


def category_of(image: str) -> str:
    """DeepFashion's: the two folders after img/, like WOMEN/Dresses."""
    return "/".join(image.split("/")[1:3])


def first_there(root: Path, folders: Sequence[str], name: str) -> str | None:
    """The path below the root of a file that is in one of some folders."""
    paths = [f"{folder}/{name}" if folder else name for folder in folders]
    return next((path for path in paths if is_file(root / path)), None)


def check_once(entries: Iterable[ImageEntry], faults: AnnotationProblems) -> None:
    """A fault for every image that is listed again, whatever as."""
    first: dict[object, str] = {}
    for entry in entries:
        other = first.setdefault((posixpath.normpath(entry.path), entry.box), entry.source)
        if other != entry.source:
            with_box = " with this box" if entry.box else ""
            faults.add(entry.source, f"{entry.path}{with_box} is in {other} already")


def check_disjoint(entries: Iterable[ImageEntry], faults: AnnotationProblems) -> None:
    """A fault for every item in two splits."""
    first: dict[str, ImageEntry] = {}
    told: set[str] = set()
    for entry in entries:
        other = first.setdefault(entry.item, entry)
        if other.split != entry.split and entry.item not in told:
            told.add(entry.item)
            faults.add(
                entry.source, f"item {entry.item} is in {entry.split}, and in {other.split} by {other.source}; no two "
                "splits may share an item"
            )  # fmt: skip


def is_held_out(form: str, item: str) -> bool:
    """Whether a training item is one of validation: by a hash, so that it is the same on every machine."""
    return share(form, item) < VALIDATION_SHARE


def for_training(form: str, entry: ImageEntry) -> ImageEntry:
    """Such an entry of a set whose images are all searched for among the others: held out for validation, or not."""
    if is_held_out(form, entry.item):
        return replace(entry, split="validation", role=QUERY | GALLERY)
    return replace(entry, split="train", role=0)


def share(form: str, name: str) -> float:
    """A number in [0, 1) that depends on the names alone."""
    return int.from_bytes(hashlib.sha256(f"{form}:{name}".encode()).digest()[:8]) / 2**64


def found_in(root: Path, folders: Sequence[str], wanted: str, remedy: str) -> Path:
    """The first of some folders below the root that has a file or folder; DataError with what to get."""
    for folder in folders:
        if exists(root / folder / wanted):
            return root / folder
    raise DataError(f"data.root: {root}: {missing(root, wanted)}.\n{remedy}")


def missing(root: Path, wanted: str) -> str:
    """Why a file or folder is not found in the root."""
    try:
        next(root.iterdir(), None)
    except FileNotFoundError:
        return "there is no such folder"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return f"no {wanted} in it"


def listing(
    root: Path, entries: Sequence[ImageEntry], content: str, index: Sequence[str], faults: AnnotationProblems
) -> ImageList:
    """The listing of entries that have been found to fit together; DataError otherwise."""
    if not entries and not faults.found:
        faults.found.append("no image is listed")
    check_once(entries, faults)
    check_disjoint(entries, faults)
    faults.check()
    return ImageList(root, entries, tuple(sorted({entry.category for entry in entries})), content, tuple(index))
