"""Any data set, as a CSV file with a line for each image and the columns path, item and split.

The columns category, domain (shop or user), camera and box are optional. Paths are relative to the folder of the file.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from ablate.errors import DataError, nearest
from ablate.filesystem import is_file, read_regular
from ablate.retrieval.data.annotation_lists import AnnotationProblems, image_list
from ablate.retrieval.data.annotation_text import place_and_fault
from ablate.retrieval.data.dataset import GALLERY, NO_CAMERA, QUERY, SHOP, USER
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.validation_cut import validation_cut

HOME = "data/images.csv"
FORM = "csv/2"  # part of the fingerprint, and the salt of the validation split
CUT = "validation cut/2"
"""Part of the fingerprint of a list whose validation the first version of `validation_cut` would cut otherwise."""

NEEDED = ("path", "item", "split")
OPTIONAL = ("category", "domain", "camera", "box")
TRAIN, VALIDATION, TEST = "train", "validation", "test"
ROLES = {"query": QUERY, "gallery": GALLERY}
"""Roles in the test that stand in the column of splits."""

DOMAINS = {"shop": SHOP, "user": USER}
WORDS = {"split": (TRAIN, VALIDATION, TEST, *ROLES), "domain": tuple(DOMAINS)}
"""{column: the words that it takes}."""
OTHER_MARKS = (";", "\t", "|")
"""Marks that other programs put between columns."""

BOX = re.compile(r"\s*" + r"\s+".join([r"(-?\d{1,9})"] * 4) + r"\s*")
BOTH = QUERY | GALLERY

WHAT_IS_EXPECTED = """\
A CSV file has a line of column names, and then a line an image:
  path       the image's file, relative to the CSV's folder
  item       the same for two images exactly if they match
  split      train, validation, test; or query, gallery: the role of the image in the test
  category   optional: the coarse kind of the item
  domain     optional: shop or user; users' images are then searched for among the shops'
  camera     optional: the name of the camera; see evaluate.cameras
  box        optional: left top right bottom, in pixels; the part of the image that is used"""


def read(root: Path) -> ImageList:
    """Return the image of every line, in the order of paths and boxes. DataError with every fault."""
    data, problems = _content(root), AnnotationProblems(root, WHAT_IS_EXPECTED)
    lines = list(_lines(root, data, problems))
    entries = list(_entries(lines, problems))
    _check_splits(lines, problems)
    has_domains = any("domain" in fields for _, fields in lines)
    mark, is_cut = b"", False
    if all(entry.split != "validation" for entry in entries):
        cut = validation_cut(entries, FORM, has_domains)
        entries = [replace(one, split="validation", role=BOTH) if one.item in cut.items else one for one in entries]
        mark, is_cut = b"" if cut.is_first else CUT.encode(), True
    if has_domains:
        entries = [_by_domain(entry) for entry in entries]
    entries.sort(key=lambda entry: (entry.path, entry.box or ()))
    content, former = (
        hashlib.sha256(f"{FORM}:".encode() + each + mark).hexdigest() for each in (_normal_form(data), data)
    )
    return replace(image_list(root.parent, entries, content, [root.name], problems, former), is_cut=is_cut)


def _content(root: Path) -> bytes:
    try:
        return read_regular(root)
    except OSError as error:
        fault = "is a folder" if isinstance(error, IsADirectoryError) else f"cannot be read ({error.strerror})"
        meant = f" did you mean {near}?" if (near := _nearest(root)) else ""
        remedy = "give the path of a CSV file with data.root or --root"
        text = "" if meant else f".\n{WHAT_IS_EXPECTED}"
        raise DataError(f"data.root: {root} {fault};{meant} {remedy}{text}") from None


def _nearest(root: Path) -> Path | None:
    """Return the CSV file that was probably meant by a path without one: a file of a similar name, or the only one."""
    try:
        files = [path for path in sorted(root.glob("*.csv")) or sorted(root.parent.glob("*.csv")) if is_file(path)]
    except (OSError, ValueError):
        return None
    near = nearest(root.stem, [path.stem for path in files])
    return next((path for path in files if path.stem == near or len(files) == 1), None)


def _normal_form(data: bytes) -> bytes:
    """Return the same lines as the csv module writes them, with a line feed at their end and with plain paths.

    So neither line ends, a byte-order mark and empty lines change the data set, nor quotes and spaces around a field.
    The order of lines and of columns does. A file that is no CSV is returned as it is.
    """
    result = io.StringIO(newline="")
    try:
        rows = [[field.strip() for field in row] for row in csv.reader(_text(data), strict=True) if _is_line(row)]
        path = rows[0].index("path")
        plain = [[*row[:path], Path(row[path]).as_posix(), *row[path + 1 :]] for row in rows[1:]]
        csv.writer(result, lineterminator="\n").writerows([rows[0], *plain])
        return result.getvalue().encode()
    except (csv.Error, ValueError, IndexError):
        return data


def _text(data: bytes) -> io.StringIO:
    """Return the text of a CSV file with its own line ends; UnicodeDecodeError if it is no UTF-8."""
    return io.StringIO(data.decode("utf-8-sig"), newline="")


Line = tuple[str, dict[str, str]]
"""The place of a line, `list.csv, line 7`, and its fields by column."""


def _lines(root: Path, data: bytes, problems: AnnotationProblems) -> Iterator[Line]:
    """Yield the lines after the header; nothing, and a fault, if the file is no CSV or its header is wrong."""
    try:
        reader = csv.reader(_text(data), strict=True)
    except UnicodeDecodeError as error:
        problems.add(*place_and_fault(root.name, error))
        return
    start = 1  # the first line of the fields that are read
    try:
        header = [name.strip() for name in next(filter(_is_line, reader), [])]
        if not _has_columns(header, f"{root.name}, line {reader.line_num if header else 1}", problems):
            return
        start = reader.line_num + 1
        for fields in reader:
            source, start = f"{root.name}, line {start}", reader.line_num + 1
            if not _is_line(fields):
                continue
            if len(fields) != len(header):
                problems.add(source, f"has {len(fields)} fields, expected {len(header)}: {', '.join(header)}")
            else:
                yield source, {name: field.strip() for name, field in zip(header, fields, strict=True)}
    except csv.Error as error:
        problems.add(f"{root.name}, line {start}", f"is not CSV: {_csv_fault(error)}")


def _csv_fault(error: csv.Error) -> str:
    """Return a fault of the form of a CSV in plain words."""
    text = str(error)
    if "unexpected end of data" in text:
        return 'a quote (") opens here and is not closed'
    if "expected after" in text:
        return 'text stands after a closing quote ("); write a quote within a quoted field twice ("")'
    if "field limit" in text:
        return "a field has more than 131,072 letters; perhaps a quote is not closed"
    return text


def _is_line(fields: Sequence[str]) -> bool:
    """Return True for the fields of a line that is not empty."""
    return len(fields) > 1 or any(field.strip() for field in fields)


def _has_columns(header: Sequence[str], source: str, problems: AnnotationProblems) -> bool:
    """Return True if all needed columns are in the header, and each column once; otherwise add the faults."""
    missing = [name for name in NEEDED if name not in header]
    other = next((mark for mark in OTHER_MARKS if len(header) == 1 and mark in header[0]), None)
    if other:
        problems.add(source, f"the columns are separated by {other!r}, and must be by ','; save the file with commas")
        return False
    cased = {name: other for name in missing for other in header if other.lower() == name}
    for name, other in cased.items():
        problems.add(source, f"the column {other!r} must be called {name}")
    for name in missing:
        if name in cased:
            continue
        near = get_close_matches(name, [other.lower() for other in header], n=1)
        hint = f"; {near[0]!r} is near" if near else ""
        problems.add(source, f"there is no column {name}; found {', '.join(map(repr, header)) or 'nothing'}{hint}")
    misspelt = [name for name in header if name not in OPTIONAL and name.lower() in OPTIONAL]
    for name in misspelt:
        problems.add(source, f"the column {name!r} must be called {name.lower()}")
    twice = [name for name in (*NEEDED, *OPTIONAL) if header.count(name) > 1]
    for name in twice:
        problems.add(source, f"the column {name} stands there {header.count(name)} times")
    return not missing and not misspelt and not twice


def _odd_words(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (column, word) for each word of a line that its column does not take."""
    return [(name, fields[name]) for name, words in WORDS.items() if fields.get(name, words[0]) not in words]


def _odd_word(name: str, value: str, lines: int) -> str:
    """Return the fault of a word that a column does not take, once for all lines that have it."""
    accepted, word = WORDS[name], value.lower()
    alike = [each for each in accepted if word and (each.startswith(word) or word.startswith(each))]
    near = alike or get_close_matches(word, accepted, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    others = f" ({lines:,} lines have it)" if lines > 1 else ""
    return f"{name} {value!r}, expected {', '.join(accepted[:-1])} or {accepted[-1]}{meant}{others}"


def _entries(lines: Sequence[Line], problems: AnnotationProblems) -> Iterator[ImageEntry]:
    """Yield the image of each line without faults; cameras are numbered in the order of the lines."""
    cameras: dict[str, int] = {}
    odd = Counter(word for _, fields in lines for word in _odd_words(fields))
    for source, fields in lines:
        split, box = fields["split"], fields.get("box", "")
        wrong = [f"no {name}" for name in ("path", "item", "category") if not fields.get(name, "all")]
        odd_here = _odd_words(fields)
        wrong += [_odd_word(*word, count) for word in odd_here if (count := odd.pop(word, 0))]
        corners = _corners(box)
        if box and corners is None:
            wrong.append(f"box {box!r}, expected left top right bottom, whole pixels, left < right and top < bottom")
        for fault in wrong:
            problems.add(source, fault)
        if not wrong and not odd_here:
            camera = fields.get("camera", "")
            yield ImageEntry(
                path=Path(fields["path"]).as_posix(),
                item=fields["item"],
                split="test" if split in ROLES else split,
                source=source,
                category=fields.get("category", "all"),
                domain=DOMAINS[fields.get("domain", "shop")],
                role=0 if split == "train" else ROLES.get(split, BOTH),
                camera=cameras.setdefault(camera, len(cameras)) if camera else NO_CAMERA,
                box=corners,
            )


def _corners(box: str) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom; None if the text is no box with an area."""
    match = BOX.fullmatch(box)
    if not match:
        return None
    left, top, right, bottom = map(int, match.groups())
    return (left, top, right, bottom) if left < right and top < bottom else None


def _check_splits(lines: Sequence[Line], problems: AnnotationProblems) -> None:
    """Add a fault if the test is given both as the split test and as the splits query and gallery."""
    splits = {fields["split"]: source for source, fields in reversed(lines)}
    if "test" in splits and ROLES.keys() & splits.keys():
        other = next(name for name in ROLES if name in splits)
        problems.add(splits["test"], f"split test, and {splits[other]} has {other}; use one way or the other")


def _by_domain(entry: ImageEntry) -> ImageEntry:
    """Return an entry as query if a user's, as gallery if a shop's, unless its line gives its role in the test."""
    return replace(entry, role=QUERY if entry.domain == USER else GALLERY) if entry.role == BOTH else entry
