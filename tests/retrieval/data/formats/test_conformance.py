"""The behaviour that every data set must have, whatever its format. Each is tested on a small set of its layout."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data import DATASETS, GALLERY, QUERY, SPLITS, catalog
from ablate.retrieval.data.packing import format
from tests.support.retrieval.jpegs import photographs
from tests.support.retrieval.small_datasets import SMALL_DATASETS
from tests.support.retrieval.trees import files

SIZE = (6, 4)
READ = [name for name in DATASETS if name != catalog.EMBEDDED]
"""The data sets that are read from annotations and packed."""

every_set = pytest.mark.parametrize("name", DATASETS)
every_reader = pytest.mark.parametrize("name", READ)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "set"


@pytest.fixture
def root(name: str, folder: Path) -> Path:
    folder.mkdir()
    return SMALL_DATASETS[name].make(folder)


def copy_of(root: Path, folder: Path) -> tuple[Path, Path]:
    """Copy a data set without its packs; return the folder of the copy, and data.root in it."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(format.FOLDER))
    return copy, copy / root.relative_to(folder)


def fingerprint(name: str, root: Path) -> str:
    """Pack the data set if it is packed at all, and return its fingerprint."""
    data.prepare(name, str(root), SIZE)
    return data.fingerprint(name, str(root))


def fault(name: str, root: Path) -> str:
    """Return the message of the error that packing raises, or loading if the set is not packed."""
    with pytest.raises(DataError) as caught:
        (data.load if name == catalog.EMBEDDED else data.prepare)(name, str(root), SIZE)
    return str(caught.value)


def test_every_data_set_is_tested_here() -> None:
    assert SMALL_DATASETS.keys() == DATASETS.keys()


@pytest.mark.slow
@every_set
def test_it_loads_whole_with_labels_for_every_image(name: str, root: Path) -> None:
    data.prepare(name, str(root), SIZE)
    loaded = data.load(name, str(root), SIZE)
    count = len(loaded.images)
    assert count > 0
    assert loaded.images.shape == (count, *SIZE, 3)
    assert loaded.images.dtype == np.uint8
    assert {len(getattr(loaded, column)) for column in format.COLUMNS} == {count}
    assert loaded.category.min() >= 0
    assert loaded.category.max() < len(loaded.categories)
    assert sorted(set(loaded.item.tolist())) == list(range(loaded.item.max() + 1))


@every_set
def test_no_two_splits_share_an_item(name: str, root: Path) -> None:
    data.prepare(name, str(root), SIZE)
    loaded = data.load(name, str(root), SIZE, pixels=False)
    items = [set(loaded.item[loaded.split == split].tolist()) for split in range(len(SPLITS))]
    assert all(items)
    assert sum(map(len, items)) == len(set.union(*items))


@every_set
def test_validation_and_test_have_a_match_for_some_query(name: str, root: Path) -> None:
    data.prepare(name, str(root), SIZE)
    loaded = data.load(name, str(root), SIZE, pixels=False)
    for split in ("validation", "test"):
        inside = loaded.split == SPLITS.index(split)
        queries = np.flatnonzero(inside & (loaded.role & QUERY > 0))
        gallery = np.flatnonzero(inside & (loaded.role & GALLERY > 0))
        matches = (loaded.item[queries][:, None] == loaded.item[gallery]) & (queries[:, None] != gallery)
        assert matches.any(), split


@every_reader
def test_training_images_have_no_role(name: str, root: Path) -> None:
    entries = catalog.reader(name).read(root).entries
    assert {entry.role for entry in entries if entry.split == "train"} == {0}
    assert all(entry.role & (QUERY | GALLERY) for entry in entries if entry.split != "train")


@every_reader
def test_a_second_reading_gives_the_same_list_of_existing_photographs(name: str, root: Path) -> None:
    first, second = (catalog.reader(name).read(root) for _ in range(2))
    assert first == second
    assert all((first.root / entry.path).is_file() for entry in first.entries)
    assert {entry.category for entry in first.entries} <= set(first.categories)
    assert {entry.split for entry in first.entries} == set(SPLITS)
    assert len({(entry.path, entry.box) for entry in first.entries}) == len(first.entries)


@every_set
def test_a_missing_root_is_named_with_the_remedy(name: str, tmp_path: Path) -> None:
    message = fault(name, tmp_path / "nowhere")
    assert "data.root" in message
    assert str(tmp_path / "nowhere") in message
    if name != catalog.EMBEDDED:
        assert SMALL_DATASETS[name].home in message


@every_reader
def test_the_default_place_is_below_data(name: str) -> None:
    assert catalog.reader(name).HOME.startswith("data/")


@every_reader
def test_a_name_too_long_for_the_system_is_a_missing_root(name: str) -> None:
    assert "data.root" in fault(name, Path("x" * 300))


@every_set
def test_a_missing_annotation_file_is_named_with_the_remedy(name: str, root: Path, folder: Path) -> None:
    needed = folder / SMALL_DATASETS[name].needed
    needed.rename(folder / "moved")
    message = fault(name, root)
    assert needed.name in message
    assert SMALL_DATASETS[name].home in message


@every_reader
def test_every_fault_is_named_at_once_with_its_place(name: str, root: Path, folder: Path) -> None:
    SMALL_DATASETS[name].spoil(folder)
    message = fault(name, root)
    assert len(SMALL_DATASETS[name].places) == 2
    for place in SMALL_DATASETS[name].places:
        assert place in message
    assert not list(folder.glob(f"{format.FOLDER}/*")), "nothing is packed"


@every_reader
def test_missing_and_broken_photographs_are_named_together_and_can_be_skipped(name: str, root: Path) -> None:
    images = catalog.reader(name).read(root)
    paths = list(dict.fromkeys(entry.path for entry in images.entries))
    missing, broken = images.root / paths[1], images.root / paths[4]
    missing.unlink()
    broken.write_bytes(b"broken")
    message = fault(name, root)
    if second := SMALL_DATASETS[name].second:
        assert f"{second}: {missing}: found no file, expected an image" in message
    else:  # the folder itself is the list, so a missing file is in no list
        images = catalog.reader(name).read(root)
    assert f"{broken}: found a file that is damaged" in message
    record = data.prepare(name, str(root), SIZE, "skip")
    assert record is not None
    lost = [entry for entry in images.entries if images.root / entry.path in (missing, broken)]
    assert record.images == len(images.entries) - len(lost)
    assert len(record.skipped) == len(lost) > 0
    assert len(data.load(name, str(root), SIZE).images) == record.images


@every_set
def test_the_fingerprint_is_of_the_content_and_not_of_the_place(name: str, root: Path, folder: Path) -> None:
    _, other = copy_of(root, folder)
    assert fingerprint(name, root) == fingerprint(name, other)


@every_set
def test_other_annotations_give_another_fingerprint(name: str, root: Path, folder: Path) -> None:
    copy, other = copy_of(root, folder)
    SMALL_DATASETS[name].relabel(copy)
    assert fingerprint(name, root) != fingerprint(name, other)


@every_reader
def test_other_pixels_give_another_fingerprint(name: str, root: Path, folder: Path) -> None:
    _, other = copy_of(root, folder)
    images = catalog.reader(name).read(other)
    photographs(images.root, [images.entries[0].path], (110, 140))
    assert fingerprint(name, root) != fingerprint(name, other)


@every_reader
def test_the_fingerprint_does_not_depend_on_the_size(name: str, root: Path) -> None:
    before = fingerprint(name, root)
    data.prepare(name, str(root), (8, 8))
    assert data.fingerprint(name, str(root)) == before


@every_reader
def test_the_same_photographs_are_packed_to_the_same_bytes(name: str, root: Path, folder: Path) -> None:
    copy, other = copy_of(root, folder)
    for each in (root, other):
        data.prepare(name, str(each), SIZE)
    packed = files(folder)
    assert {Path(path).name for path in packed} >= {"images.npy", "labels.npz", "pack.json"}
    assert files(copy) == packed


@every_reader
def test_a_finished_pack_is_not_made_again(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(name, root)
    monkeypatch.setattr(catalog.reader(name), "read", lambda *_: pytest.fail("the annotations are read again"))
    assert fingerprint(name, root) == before


@every_reader
def test_before_packing_the_error_names_the_command_that_packs(name: str, root: Path) -> None:
    with pytest.raises(DataError, match=rf"`ablate data prepare {name} --root {root}` or `ablate run` packs it"):
        data.fingerprint(name, str(root))


@pytest.mark.parametrize("name", ["consumer2shop", "inshop", "cub200", "sop"])
def test_line_ends_and_marks_of_lists_change_nothing(name: str, root: Path, folder: Path) -> None:
    before = fingerprint(name, root)
    lists = [path for path in root.rglob("*.txt") if b"\n" in path.read_bytes()]
    assert lists
    for path in lists:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert data.fingerprint(name, str(root)) == before, "the pack is found"
    for packs in list(folder.rglob(format.FOLDER)):
        shutil.rmtree(packs)
    assert fingerprint(name, root) == before, "it is packed as the same set"
