"""A small data set in the official layout of every format: made in a folder, with faults and changes to make in it."""

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from ablate.retrieval.data.formats import emoji
from tests.support.retrieval.garments import garments_of_pairs
from tests.support.retrieval.jpegs import photographs

Change = Callable[[Path], object]
"""Changes files in the folder of a data set."""


@dataclass(frozen=True)
class SmallDataset:
    """One small data set."""

    make: Callable[[Path], Path]
    """Writes annotations and photographs into an empty or missing folder; returns data.root."""
    home: str
    """The words that name the place to get the data set from, or the files that it needs."""
    needed: str
    """A file or folder of annotations, relative to the folder, that cannot be missing."""
    relabel: Change
    """Changes the annotations to others that are right."""
    spoil: Change = lambda folder: None
    """Puts two faults into the annotations."""
    places: Sequence[str] = ()
    """The places of these two faults as an error names them."""
    second: str = ""
    """The place that lists the second photograph; empty if the folder itself is the list."""


def swap(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text in a file that has it."""
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


def cub(root: Path) -> Path:
    """CUB-200-2011 with two images a class."""
    paths = [f"{label:03d}.Bird_{label}/Bird_{label}_{n}.jpg" for label in range(1, 201) for n in (1, 2)]
    photographs(root, [f"images/{path}" for path in paths])
    (root / "images.txt").write_text("".join(f"{n} {path}\n" for n, path in enumerate(paths, 1)))
    (root / "image_class_labels.txt").write_text("".join(f"{n} {(n + 1) // 2}\n" for n in range(1, 401)))
    (root / "classes.txt").write_text("".join(f"{label} {label:03d}.Bird_{label}\n" for label in range(1, 201)))
    return root


def car_mat(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """The content of a .mat file of Cars196, a struct for each row."""
    kinds = [(name, object) for name in rows[0]]
    return {"annotations": np.array([[tuple(row.values()) for row in rows]], dtype=kinds)}


def cars_separate(root: Path, last: int = 196) -> Path:
    """Cars196 as in the devkit: every class in both official folders. `last` is the class of the last test image."""
    (root / "devkit").mkdir(parents=True, exist_ok=True)
    for folder, name in (("cars_train", "cars_train_annos"), ("cars_test", "cars_test_annos_withlabels")):
        files = [f"{label:05d}.jpg" for label in range(1, 197)]
        photographs(root, [f"{folder}/{file}" for file in files])
        labels = [*range(1, 196), last if folder == "cars_test" else 196]
        rows: list[dict[str, object]] = [
            {"bbox_x1": 1, "bbox_y1": 2, "bbox_x2": 9, "bbox_y2": 9, "class": label, "fname": file}
            for label, file in zip(labels, files, strict=True)
        ]
        savemat(root / "devkit" / f"{name}.mat", car_mat(rows))
    return root


def cars_pooled(root: Path) -> Path:
    """Cars196 as in the later archive: one folder, an image a class."""
    root.mkdir(exist_ok=True)
    paths = [f"car_ims/{label:06d}.jpg" for label in range(1, 197)]
    photographs(root, paths)
    rows: list[dict[str, object]] = [
        {"relative_im_path": path, "class": label, "test": label % 2} for label, path in enumerate(paths, 1)
    ]
    savemat(root / "cars_annos.mat", car_mat(rows))
    return root


def products(root: Path) -> Path:
    """Stanford Online Products: sixty products for training, three for the test, two images each."""
    root.mkdir(exist_ok=True)
    header = "image_id class_id super_class_id path\n"
    rows = [f"{2 * item + n} {item} {1 + item % 2} {('bicycle', 'chair')[item % 2]}_final/{item}_{n}.JPG"
            for item in range(63) for n in (0, 1)]  # fmt: skip
    (root / "Ebay_train.txt").write_text(header + "\n".join(rows[:120]) + "\n")
    (root / "Ebay_test.txt").write_text(header + "\n".join(rows[120:]) + "\n")
    photographs(root, [row.split()[-1] for row in rows])
    return root


def counted_lines(path: Path, header: str, rows: Sequence[str]) -> None:
    """Write a list of DeepFashion: the number of rows, the header, the rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([str(len(rows)), header, *rows, ""]))


def in_shop(root: Path, boxes: bool = True, folders: tuple[str, str, str] = ("", "", "")) -> Path:
    """In-shop Clothes Retrieval: forty items for training with three images each, two for the test.

    `folders` are those of the partition, the boxes and the images.
    """
    name = "img/WOMEN/Dresses/id_{item:08d}/0{n}_1_front.jpg"
    paths = {(item, n): name.format(item=item, n=n) for item in range(42) for n in (1, 2, 3)}
    photographs(root / folders[2], paths.values(), (100, 130))
    status = {1: "query", 2: "gallery", 3: "gallery"}
    rows = [f"{path}   id_{item:08d} {'train' if item < 40 else status[n]}" for (item, n), path in paths.items()]
    counted_lines(root / folders[0] / "list_eval_partition.txt", "image_name item_id evaluation_status", rows)
    if boxes:
        boxed = [f"{path} 3 1 {n} 2 90 120" for (_, n), path in paths.items()]
        header = "image_name clothes_type pose_type x_1 y_1 x_2 y_2"
        counted_lines(root / folders[1] / "list_bbox_inshop.txt", header, boxed)
    return root


def pairs(root: Path) -> Path:
    """Consumer-to-shop Clothes Retrieval: three items, a split each.

    Each item has two consumers' photographs, and a shop's that is in two pairs.
    """
    sources = {f"img/CLOTHING/Blouse/id_{item}/{name}": source for item in "123"
               for name, source in (("comsumer_01.jpg", 2), ("comsumer_02.jpg", 2), ("shop_01.jpg", 1))}  # fmt: skip
    photographs(root, sources, (100, 130))
    header = "image_name clothes_type source x_1 y_1 x_2 y_2"
    boxed = [f"{path} 1 {source} 5 6 70 80" for path, source in sources.items()]
    counted_lines(root / "Anno/list_bbox_consumer2shop.txt", header, boxed)
    at = "img/CLOTHING/Blouse/id_{0}/comsumer_0{2}.jpg img/CLOTHING/Blouse/id_{0}/shop_01.jpg id_{0} {1}"
    rows = [
        at.format(item, split, n) for item, split in zip("123", ("train", "val", "test"), strict=True) for n in (1, 2)
    ]
    header = "image_pair_name_1 image_pair_name_2 item_id evaluation_status"
    counted_lines(root / "Eval/list_eval_partition.txt", header, rows)
    return root


MARKET_TRAIN = [f"bounding_box_train/{person:04d}_c{camera}s1_000{frame}51_00.jpg" for person in range(2, 62)
                for camera, frame in ((1, 1), (1, 2), (3, 1))]  # fmt: skip
MARKET_ONE_CAMERA = "bounding_box_train/0099_c2s1_000151_00.jpg"
MARKET_QUERIES = [
    "query/0001_c1s1_001051_00.jpg",
    "query/0001_c2s1_000301_00.jpg",
    "query/1501_c6s4_000001_00.jpg",
]
MARKET_GALLERY = [
    "bounding_box_test/-1_c1s1_000401_03.jpg",
    "bounding_box_test/0000_c1s1_000151_01.jpg",
    "bounding_box_test/0000_c4s6_000151_01.jpg",
    "bounding_box_test/0001_c1s1_001051_03.jpg",
    "bounding_box_test/0001_c3s1_001051_03.jpg",
    "bounding_box_test/1501_c2s1_001051_03.jpg",
]


def market(root: Path) -> Path:
    """Market-1501: sixty persons for training at two cameras and one at one, two for the test, and distractors."""
    photographs(root, [*MARKET_TRAIN, MARKET_ONE_CAMERA, *MARKET_QUERIES, *MARKET_GALLERY])
    (root / "bounding_box_test/Thumbs.db").write_bytes(b"not an image")
    return root


def csv_file(root: Path) -> Path:
    """A CSV file with thirty items for training and three for the test, two images each."""
    names = [f"{n}.jpg" for n in range(66)]
    photographs(root, names)
    with (root / "list.csv").open("w", newline="") as file:
        rows = [(name, f"item {n // 2}", "train" if n < 60 else "test") for n, name in enumerate(names)]
        csv.writer(file, lineterminator="\n").writerows([("path", "item", "split"), *rows])
    return root / "list.csv"


def embedded(root: Path) -> Path:
    """A copy of the embedded set."""
    return shutil.copytree(emoji.HERE, root, dirs_exist_ok=True)


def edit_json(path: Path, **values: Any) -> None:
    """Set values in a JSON file; those of a mapping are set in it."""
    content = json.loads(path.read_text())
    for key, value in values.items():
        content[key] = {**content[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(content))


def _spoil_cars(folder: Path) -> None:
    for name, label in (("cars_train_annos", 197), ("cars_test_annos_withlabels", 0)):
        savemat(folder / f"devkit/{name}.mat", car_mat([{"class": label, "fname": "00001.jpg"}]))


def _spoil_lines(*faults: tuple[str, str, str]) -> Change:
    """Make a change that replaces a text by another in each of several files: (file, old, new)."""

    def spoil(folder: Path) -> None:
        for name, old, new in faults:
            swap(folder / name, old, new)

    return spoil


def _reverse_categories(folder: Path) -> None:
    path = folder / "index.json"
    edit_json(path, categories=json.loads(path.read_text())["categories"][::-1])


PARTITION = "list_eval_partition.txt"

SMALL_DATASETS = {
    "emoji": SmallDataset(
        make=embedded,
        home="Reinstall ablate",
        needed="items.tsv",
        relabel=_reverse_categories,
    ),
    "deepfashion2": SmallDataset(
        make=garments_of_pairs,
        home="Get DeepFashion2 from its authors",
        needed="validation/annos",
        relabel=lambda folder: edit_json(folder / "train/annos/000004.json", item1={"category_id": 3}),
        spoil=lambda folder: [
            edit_json(folder / "train/annos/000001.json", item1={"category_id": 14}),
            edit_json(folder / "train/annos/000004.json", item1={"style": "none"}),
        ],
        places=("000001.json: item1: category_id 14", "000004.json: item1: style 'none'"),
        second="train/annos/000002.json, item1",
    ),
    "consumer2shop": SmallDataset(
        make=pairs,
        home="Get the Consumer-to-shop Clothes Retrieval benchmark",
        needed="Anno/list_bbox_consumer2shop.txt",
        relabel=_spoil_lines(("Anno/list_bbox_consumer2shop.txt", " 70 80", " 71 80")),
        spoil=_spoil_lines(
            (f"Eval/{PARTITION}", "id_1 train", "id_1 training"),
            ("Anno/list_bbox_consumer2shop.txt", "shop_01.jpg 1 1", "shop_01.jpg 1 3"),
        ),
        places=(f"Eval/{PARTITION}, line 3: ", "Anno/list_bbox_consumer2shop.txt, line 5: "),
        second=f"Eval/{PARTITION}, line 3",
    ),
    "inshop": SmallDataset(
        make=in_shop,
        home="Get the In-shop Clothes Retrieval benchmark",
        needed=PARTITION,
        relabel=_spoil_lines(("list_bbox_inshop.txt", " 90 120", " 91 120")),
        spoil=_spoil_lines((PARTITION, " train", " trian"), ("list_bbox_inshop.txt", " 90 120", " 1 120")),
        places=(f"{PARTITION}, line 3: ", "list_bbox_inshop.txt, line 3: "),
        second=f"{PARTITION}, line 4",
    ),
    "market1501": SmallDataset(
        make=market,
        home="Get Market-1501",
        needed="query",
        relabel=lambda folder: (folder / MARKET_QUERIES[-1]).rename(folder / "query/1501_c6s4_000002_00.jpg"),
        spoil=lambda folder: [
            (folder / MARKET_QUERIES[0]).rename(folder / "query/one.jpg"),
            (folder / MARKET_ONE_CAMERA).rename(folder / "bounding_box_train/two.jpg"),
        ],
        places=("query/one.jpg: ", "bounding_box_train/two.jpg: "),
    ),
    "cub200": SmallDataset(
        make=cub,
        home="Get CUB_200_2011.tgz",
        needed="classes.txt",
        relabel=_spoil_lines(("image_class_labels.txt", "\n400 200\n", "\n400 199\n")),
        spoil=_spoil_lines(("image_class_labels.txt", "\n7 4\n", "\n7 x\n"), ("images.txt", "\n9 005", "\n9 and 005")),
        places=("image_class_labels.txt, line 7: ", "images.txt, line 9: "),
        second="images.txt, line 2",
    ),
    "cars196": SmallDataset(
        make=cars_separate,
        home="Get the set of Krause",
        needed="devkit/cars_test_annos_withlabels.mat",
        relabel=lambda folder: cars_separate(folder, last=195),
        spoil=_spoil_cars,
        places=("cars_train_annos.mat, annotation 1: ", "cars_test_annos_withlabels.mat, annotation 1: "),
        second="cars_train_annos.mat, annotation 2",
    ),
    "sop": SmallDataset(
        make=products,
        home="Get the archive from https://cvgl.stanford.edu",
        needed="Ebay_test.txt",
        relabel=_spoil_lines(("Ebay_test.txt", "\n125 62 ", "\n125 61 ")),
        spoil=_spoil_lines(("Ebay_train.txt", "\n4 2 1", "\nfour 2 1"), ("Ebay_test.txt", "\n122 61 ", "\nx 61 ")),
        places=("Ebay_train.txt, line 6: ", "Ebay_test.txt, line 4: "),
        second="Ebay_train.txt, line 3",
    ),
    "csv": SmallDataset(
        make=csv_file,
        home="A CSV file has",
        needed="list.csv",
        relabel=_spoil_lines(("list.csv", "65.jpg,item 32", "65.jpg,item 31")),
        spoil=_spoil_lines(
            ("list.csv", "1.jpg,item 0,train", "1.jpg,item 0,trian"), ("list.csv", "4.jpg,item 2", "4.jpg,")
        ),
        places=("list.csv, line 3: ", "list.csv, line 6: "),
        second="list.csv, line 3",
    ),
}
