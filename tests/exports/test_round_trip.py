"""Results that leave and come back: the verdicts of both are the same."""

import json
from pathlib import Path
from typing import Any

import pytest

import ablate
from ablate.api.imports import import_results
from ablate.imports.source import Request
from ablate.measurement import Direction
from tests.support.exports.studies import STUDY, UNDONE, run_study

PRIMARY = Request(metrics=("top1", "score"), directions={"score": Direction.MAXIMIZE})


def report(study: str, store: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ablate.render(ablate.analyse_study(study, store), "json"))
    return document


def judged(document: dict[str, Any]) -> dict[str, Any]:
    """Return the contrasts and effects of a report without labels of rows, which an import makes from the levels."""
    contrasts = [{name: of for name, of in one.items() if name not in ("from", "to")} for one in document["contrasts"]]
    return {"contrasts": contrasts, "effects": document["effects"], "aliases": document["aliases"]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study(tmp_path_factory.mktemp("run"), STUDY.replace("seeds: 3", "seeds: 4"))


@pytest.mark.parametrize(
    ("form", "name"), [("csv", "r.csv"), ("jsonl", "r.jsonl"), ("mlflow", "mlruns"), ("parquet", "r.parquet")]
)
def test_an_export_comes_back_with_the_same_verdicts(store: Path, tmp_path: Path, form: str, name: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    ablate.export_results("exported", store, format=form, output=name)
    request = Request(metrics=("top1",)) if form == "mlflow" else PRIMARY  # a named metric that is nan ends a run there
    imported = import_results(name, "back", tmp_path / "back.db", request)
    assert [factor.name for factor in imported.understood.factors] == ["augment", "rate"]
    here, back = report("exported", store), report("back", tmp_path / "back.db")
    assert {one["verdict"] for one in here["contrasts"]} >= {"better", "confounded"}
    assert judged(back) == judged(here)
    for row, again in zip(here["rows"], back["rows"], strict=True):
        assert again["seeds"] == row["seeds"]
        assert again["levels"] == row["levels"]
        has_score = form != "mlflow" and None not in row["metrics"]["score"]["values"]
        for metric in ("top1", "score") if has_score else ("top1",):
            assert again["metrics"][metric]["values"] == row["metrics"][metric]["values"]
            assert form == "mlflow" or again["metrics"][metric]["n"] == row["metrics"][metric]["n"]


def test_failed_runs_come_back_as_failed(tmp_path: Path) -> None:
    store = run_study(tmp_path, UNDONE)
    ablate.export_results("undone", store, output="results.csv")
    import_results("results.csv", "back", store, Request(metrics=("acc",)))
    rows = report("back", store)["rows"]
    assert [(row["seeds"], row["failed"]) for row in rows] == [([0, 1], []), ([], [0, 1])]


BUNDLE = "lr,wd,norm,seed,acc\n" + "".join(
    f"{lr},{wd},{norm},{seed},{0.5 + lr + 0.01 * seed + 0.1 * (norm == 'layer')}\n"
    for lr, wd in ((0.1, 0), (0.01, 1e-4))
    for norm in ("batch", "layer")
    for seed in range(3)
)
UNPAIRED = "norm,acc\nbatch,0.5\nbatch,0.52\nbatch,0.51\nlayer,0.6\nlayer,0.63\nlayer,0.61\n"


@pytest.mark.parametrize("text", [BUNDLE, UNPAIRED], ids=["bundle", "unpaired"])
def test_an_imported_study_keeps_what_limits_its_verdicts(tmp_path: Path, text: str) -> None:
    Path("table.csv").write_text(text)
    first = import_results("table.csv", "first", "store.db", Request(metrics=("acc",)))
    ablate.export_results("first", "store.db", output="export.csv")
    second = import_results("export.csv", "second", "store.db", Request(metrics=("acc",)))
    assert second.understood.unpaired == first.understood.unpaired
    assert [factor.keys for factor in second.understood.factors] == [f.keys for f in first.understood.factors]
    assert [factor.levels for factor in second.understood.factors] == [f.levels for f in first.understood.factors]
    assert judged(report("second", Path("store.db"))) == judged(report("first", Path("store.db")))


def test_a_setting_that_is_no_factor_still_confounds(tmp_path: Path) -> None:
    Path("table.csv").write_text(BUNDLE)
    request = Request(metrics=("acc",), factors=("lr",), where={"norm": "batch"})
    import_results("table.csv", "first", "store.db", request)
    before = report("first", Path("store.db"))
    assert [one["verdict"] for one in before["contrasts"]] == ["confounded"]
    ablate.export_results("first", "store.db", output="export.csv")
    import_results("export.csv", "second", "store.db", Request(metrics=("acc",)))
    assert [one["verdict"] for one in report("second", Path("store.db"))["contrasts"]] == ["confounded"]


def test_a_log_of_ten_seeds_is_not_one_run_on_all_their_examples(tmp_path: Path) -> None:
    text = STUDY.replace("[rates, loss, score]", "[rates]").replace("queries: 400", "queries: 1000")
    store = run_study(tmp_path, text.replace("seeds: 3", "seeds: 10").partition("  broken")[0] + REST)
    Path("log.md").write_text(ablate.render(ablate.analyse_study("exported", store), "log"))
    ablate.import_log("log.md", "log", store)
    here, back = report("exported", store), report("log", store)
    assert {row["metrics"]["top1"]["n"] for row in back["rows"]} == {1000}
    assert {tuple(row["seeds"]) for row in back["rows"]} == {tuple(range(10))}
    assert judged(back) == judged(here)


REST = """\
  effects: [{when: {augment: on}, pp: 6.0}]
factors:
  augment: {sets: settings.augment, levels: [off, on]}
design: [{add_one: {from: {}}}]
primary: top1
seeds: 10
"""
