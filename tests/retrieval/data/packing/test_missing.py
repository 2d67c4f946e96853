"""Folders behind links and locks, sets that are only partly unpacked, and images of unusual kinds."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data.formats import inshop
from tests.support.retrieval import garments
from tests.support.retrieval.small_datasets import counted_lines, in_shop

SIZE = (6, 4)


def test_folders_behind_links_are_found(tmp_path: Path) -> None:
    root = in_shop(tmp_path / "set", boxes=False)
    (root / "img/WOMEN").rename(tmp_path / "elsewhere")
    (root / "img/WOMEN").symlink_to(tmp_path / "elsewhere")
    record = data.prepare("inshop", str(root), SIZE)
    assert record is not None
    assert record.images == 126


def test_boxes_that_come_later_make_another_set(tmp_path: Path) -> None:
    root = in_shop(tmp_path, boxes=False)
    paths = [entry.path for entry in inshop.read(root).entries]
    whole = data.prepare("inshop", str(root), SIZE)
    boxed = [f"{path} 3 1 1 2 90 120" for path in paths]
    counted_lines(root / "Anno/list_bbox_inshop.txt", "image_name clothes_type pose_type x_1 y_1 x_2 y_2", boxed)
    with pytest.raises(DataError, match=r"Anno/list_bbox_inshop.txt changed since"):
        data.fingerprint("inshop", str(root))
    cut = data.prepare("inshop", str(root), SIZE)
    assert whole is not None
    assert cut is not None
    assert whole.fingerprint != cut.fingerprint


def test_photographs_without_annotations_are_half_an_archive(tmp_path: Path) -> None:
    for number in range(1, 5):
        for part in ("train", "validation"):
            shown = garments.garment(1, [4, 4, 20, 20])
            garments.photograph(tmp_path, part, number, "shop" if number % 2 else "user", number // 3, shown)
    (tmp_path / "train/image/._000001.jpg").touch()
    (tmp_path / "train/annos/000002.json").unlink()
    (tmp_path / "train/annos/000004.json").unlink()
    with pytest.raises(DataError, match=r"train/annos: 2 of 4 photographs have no annotation, 000002.jpg the first"):
        data.prepare("deepfashion2", str(tmp_path), SIZE)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_locked_folder_is_named(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    (locked / "set").mkdir(parents=True)
    locked.chmod(0)
    try:
        with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
            data.prepare("market1501", str(locked / "set"), SIZE)
    finally:
        locked.chmod(0o700)


def test_greys_of_sixteen_bits_keep_their_upper_eight(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 24, dtype=np.uint16).reshape(6, 4)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    Image.fromarray(ramp).save(tmp_path / "b.png")
    (tmp_path / "list.csv").write_text("path,item,split\na.png,1,test\nb.png,1,test\n")
    data.prepare("csv", str(tmp_path / "list.csv"), SIZE)
    found = data.load("csv", str(tmp_path / "list.csv"), SIZE).images
    assert np.array_equal(found[0], np.repeat((ramp >> 8).astype(np.uint8)[:, :, None], 3, axis=2))


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_a_damaged_image_of_another_kind_can_be_skipped(tmp_path: Path) -> None:
    """Pillow's decoder of AVIF raises RuntimeError."""
    Image.new("RGB", (64, 64), (9, 99, 199)).save(tmp_path / "a.avif")
    (tmp_path / "b.avif").write_bytes((tmp_path / "a.avif").read_bytes()[:-40])
    (tmp_path / "list.csv").write_text("path,item,split\na.avif,1,test\nb.avif,1,test\n")
    record = data.prepare("csv", str(tmp_path / "list.csv"), SIZE, "skip")
    assert record is not None
    assert len(record.skipped) == 1
