"""Results in files: the last value of a series, and tables whose lines have names."""

from pathlib import Path

import pytest

from ablate.imports.folders.reading.result_values import result_documents
from ablate.trainers.measuring.takes import NoValueError


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("a.csv", "epoch,loss,acc\n1,0.9,\n2,,0.5\n3,0.8,\n", {"epoch": 3.0, "loss": 0.8, "acc": 0.5}),
        ("a.csv", "metric,value\nacc,0.5\nf1,0.4\n", {"acc": 0.5, "f1": 0.4}),
        ("a.csv", "split,acc\nval,0.5\ntest,0.4\n", {"val.acc": 0.5, "test.acc": 0.4}),
        ("a.tsv", "acc\tloss\n0.5\t0.1\n", {"acc": 0.5, "loss": 0.1}),
        ("a.jsonl", '{"step": 1, "acc": 0.1}\n{"step": 2, "acc": 0.2}\n', {"step": 2, "acc": 0.2}),
        ("a.json", '[{"epoch": 1, "acc": 0.1}, {"epoch": 2, "acc": 0.3}]', {"epoch": 2, "acc": 0.3}),
        ("a.yaml", "acc: 0.5\n", {"acc": 0.5}),
    ],
)
def test_values_of_files(tmp_path: Path, name: str, text: str, values: dict[str, float]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert result_documents(tmp_path / name, name) == [values]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", "a,b\n1," + "9" * 10**6, "field larger than"),
        ("a.csv", ",".join(map(str, range(20_000))) + "\n", "too many"),
        ("a.csv", "", "is empty"),
        ("a.csv", "acc,loss\n", "is empty"),
        ("a.jsonl", '{"acc": 0.1}\n{"acc": 0', "may be cut off"),
        ("a.json", "3", "holds no names"),
    ],
)
def test_files_without_results(tmp_path: Path, name: str, text: str, reason: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(NoValueError, match=reason):
        result_documents(tmp_path / name, name)


SEEDS = [{"seed": 0, "acc": 0.5}, {"seed": 7, "acc": 0.6}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "seed,acc\n0,0.5\n7,0.6\n"),
        ("a.csv", "epoch,random_seed,acc\n1,0,0.1\n1,7,0.2\n2,0,0.5\n2,7,0.6\n"),
        ("a.csv", "seed,metric,value\n0,acc,0.5\n0,f1,0.1\n7,acc,0.6\n7,f1,0.2\n"),
        ("a.jsonl", '{"seed": 0, "acc": 0.5}\n{"seed": 7, "acc": 0.6}\n'),
        ("a.json", '[{"seed": 0, "acc": 0.5}, {"seed": 7, "acc": 0.6}]'),
        ("a.json", '{"seeds": [0, 7], "acc": [0.5, 0.6]}'),
        ("a.json", '{"seed_0": {"acc": 0.5}, "seed_7": {"acc": 0.6}, "mean": {"acc": 0.55}}'),
    ],
)
def test_a_file_with_the_results_of_several_seeds(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    documents = result_documents(tmp_path / name, name)
    assert [{key: each[key] for key in ("seed", "acc")} for each in documents] == SEEDS
