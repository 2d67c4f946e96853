"""Files that systems add next to those of a user: no images, in any reader that lists folders."""

from pathlib import Path

import pytest

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data import catalog
from ablate.retrieval.data.folder_listing import is_stray, names_in
from ablate.retrieval.data.packing import decode
from tests.support.retrieval.small_datasets import SMALL_DATASETS

STRAY = ("._{0}", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/._{0}", "__MACOSX/{0}")


@pytest.mark.parametrize("name", ["market1501", "deepfashion2"])
def test_stray_files_are_no_images(tmp_path: Path, name: str) -> None:
    root = SMALL_DATASETS[name].make(tmp_path)
    before = data.prepare(name, str(root), (4, 4))
    folders = {
        path.parent for path in root.rglob("*") if path.suffix in (".jpg", ".json") and "ablate" not in str(path)
    }
    for folder in folders:
        first = sorted(folder.iterdir())[0].name
        for stray in STRAY:
            path = folder / stray.format(first)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"\0\5\x16\7 what a system keeps")
    listing = catalog.reader(name).read(root)
    assert not [entry for entry in listing.entries if is_stray(entry.path)]
    again = data.prepare(name, str(root), (8, 8))
    assert before is not None
    assert again is not None
    assert again.fingerprint == before.fingerprint


def test_a_list_that_names_a_stray_file_gets_the_reason(tmp_path: Path) -> None:
    (tmp_path / "._a.jpg").write_bytes(b"\0\5\x16\7")
    with pytest.raises(DataError, match=r"\._a\.jpg: found .*a Mac or Windows adds such files"):
        decode.open_photo(tmp_path / "._a.jpg")


def test_names_that_look_alike_are_images(tmp_path: Path) -> None:
    for name in ("a._b.jpg", "_c.JPG", "thumbs.jpg", "d.png"):
        (tmp_path / name).touch()
    assert names_in(tmp_path, (".jpg",)) == ["_c.JPG", "a._b.jpg", "thumbs.jpg"]
