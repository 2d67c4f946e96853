"""The fingerprint of declared data."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ablate.errors import DataError
from ablate.trainers.project.data import DataEntry, data_fingerprint
from tests.support.project.files import write_files

PHOTOS = {"photos/cat/1.jpg": b"one", "photos/cat/2.jpg": b"two", "photos/dog/1.jpg": b"three", "labels.csv": b"a,b"}


def by_content(folder: Path, *paths: str) -> str | None:
    return data_fingerprint(folder, [DataEntry(path) for path in paths])


def by_time(folder: Path, *paths: str) -> str | None:
    return data_fingerprint(folder, [DataEntry(path, "time") for path in paths])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "project", PHOTOS)


def test_no_data_has_no_fingerprint(tmp_path: Path) -> None:
    assert by_content(tmp_path) is None


def test_a_fingerprint_is_short(project: Path) -> None:
    fingerprint = by_content(project, "photos", "labels.csv")
    assert fingerprint is not None
    assert 20 <= len(fingerprint) <= 64


def test_where_the_data_lie_does_not_count(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(project, copy)
    (copy / "photos").rename(copy / "images")
    (tmp_path / "link").symlink_to(copy / "images")
    fingerprint = by_content(project, "photos")
    for folder, path in ((copy, "images"), (project, str(copy / "images")), (tmp_path, "link"), (copy / "images", ".")):
        assert by_content(folder, path) == fingerprint
    assert by_content(project, "photos/") == by_content(project, "./photos") == fingerprint


@pytest.mark.parametrize("fingerprint", [by_content, by_time])
@pytest.mark.parametrize(
    "change",
    [
        lambda photos: (photos / "cat" / "1.jpg").write_bytes(b"longer"),
        lambda photos: (photos / "cat" / "1.jpg").unlink(),
        lambda photos: (photos / "cat" / "3.jpg").write_bytes(b""),
        lambda photos: (photos / "cat" / "1.jpg").rename(photos / "cat" / "0.jpg"),
        lambda photos: (photos / "cat").rename(photos / "kitten"),
        lambda photos: (photos / "cat" / "4.jpg").symlink_to("nowhere"),
    ],
    ids=["content", "removed", "added", "renamed", "class renamed", "dangling link"],
)
def test_every_change_counts(project: Path, fingerprint: object, change: object) -> None:
    assert callable(fingerprint)
    assert callable(change)
    before = fingerprint(project, "photos", "labels.csv")
    change(project / "photos")
    assert fingerprint(project, "photos", "labels.csv") != before


def test_content_of_the_same_size_and_time_counts_by_content_only(project: Path) -> None:
    file = project / "photos" / "cat" / "1.jpg"
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    content, time = by_content(project, "photos"), by_time(project, "photos")
    file.write_bytes(b"ONE")
    os.utime(file, ns=times)
    assert by_content(project, "photos") != content
    assert by_time(project, "photos") == time
    os.utime(file, ns=(times[0], times[1] + 1))
    assert by_time(project, "photos") != time


def test_the_order_of_the_entries_counts(project: Path) -> None:
    """Training images and test images that change places are other data."""
    assert by_content(project, "photos/cat", "photos/dog") != by_content(project, "photos/dog", "photos/cat")
    assert by_content(project, "photos/cat") != by_time(project, "photos/cat")
    assert by_content(project, "photos/cat/1.jpg") == by_content(project, "photos/cat/1.jpg")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["a", "b", "c/a", "c/b", "d"]), st.binary(max_size=4), min_size=1), st.randoms())
def test_files_and_their_names_decide_and_not_the_order_in_which_they_were_made(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], random: object
) -> None:
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    write_files(first, files)
    write_files(second, dict(reversed(files.items())))
    assert by_content(first, ".") == by_content(second, ".")
    changed = {**files, next(iter(files)): b"other"}
    write_files(second, changed)
    assert by_content(first, ".") != by_content(second, ".")


def test_a_part_moved_from_a_name_to_the_content_counts(tmp_path: Path) -> None:
    write_files(tmp_path, {"one/ab": b"c", "two/a": b"bc", "three/a": b"b", "three/c": b""})
    assert len({by_content(tmp_path, name) for name in ("one", "two", "three")}) == 3


def test_files_that_programs_leave_do_not_count(project: Path) -> None:
    before = by_content(project, "photos")
    write_files(
        project / "photos", {".DS_Store": b"x", "cat/Thumbs.db": b"x", ".git/HEAD": b"x", "__pycache__/a.pyc": b""}
    )
    assert by_content(project, "photos") == before
    write_files(project / "photos", {".zarray": b"x"})
    assert by_content(project, "photos") != before


def test_a_store_in_the_folder_does_not_count(project: Path) -> None:
    before = by_content(project, ".")
    write_files(project, {"results/ablate.db": b"x", "results/runs/key/result.json": b"x"})
    assert by_content(project, ".") == before


def test_links_are_followed_and_circles_end(project: Path) -> None:
    copy = project.parent / "copy"
    shutil.copytree(project, copy)
    shutil.rmtree(copy / "photos" / "dog")
    (copy / "photos" / "dog").symlink_to(project / "photos" / "dog")
    assert by_content(copy, "photos") == by_content(project, "photos")
    (copy / "photos" / "circle").symlink_to(copy / "photos")
    circle = by_content(copy, "photos")
    assert circle != by_content(project, "photos")
    write_files(copy, {"photos/cat/1.jpg": b"other"})
    assert by_content(copy, "photos") != circle


def test_all_faults_come_at_once_with_place_and_remedy(project: Path, tmp_path: Path) -> None:
    (project / "empty").mkdir()
    os.mkfifo(project / "pipe")
    (project / "loop").symlink_to("loop")
    with pytest.raises(DataError) as error:
        by_content(project, "photo", "nowhere/x", "photos/*.jpg", "empty", "pipe", "loop", "labels.csv", "", "a\0b")
    assert str(error.value).splitlines() == [
        f"data: photo: it is neither a file nor a folder in {project}; did you mean 'photos'?",
        f"data: nowhere/x: it is neither a file nor a folder in {project}; correct the path, or fetch the data first",
        "data: photos/*.jpg: no file has this path, and patterns are not read here; write the folder, which stands for "
        "all in it",
        "data: empty: there is no file in this folder; correct the path, or fetch the data first",
        "data: pipe: it is a pipe or a device; write the path of a file or folder",
        "data: loop: it cannot be reached (Too many levels of symbolic links)",
        "data: : the path is empty; write the path of a file or folder",
        "data: a\0b: a path cannot hold a NUL character; write the path of a file or folder",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_locked_files_and_folders_are_faults(project: Path) -> None:
    (project / "photos" / "cat" / "1.jpg").chmod(0)
    (project / "photos" / "cat" / "2.jpg").chmod(0)
    with pytest.raises(DataError, match=r"1\.jpg cannot be read.*\n.*2\.jpg cannot be read"):
        by_content(project, "photos")
    (project / "photos" / "dog").chmod(0)
    with pytest.raises(DataError, match="photos/dog cannot be read"):
        by_content(project, "photos")
    (project / "photos" / "dog").chmod(0o700)


def test_a_home_folder_is_expanded(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))
    assert by_content(project.parent, "~/photos") == by_content(project, "photos")
