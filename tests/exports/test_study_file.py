"""`ablate init --from-import`: the study file of an imported study can be planned and run."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ablate as library
from ablate.api.imports import import_results
from ablate.exports.study_file import imported_study_file
from ablate.imports.source import Request
from ablate.store.plan_document import PlanDocument, StoredFactor, Summary
from ablate.store.plans import StoredPlan, StoredRow
from ablate.study.factors import level_text
from tests.conftest import Ablate
from tests.support.paths import SEED_LOG

TABLE = """\
lr,wd,model.norm,use aug,seed,acc,epochs
0.1,0.0,batch,True,3,0.5,10
0.1,0.0,batch,True,5,0.51,10
0.01,0.0001,batch,True,3,0.52,10
0.01,0.0001,batch,True,5,0.53,10
0.1,0.0,layer,False,3,0.5,10
0.1,0.0,layer,,5,0.51,10
"""
SCRIPT = """\
import argparse
parser = argparse.ArgumentParser()
for name, kind in (("lr", float), ("wd", float), ("model.norm", str), ("use_aug", str), ("epochs", int), ("seed", int)):
    parser.add_argument("--" + name, type=kind)
args = parser.parse_args()
print("acc:", 0.5 + args.lr + 0.001 * args.seed)
"""


@pytest.fixture
def imported(tmp_path: Path) -> None:
    Path("table.csv").write_text(TABLE)
    Path("train.py").write_text(SCRIPT)
    import_results("table.csv", "table", "store.db", Request(metrics=("acc",)))


def test_the_file_has_the_levels_settings_and_seeds_of_the_import(ablate: Ablate, imported: None) -> None:
    result = ablate("init", "--from-import", "table", "--store", "store.db")
    assert (result.code, result.out) == (0, "wrote table-runs.yaml\n")
    assert "- use aug is called use_aug in the config" in result.err
    assert "to do: put your script in place of train.py, and check `from` of acc" in result.err
    assert "not accepted yet" not in result.err
    study = library.read_study(Path("table-runs.yaml"))
    assert {factor.name: factor.sets for factor in study.factors} == {
        "lr + wd": ("lr", "wd"),
        "model.norm": ("model.norm",),
        "use aug": ("use_aug",),
    }
    configs = {row.label: study.row_config(row) for row in study.rows}
    assert len(configs) == 2 * 2 * 3
    of_import = list(configs.values())[:4]
    assert [(one["lr"], one["wd"], one["model"]["norm"], one["use_aug"]) for one in of_import] == [
        (0.1, 0, "batch", True),
        (0.01, 0.0001, "batch", True),
        (0.1, 0, "layer", False),
        (0.1, 0, "layer", None),
    ]
    assert {one["epochs"] for one in configs.values()} == {10}
    assert list(study.seeds) == [3, 5]
    assert (study.primary, study.delta) == ("acc", 0.5)
    assert ablate("plan", "table-runs.yaml", "--store", "store.db").code == 0


@pytest.mark.slow
def test_the_rows_that_are_missing_run_next_to_the_import(ablate: Ablate, imported: None) -> None:
    assert ablate("init", "--from-import", "table", "--store", "store.db").code == 0
    words = ("run", "table-runs.yaml", "--store", "store.db", "--executor", "inline", "--only", "*layer*")
    assert ablate(*words).code == 0
    compared = ablate("compare", "table-runs", "--against", "table", "--store", "store.db", "--format", "json")
    assert compared.code == 0


def test_a_file_that_is_there_and_other_requests_are_refused(ablate: Ablate, imported: None) -> None:
    words = ("init", "--from-import", "table", "--store", "store.db")
    Path("table-runs.yaml").write_text("mine")
    assert "table-runs.yaml: is there already; --force replaces it" in ablate(*words).err
    assert Path("table-runs.yaml").read_text() == "mine"
    assert ablate(*words, "--name", "again").out == "wrote again.yaml\n"
    assert library.read_study(Path("again.yaml")).name == "again"
    assert "unknown study 'tabel'; did you mean 'table'?" in ablate(*words[:2], "tabel", *words[3:]).err
    assert "TARGET and --from-import are two sources" in ablate("init", "train.py", *words[1:]).err
    assert "TARGET is missing" in ablate("init").err
    Path("own.yaml").write_text("study: own\ntrainer: simulated\nfactors: {}\ndesign: [{rows: {a: {}}}]\nseeds: 1\n")
    library.run_study(Path("own.yaml"), "store.db", executor="inline")
    refused = ablate("init", "--from-import", "own", "--store", "store.db")
    assert "--from-import own: was run, not imported; its study file is " in refused.err


def test_an_imported_log_has_a_study_file_too(ablate: Ablate) -> None:
    assert ablate("import", SEED_LOG, "--study", "first-log").code == 0
    Path("train.py").write_text("")
    result = ablate("init", "--from-import", "first-log")
    assert "not accepted yet" not in result.err
    study = library.read_study(Path("first-log-runs.yaml"))
    stored = library.load_results("first-log")
    assert [factor.name for factor in study.factors] == stored.factors
    assert len(study.rows) >= len(stored.rows)


def plan_of(name: str, levels: tuple[str | float, ...], **document: object) -> StoredPlan:
    factors = (StoredFactor(name, (name,), levels, levels[-1]),)
    rows = [StoredRow(f"{name}={level}", "row", {name: level}, {0: str(at)}) for at, level in enumerate(levels)]
    made = PlanDocument("imported", "top1", 0.5, 0.05, factors=factors, source="table.csv", **document)  # type: ignore[arg-type]
    return StoredPlan("made", "imported", made, True, rows)


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12).filter(
    str.isprintable
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(NAMES.filter(lambda name: name.strip()), st.lists(NAMES | st.floats(-9, 9), min_size=2, max_size=4, unique=True))
def test_every_name_and_level_is_read_back(tmp_path: Path, name: str, levels: list[str | float]) -> None:
    if len({level_text(level).strip('"').lower() for level in levels}) < len(levels):
        return
    (tmp_path / "train.py").write_text("")
    path = tmp_path / "made.yaml"
    path.write_text(imported_study_file(plan_of(name, tuple(levels)), "made").text, encoding="utf-8")
    study = library.read_study(path)
    assert len(study.rows) == len(levels)
    assert {str(level.name) for level in study.factors[0].levels} == {str(level) for level in levels}


def test_settings_that_hold_one_another_get_keys_that_do_not(tmp_path: Path) -> None:
    Path("train.py").write_text("")
    Path("made.yaml").write_text(
        imported_study_file(plan_of("model", ("a", "b"), config={"model.depth": 3, "model_depth": 4}), "made").text
    )
    config = library.read_study(Path("made.yaml")).config
    assert config == {"model": "b", "model_depth": 3, "model_depth_": 4}


def test_names_that_a_config_cannot_have_are_changed(tmp_path: Path) -> None:
    Path("train.py").write_text("")
    constants = {
        "seed": 1,
        "args.lr": 2,
        "config.json": "x",
        "model_config": 3,
        "runtime": 4,
        "a._b": 5,
        "dir.python": 6,
    }
    Path("made.yaml").write_text(imported_study_file(plan_of("python", ("a", "b"), config=constants), "made").text)
    assert library.read_study(Path("made.yaml")).config == {
        "python_": "b",
        "seed_": 1,
        "args_": {"lr": 2},
        "config": {"json_": "x"},
        "model_config_": 3,
        "runtime_": 4,
        "a": {"b": 5},
        "dir_": {"python_": 6},
    }


def test_many_combinations_are_not_listed() -> None:
    plan = plan_of("f", tuple(range(65)))
    assert imported_study_file(plan, "made").notes == []
    file = imported_study_file(replace(plan, rows=plan.rows[:-1]), "made")
    assert "combinations" not in file.text
    assert file.notes == ["the file has the rows of the import only, as there are 65 combinations of levels"]


def test_means_of_seeds_give_their_number() -> None:
    plan = plan_of("f", ("a", "b"), unpaired="means", summaries={"f=a": {"top1": Summary(0.1, 7)}})
    assert "seeds: 7\n" in imported_study_file(plan, "made").text
    assert "seeds: 5\n" in imported_study_file(plan_of("f", ("a", "b"), unpaired="no column"), "made").text
