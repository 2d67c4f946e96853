"""The values of examples, from files of samples next to the results."""

from pathlib import Path

import numpy as np

from ablate.imports.source import ExampleValues, Request
from ablate.imports.trackers.harness.reader import reader
from tests.support.imports.trackers.harness_reader import content, sample, save, save_samples

RIGHT = [1.0, 0.0, 1.0, 1.0]


def examples_of_runs(path: Path, metric: str) -> list[ExampleValues]:
    return [each for each in reader.read(path, Request()).examples[metric] if each]


def test_examples_are_paired_by_the_hash_of_their_documents(tmp_path: Path) -> None:
    save(tmp_path, content({"boolq": {"acc,none": 0.75}}))
    save(tmp_path, content({"boolq": {"acc,none": 0.25}}), 1)
    save_samples(tmp_path, "boolq", [sample(at, {"acc": each}) for at, each in enumerate(RIGHT)])
    save_samples(tmp_path, "boolq", [sample(3 - at, {"acc": 1 - each}) for at, each in enumerate(RIGHT)], 1)
    first, second = examples_of_runs(tmp_path, "acc")
    assert (first.values.tolist(), first.values.dtype) == (RIGHT, np.float32)
    assert list(first.ids) == list(second.ids)[::-1]


def test_examples_of_each_filter_and_of_a_document_that_occurs_twice(tmp_path: Path) -> None:
    save(tmp_path, content({"gsm8k": {"exact_match,strict": 0.5, "exact_match,flexible": 1.0}}))
    rows = [
        sample(7, {"exact_match": value}, name) for name, value in [("strict", 1), ("strict", 0), ("flexible", True)]
    ]
    save_samples(tmp_path, "gsm8k", rows)
    strict, flexible = examples_of_runs(tmp_path, "exact_match")
    assert (strict.values.tolist(), flexible.values.tolist()) == ([1.0, 0.0], [1.0])
    assert list(strict.ids) == [f"{7:064x}", f"{7:064x}#2"]


def test_numbers_that_a_metric_is_not_the_mean_of_are_not_used(tmp_path: Path) -> None:
    save(tmp_path, content({"wiki": {"perplexity,none": 9.0, "f1,none": 0.5, "acc,none": 0.5}}))
    rows = [sample(at, {"perplexity": 2.0, "f1": [0, 1], "acc": at % 2}) for at in range(4)]
    save_samples(tmp_path, "wiki", rows)
    source = reader.read(tmp_path, Request())
    assert list(source.examples) == ["acc"]
    assert [text for text in source.unused if "perplexity: it is 9 and not the mean of its examples, 2" in text]
    assert [text for text in source.unused if "f1: it is no number for each example" in text]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    save(tmp_path, content({"boolq": {"acc,none": 0.5}}))
    save_samples(tmp_path, "boolq", [sample(0, {"acc": 1.0}), sample(1, {"acc": 0.0})])
    with next(tmp_path.glob("samples_*")).open("a") as file:
        file.write('{"doc_id": 2, "acc": ')
    (examples,) = examples_of_runs(tmp_path, "acc")
    assert examples.values.tolist() == [1.0, 0.0]
