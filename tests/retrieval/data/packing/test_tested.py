"""The hash of a test split: the same for data sets that differ in training alone."""

from pathlib import Path

from ablate.retrieval import data
from tests.support.retrieval.lists import write_list

SIZE = (16, 16)


def content(path: Path) -> str:
    data.prepare("csv", str(path), SIZE)
    return data.tested("csv", str(path))


def test_it_is_of_the_test_split_alone(tmp_path: Path) -> None:
    whole = tmp_path / "list.csv"
    write_list(whole)
    header, *lines = whole.read_text().splitlines()
    fewer = [line for line in lines if "train" not in line or "-0-" not in line]
    (tmp_path / "fewer.csv").write_text("\n".join([header, *fewer, ""]))
    assert content(tmp_path / "fewer.csv") == content(whole)
    assert data.fingerprint("csv", str(tmp_path / "fewer.csv")) != data.fingerprint("csv", str(whole))


def test_an_image_a_role_and_an_item_count(tmp_path: Path) -> None:
    write_list(tmp_path / "list.csv")
    header, *lines = (tmp_path / "list.csv").read_text().splitlines()
    variants = {
        "one": lines[:-1],
        "role": [line.replace(",test,", ",query," if "-0.png" in line else ",gallery,") for line in lines],
        "item": [line.replace("item 11", "item 10") for line in lines],
    }
    found = {content(tmp_path / "list.csv")}
    for name, changed in variants.items():
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *changed, ""]))
        found.add(content(tmp_path / f"{name}.csv"))
    assert len(found) == 4


def test_packs_without_the_hash_fall_back_to_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    write_list(path)
    assert content(path) != data.fingerprint("csv", str(path))
    for record in (tmp_path / "ablate-pack").rglob("*.json"):
        text = record.read_text()
        record.write_text(
            "\n".join(line for line in text.splitlines() if '"tested"' not in line).replace(",\n}", "\n}")
        )
    assert data.tested("csv", str(path)) == data.fingerprint("csv", str(path))
