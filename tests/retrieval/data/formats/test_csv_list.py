"""Data sets given as a CSV file."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data import GALLERY, NO_CAMERA, QUERY, SHOP, USER, catalog
from ablate.retrieval.data.formats import csv_list
from ablate.retrieval.data.packing import decode, format, packer
from tests.support.retrieval.jpegs import photographs

BOTH = QUERY | GALLERY


def written(folder: Path, text: str, *paths: str) -> Path:
    photographs(folder, paths)
    (folder / "list.csv").write_text(text)
    return folder / "list.csv"


def test_three_columns_are_enough(tmp_path: Path) -> None:
    rows = "\n".join(f"{n}.jpg,item {n // 2},{'train' if n < 80 else 'test'}" for n in range(90))
    found = csv_list.read(written(tmp_path, f"path,item,split\n{rows}\n", *(f"{n}.jpg" for n in range(90))))
    by_split = {split: {e.item for e in found.entries if e.split == split} for split in ("train", "validation", "test")}
    assert by_split["test"] == {f"item {n}" for n in range(40, 45)}
    assert 0 < len(by_split["validation"]) < 15
    assert not by_split["train"] & by_split["validation"]
    assert {(e.split, e.role) for e in found.entries} == {("train", 0), ("validation", BOTH), ("test", BOTH)}
    assert {(e.category, e.domain, e.camera, e.box) for e in found.entries} == {("all", SHOP, NO_CAMERA, None)}


@pytest.mark.parametrize("domains", [False, True])
def test_a_small_list_has_validation_that_can_be_searched(tmp_path: Path, domains: bool) -> None:
    """Item d has one image, and shops alone have c: neither can be found."""
    rows = [f"{item}{n}.jpg,{item},train,{'user' if n and item != 'c' else 'shop'}" for item in "abcd" for n in (0, 1)]
    text = "\n".join(["path,item,split, domain", *rows[:-1], ""])
    if not domains:
        text = "\n".join(line.rpartition(",")[0] for line in text.splitlines())
    entries = csv_list.read(written(tmp_path, text)).entries
    held = {entry.item for entry in entries if entry.split == "validation"}
    assert held <= set("ab" if domains else "abc")
    assert len(held) == 1
    assert {entry.role for entry in entries if entry.split == "validation"} == ({QUERY, GALLERY} if domains else {BOTH})


def test_all_columns(tmp_path: Path) -> None:
    text = (
        "\ufeffsplit,item,category,path,domain,camera,box,note\n"
        'train,a,hats,"in a/one, two.jpg",shop,left,,\n'
        "validation,b,hats,b.jpg,user,,1 2 11 12,kept\n"
        "\n"
        "validation,b,hats,b.jpg,shop,left,0 0 20 30,\n"
        "test,c,shoes,c.jpg,user,right,,\n"
        "test,c,shoes,d.jpg,shop,left,,\n"
    )
    found = csv_list.read(written(tmp_path, text, "in a/one, two.jpg", "b.jpg", "c.jpg", "d.jpg"))
    of = {(e.path, e.box): e for e in found.entries}
    one, user, shop = of["in a/one, two.jpg", None], of["b.jpg", (1, 2, 11, 12)], of["b.jpg", (0, 0, 20, 30)]
    assert (one.role, one.camera, one.source) == (0, 0, "list.csv, line 2")
    assert (user.role, user.domain, user.camera, user.source) == (QUERY, USER, NO_CAMERA, "list.csv, line 3")
    assert (shop.role, shop.domain, shop.source) == (GALLERY, SHOP, "list.csv, line 5")
    assert (of["c.jpg", None].role, of["c.jpg", None].camera) == (QUERY, 1)
    assert found.categories == ("hats", "shoes")
    assert {e.split for e in found.entries if e.item == "a"} == {"train"}  # it has a validation split of its own


def test_query_and_gallery_are_the_test(tmp_path: Path) -> None:
    text = "path,item,split\na.jpg,1,query\nb.jpg,1,gallery\nc.jpg,2,train\n"
    found = csv_list.read(written(tmp_path, text, "a.jpg", "b.jpg", "c.jpg"))
    assert [(e.split, e.role) for e in found.entries[:2]] == [("test", QUERY), ("test", GALLERY)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,Item,split\n", "list.csv, line 1: the column 'Item' must be called item"),
        ("path,itm,split\n", r"list.csv, line 1: there is no column item; found 'path', 'itm', .*; 'itm' is near"),
        ("", "there is no column path; found nothing"),
        ("path,item,split,item\na.jpg,1,test,1\n", "the column item stands there 2 times"),
        ("path,item,split\na.jpg,1\n", "line 2: has 2 fields, expected 3"),
        ("path,item,split\na.jpg,,tset\n", r"(?s)line 2: no item.*line 2: split 'tset', expected train, validation"),
        (
            "path,item,split\na.jpg,1,val\nb.jpg,1,val\n",
            r": 1 fault in this data set:\n  list\.csv, line 2: split 'val', expected train, validation, test, query "
            r"or gallery; did you mean validation\? \(2 lines have it\)\n",
        ),
        ("path,item,split\na.jpg,1,training\n", r"split 'training', .* or gallery; did you mean train\?\n"),
        ("path,item,split,domain\na.jpg,1,test,Shop\n", r"domain 'Shop', expected shop or user; did you mean shop\?\n"),
        ("path,item,split,domain\na.jpg,1,test,consumer\n", "domain 'consumer', expected shop or user"),
        ("path,item,split,box\na.jpg,1,test,5 5 5 9\n", "box '5 5 5 9', expected left top right bottom"),
        ("path,item,split,box\na.jpg,1,test,5 5 9\n", "box '5 5 9'"),
        ("path,item,split\na.jpg,1,test\nb.jpg,1,query\n", "split test, and list.csv, line 3 has query; use one way"),
        ("path,item,split\na.jpg,1,test\na.jpg,1,test\n", "line 3: a.jpg is in list.csv, line 2 already"),
        ("path,item,split\na.jpg,1,query\nx/../a.jpg,1,gallery\n", "line 3: x/../a.jpg is in list.csv, line 2 already"),
        ("path,item,split,Domain\na.jpg,1,test,user\n", "the column 'Domain' must be called domain"),
        ("path,item,split,box\na.jpg,1,test,0 0 9 99999999999\n", "box '0 0 9 99999999999', expected left"),
        ("path,item,split\na.jpg,1,test\nb.jpg,1,validation\n", "item 1 is in validation, and in test by list"),
        ('path,item,split\na.jpg,1,test\n"b.jpg,1,test\nc,1,test\n', r'line 3: is not CSV: a quote \("\) opens here'),
        ('path,item,split\n"a"b.jpg,1,test\n', 'line 2: is not CSV: text stands after a closing quote'),
        (f"path,item,split\n{'a' * 200000},1,test\n", "line 2: is not CSV: a field has more than 131,072 letters"),
        ("path,item,split\n", "no image is listed"),
        ("path;item;split\na.jpg;1;test\n", "line 1: the columns are separated by ';', and must be by ','; save"),
        ("path\titem\tsplit\na.jpg\t1\ttest\n", "line 1: the columns are separated by"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        csv_list.read(written(tmp_path, text, "a.jpg", "b.jpg"))


def test_no_text_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"path,item,split\n\xff\xfe.jpg,1,test\n")
    with pytest.raises(DataError, match=r"list\.csv, line 2: is no UTF-8 text \(byte 0xff\); save the file as UTF-8"):
        csv_list.read(tmp_path / "list.csv")
    with pytest.raises(
        DataError, match=r"is a folder; did you mean \S*list\.csv\? give the path of a CSV file [^\n]*$"
    ):
        csv_list.read(tmp_path)
    with pytest.raises(DataError, match=r"cannot be read .*; did you mean \S*list\.csv\?"):
        csv_list.read(tmp_path / "lst.csv")
    (tmp_path / "list.csv").unlink()
    with pytest.raises(DataError, match=r"(?s)is a folder; give the path of a CSV file.*A CSV file has"):
        csv_list.read(tmp_path)


def test_a_changed_list_is_packed_anew(tmp_path: Path) -> None:
    path = written(tmp_path, "path,item,split\na.jpg,1,test\nb.jpg,1,test\n", "a.jpg", "b.jpg", "c.jpg")
    data.prepare("csv", str(path), (4, 4))
    before = data.fingerprint("csv", str(path))
    path.write_text("path,item,split\na.jpg,1,test\nc.jpg,1,test\n")
    with pytest.raises(DataError):
        data.fingerprint("csv", str(path))
    data.prepare("csv", str(path), (4, 4))
    assert data.fingerprint("csv", str(path)) != before
    assert data.load("csv", str(path), (4, 4)).source.tolist() == [b"list.csv, line 2", b"list.csv, line 3"]


PLAIN = "path,item,split,note\na.jpg,1,test,\nb.jpg,1,test,x\nc.jpg,2,train,\nd.jpg,2,train,\n"


def packed(folder: Path, content: bytes) -> str:
    """The fingerprint of a list with this content, packed in a folder of its own."""
    photographs(folder, ("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    (folder / "list.csv").write_bytes(content)
    record = data.prepare("csv", str(folder / "list.csv"), (4, 4))
    assert record is not None
    return record.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.removesuffix("\n"),
        lambda text: text + "\n\n",
        lambda text: "\n  \n" + text,
        lambda text: text + "   \n",
        lambda text: text.replace("\nb", "\n\nb"),
        lambda text: text.replace("a.jpg", '"a.jpg"').replace(",1,", ',"1",'),
        lambda text: text.replace("a.jpg", "./a.jpg"),
        lambda text: text.replace(",", " , "),
    ],
    ids=[
        "bom",
        "crlf",
        "bom crlf",
        "cr",
        "no end",
        "end",
        "begin",
        "spaces",
        "empty",
        "quotes",
        "dot",
        "spaces around",
    ],
)
def test_the_same_lines_are_the_same_set(
    tmp_path: Path, change: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = packed(tmp_path / "plain", PLAIN.encode())
    assert packed(tmp_path / "other", change(PLAIN).encode()) == plain
    monkeypatch.setattr(decode, "open_photo", lambda _: pytest.fail("packed again"))
    if change(PLAIN).strip("\ufeff \n") == PLAIN.strip():
        assert packed(tmp_path / "plain", change(PLAIN).encode()) == plain, "the pack is found"


def test_lines_in_another_order_and_other_values_are_another_set(tmp_path: Path) -> None:
    header, *lines = PLAIN.splitlines(keepends=True)
    texts = [PLAIN, header + "".join(reversed(lines)), PLAIN.replace(",x", ",y"), PLAIN.replace("2,train", "3,train")]
    assert len({packed(tmp_path / str(number), text.encode()) for number, text in enumerate(texts)}) == len(texts)


def test_the_fingerprint_of_a_plain_list_is_that_of_earlier_versions(tmp_path: Path) -> None:
    """The rule by which lists were hashed before line ends were put aside: the file's bytes."""
    photographs(tmp_path, ("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    (tmp_path / "list.csv").write_text(PLAIN)
    listing = csv_list.read(tmp_path / "list.csv")
    assert (listing.content, listing.former) == (hashlib.sha256(b"csv/2:" + PLAIN.encode()).hexdigest(), None)


def test_a_pack_of_an_earlier_version_keeps_its_fingerprint_at_another_size(tmp_path: Path) -> None:
    content = PLAIN.replace("\n", "\r\n").encode()
    packed(tmp_path, content)
    listing = csv_list.read(tmp_path / "list.csv")
    assert listing.former == hashlib.sha256(b"csv/2:" + content).hexdigest()
    shutil.rmtree(tmp_path / "ablate-pack")
    place = catalog.place("csv", str(tmp_path / "list.csv"))
    before = packer.prepare(place, lambda: replace(listing, content=listing.former, former=None), (4, 4), None)
    index = {"list.csv": hashlib.sha256(content).hexdigest()}
    place.record.write_bytes(format.text(replace(before, index=index)))
    assert data.fingerprint("csv", str(tmp_path / "list.csv")) == before.fingerprint
    after = data.prepare("csv", str(tmp_path / "list.csv"), (8, 8))
    assert after is not None
    assert after.fingerprint == before.fingerprint


def test_a_category_in_two_unicode_forms_is_a_fault(tmp_path: Path) -> None:
    text = "path,item,split,category\na.jpg,1,test,caf\u00e9\nb.jpg,1,test,cafe\u0301\n"
    with pytest.raises(DataError, match=r"line 3: category .* looks like that of list\.csv, line 2, but is written in"):
        csv_list.read(written(tmp_path, text, "a.jpg", "b.jpg"))


def test_an_item_in_two_unicode_forms_is_a_fault(tmp_path: Path) -> None:
    text = "path,item,split\na.jpg,caf\u00e9,test\nb.jpg,cafe\u0301,test\n"
    with pytest.raises(
        DataError, match=r"line 3: item .* looks like that of list\.csv, line 2, but is written in another"
    ):
        csv_list.read(written(tmp_path, text, "a.jpg", "b.jpg"))


def test_a_number_of_lines_is_counted_with_each_line_end(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        with pytest.raises(DataError, match="line 3: split 'tset'"):
            csv_list.read(
                written(tmp_path, f"path,item,split{end}a.jpg,1,test{end}b.jpg,1,tset{end}", "a.jpg", "b.jpg")
            )
