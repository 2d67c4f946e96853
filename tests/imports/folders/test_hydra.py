"""Folders of Hydra: multiruns and single runs, options of groups, results and logs of jobs."""

from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.folders.hydra import reader
from ablate.imports.source import DONE, FAILED, RUNNING, ColumnRole, Request, Source
from tests.support.imports import canonical, hydra
from tests.support.imports.run_trees import write_tree

HYDRA = (
    "hydra:\n  runtime:\n    choices:\n      model: {model}\n      optim/sched: {sched}\n      hydra/output: default\n"
)


def job(root: Path, number: int, model: str, sched: str, seed: int, acc: float | None) -> None:
    """Write the folder of one job as Hydra 1.3 does."""
    body = "name: resnet\n  depth: 18" if model == "resnet" else "name: vit\n  depth: 12\n  heads: 4"
    config = f"model:\n  {body}\noptim:\n  sched:\n    kind: {sched}\n  lr: 1e-3\nseed: {seed}\n"
    files = {
        ".hydra/config.yaml": config,
        ".hydra/overrides.yaml": f"- model={model}\n- optim/sched={sched}\n- seed={seed}\n",
        ".hydra/hydra.yaml": HYDRA.format(model=model, sched=sched),
        "train.log": f"[2026-01-05][INFO] - val acc: 0.1\n[2026-01-05][INFO] - val acc: {acc or 0.2}\n",
    }
    result = {} if acc is None else {"results.json": {"acc": acc}}
    write_tree(root / str(number), {**files, **result})


def read(folder: Path, request: Request | None = None) -> Source:
    return reader.read(folder, request or Request())


def test_the_canonical_study(tmp_path: Path) -> None:
    source = read(hydra.write(tmp_path))
    columns = zip(source.runs["lr"], source.runs["norm"], source.runs["seed"], source.runs["acc"], strict=True)
    assert sorted(columns) == sorted(canonical.runs())
    assert "multirun.yaml" in source.why
    assert "norm._target_" not in source.runs


def test_the_option_of_a_group_stands_for_its_names_but_not_for_its_numbers(tmp_path: Path) -> None:
    for number, (model, sched) in enumerate([("resnet", "step"), ("vit", "step"), ("resnet", "cosine")]):
        job(tmp_path, number, model, sched, 0, 0.5)
    source = read(tmp_path)
    assert list(source.runs["model"]) == ["resnet", "vit", "resnet"]
    assert list(source.runs["optim/sched"]) == ["step", "step", "cosine"]
    assert list(source.runs["model.depth"]) == [18, 12, 18]  # both options have it: a second change
    assert not {"model.name", "model.heads", "optim.sched.kind"} & set(source.runs)
    assert source.roles["optim.lr"] is ColumnRole.SETTING
    assert list(source.runs["optim.lr"]) == [1e-3] * 3
    assert any(sentence.startswith("model.name and model.heads: ") for sentence in source.unused)


def test_jobs_without_results_have_failed_if_a_later_one_has_some(tmp_path: Path) -> None:
    for seed, acc in enumerate([0.5, None, 0.6, None]):
        job(tmp_path, seed, "vit", "step", seed, acc)
    assert list(read(tmp_path).states) == [DONE, FAILED, DONE, RUNNING]


def test_values_of_the_logs_of_jobs(tmp_path: Path) -> None:
    for seed in range(3):
        job(tmp_path, seed, "vit", "step", seed, None)
    source = read(tmp_path, Request(patterns={"acc": "val acc: ([0-9.]+)"}))
    assert list(source.runs["acc"]) == [0.2] * 3
    assert not source.states


def test_results_that_were_only_returned_are_not_there(tmp_path: Path) -> None:
    job(tmp_path, 0, "vit", "step", 0, None)
    with pytest.raises(SourceError, match="Hydra saves the value that a function returns nowhere"):
        read(tmp_path)


def test_overrides_without_a_configuration(tmp_path: Path) -> None:
    overrides = "- optim.lr=0.1\n- +debug=true\n- ~data\n- norm='batch'\n"
    write_tree(tmp_path, {"0/.hydra/overrides.yaml": overrides, "0/results.json": {"acc": 0.5}})
    source = read(tmp_path)
    assert {key: source.runs[key].iloc[0] for key in ("optim.lr", "debug", "norm")} == {
        "optim.lr": 0.1,
        "debug": True,
        "norm": "batch",
    }
    assert "data" not in source.runs


def test_a_folder_of_single_runs(tmp_path: Path) -> None:
    for number in range(2):
        job(tmp_path / "2026-01-05", number, "vit", "step", number, 0.5)
    assert list(read(tmp_path).places) == ["2026-01-05/0", "2026-01-05/1"]


def test_a_configuration_that_grows_by_aliases_is_not_read(tmp_path: Path) -> None:
    lists = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lists += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]" for at in range(1, 9)]
    write_tree(tmp_path, {"0/.hydra/config.yaml": "\n".join(lists), "0/results.json": {"acc": 0.5}})
    assert any("more than 100,000 values" in sentence for sentence in read(tmp_path).unused)


def test_jobs_with_events_only_are_left_to_their_reader(tmp_path: Path) -> None:
    job(tmp_path, 0, "vit", "step", 0, None)
    assert reader.recognise(tmp_path)
    (tmp_path / "0" / "events.out.tfevents.1.host.1.0").write_bytes(b"")
    assert reader.recognise(tmp_path) == ""
    write_tree(tmp_path, {"0/metrics.csv": "epoch,acc\n1,0.5\n"})
    assert reader.recognise(tmp_path)
