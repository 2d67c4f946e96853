"""Facts about labels, on which it depends if a setting of the test can change a result."""

from pathlib import Path

import pytest
from PIL import Image

from ablate.retrieval.data import catalog
from ablate.retrieval.data.label_facts import camera_reason

SIZE = (16, 16)


def packed(root: Path, cameras: str) -> str:
    """Pack a CSV of four items, the images of each by these two cameras, and return its path."""
    lines = ["path,item,split,camera"]
    for item in range(4):
        for number, camera in enumerate(cameras):
            name = f"{item}-{number}.png"
            Image.new("RGB", SIZE, (item * 60, number * 90, 0)).save(root / name)
            lines.append(f"{name},{item},{'train' if item < 2 else 'test'},{camera}")
    (root / "list.csv").write_text("\n".join(lines) + "\n")
    catalog.prepare("csv", str(root / "list.csv"), SIZE)
    return str(root / "list.csv")


@pytest.mark.parametrize("order", [("ab", "aa"), ("aa", "ab")])
def test_a_list_that_changes_in_one_process_has_other_facts(tmp_path: Path, order: tuple[str, str]) -> None:
    for cameras in order:
        reason = camera_reason("csv", packed(tmp_path, cameras), SIZE, None)
        assert (reason is None) == (cameras == "aa"), "only an image by the query's own camera is left out"
