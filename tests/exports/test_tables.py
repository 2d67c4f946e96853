"""Results as CSV and JSON lines, read back by pandas and compared with the tables of the store."""

import csv
import io
import json
from math import inf, nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ablate
from ablate.exports.tables import csv_text, jsonl_text
from ablate.exports.trials import ExportedStudy, ExportedTrial
from ablate.store.plan_document import Summary
from tests.conftest import Ablate
from tests.support.command_line import INLINE, query
from tests.support.exports.made_studies import made
from tests.support.exports.studies import UNDONE, run_study

STORED = """
SELECT c.trial_key, m.metric, m.value, m.n FROM ablate_cells c JOIN ablate_trials t ON t.key = c.trial_key
JOIN ablate_measurements m ON m.trial_key = t.key AND m.attempt_id = t.attempt_id WHERE m.split = 'test'
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study(tmp_path_factory.mktemp("run"))


def read_csv(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])


def read_jsonl(text: str) -> pd.DataFrame:
    return pd.DataFrame(json.loads(line) for line in text.splitlines())


@pytest.mark.parametrize(("form", "read"), [("csv", read_csv), ("jsonl", read_jsonl)])
def test_every_value_of_the_store_comes_back_to_the_bit(store: Path, form: str, read: Any) -> None:
    frame = read(ablate.export_results("exported", store, format=form).text)
    by_trial = frame.set_index("trial")
    stored = query(STORED, str(store))
    assert len(stored) == 9 * 5
    for key, metric, value, n in stored:
        written = float(by_trial.loc[key, metric])
        assert written == value or (value is None and written != written)
        assert metric == "score" or by_trial.loc[key, f"{metric}.n"] == n
    assert "score.n" not in frame


@pytest.mark.parametrize(("form", "read"), [("csv", read_csv), ("jsonl", read_jsonl)])
def test_a_line_has_its_row_levels_seed_and_state(store: Path, form: str, read: Any) -> None:
    frame = read(ablate.export_results("exported", store, format=form).text)
    assert list(frame.columns[:7]) == ["study", "profile", "row", "augment", "rate", "seed", "state"]
    assert list(frame["row"].unique()) == ["baseline", "augment=on", "rate=0.001"]
    assert list(frame["seed"]) == [0, 1, 2] * 3
    of_row = frame.drop_duplicates("row")
    assert list(zip(of_row["augment"], of_row["rate"], strict=True)) == [("off", 0.1), ("on", 0.1), ("off", 0.001)]
    assert set(frame["state"]) == {"done"}


def test_a_number_that_all_metrics_share_is_one_column(ablate: Ablate, tmp_path: Path) -> None:
    run_study(tmp_path)
    lines = list(csv.DictReader(io.StringIO(ablate("export", "--store", "store.db").out)))
    assert {line["top1.n"] for line in lines} == {"400"}
    rates = (
        (tmp_path / "study.yaml").read_text().replace("[rates, loss, score]", "[rates]").replace("exported", "rates")
    )
    run_study(tmp_path, rates)
    result = ablate("export", "--store", "store.db", "--columns", "seconds")
    lines = list(csv.DictReader(io.StringIO(result.out)))
    assert {line["n"] for line in lines} == {"400"}
    assert all(float(line["seconds"]) > 0 for line in lines)
    assert result.err == ""


def test_trials_without_a_result_have_their_states(ablate: Ablate, tmp_path: Path) -> None:
    store = run_study(tmp_path, UNDONE)
    result = ablate("export", "--store", store)
    lines = list(csv.DictReader(io.StringIO(result.out)))
    assert [(line["x"], line["seed"], line["state"], line["acc"]) for line in lines] == [
        ("a", "0", "done", "0.5"),
        ("a", "1", "done", "0.51"),
        ("b", "0", "failed", ""),
        ("b", "1", "failed", ""),
    ]
    assert result.err == "undone: 2 trials done, 2 failed\n"
    more = (tmp_path / "study.yaml").read_text().replace("seeds: 2", "seeds: 3")
    (tmp_path / "study.yaml").write_text(more)
    lines = list(csv.DictReader(io.StringIO(ablate("export", "study.yaml", "--store", store).out)))
    assert [line["state"] for line in lines] == ["done", "done", "queued", "failed", "failed", "queued"]


SCRIPT = """\
study: own
trainer: {command: [sh, train.sh, "${x}", "${seed}"]}
metrics: {acc: {better: higher, from: 'stdout:acc: ([0-9.]+)'}}
delta: 0.02
config: {x: 5}
factors:
  x: {sets: x, levels: [5, 6]}
design: [{add_one: {from: {}}}]
seeds: 1
"""


def test_a_stale_result_has_values_once_it_is_accepted(ablate: Ablate, tmp_path: Path) -> None:
    Path("train.sh").write_text("echo acc: 0.$1$2\n")
    run_study(tmp_path, SCRIPT)
    words = ("export", "study.yaml", "--store", "store.db")
    assert [line["acc"] for line in csv.DictReader(io.StringIO(ablate(*words).out))] == ["0.5", "0.6"]
    Path("train.sh").write_text("echo acc: 0.$1$2 # changed\n")
    lines = list(csv.DictReader(io.StringIO(ablate(*words).out)))
    assert [(line["state"], line["acc"]) for line in lines] == [("stale", "")] * 2
    assert ablate("run", "study.yaml", "--store", "store.db", *INLINE, "--accept-stale").code == 0
    lines = list(csv.DictReader(io.StringIO(ablate(*words).out)))
    assert [(line["state"], line["acc"]) for line in lines] == [("stale", "0.5"), ("stale", "0.6")]


SEARCH = """\
study: walk
trainer: simulated
factors:
  margin: {sets: settings.margin, levels: [0.6, 0.2]}
search: {space: {margin: {low: 0.0, high: 1.0}}, trials: 2, sampler: random, finalists: {top: 1, seeds: 2}}
"""


@pytest.mark.slow
def test_the_finalists_of_a_search_are_exported(ablate: Ablate, tmp_path: Path) -> None:
    Path("walk.yaml").write_text(SEARCH)
    assert ablate("search", "walk.yaml", "--store", "store.db", *INLINE).code == 0
    lines = list(csv.DictReader(io.StringIO(ablate("export", "walk", "--store", "store.db").out)))
    assert [(line["profile"], line["seed"], line["state"]) for line in lines] == [
        ("base+search", seed, "done") for _ in range(2) for seed in ("1", "2")
    ]
    rows = json.loads(ablate("report", "walk", "--store", "store.db", "--format", "json").out)["rows"]
    assert [float(line["top1"]) for line in lines] == [v for row in rows for v in row["metrics"]["top1"]["values"]]


def test_a_file_that_is_there_stays(ablate: Ablate, store: Path, tmp_path: Path) -> None:
    words = ("export", "exported", "--store", store, "--output")
    assert ablate(*words, "new/results.csv").err == "written: new/results.csv\n"
    text = Path("new/results.csv").read_text()
    assert text == ablate(*words[:-1]).out
    Path("mine.csv").write_text("mine")
    refused = ablate(*words, "mine.csv")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "mine.csv: is there already; --force replaces it, and --output writes to another path\n"
    assert Path("mine.csv").read_text() == "mine"
    assert ablate(*words, "mine.csv", "--force").code == 0
    assert Path("mine.csv").read_text() == text
    assert "is a folder" in ablate(*words, "new").err
    assert "cannot be written" in ablate(*words, "mine.csv/below.csv").err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.csv", "new"], "no part of a file is left"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nix"], "unknown study 'nix'; known: exported"),
        (["--profile", "quick"], "unknown profile 'quick'; known: base"),
        (["--columns", "secnds,memory"], "--columns: unknown metric 'secnds'; did you mean 'seconds'?"),
        (["--format", "xlsx"], "--format: unknown format 'xlsx'; known: csv, jsonl, parquet, mlflow, tensorboard"),
        (["--store", "none.db"], "none.db"),
    ],
)
def test_unknown_names_are_answered_with_the_known_ones(
    ablate: Ablate, store: Path, words: list[str], message: str
) -> None:
    result = ablate("export", "--store", store, *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


FORMULAS = ["=1+1", "+1", "-x", "@cmd", 'a"b', "a,b", "two\nlines", "\r", " space ", "x\x1b[31m", "–"]


def test_texts_that_a_spreadsheet_takes_for_formulas_are_unchanged() -> None:
    study = made(FORMULAS, [0.5] * len(FORMULAS))
    assert [line["f"] for line in csv.DictReader(io.StringIO(csv_text(study), newline=""))] == FORMULAS
    assert [json.loads(line)["f"] for line in jsonl_text(study).split("\n")[:-1]] == FORMULAS


@given(st.lists(st.floats(), min_size=1))
def test_numbers_read_back_to_the_same_bits(values: list[float]) -> None:
    study = made(list(map(str, range(len(values)))), values)
    lines = csv.DictReader(io.StringIO(csv_text(study), newline=""))
    for value, line, other in zip(values, lines, jsonl_text(study).splitlines(), strict=True):
        assert float(line["acc"]).hex() == value.hex()
        assert float(json.loads(other)["acc"]).hex() == value.hex()


def test_json_has_no_words_that_are_no_json() -> None:
    lines = jsonl_text(made(["a", "b", "c"], [nan, inf, -inf])).splitlines()

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert [json.loads(line, parse_constant=refuse)["acc"] for line in lines] == ["nan", "inf", "-inf"]


def test_a_name_is_the_name_of_one_column() -> None:
    header = next(csv.reader(io.StringIO(csv_text(made(["a"], [1.0], factor="seed", metric="state")))))
    assert len(set(header)) == len(header)
    assert "seed (factor)" in header
    assert "state (metric)" in header
    same = next(csv.reader(io.StringIO(csv_text(made(["a"], [1.0], factor="acc")))))
    assert [name for name in same if "acc" in name] == ["acc", "acc (metric)"]


def test_replicates_without_seeds_get_none() -> None:
    study = made(["a", "b"], [1.0, 2.0], unpaired="no column has the seeds")
    assert [line["seed"] for line in csv.DictReader(io.StringIO(csv_text(study)))] == ["", ""]


def test_a_mean_keeps_its_spread() -> None:
    study = made(["a", "b"], [1.0, 2.0])
    spread = {"acc": Summary(0.25, 5)}
    first, second = study.trials
    known = ExportedTrial(first.kind, first.row, first.levels, 0, "done", first.values, spread, first.key)
    text = csv_text(ExportedStudy("made", "base", study.document, [known, second]))
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(line["acc"], line["acc_sd"], line["n_seeds"]) for line in lines] == [
        ("1.0", "0.25", "5"),
        ("2.0", "", ""),
    ]
