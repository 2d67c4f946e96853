"""First studies of a user's images: the list that is written, its splits, and a study that can be planned."""

import csv
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Ablate


def save_images(folder: Path, classes: int, each: int = 3) -> None:
    for at in range(classes):
        for number in range(each):
            path = folder / f"class {at}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (at * 20, number * 20, 99)).save(path)


def splits_of(path: Path) -> dict[str, set[str]]:
    """{split: classes} of a list of images."""
    splits: dict[str, set[str]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            assert (path.parent / row["path"]).is_file()
            splits.setdefault(row["split"], set()).add(row["item"])
    return splits


@pytest.mark.parametrize("classes", [5, 10, 30])
def test_a_folder_of_classes(ablate: Ablate, tmp_path: Path, classes: int) -> None:
    save_images(tmp_path / "my photos", classes)
    Image.new("RGB", (8, 8)).save(tmp_path / "my photos" / "alone.png")
    result = ablate("init", "my photos")
    assert (result.code, result.out) == (0, "wrote my photos.csv\nwrote study.yaml\n")
    assert "1 image right in my photos belong to no class" in result.err
    splits = splits_of(tmp_path / "my photos.csv")
    assert splits.keys() == {"train", "validation", "test"}
    assert sum(map(len, splits.values())) == len(set.union(*splits.values())) == classes, "no class is in two splits"
    assert len(splits["test"]) == classes // 2
    plan = ablate("plan", "study.yaml")
    assert plan.code == 0
    assert "random_erasing=on" in plan.out


def test_the_splits_of_folders_are_kept_if_they_share_no_class(ablate: Ablate, tmp_path: Path) -> None:
    save_images(tmp_path / "photos" / "train", 8)
    for at in range(8, 12):
        source = tmp_path / "photos" / "train" / f"class {at - 8}"
        target = tmp_path / "photos" / "test" / f"class {at}"
        target.mkdir(parents=True)
        for path in source.iterdir():
            (target / path.name).write_bytes(path.read_bytes())
    assert ablate("init", "photos").code == 0
    assert {split: len(names) for split, names in splits_of(tmp_path / "photos.csv").items()} == {"train": 8, "test": 4}
    assert "items: 4, images: 4" in Path("study.yaml").read_text(), (
        "half of the classes may become the validation split"
    )
    assert ablate("plan", "study.yaml").code == 0
    save_images(tmp_path / "photos" / "test", 1)
    shared = ablate("init", "photos", "--force")
    assert "share classes" in shared.err
    assert splits_of(tmp_path / "photos.csv").keys() == {"train", "validation", "test"}


def test_a_list_of_images(ablate: Ablate, tmp_path: Path) -> None:
    save_images(tmp_path / "photos", 9)
    assert ablate("init", "photos").code == 0
    result = ablate("init", "photos.csv", "--name", "again")
    assert (result.code, result.out) == (0, "wrote again.yaml\n")
    assert "root: photos.csv" in Path("again.yaml").read_text()
    assert ablate("plan", "again.yaml").code == 0


@pytest.mark.parametrize(("classes", "message"), [(0, "no folders with them"), (3, "has 3 classes, and 5 are needed")])
def test_folders_that_are_refused(ablate: Ablate, tmp_path: Path, classes: int, message: str) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "alone.png")
    save_images(tmp_path / "photos", classes)
    result = ablate("init", "photos")
    assert result.code == 2
    assert message in result.err
    assert not Path("photos.csv").exists()
