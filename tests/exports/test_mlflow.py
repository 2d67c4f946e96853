"""Results as MLflow's `mlruns/`: the files, as its FileStore reads them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import ablate
from ablate.exports.mlflow import mlflow_folder
from tests.conftest import Ablate
from tests.support.exports.made_studies import made
from tests.support.exports.studies import UNDONE, run_study


def runs(experiment: Path) -> list[dict[str, Any]]:
    """Return the runs of an experiment in the order of their names: meta.yaml, params, metrics, tags."""
    read = []
    for meta in experiment.glob("*/meta.yaml"):
        run = yaml.safe_load(meta.read_text())
        for part in ("params", "metrics", "tags"):
            files = [path for path in (meta.parent / part).rglob("*") if path.is_file()]
            run[part] = {path.relative_to(meta.parent / part).as_posix(): path.read_text() for path in files}
        assert (run["run_id"], run["experiment_id"]) == (meta.parent.name, experiment.name)
        read.append(run)
    return sorted(read, key=lambda run: run["run_name"])


def experiment(root: Path) -> Path:
    (folder,) = root.iterdir()
    return folder


def test_a_run_has_levels_as_parameters_and_values_as_metrics(ablate: Ablate, tmp_path: Path) -> None:
    store = run_study(tmp_path)
    assert ablate("export", "--store", store, "--format", "mlflow", "--output", "mlruns").code == 0
    folder = experiment(Path("mlruns"))
    about = yaml.safe_load((folder / "meta.yaml").read_text())
    assert (about["name"], about["experiment_id"], about["lifecycle_stage"]) == ("exported", folder.name, "active")
    assert about["artifact_location"] == folder.absolute().as_uri()
    table = ablate("export", "--store", store, "--format", "jsonl").out

    lines = sorted(map(json.loads, table.splitlines()), key=lambda line: (line["row"], line["seed"]))
    for run, line in zip(runs(folder), lines, strict=True):
        assert run["run_name"] == run["tags"]["mlflow.runName"] == f"{line['row']}, seed {line['seed']}"
        assert run["status"] == 3
        assert run["params"] == {"augment": line["augment"], "rate": str(line["rate"]), "seed": str(line["seed"])}
        for name, text in run["metrics"].items():
            time, value, step = text.split(" ")
            assert float(value).hex() == float(line[name]).hex()
            assert (int(time), step) == (run["end_time"], "0\n")
        assert set(run["metrics"]) == {"top1", "top5", "top10", "loss", "score"}
        assert run["start_time"] <= run["end_time"]
        assert (run["tags"]["ablate.n.loss"], run["tags"]["ablate.state"]) == ("400", "done")


def test_a_failed_run_is_failed_and_one_that_waits_is_scheduled(tmp_path: Path) -> None:
    store = run_study(tmp_path, UNDONE)
    (tmp_path / "study.yaml").write_text((tmp_path / "study.yaml").read_text().replace("seeds: 2", "seeds: 3"))
    done = ablate.export_results(tmp_path / "study.yaml", store, format="mlflow", output="mlruns")
    assert done.states == {"done": 2, "failed": 2, "queued": 2}
    assert done.path is not None
    states = {run["run_name"]: (run["status"], run["tags"]["ablate.state"], run["metrics"]) for run in runs(done.path)}
    assert states["x=b, seed 0"] == (4, "failed", {})
    assert states["x=b, seed 2"] == (2, "queued", {})
    assert states["baseline, seed 1"][0] == 3


def test_other_experiments_stay_and_an_earlier_export_only_by_force(ablate: Ablate, tmp_path: Path) -> None:
    store = run_study(tmp_path, UNDONE)
    other = Path("mlruns/77/run/meta.yaml")
    other.parent.mkdir(parents=True)
    other.write_text("run_id: run")
    Path("mlruns/77/meta.yaml").write_text("name: other\nexperiment_id: '77'\n")
    words = ("export", "--store", store, "--format", "mlflow", "--output", "mlruns")
    path = Path(ablate(*words).err.partition("written: ")[2].strip())
    kept = path / "note"
    kept.write_text("of an earlier export")
    refused = ablate(*words)
    assert (refused.code, "is there already, with an earlier export of this study" in refused.err) == (2, True)
    assert kept.exists()
    assert ablate(*words, "--force").code == 0
    assert not kept.exists()
    assert (path / "meta.yaml").exists()
    assert other.exists()
    assert sorted(each.name for each in Path("mlruns").iterdir()) == sorted(["77", path.name])
    Path("mlruns/77/meta.yaml").write_text("name: undone\nexperiment_id: '77'\n")
    assert "mlruns/77: is another experiment with the name 'undone'" in ablate(*words, "--force").err


def test_a_folder_that_cannot_be_written_is_a_message(ablate: Ablate, tmp_path: Path) -> None:
    store = run_study(tmp_path, UNDONE)
    Path("file").write_text("mine")
    result = ablate("export", "--store", store, "--format", "mlflow", "--output", "file")
    assert (result.code, "--output file: cannot be written" in result.err) == (2, True)
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize(
    ("factor", "path"),
    [
        ("model.norm", "model.norm"),
        ("val/loss", "val/loss"),
        ("a:b=c", "a_b_c"),
        ("/abs", "abs"),
        ("../up", "_up"),
        ("..", "_"),
        ("a//b/.", "a/b"),
        ("seed", "seed_"),
        ("größe", "größe"),
        ("x" * 300, "x" * 250),
    ],
)
def test_names_are_names_of_mlflow_and_paths_within_the_folder(tmp_path: Path, factor: str, path: str) -> None:
    files = mlflow_folder(made(["a"], [1.0], factor=factor), tmp_path).files
    params = {name.partition("/params/")[2] for name in files if "/params/" in name}
    assert params == {path, "seed"}


def test_no_name_is_the_folder_of_another(tmp_path: Path) -> None:
    files = mlflow_folder(made(["a"], [1.0], factor="seed/x"), tmp_path).files
    params = {name.partition("/params/")[2] for name in files if "/params/" in name}
    assert params == {"seed_x", "seed"}
