"""Paths that lead to no file, in lists and in options: an error with its place, never a traceback, never a hang."""

import json
import os
import re
from pathlib import Path

import pytest

from ablate.errors import DataError
from ablate.filesystem import path_fault, read_regular
from ablate.retrieval import data
from ablate.retrieval.data.packing import decode
from tests.conftest import Ablate
from tests.support.retrieval.small_datasets import in_shop
from tests.support.retrieval.trees import photograph

SIZE = (4, 4)


def odd(folder: Path) -> dict[str, str]:
    """{path of something that is no file: the words about it}."""
    os.mkfifo(folder / "pipe.jpg")
    (folder / "folder.jpg").mkdir()
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "device.jpg").symlink_to("/dev/zero")
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    (folder / "file").touch()
    return {
        "pipe.jpg": "it is a pipe or a device",
        "folder.jpg": "Is a directory",
        "loop.jpg": "Too many levels of symbolic links",
        "device.jpg": "it is a pipe or a device",
        "gone.jpg": "found no file",
        "file/a.jpg": "Not a directory",
        f"{'x' * 300}.jpg": "File name too long",
        "https://x.org/a.jpg": "addresses are not downloaded",
        "~/p/a.jpg": "a ~ is not expanded in lists",
        "p\\a.jpg": "found no file, expected an image; separate folders by / in place of \\",
    }


def test_every_path_of_a_list_that_is_no_file_is_named_with_its_line(tmp_path: Path, ablate: Ablate) -> None:
    expected = odd(tmp_path)
    for number in range(200):  # so that a few that are missing are no torn archive
        photograph(tmp_path / f"{number}.png", number, 4, 4)
    lines = [f"{number}.png,{number},train" for number in range(200)]
    lines += [f"{path},b,test" for path in expected]
    (tmp_path / "list.csv").write_text("\n".join(["path,item,split", *lines, ""]))
    result = ablate("data", "prepare", "csv", "--root", tmp_path / "list.csv", "--size", 4, 4)
    assert result.code == 2
    for number, (path, words) in enumerate(expected.items(), start=202):
        (line,) = [line for line in result.err.splitlines() if f"list.csv, line {number}:" in line]
        assert path.replace("//", "/") in line
        assert words in line


@pytest.mark.parametrize(
    ("path", "words", "remedy"),
    [
        ("p\\{}.png", r"list.csv, line 2: .*p\\0.png: found no file; separate folders by /", "Correct the paths"),
        ("https://x.org/{}.png", "found no file; addresses are not downloaded", "Correct the paths"),
        ("p/{}.png", r"list.csv, line 2: .*p/0.png: found no file$", "or correct the paths in its annotations"),
    ],
)
def test_many_wrong_paths_are_explained_like_one(tmp_path: Path, path: str, words: str, remedy: str) -> None:
    lines = [f"{path.format(number)},a,test" for number in range(30)]
    (tmp_path / "list.csv").write_text("\n".join(["path,item,split", *lines, ""]))
    with pytest.raises(DataError) as caught:
        data.prepare("csv", str(tmp_path / "list.csv"), SIZE)
    assert re.search(words, str(caught.value), re.MULTILINE)
    assert remedy in str(caught.value)


def test_a_line_end_in_a_path_is_written_out(tmp_path: Path) -> None:
    photograph(tmp_path / "b.png", 1, 4, 4)
    (tmp_path / "list.csv").write_text('path,item,split\nb.png,a,test\n"a\nb.png",b,test\n')
    with pytest.raises(DataError, match=r"line 3: .*a\\nb\.png: found no file"):
        data.prepare("csv", str(tmp_path / "list.csv"), SIZE)


@pytest.mark.parametrize("text", ["path,item,split\na.png,a,test\n", 'path,item,split\n"x.png",a,test\n'])
def test_if_no_image_is_left_nothing_is_said_about_the_others(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        data.prepare("csv", str(tmp_path / "list.csv"), SIZE)
    assert "1 of 1 images cannot be packed" in str(caught.value)
    assert "others" not in str(caught.value)
    assert "--corrupt" not in str(caught.value)


@pytest.mark.parametrize("path", ["b\0.png", "p/\0", "\0"])
def test_a_nul_in_a_list_is_a_fault_of_its_line(tmp_path: Path, path: str, ablate: Ablate) -> None:
    (tmp_path / "nul.csv").write_text(f"path,item,split\na.png,a,train\n{path},b,test\n")
    result = ablate("data", "prepare", "csv", "--root", tmp_path / "nul.csv", "--size", 4, 4)
    assert result.code == 2
    assert f"nul.csv, line 3: path {path!r}: a path cannot hold a NUL character" in result.err


def test_a_nul_in_an_official_list_is_a_fault_of_its_line(tmp_path: Path) -> None:
    root = in_shop(tmp_path, boxes=False)
    partition = next(root.rglob("list_eval_partition.txt"))
    partition.write_text(partition.read_text().replace("/01_1_", "/\0_1_", 1))
    with pytest.raises(DataError, match=r"list_eval_partition\.txt, line \d+: path .*a path cannot hold a NUL"):
        data.prepare("inshop", str(root), SIZE)


ROOTS = {"nul": "a\0b", "surrogate": "a\ud800b", "long": "x" * 5000, "pipe": "pipe.jpg", "device": "/dev/zero"}


@pytest.mark.parametrize("root", ROOTS.values(), ids=ROOTS)
@pytest.mark.parametrize("name", [name for name in data.DATASETS if name != "emoji"])
def test_a_root_that_leads_to_nothing_is_an_error(
    tmp_path: Path, name: str, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd(tmp_path)
    monkeypatch.chdir(tmp_path)
    for ask in (lambda: data.prepare(name, root, SIZE), lambda: data.fingerprint(name, root, SIZE)):
        with pytest.raises(DataError):
            ask()


@pytest.mark.parametrize("root", [root for name, root in ROOTS.items() if name != "surrogate"])
def test_files_that_a_study_names_are_looked_at_without_a_traceback(tmp_path: Path, root: str, ablate: Ablate) -> None:
    odd(tmp_path)
    for section, key in (("model", "pretrained"), ("evaluate", "detections"), ("data", "root")):
        name = {"name": "csv"} if section == "data" else {}
        path = str(tmp_path / root) if root == "pipe.jpg" else root
        study = {"study": "s", "config": {section: {key: path, **name}}, "design": [{"rows": {"only": {}}}]}
        (tmp_path / "study.yaml").write_text(json.dumps(study))
        result = ablate("plan", tmp_path / "study.yaml", "--store", tmp_path / "x.db")
        assert "Traceback" not in result.err
        assert result.code == 2, (section, key)
        assert f"{section}.{key}" in result.err or "not packed" in result.err, result.err


def test_an_empty_root_is_refused(ablate: Ablate) -> None:
    result = ablate("data", "prepare", "market1501", "--root", "")
    assert result.code == 2
    assert "--root is empty" in result.err


def test_a_list_whose_own_name_is_no_utf_8_is_packed(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/list\xff.csv"))
    photograph(tmp_path / "a.png", 1, 4, 4)
    photograph(tmp_path / "b.png", 2, 4, 4)
    path.write_text("path,item,split\na.png,a,test\nb.png,a,test\n")
    record = data.prepare("csv", str(path), SIZE)
    assert record == data.prepare("csv", str(path), SIZE)
    assert data.fingerprint("csv", str(path)) == record.fingerprint
    assert len(data.load("csv", str(path), SIZE).images) == 2


def test_a_name_in_the_other_unicode_form_is_pointed_at(tmp_path: Path) -> None:
    photograph(tmp_path / "caf\u00e9.png", 1, 4, 4)
    with pytest.raises(DataError, match=r"another Unicode form \(NFC or NFD\): rename one"):
        decode.open_photo(tmp_path / "cafe\u0301.png")


def test_regular_files_alone_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_regular(tmp_path / "b") == b"content"
    assert path_fault("a/b é") is None
    for path in ("", "a\0", "\ud800"):
        assert path_fault(path)
