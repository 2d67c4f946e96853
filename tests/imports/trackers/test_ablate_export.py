"""The reader of tables that `ablate export` writes: what it takes from them, and the faults of others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablate.errors import SourceError
from ablate.exports.tables import csv_text, jsonl_text
from ablate.imports.kinds import recognise
from ablate.imports.source import DONE, FAILED, RUNNING, ColumnRole, Request, Source
from ablate.imports.trackers.ablate_export import reader
from ablate.store.plan_document import Summary
from ablate.store.results import StoredValue
from tests.support.exports.made_studies import made

HEADER = "study,profile,row,f,seed,state,acc,n,trial\n"


def read(text: str, name: str = "results.csv") -> Source:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    assert recognise(path).reader.kind == "ablate"
    return reader.read(path, Request())


def test_states_counts_and_roles_are_those_of_the_columns() -> None:
    states = ["done", "failed", "diverged", "running", "queued", "stale", "stale"]
    lines = [f"s,base,r,a,{at},{state},{0.5 if at in (0, 6) else ''},100,k{at}\n" for at, state in enumerate(states)]
    source = read(HEADER + "".join(lines))
    assert list(source.states) == [DONE, FAILED, "diverged", RUNNING, RUNNING, RUNNING, DONE]
    assert source.counts == {"acc": [100] * 7}
    assert dict(source.roles) == {
        "row": ColumnRole.CIRCUMSTANCE,
        "f": ColumnRole.SETTING,
        "seed": ColumnRole.SEED,
        "trial": ColumnRole.CIRCUMSTANCE,
        "acc": ColumnRole.METRIC,
    }
    assert source.places[1] == "line 3"


def test_a_mean_comes_back_with_its_spread() -> None:
    study = made(["a", "b"], [1.0, 2.0], unpaired="the source has means over seeds")
    spreads = [{"acc": Summary(0.25, 5)}, {"acc": Summary(0.5, None)}]
    trials = [replace(trial, spreads=of) for trial, of in zip(study.trials, spreads, strict=True)]
    source = read(csv_text(replace(study, trials=trials)))
    assert source.spreads["acc"].sd.tolist() == [0.25, 0.5]
    assert source.spreads["acc"].seeds.tolist() == [5, 0]
    assert "seed" not in source.runs


def test_the_number_of_examples_of_each_metric_is_kept() -> None:
    study = made(["a", "b"], [1.0, 2.0])
    trials = [replace(one, values={"acc": StoredValue(0.5, 20 + at)}) for at, one in enumerate(study.trials)]
    assert read(jsonl_text(replace(study, trials=trials)), "r.jsonl").counts == {"acc": [20, 21]}


def test_references_are_not_compared() -> None:
    study = made(["a", "b"], [1.0, 2.0])
    trials = [study.trials[0], replace(study.trials[1], kind="reference")]
    source = read(csv_text(replace(study, trials=trials)))
    assert len(source.runs) == 1
    assert list(source.unused) == ["1 reference: lines that are compared with none"]


def test_texts_and_numbers_stay_what_they_are() -> None:
    text = "".join(f"s,base,r,{level},0,done,{value},,k\n" for level, value in (("=1+1", "nan"), ("-x", "inf")))
    source = read(HEADER + text)
    assert source.runs["f"].tolist() == ["=1+1", "-x"]
    assert np.isnan(source.runs["acc"][0])
    assert source.runs["acc"][1] == np.inf
    lines = jsonl_text(made([1, 0.5], [0.1, 0.2])) + jsonl_text(made(["0.1"], [0.3]))
    assert read(lines, "r.jsonl").runs["f"].tolist() == [1, 0.5, "0.1"]


def test_every_cell_that_is_no_number_is_a_fault() -> None:
    with pytest.raises(SourceError) as error:
        read(HEADER + "s,base,r,a,0,done,good,many,k\ns,base,r,a,1,done,bad,,k\n")
    assert "line 2, acc: found 'good'; accepted: a number" in str(error.value)
    assert "line 3, acc: found 'bad'" in str(error.value)
    assert "line 2, n: found 'many'" in str(error.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (HEADER + "s,base,r\ns,base,r,a,0,done,1,2,3,4,5,6,7\n", "r.csv"),
        (HEADER + '"s,base', "r.csv"),
        (HEADER + "\0,\udcff\n", "r.csv"),
        ('{"study": "s", "profile": "b", "row": "r", "seed": 0, "state": "done", "trial": "k"}\n{"study": 1}\n', "j"),
        ('{"study": "s", "profile": "b", "row": "r", "seed": 0, "state": "done", "trial": "k"}\n{"study": ', "j"),
    ],
)
def test_a_file_that_is_cut_or_damaged_is_a_fault(text: str, name: str) -> None:
    path = Path(name)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SourceError, match=name):
        reader.read(path, Request())


@pytest.mark.parametrize("text", ["", "study,profile\n", "study,profile,row,state,seed,trial\n", '{"study": ', "PAR1"])
def test_other_files_are_not_taken_for_an_export(text: str) -> None:
    Path("file").write_text(text)
    assert reader.recognise(Path("file")) == ""
