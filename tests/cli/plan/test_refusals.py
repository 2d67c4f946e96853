"""Whatever `run` refuses, `plan` refuses with the same words; and data that are not packed yet hide no row."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Ablate
from tests.support.paths import SIMULATED

STUDY = """
study: own
config:
  data: {name: csv, root: list.csv, size: [16, 16]}
  model: {bn_grouping: fused}
  loss: {target: item, mining: batch-hard}
  batch: {sampling: pk, items: 4, images: 2}
  schedule: {steps: 1, milestones: []}
  evaluate: {scope: all}
factors:
  margin: {sets: loss.margin, levels: [0.3, 0.2]}
design: [{add_one: {from: {}}}]
"""
HEADER = "path,item,split,category\n"
ITEMS = 24


def written(lines: list[str], name: str = "list.csv") -> None:
    Path(name).write_text(HEADER + "".join(f"{line}\n" for line in lines))


@pytest.fixture
def lines() -> list[str]:
    """Twenty-four items with two images each, six of them for the test; a study of them."""
    random = np.random.default_rng(0)
    made = []
    for item in range(ITEMS):
        for number in range(2):
            Image.fromarray(random.integers(0, 256, (16, 16, 3), np.uint8)).save(f"{item}-{number}.png")
            made.append(f"{item}-{number}.png,item {item},{'test' if item >= 18 else 'train'},things")
    written(made)
    Path("study.yaml").write_text(STUDY)
    return made


def refused(ablate: Ablate, *settings: str) -> str:
    """Return the message with which both commands refuse the study, before anything is made."""
    words = [word for setting in settings for word in ("--set", setting)]
    planned = ablate("plan", "study.yaml", *words)
    assert planned.code == 2, planned.out
    assert not Path("ablate-pack").exists()
    ran = ablate("run", "study.yaml", "--executor", "inline", *words)
    assert (ran.code, ran.err) == (2, planned.err)
    assert not Path("results").exists()
    return planned.err


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (["config.batch.items=99"], "batch.items: 99 needs 99 items a step, and csv has 16 training items"),
        (["config.loss.target=category"], "loss.target: csv has one category, 'things'"),
        (["config.data.name=cvs"], "unknown data set 'cvs'"),
        (["config.data.root=none.csv"], "none.csv cannot be read (No such file or directory)"),
        (["config.evaluate.whitening={dimensions: 40}"], "evaluate.whitening.dimensions: 40 needs more training"),
        (["config.evaluate.rerank={k1: 12}"], "evaluate.rerank.k1: 12 neighbours are needed"),
        (["config.evaluate.detections=study.yaml"], "evaluate.detections: only deepfashion2 has a rule"),
        (["config.model.pretrained=none.pt"], "model.pretrained: none.pt cannot be read"),
        (["config.amp=fp16"], "amp: fp16 needs a CUDA device"),
        (["config.amp=fp16", "runtime.device=cpu"], "config.amp: fp16 needs a CUDA device"),
        (["runtime.device=cuda:7"], "runtime.device: 'cuda:7' is not there"),
        (["config.loss.mining=given"], "pk sampling gives no triplets"),
        (["seeds=0"], "seeds"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_run_refuses_of_a_config_plan_finds(
    ablate: Ablate, lines: list[str], monkeypatch: pytest.MonkeyPatch, settings: list[str], fault: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert fault in refused(ablate, *settings)


@pytest.mark.parametrize(
    ("old", "new", "faults"),
    [
        (",test,", ",train,", ["the test split of csv has no queries", "the test split of csv has no gallery"]),
        (",test,", ",tset,", ["list.csv, line 38: split 'tset'", "did you mean test? (12 lines have it)"]),
        ("20-", "200-", ["list.csv, line 42: 200-0.png: found no file", "list.csv: 2 of the 48 image files"]),
        (",train,", ",train", ["list.csv, line 2: has 3 fields, expected 4"]),
    ],
    ids=["no test lines", "a wrong split", "no file", "a missing field"],
)
def test_what_run_refuses_of_a_list_plan_finds(
    ablate: Ablate, lines: list[str], old: str, new: str, faults: list[str]
) -> None:
    written([line.replace(old, new) for line in lines])
    message = refused(ablate)
    assert all(fault in message for fault in faults), message


def test_a_pack_that_cannot_be_written_is_found_before_it_is_made(ablate: Ablate, lines: list[str]) -> None:
    Path("ablate-pack").write_text("a file in the place of the folder")
    words = "ablate-pack must be a folder: move the file of that name away"
    for command in (("plan",), ("run", "--executor", "inline")):
        refused = ablate(command[0], "study.yaml", *command[1:])
        assert (refused.code, words in refused.err) == (2, True), refused.err


def test_a_pack_that_has_no_room_is_found_before_it_is_made(ablate: Ablate, lines: list[str]) -> None:
    for command in (("plan",), ("run", "--executor", "inline")):
        refused = ablate(command[0], "study.yaml", *command[1:], "--set", "config.data.size=[900000, 900000]")
        assert (refused.code, "MB free. Make room, or choose a smaller size" in refused.err) == (2, True), refused.err


def test_the_faults_of_all_lists_come_at_once(ablate: Ablate, lines: list[str]) -> None:
    written([line.replace(",test,", ",tset,") for line in lines], "one.csv")
    written([line.replace(",test,", ",quer,") for line in lines], "two.csv")
    design = STUDY.replace("margin: {sets: loss.margin, levels: [0.3, 0.2]}", "list: {sets: data.root, levels: [a, b]}")
    Path("study.yaml").write_text(design.replace("[a, b]", "[one.csv, two.csv]"))
    message = refused(ablate)
    assert "one.csv, line 38: split 'tset'" in message
    assert "two.csv, line 38: split 'quer'" in message


def test_rows_are_shown_before_their_data_are_packed(ablate: Ablate, lines: list[str]) -> None:
    planned = ablate("plan", "study.yaml")
    assert planned.code == 0
    assert planned.out.count("  pending    ") == 2
    words = " ".join(planned.out.split())
    assert "2 rows × 1 seed: 2 trials, 2 trainings, of which 2 to run" in words
    assert "is not packed yet" in words
    assert "`ablate run study.yaml` packs it" in words
    assert not Path("ablate-pack").exists()


def test_results_of_other_data_are_not_taken_for_those_of_unpacked_data(ablate: Ablate, lines: list[str]) -> None:
    assert ablate("run", "study.yaml", "--executor", "inline", "--set", "config.schedule.steps=0").code == 0
    written(lines[2:])
    planned = ablate("plan", "study.yaml", "--set", "config.schedule.steps=0")
    assert planned.out.count("  pending    ") == 1
    assert planned.out.count("  shared     ") == 1, "without steps, nothing reads the margin"
    assert "is not packed as it is now: list.csv changed since" in " ".join(planned.out.split())


def test_a_plan_of_unpacked_data_imports_no_torch(lines: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('heavy:', sorted({'torch', 'pandas', 'scipy'} & set(sys.modules))))\n"
        "sys.argv = ['ablate', 'plan', 'study.yaml', '--set', 'config.evaluate.whitening={dimensions: 8}']\n"
        "from ablate.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "heavy: []" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_a_store_that_a_run_cannot_write_is_a_warning(ablate: Ablate) -> None:
    """A plan may read a store that this user cannot write."""
    few = ("--executor", "inline", "--seeds", 1)
    assert ablate("run", SIMULATED, "--store", "x.db", *few).code == 0
    Path("x.db").chmod(0o444)
    planned = ablate("plan", SIMULATED, "--store", "x.db", "--seeds", 1)
    assert planned.code == 0
    assert "  done" in planned.out
    assert "cannot write the store x.db: x.db is read-only; name another with --store" in planned.err
    assert ablate("run", SIMULATED, "--store", "x.db", *few).code == 2


def test_a_search_without_a_space_is_refused_before_anything_is_packed(ablate: Ablate, lines: list[str]) -> None:
    refused = ablate("search", "study.yaml")
    assert refused.code == 2
    assert "has no `search` section" in refused.err
    assert not Path("ablate-pack").exists()


def test_a_search_is_refused_whose_range_has_values_that_do_not_fit_the_data(ablate: Ablate, lines: list[str]) -> None:
    space = "{evaluate.rerank.k1: {low: 2, high: 40}, batch.items: {low: 2, high: 8}}"
    search = f"search: {{space: {space}, sampler: random, trials: 2, finalists: {{top: 1, seeds: 2}}}}\n"
    Path("study.yaml").write_text(STUDY.replace("{scope: all}", "{scope: all, rerank: {k1: 2, k2: 1}}") + search)
    result = ablate("search", "study.yaml", "--executor", "inline")
    assert result.code == 2
    assert "search.space: candidates with evaluate.rerank.k1=40: evaluate.rerank.k1: 40 neighbours are" in result.err
    assert "batch.items=8" not in result.err
    planned = ablate("plan", "study.yaml")
    assert planned.code == 0
    assert "evaluate.rerank.k1=40" in planned.err
    assert "until then `ablate search study.yaml` is refused" in " ".join(planned.err.split())
