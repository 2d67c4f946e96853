"""Layouts: columns that are seeds, transposed tables, and standard deviations in cells or columns."""

import json

import numpy as np
import pytest

from ablate.errors import SourceError
from ablate.imports.source import ColumnRole
from ablate.imports.tables.table import reader
from tests.support.imports.table_texts import read_text


@pytest.mark.parametrize("headings", ["seed 0,seed 1", "seed_0,seed_1", "run-0,run-1", "0,1", "Seed0,Seed1"])
def test_columns_that_are_seeds_become_lines(tmp_path, headings) -> None:
    source = read_text(tmp_path, f"norm,{headings}\nbatch,0.5,0.6\nlayer,0.7,0.8\n", metrics=("acc",))
    assert source.runs.to_dict("list") == {
        "norm": ["batch", "batch", "layer", "layer"],
        "seed": [0, 1, 0, 1],
        "acc": [0.5, 0.6, 0.7, 0.8],
    }
    assert source.roles == {"seed": ColumnRole.SEED, "acc": ColumnRole.METRIC}


def test_summaries_next_to_seeds_are_left_out(tmp_path) -> None:
    source = read_text(tmp_path, "norm,seed 0,seed 1,Mean,Std\nbatch,1,2,1.5,0.7\n")
    assert list(source.runs) == ["norm", "seed", "value"]
    assert source.unused == ["column 'Mean': a summary of the seeds", "column 'Std': a summary of the seeds"]


def test_numbers_that_do_not_count_are_no_seeds(tmp_path) -> None:
    source = read_text(tmp_path, "model,32,64\na,1.5,2.5\n")
    assert list(source.runs) == ["model", "32", "64"]


@pytest.mark.parametrize("heading", ["acc (mean ± std)", "acc, mean ± std", "acc [avg +/- sd]"])
def test_a_heading_that_announces_a_spread(tmp_path, heading) -> None:
    source = read_text(tmp_path, f'm;"{heading}"\na;1.5 ± 0.5\n')
    assert list(source.runs) == ["m", "acc"]


def test_levels_are_right_of_the_settings(tmp_path) -> None:
    source = read_text(tmp_path, "lr,seed,batch,layer\n0.1,0,1.5,2.5\n0.1,1,3.5,4.5\n", columns_are="norm")
    assert list(source.runs) == ["lr", "seed", "norm", "value"]
    assert source.runs["norm"].tolist() == ["batch", "layer"] * 2


def test_columns_of_several_metrics_and_seeds(tmp_path) -> None:
    source = read_text(tmp_path, "norm,acc_seed0,acc_seed1,loss_seed0,loss_seed1\nbatch,1,2,3,4\n")
    assert source.runs.to_dict("list") == {
        "norm": ["batch", "batch"],
        "seed": [0, 1],
        "acc": [1.0, 2.0],
        "loss": [3.0, 4.0],
    }


@pytest.mark.parametrize("head", ["setting,run 1,run 2", ",0,1", "name,a,b"])
def test_a_table_with_a_column_for_each_run(tmp_path, head) -> None:
    source = read_text(tmp_path, f"{head}\nlr,0.1,0.01\nnorm,batch,layer\nseed,0,0\nacc,0.5,0.75\n")
    assert source.runs.to_dict("list") == {
        "lr": [0.1, 0.01],
        "norm": ["batch", "layer"],
        "seed": [0, 0],
        "acc": [0.5, 0.75],
    }
    assert list(source.places) == ["column 2", "column 3"]


@pytest.mark.parametrize(
    "text",
    [
        "m,acc,acc_std,n\na,90.5,0.25,3\nb,91.5,0.5,5\n",
        "m,acc_mean,acc_std,seeds\na,90.5,0.25,3\nb,91.5,0.5,5\n",
        "m,acc,acc (std),# seeds\na,90.5,0.25,3\nb,91.5,0.5,5\n",
        "m,std_acc,acc,runs\na,0.25,90.5,3\nb,0.5,91.5,5\n",
        "m,acc,n\na,90.5 ± 0.25,3\nb,91.5±0.5,5\n",
        "m,acc,n\na,90.5 (0.25),3\nb,91.5 (±0.5),5\n",
    ],
)
def test_means_with_standard_deviations(tmp_path, text) -> None:
    source = read_text(tmp_path, text)
    assert source.runs.to_dict("list") == {"m": ["a", "b"], "acc": [90.5, 91.5]}
    assert source.spreads["acc"].sd.tolist() == [0.25, 0.5]
    assert source.spreads["acc"].seeds.tolist() == [3, 5]


def test_the_number_of_seeds_is_unknown_or_in_the_heading(tmp_path) -> None:
    assert read_text(tmp_path, "m,acc\na,1.5 ± 0.1\n").spreads["acc"].seeds.tolist() == [0]
    assert read_text(tmp_path, "m,acc (n=5)\na,1.5 ± 0.1\n").spreads["acc"].seeds.tolist() == [5]
    assert np.isnan(read_text(tmp_path, "m,acc\na,1.5 ± 0.1\nb,nan ± nan\n").spreads["acc"].sd[1])


def test_an_interval_next_to_a_value_is_not_used(tmp_path) -> None:
    source = read_text(tmp_path, 'm,acc\na,"93.5 [92.0, 94.0]"\nb,91 (90–92)\n')
    assert source.runs["acc"].tolist() == [93.5, 91.0]
    assert not source.spreads
    assert "intervals in brackets" in source.unused[0]


def test_percent_in_the_heading_gives_the_nearest_rates(tmp_path) -> None:
    source = read_text(tmp_path, "m,acc (%),acc_std\na,98.07,0.1\nb,12.3,0.2\n")
    assert source.runs["acc"].tolist() == [0.9807, 0.123]
    assert source.spreads["acc"].sd.tolist() == [0.001, 0.002]


def test_a_standard_error_is_left_out(tmp_path) -> None:
    source = read_text(tmp_path, "m,acc,acc_stderr\na,1.5,0.1\n")
    assert list(source.runs) == ["m", "acc"]
    assert "standard error" in source.unused[0]


def test_columns_are_needs_columns_of_numbers(tmp_path) -> None:
    with pytest.raises(SourceError, match="fewer than two columns of numbers"):
        read_text(tmp_path, "m,acc\na,1.5\n", columns_are="mode")


@pytest.mark.parametrize("is_list", [True, False])
def test_json_records(tmp_path, is_list) -> None:
    records = [
        {"model": {"norm": "batch", "layers": [64, 32]}, "lr": 0.1, "bias": True, "acc": 0.5},
        {"model": {"norm": None, "layers": [64]}, "lr": "auto", "bias": False, "acc": float("nan"), "new": 1},
    ]
    text = json.dumps(records, indent=1) if is_list else "\n".join(map(json.dumps, records))
    name = "results.json" if is_list else "results.jsonl"
    source = read_text(tmp_path, text, name)
    assert reader.recognise(tmp_path / name)
    runs = source.runs
    assert list(runs) == ["model.norm", "model.layers", "lr", "bias", "acc", "new"]
    assert runs["lr"].tolist() == ["0.1", "auto"]
    assert runs["bias"].tolist() == [True, False]
    assert runs["model.layers"].tolist() == ["[64, 32]", "[64]"]
    assert runs.isna().sum().tolist() == [1, 0, 0, 0, 1, 1]
    assert source.places[1] == ("item 2" if is_list else "line 2")


def test_half_characters_of_json_are_replaced(tmp_path) -> None:
    source = read_text(tmp_path, '{"a": "\\ud800", "acc": 1}\n', "results.jsonl")
    assert source.runs["a"].tolist() == ["?"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": \n', "line 2 is no JSON object"),
        ('{"a": 1}\n[1]\n', "line 2 is [1], no object"),
        ('{"a": 1, "a": 2}\n', "the name 'a' occurs twice"),
        ('{"a":' * 100_000, "line 1"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested"),
        (json.dumps({"a": "x" * 200_000}), "more than 131,072 characters"),
        (json.dumps({f"c{at}": 1 for at in range(20_000)}), "20,000 different names"),
    ],
)
def test_hostile_json_is_a_fault(tmp_path, text, message) -> None:
    with pytest.raises(SourceError) as caught:
        read_text(tmp_path, text, "results.jsonl")
    assert message in str(caught.value)
