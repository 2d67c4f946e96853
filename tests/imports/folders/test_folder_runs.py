"""Folders of runs: which files are runs, and which values they have."""

from pathlib import Path
from typing import Any

import pytest

from ablate.errors import SourceError
from ablate.imports.folders.folder_runs import reader
from ablate.imports.source import DONE, FAILED, RUNNING, ColumnRole, Request, Source
from tests.support.imports import canonical, folder_runs
from tests.support.imports.run_trees import write_tree

SEEDS = range(3)


def read(folder: Path, names: str = "") -> Source:
    return reader.read(folder, Request(names=names))


def rows(source: Source, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(zip(*(source.runs[column] for column in columns), strict=True))


def test_the_canonical_study(tmp_path: Path) -> None:
    source = read(folder_runs.write(tmp_path))
    expected = sorted((run.lr, run.norm, run.seed, run.acc) for run in canonical.runs())
    assert rows(source, "lr", "norm", "seed", "acc") == expected
    assert any("never opened" in sentence for sentence in source.unused)


def test_nested_keys_become_dotted_and_results_metrics(tmp_path: Path) -> None:
    for seed in SEEDS:
        config = f"seed = {seed}\n[optim]\nlr = 1e-3\n"
        result = {"test": {"acc": 0.5 + seed}, "loss": float("nan"), "history": [0.1, 0.2], "device": "cuda"}
        write_tree(tmp_path, {f"{seed}/config.toml": config, f"{seed}/metrics.json": result})
    source = read(tmp_path)
    assert rows(source, "seed", "optim.lr", "test.acc", "history") == [(s, 1e-3, 0.5 + s, 0.2) for s in SEEDS]
    assert source.runs["loss"].isna().all()
    assert "history: a series of numbers in 3 runs; its last one is used" in source.unused
    assert source.roles["optim.lr"] is ColumnRole.SETTING
    assert source.roles["test.acc"] is ColumnRole.METRIC
    assert "device" not in source.roles


def test_a_configuration_beside_the_folder_and_several_keys_that_differ(tmp_path: Path) -> None:
    arms = {"base": (0.1, 0.0), "ablated": (0.01, 0.5)}
    for arm, (lr, dropout) in arms.items():
        for seed in range(15):
            config = f"seed = {seed}\n[model]\nlr = {lr}\ndropout = {dropout}\n"
            result = {"dataset": "adult", "metrics": {"val": {"score": 0.1}, "test": {"score": 0.8}}, "time": "0:01"}
            write_tree(tmp_path, {f"mlp/{arm}/{seed}.toml": config, f"mlp/{arm}/{seed}/stats.json": result})
    ensemble = {"config": {"seeds": [0, 1, 2]}, "metrics": {"test": {"score": 0.9}}}
    write_tree(tmp_path, {"mlp/base_ensemble/0_2/stats.json": ensemble})
    source = read(tmp_path)
    assert len(source.runs) == 30
    assert set(rows(source, "model.lr", "model.dropout")) == set(arms.values())
    assert source.roles["test.score"] is ColumnRole.METRIC
    assert any("ensemble" in sentence for sentence in source.unused)


def test_one_file_a_run_with_sections(tmp_path: Path) -> None:
    for seed in SEEDS:
        content = {"args": {"lr": 0.1, "seed": seed}, "results": {"acc": 0.5}, "env": {"host": "a"}}
        write_tree(tmp_path, {f"exp-{seed}.json": content})
    source = read(tmp_path)
    assert rows(source, "lr", "seed", "acc") == [(0.1, seed, 0.5) for seed in SEEDS]
    assert source.roles["env.host"] is ColumnRole.CIRCUMSTANCE


def test_one_file_a_run_without_sections_has_no_roles(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{seed}.json": {"lr": 0.1, "model": "vit", "seed": seed, "acc": 0.5} for seed in SEEDS})
    source = read(tmp_path)
    assert rows(source, "model", "seed") == [("vit", seed) for seed in SEEDS]
    assert not source.roles


@pytest.mark.parametrize(
    "form",
    [
        "lr={lr}/norm={norm}/seed{seed}/results.json",
        "lr{lr}_norm-{norm}_s{seed}/results.json",
        "results_lr{lr}_norm={norm}_seed={seed}.json",
        "lr_{lr}_norm={norm}_seed_{seed}.json",
        "lr={lr},norm={norm},seed={seed}/metrics.json",
    ],
)
def test_settings_in_the_names_only(tmp_path: Path, form: str) -> None:
    for run in canonical.runs():
        write_tree(tmp_path, {form.format(lr=run.lr, norm=run.norm, seed=run.seed): {"acc": run.acc}})
    source = read(tmp_path)
    assert rows(source, "lr", "norm", "seed", "acc") == sorted(canonical.runs())
    assert source.roles == {
        "lr": ColumnRole.SETTING,
        "norm": ColumnRole.SETTING,
        "seed": ColumnRole.SEED,
        "acc": ColumnRole.METRIC,
    }


def test_a_form_of_folders_and_names(tmp_path: Path) -> None:
    for run in canonical.runs():
        write_tree(tmp_path, {f"{run.norm}/{run.lr}/{run.seed}/results.json": {"acc": run.acc}})
    source = read(tmp_path, "{norm}/{lr}/{seed}")
    assert rows(source, "lr", "norm", "seed", "acc") == sorted(canonical.runs())


def test_a_last_folder_that_is_a_number_is_the_seed_if_rows_share_it(tmp_path: Path) -> None:
    for lr in (0.1, 0.01):
        for seed in SEEDS:
            write_tree(
                tmp_path, {f"lr{lr}/params.yaml": f"lr: {lr}\n", f"lr{lr}/{seed}/results.jsonl": '{"acc": 0.5}\n'}
            )
    assert rows(read(tmp_path), "lr", "seed") == [(lr, seed) for lr in (0.01, 0.1) for seed in SEEDS]


def test_numbers_of_jobs_are_no_seeds(tmp_path: Path) -> None:
    for job in range(6):
        write_tree(tmp_path, {f"{job}/config.json": {"lr": job % 2}, f"{job}/results.json": {"acc": 0.5}})
    assert "seed" not in read(tmp_path).runs


def test_the_last_value_of_a_series_and_parts_of_the_data(tmp_path: Path) -> None:
    for seed in SEEDS:
        files = {
            f"s{seed}/args.json": {"seed": seed},
            f"s{seed}/train_metrics.csv": "epoch,loss\n1,0.9\n2,0.8\n",
            f"s{seed}/test_metrics.json": {"loss": 0.7},
        }
        write_tree(tmp_path, files)
    source = read(tmp_path)
    assert rows(source, "train.loss", "test.loss") == [(0.8, 0.7)] * 3


def test_runs_without_a_result_keep_their_state(tmp_path: Path) -> None:
    files = {
        "a/config.json": {"seed": 0},
        "a/results.json": {"acc": 0.5},
        "b/config.json": {"seed": 1},
        "c/config.json": {"seed": 2},
        "c/train.log": "epoch 1\nTraceback (most recent call last):\nRuntimeError\n",
        "d/config.json": {"seed": 3},
        "d/results.json": '{"acc":',
    }
    source = read(write_tree(tmp_path, files))
    states = dict(zip(source.runs["seed"], source.states, strict=True))
    assert states == {0: DONE, 1: RUNNING, 2: FAILED, 3: FAILED}
    assert any("d/results.json is cut off at line 1" in sentence for sentence in source.unused)


def test_a_setting_and_a_result_of_one_name(tmp_path: Path) -> None:
    files = {"a/config.json": {"loss": "mse", "seed": 0}, "a/results.json": {"loss": 0.3, "seed": 0}}
    source = read(write_tree(tmp_path, files))
    assert rows(source, "config.loss", "loss", "seed") == [("mse", 0.3, 0)]


def test_links_in_circles_end(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/config.json": {"seed": 0}, "a/results.json": {"acc": 0.5}})
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert len(read(tmp_path).runs) == 1


def test_a_summary_above_the_runs_is_no_run(tmp_path: Path) -> None:
    runs = {f"seed{seed}/results.json": {"acc": 0.5} for seed in SEEDS}
    source = read(write_tree(tmp_path, {**runs, "summary.json": {"acc": 0.5}}))
    assert len(source.runs) == 3
    assert any(sentence.startswith("summary.json") for sentence in source.unused)


def test_a_folder_without_results_is_no_folder_of_runs(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/config.json": {"seed": 0}, "notes.md": "text"})
    assert reader.recognise(tmp_path) == ""
    with pytest.raises(SourceError, match="no run has a result"):
        read(tmp_path)


def test_a_run_with_the_results_of_several_seeds(tmp_path: Path) -> None:
    for lr in (0.1, 0.01):
        results = {"args": {"lr": lr}, "results": {f"seed{seed}": {"acc": lr + seed} for seed in SEEDS}}
        write_tree(tmp_path, {f"exp-{lr}.json": results})
    assert rows(read(tmp_path), "lr", "seed", "acc") == [(lr, seed, lr + seed) for lr in (0.01, 0.1) for seed in SEEDS]


def test_two_files_of_one_name_are_a_configuration_and_its_results(tmp_path: Path) -> None:
    for seed in SEEDS:
        write_tree(tmp_path, {f"vit_{seed}.yaml": f"arch: vit\nseed: {seed}\n", f"vit_{seed}.json": {"acc": 0.5}})
    source = read(tmp_path)
    assert rows(source, "arch", "seed", "acc") == [("vit", seed, 0.5) for seed in SEEDS]


def test_an_ensemble_beside_numbered_runs_is_left_out(tmp_path: Path) -> None:
    runs = {f"runs/vit/{seed}/result.json": {"acc": 0.5} for seed in SEEDS}
    source = read(write_tree(tmp_path, {**runs, "runs/vit/ensemble/result.json": {"acc": 0.6}}))
    assert sorted(source.runs["seed"]) == list(SEEDS)
    assert any("ensemble" in sentence for sentence in source.unused)
