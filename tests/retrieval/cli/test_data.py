"""`ablate data`, and a run that packs by itself."""

import contextlib
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.retrieval import data
from ablate.retrieval.cli.packing_progress import PackingLines
from ablate.retrieval.data import DATASETS
from tests.conftest import Ablate
from tests.support.retrieval import trees
from tests.support.retrieval.garments import garment, photograph

PHOTOS = 2 * 41


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    for pair in range(1, 41):
        photograph(root, "train", 2 * pair, "shop", pair, garment(1, [4, 8, 36, 56]))
        photograph(root, "train", 2 * pair + 1, "user", pair, garment(1, [4, 8, 36, 56]))
    for number, source in ((1, "shop"), (2, "user")):
        photograph(root, "validation", number, source, 1, garment(1, [4, 8, 36, 56]))
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "garments"))


def rows(text: str) -> dict[str, str]:
    """{data set: its lines, in one}."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines()[1:]:
        name = line.split()[0] if line[0] != " " else name
        found[name] = " ".join([found.get(name, ""), *line.split()])
    return found


def test_the_list_has_every_set_in_80_columns(ablate: Ablate) -> None:
    result = ablate("data", "list")
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= 80
    listed = rows(result.out)
    assert listed.keys() == DATASETS.keys()
    assert "17,909 images of 3,376 items" in listed["emoji"]
    assert all("not there" in text for name, text in listed.items() if name != "emoji")
    assert "data/deepfashion2" in listed["deepfashion2"]


def test_the_list_says_what_is_packed(ablate: Ablate, root: Path) -> None:
    def listed() -> str:
        return rows(ablate("data", "list", "deepfashion2", "--root", root).out)["deepfashion2"]

    assert "there, not packed" in listed()
    for size in ((16, 8), (8, 8)):
        assert ablate("data", "prepare", "deepfashion2", "--root", root, "--size", *size).code == 0
    assert "packed at 8x8, 16x8: 82 images of 41 items" in listed()


def test_the_list_says_what_was_begun(ablate: Ablate, root: Path) -> None:
    (root / "train/image/000007.jpg").write_bytes(b"broken")
    assert ablate("data", "prepare", "deepfashion2", "--root", root, "--size", 16, 8).code == 2
    text = rows(ablate("data", "list", "deepfashion2", "--root", root).out)["deepfashion2"]
    assert "begun, not finished: 16x8" in text
    assert ablate("data", "prepare", "deepfashion2", "--root", root, "--size", 16, 8, "--corrupt", "skip").code == 0
    text = rows(ablate("data", "list", "deepfashion2", "--root", root).out)["deepfashion2"]
    assert "81 images of 41 items, 1 more skipped" in text
    assert "begun" not in text


def test_the_list_goes_on_where_a_record_is_damaged(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "data/deepfashion2/ablate-pack").mkdir(parents=True)
    (tmp_path / "data/deepfashion2/ablate-pack/deepfashion2.json").write_text("{")
    result = ablate("data", "list")
    assert (result.code, rows(result.out).keys()) == (0, DATASETS.keys())
    assert "cannot be read" in rows(result.out)["deepfashion2"]


def test_a_set_where_it_expects_itself_needs_no_root(ablate: Ablate, made: Path) -> None:
    shutil.copytree(made, "data/deepfashion2")
    result = ablate("data", "prepare", "deepfashion2")
    assert result.code == 0
    assert "82 images of 41 items: data/deepfashion2/ablate-pack/64x64-" in result.out
    assert "82 photographs" in result.err
    assert "packed at 64x64" in rows(ablate("data", "list").out)["deepfashion2"]


def test_corrupt_images_are_refused_or_skipped_as_asked(ablate: Ablate, root: Path) -> None:
    (root / "train/image/000007.jpg").write_bytes(b"broken")
    (root / "train/image/000009.jpg").unlink()
    words = ("data", "prepare", "deepfashion2", "--root", root, "--size", 16, 8)
    result = ablate(*words)
    assert result.code == 2
    assert not result.out
    assert "000007.jpg: found a file that is damaged" in result.err
    assert "000009.jpg: found no file" in result.err
    assert f"ablate data prepare deepfashion2 --root {root} --size 16 8 --corrupt skip" in result.err
    result = ablate(*words, "--corrupt", "skip")
    assert result.code == 0
    assert "skipped 2 images" in result.err
    assert "000007.jpg: found a file" in result.err
    assert "80 images of 41 items" in result.out
    assert ablate(*words).code == 2


@pytest.mark.slow
def test_a_run_packs_and_warns_of_what_a_pack_lacks(ablate: Ablate, root: Path) -> None:
    path = Path("study.yaml")
    for number, source in ((3, "shop"), (4, "user")):  # of one gallery image, every query would be right
        photograph(root, "validation", number, source, 2, garment(1, [4, 8, 36, 56]))
    config = {"data": {"name": "deepfashion2", "root": str(root), "size": [16, 8]}, "schedule": {"steps": 0}}
    design = [{"rows": {"only": {}}}]
    path.write_text(json.dumps({"study": "garments", "trainer": "retrieval", "config": config, "design": design}))
    planned = ablate("plan", path)
    assert planned.code == 0
    assert "  pending    only\n" in planned.out
    words = " ".join(planned.out.split())
    assert f"`ablate data prepare deepfashion2 --root {root} --size 16 8` or `ablate run study.yaml` packs it" in words
    (root / "train/image/000007.jpg").write_bytes(b"broken")
    refused = ablate("run", path, "--executor", "inline")
    assert refused.code == 2
    assert "1 of 84 images cannot be packed" in refused.err
    assert ablate("data", "prepare", "deepfashion2", "--root", root, "--size", 16, 8, "--corrupt", "skip").code == 0
    result = ablate("run", path, "--executor", "inline")
    assert "warning: deepfashion2 is packed without 1 image that could not be read" in result.err
    assert result.code == 0, result.err
    assert data.load("deepfashion2", str(root), (16, 8)).images.shape == (PHOTOS + 2 - 1, 16, 8, 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "emojy"), "unknown data set 'emojy'; did you mean 'emoji'? known: emoji, deepfashion2"),
        (("prepare", "emojy"), "did you mean 'emoji'?"),
        (("list", "--root", "x"), "`ablate data list NAME --root PATH`"),
        (("prepare", "deepfashion2", "--size", 0, 8), "--size 0 8: height and width are whole numbers from 1"),
        (("prepare", "deepfashion2", "--corrupt", "keep"), "--corrupt keep: accepted are refuse and skip"),
        (("prepare", "deepfashion2"), "password"),
        (("prepare", "deepfashion2", "--root", "nowhere"), "nowhere/train/annos"),
    ],
)
def test_what_is_wrong_is_said(ablate: Ablate, words: tuple[object, ...], said: str) -> None:
    result = ablate("data", *words)
    assert result.code == 2
    assert said in result.err
    assert not result.out


def test_the_embedded_set_needs_no_packing(ablate: Ablate) -> None:
    result = ablate("data", "prepare", "emoji")
    assert (result.code, result.out) == (0, "emoji needs no packing: it is part of the package\n")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_is_shown_on_a_terminal_alone(root: Path, terminal: bool) -> None:
    ours, theirs = pty.openpty() if terminal else os.pipe()
    command = [sys.executable, "-m", "ablate", "data", "prepare", "deepfashion2", "--root", str(root)]
    environment = {**os.environ, "TERM": "xterm", "FORCE_COLOR": "1"}
    preparing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    text = ""
    with contextlib.suppress(OSError):  # a terminal's end, once nobody has the other
        while part := os.read(ours, 65536):
            text += part.decode()
    os.close(ours)
    out, _ = preparing.communicate()
    assert preparing.returncode == 0
    assert b"82 images of 41 items" in out
    assert ("\x1b[" in text) == terminal
    assert ("82/82" in text) == terminal
    assert ("deepfashion2: 82 photographs\n" in text) == (not terminal)


def test_lines_say_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 40.0, 60.0, 71.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    lines = PackingLines("garments")
    for done in (1000, 1010, 1040, 1060, 1071):
        lines.advance(done, 5000)
    assert capsys.readouterr().err.splitlines() == [
        "garments: 1,000 of 5,000 photographs done before",
        "garments: 1,040 of 5,000 photographs, about 1 h 6 min left",
        "garments: 1,071 of 5,000 photographs, about 1 h 5 min left",
    ]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of items in two photographs each: two to train on, one to validate with, three to test on."""
    folder = tmp_path / "my photos"
    lines = ["path,item,split"]
    for number in range(12):
        trees.photograph(folder / f"{number}.png", number, 16, 16)
        split = "train" if number < 4 else "validation" if number < 6 else "test"
        lines.append(f"{number}.png,{number // 2},{split}")
    (folder / "list.csv").write_text("\n".join([*lines, ""]))
    return folder / "list.csv"


def study_of(listed: Path) -> Path:
    config = {
        "data": {"name": "csv", "root": str(listed), "size": [16, 12]},
        "model": {"bn_grouping": "fused", "backbone": "resnet18"},
        "loss": {"mining": "batch-hard", "target": "item"},
        "batch": {"sampling": "pk", "items": 2, "images": 2},
        "schedule": {"steps": 0},
        "evaluate": {"scope": "all"},
    }
    path = listed.parent / "study.yaml"
    path.write_text(json.dumps({"study": "listed", "config": config, "design": [{"rows": {"only": {}}}]}))
    return path


def test_the_command_in_a_message_can_be_typed_as_it_stands(ablate: Ablate, listed: Path) -> None:
    planned = ablate("plan", study_of(listed))
    assert f"{listed} is not packed yet" in planned.out.replace("\n ", "")
    (command,) = re.findall(r"`(ablate data prepare [^`]+)`", planned.out.replace("\n ", ""))
    words = shlex.split(command)
    assert words[-3:] == ["--size", "16", "12"]
    assert ablate(*words[1:]).code == 0
    again = ablate("plan", study_of(listed))
    assert (again.code, "data prepare" in again.out) == (0, False), again.out


def test_leakage_is_told_by_every_command_and_refused_if_asked(ablate: Ablate, listed: Path) -> None:
    shutil.copy(listed.parent / "0.png", listed.parent / "6.png")
    words = ("data", "prepare", "csv", "--root", listed, "--size", 16, 12)
    refused = ablate(*words, "--leakage", "refuse")
    assert (refused.code, refused.out) == (2, "")
    result = ablate(*words)
    assert result.code == 0
    assert "warning: 1 validation or test image is in training too" in result.err
    pair = "6.png (test image; list.csv, line 8) is the same image as 0.png ("
    assert pair in result.err
    assert pair in refused.err
    planned = ablate("plan", study_of(listed))
    assert planned.err.count(pair) == 1
    assert ablate(*words, "--leakage", "refuse").code == 2
    assert "--leakage keep: accepted are refuse and warn" in ablate(*words, "--leakage", "keep").err


@pytest.mark.slow
def test_a_run_tells_of_leakage_and_packs_a_replaced_photograph_again(ablate: Ablate, listed: Path) -> None:
    shutil.copy(listed.parent / "0.png", listed.parent / "6.png")
    study = study_of(listed)
    first = ablate("run", study, "--executor", "inline")
    assert first.code == 0, first.err
    assert first.err.count("1 validation or test image is in training too") == 1
    trees.photograph(listed.parent / "6.png", 99, 16, 16)
    planned = ablate("plan", study)
    assert "1 photograph changed since packing, 6.png the first; `ablate run " in planned.err
    assert "stale" not in planned.out
    second = ablate("run", study, "--executor", "inline")
    assert second.code == 0, second.err
    assert "1 photograph changed since packing" in second.err
    assert "in training too" not in second.err
    assert "changed since" not in ablate("plan", study).err
    assert "stale" not in ablate("plan", study).out


def test_the_command_in_a_refusal_keeps_the_other_options(ablate: Ablate, listed: Path) -> None:
    shutil.copy(listed.parent / "0.png", listed.parent / "6.png")
    (listed.parent / "7.png").write_bytes(b"broken")
    words: tuple[object, ...] = ("data", "prepare", "csv", "--root", listed, "--size", 16, 12, "--leakage", "refuse")
    ends = (["--corrupt", "skip", "--leakage", "refuse"], ["--corrupt", "skip", "--leakage", "warn"])
    for end in ends:
        refused = ablate(*words)
        assert refused.code == 2
        (command,) = re.findall(r"`(ablate data prepare [^`]+)`", refused.err)
        words = tuple(shlex.split(command)[1:])
        assert words[-4:] == tuple(end)
    assert ablate(*words).code == 0


def test_a_csv_without_categories_is_told_what_to_set(ablate: Ablate, listed: Path) -> None:
    study = study_of(listed)
    config = json.loads(study.read_text())
    del config["config"]["loss"]["target"]
    config["config"]["schedule"]["steps"] = 1
    study.write_text(json.dumps(config))
    assert ablate("data", "prepare", "csv", "--root", listed, "--size", 16, 12).code == 0
    result = ablate("plan", study)
    assert result.code == 2
    assert "loss.target: csv has one category, 'all'" in result.err
    assert "set loss.target: item, or loss.omega: 1.0, or give the CSV the column category" in result.err
    assert ablate("plan", study, "--set", "config.loss.target=item").code == 0
