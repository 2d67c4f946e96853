"""Shared parts of the readers: annotation files with line numbers, faults reported together, checks of the lists."""

import hashlib
import posixpath
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ablate.errors import DataError
from ablate.filesystem import exists, is_file, path_fault, read_regular
from ablate.retrieval.data.annotation_text import normal_form, place_and_fault
from ablate.retrieval.data.dataset import GALLERY, QUERY
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.text import fault_lines

VALIDATION_SHARE = 0.1
"""The fraction of the training items that are held out if a data set has no validation split of its own."""


class AnnotationProblems:
    """Collects the faults of a data set, so that one error reports all of them."""

    def __init__(self, root: Path, remedy: str) -> None:
        self.root = root
        """The folder that the faults are in."""
        self.remedy = remedy
        """The files of a complete data set, and the place to get it from."""
        self.faults: list[str] = []

    def add(self, source: str, fault: str) -> None:
        """Add a fault. `source` is the file relative to the root, and the line: `list.txt, line 7`."""
        self.faults.append(f"{source}: {fault}")

    def check(self) -> None:
        """Raise DataError with all faults, if there are any."""
        if self.faults:
            count = f"{len(self.faults):,} fault{'s' if len(self.faults) > 1 else ''}"
            raise DataError(f"{self.root}: {count} in this data set:\n{fault_lines(self.faults)}\n{self.remedy}")


class AnnotationLists:
    """Reads the text files of a data set. Each file is read once and hashed."""

    def __init__(self, root: Path, problems: AnnotationProblems, form: str) -> None:
        self.root, self.problems = root, problems
        self.hash, self.former = hashlib.sha256(form.encode()), hashlib.sha256(form.encode())
        """The hash of `form`, the version of the reader's rules, and of the normal form of all files read so far; and
        the same of the files' bytes, which earlier versions used."""
        self.names: list[str] = []
        """The files read so far, relative to the root."""

    def lines(self, name: str) -> list[tuple[str, str]]:
        """Return (source, text) of every line that is not empty. If the file cannot be read: a fault, and no lines."""
        try:
            data = read_regular(self.root / name)
            text = data.decode("utf-8-sig")
        except OSError as error:
            self.problems.add(name, f"cannot be read ({error.strerror})")
            return []
        except UnicodeDecodeError as error:
            self.problems.add(*place_and_fault(name, error))
            return []
        self.names.append(name)
        for digest, content in ((self.hash, normal_form(data)), (self.former, data)):
            digest.update(f"{name}:{len(content)}:".encode() + content)
        numbered = enumerate(text.splitlines(), start=1)
        return [(f"{name}, line {number}", line) for number, line in numbered if line.strip()]

    def rows(self, name: str, columns: Sequence[str], header: int = 0) -> list[tuple[str, list[str]]]:
        """Return (source, fields) of every line after the first `header` lines, split at white space.

        A line with another number of fields than `columns` is a fault.
        """
        return self._split(self.lines(name)[header:], columns)

    def counted_rows(self, name: str, columns: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Return the `rows` of a file whose first line is their number and whose second line is a header.

        A number that differs from the number of rows is a fault.
        """
        lines = self.lines(name)
        rows = lines[2:]
        if lines and lines[0][1].strip() != str(len(rows)):
            found = f"{lines[0][1].strip()[:40]!r}, and {len(rows)} lines after the header"
            self.problems.add(lines[0][0], f"expected the number of lines, found {found}; the file is not whole")
        return self._split(rows, columns)

    def _split(self, lines: Sequence[tuple[str, str]], columns: Sequence[str]) -> list[tuple[str, list[str]]]:
        rows = [(source, line.split()) for source, line in lines]
        for source, fields in rows:
            if len(fields) != len(columns):
                self.problems.add(source, f"has {len(fields)} fields, expected {len(columns)}: {' '.join(columns)}")
        return [(source, fields) for source, fields in rows if len(fields) == len(columns)]


def whole_number(text: str) -> int | None:
    """Return the whole number in a field, or None if the field is no whole number."""
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 20 else None


Box = tuple[int, int, int, int]
"""Left, top, right, bottom, pixels."""


def parse_box(source: str, corners: Sequence[str], problems: AnnotationProblems) -> Box:
    """Return the box in four fields. If they are no box: a fault, and an arbitrary box."""
    numbers = [whole_number(corner) for corner in corners]
    left, top, right, bottom = (0 if number is None else number for number in numbers)
    if None in numbers or left >= right or top >= bottom:
        expected = "four whole numbers, left < right and top < bottom"
        problems.add(source, f"box {' '.join(corners)}, expected left, top, right, bottom: {expected}")
    return left, top, right, bottom


def deepfashion_category(image: str) -> str:
    """Return the category of an image of DeepFashion: the two folders after img/, such as WOMEN/Dresses."""
    return "/".join(image.split("/")[1:3])


def first_existing(root: Path, folders: Sequence[str], name: str) -> str | None:
    """Return the path of a file, relative to the root, in the first of the folders that has it; None if none has."""
    paths = [f"{folder}/{name}" if folder else name for folder in folders]
    return next((path for path in paths if is_file(root / path)), None)


def check_once(entries: Iterable[ImageEntry], problems: AnnotationProblems) -> None:
    """Add a fault for every image that is listed a second time, whatever its labels there."""
    first: dict[object, str] = {}
    for entry in entries:
        other = first.setdefault((posixpath.normpath(entry.path), entry.box), entry.source)
        if other != entry.source:
            with_box = " with this box" if entry.box else ""
            problems.add(entry.source, f"{entry.path}{with_box} is in {other} already")


def check_disjoint(entries: Iterable[ImageEntry], problems: AnnotationProblems) -> None:
    """Add one fault for every item that is in two splits."""
    first: dict[str, ImageEntry] = {}
    reported: set[str] = set()
    for entry in entries:
        other = first.setdefault(entry.item, entry)
        if other.split != entry.split and entry.item not in reported:
            reported.add(entry.item)
            problems.add(
                entry.source, f"item {entry.item} is in {entry.split}, and in {other.split} by {other.source}; no two "
                "splits may share an item"
            )  # fmt: skip


def is_held_out(form: str, item: str) -> bool:
    """Return True if a training item is held out for validation. A hash decides, so all machines agree."""
    return hash_share(form, item) < VALIDATION_SHARE


def train_or_validation(form: str, entry: ImageEntry) -> ImageEntry:
    """Return a training entry with its split and role: training, or validation if its item is held out.

    This is for data sets in which each image is searched for among all others of its split.
    """
    if is_held_out(form, entry.item):
        return replace(entry, split="validation", role=QUERY | GALLERY)
    return replace(entry, split="train", role=0)


def hash_share(form: str, name: str) -> float:
    """Return a number in [0, 1) that depends on the two names alone."""
    return int.from_bytes(hashlib.sha256(f"{form}:{name}".encode()).digest()[:8]) / 2**64


def folder_with(root: Path, folders: Sequence[str], name: str, remedy: str) -> Path:
    """Return the first of some folders below the root that has a file or folder of this name.

    DataError with the remedy if none has.
    """
    for folder in folders:
        if exists(root / folder / name):
            return root / folder
    raise DataError(f"data.root: {root}: {missing_reason(root, name)}.\n{remedy}")


def missing_reason(root: Path, name: str) -> str:
    """Return the reason why a file or folder is not found in the root."""
    if fault := path_fault(str(root)):
        return fault
    try:
        next(root.iterdir(), None)
    except FileNotFoundError:
        return "there is no such folder"
    except NotADirectoryError:
        return "it is a file, not a folder"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return f"no {name} in it"


def check_paths(entries: Iterable[ImageEntry], problems: AnnotationProblems) -> None:
    """Add a fault for every path that no file can have."""
    for entry in entries:
        if fault := path_fault(entry.path):
            problems.add(entry.source, f"path {entry.path!r}: {fault}")


def check_spelling(entries: Iterable[ImageEntry], problems: AnnotationProblems) -> None:
    """Add a fault for every item and category whose name looks like another, in another Unicode form."""
    names: dict[tuple[str, str], ImageEntry] = {}
    for entry in entries:
        for kind, name in (("item", entry.item), ("category", entry.category)):
            if not name.isascii():
                names.setdefault((kind, name), entry)
    first: dict[tuple[str, str], str] = {}
    for (kind, name), entry in names.items():
        other = first.setdefault((kind, unicodedata.normalize("NFC", name)), entry.source)
        if other != entry.source:
            problems.add(
                entry.source, f"{kind} {name} looks like that of {other}, but is written in another Unicode form "
                f"(NFC or NFD), so it would count as another {kind}; write both in one form"
            )  # fmt: skip


def image_list(
    root: Path,
    entries: Sequence[ImageEntry],
    content: str,
    index: Sequence[str],
    problems: AnnotationProblems,
    former: str | None = None,
) -> ImageList:
    """Return the image list of the entries, after checks across all of them. DataError with every fault."""
    if not entries and not problems.faults:
        problems.faults.append("no image is listed")
    check_paths(entries, problems)
    check_spelling(entries, problems)
    check_once(entries, problems)
    check_disjoint(entries, problems)
    problems.check()
    categories = tuple(sorted({entry.category for entry in entries}))
    return ImageList(root, entries, categories, content, former if former != content else None, tuple(index))
