"""The cores, GPUs and memory of a user's script, and the costs that are recorded of it."""

import json
from pathlib import Path

import pytest

import ablate
from ablate.run.devices import slots
from ablate.study.trials.identity import trials
from tests.support.study_text import read
from tests.support.trainers.own_script import STUDY, project, ran, store_of, values

SHOWN = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "ABLATE_SEED", "ABLATE_ATTEMPT", "ABLATE_DIR")
SCRIPT = f"""
import json, os, sys
folder = os.environ["ABLATE_DIR"]
shown = {{name: os.environ.get(name) for name in {SHOWN!r}}}
shown["config"] = json.load(open(os.environ["ABLATE_CONFIG"]))
json.dump(shown, open(os.path.join(folder, "shown.json"), "w"))
json.dump({{"acc": 0.5}}, open(os.environ["ABLATE_RESULT"], "w"))
"""
PLAIN = STUDY.replace(', from: "stdout:acc: ([0-9.a-z-]+)"', "").replace("seeds: 2", "seeds: 1")


def shown(study: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_bytes()) for path in sorted(study.parent.glob("results/runs/*/shown.json"))]


def test_a_script_gets_its_threads_seed_and_config_in_its_environment(tmp_path: Path) -> None:
    study = project(tmp_path, PLAIN + "runtime: {threads: 3, device: cpu}\n", train=SCRIPT)
    assert ran(study).failed == 0
    for one in shown(study):
        assert {one["OMP_NUM_THREADS"], one["MKL_NUM_THREADS"]} == {"3"}
        assert (one["CUDA_VISIBLE_DEVICES"], one["ABLATE_SEED"], one["ABLATE_ATTEMPT"]) == ("", "0", "1")
    configs = [one["config"] for one in shown(study)]
    expected = [{"lr": 0.1, "depth": 2}, {"lr": 0.2, "depth": 2}, {"lr": 0.1, "depth": 4}]
    assert sorted(map(str, configs)) == sorted(map(str, expected))


def test_each_worker_gets_a_gpu_or_a_share_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    project(tmp_path)
    environments = slots(trials(read(tmp_path, STUDY)), None)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in environments] == ["2", "5"]
    shared = read(tmp_path, STUDY + "runtime: {trials_per_gpu: 2}\n")
    assert [one["CUDA_VISIBLE_DEVICES"] for one in slots(trials(shared), None)] == ["2", "5", "2", "5"]
    assert slots(trials(read(tmp_path, STUDY + "runtime: {device: cpu}\n")), 1) == [{}]


def test_the_time_on_gpus_is_a_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    study = project(tmp_path, PLAIN, train=SCRIPT)
    ran(study)
    assert {one["CUDA_VISIBLE_DEVICES"] for one in shown(study)} == {"1"}
    rows = ablate.load_results(store=store_of(study)).rows
    for row in rows:
        costs = row.results[0].costs
        assert costs["gpu_seconds"].value == costs["seconds"].value


def test_the_memory_of_a_trial_limits_the_number_of_workers(tmp_path: Path) -> None:
    project(tmp_path)
    study = read(tmp_path, STUDY + "runtime: {memory: 100TB}\n")
    assert study.config["runtime"] == {"memory": "100TB"}
    assert len(slots(trials(study), None)) == 1
    assert len(slots(trials(study), 3)) == 3  # more on request


@pytest.mark.slow
def test_the_peak_memory_of_a_script_is_a_cost(tmp_path: Path) -> None:
    train = SCRIPT + "block = bytearray(300_000_000)\nimport time; time.sleep(0.6)\n"
    study = project(tmp_path, PLAIN, train=train)
    ran(study, only=["baseline"])
    (row, *_) = ablate.load_results(store=store_of(study)).rows
    assert 300 < row.results[0].costs["peak_memory"].value < 600  # in 10^6 bytes, Python's own part included
    assert values(study)["baseline"] == {0: 0.5}


@pytest.mark.slow
def test_the_time_of_the_attempts_before_it_counts(tmp_path: Path) -> None:
    train = """
import os, sys, time
saved = os.path.join(os.environ["ABLATE_DIR"], "saved.txt")
time.sleep(0.3)
if "--resume" not in sys.argv:
    open(saved, "w").write("state")
    sys.exit(75)
print("acc: 0.5")
"""
    text = STUDY.replace("trainer: {", "trainer: {resume: {args: [--resume], if: saved.txt}, ")
    study = project(tmp_path, text.replace("seeds: 2", "seeds: 1"), train=train)
    assert ran(study, only=["baseline"]).failed == 0
    (row, *_) = ablate.load_results(store=store_of(study)).rows
    assert row.results[0].costs["seconds"].value > 0.6
    assert len(list(tmp_path.glob("results/runs/*/attempt-*.log"))) == 2
