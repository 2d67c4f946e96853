"""Results of lm-evaluation-harness: tasks and filters as runs, settings, directions, counts and prompts."""

import json
from math import isnan
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.source import ColumnRole, Request
from ablate.imports.trackers.harness.reader import reader
from ablate.measurement import Direction
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.harness_reader import content, save, write

OLD = {
    "results": {"lambada": {"acc": 0.5, "acc_stderr": 0.007, "ppl": 9.25, "ppl_stderr": 0.1}},
    "versions": {"lambada": 0},
    "config": {"model": "gpt2", "model_args": "", "num_fewshot": 5, "batch_size": None, "limit": None},
}
"""A file of version 0.3, which has no filters."""


def test_the_canonical_study_has_its_settings_seeds_and_values(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path), Request())
    columns = ["model_args.lr", "model_args.norm", "seed", "acc"]
    assert [tuple(row) for row in source.runs[columns].values.tolist()] == [tuple(run) for run in runs()]
    assert source.roles["seed"] is ColumnRole.SEED
    assert source.roles["acc"] is ColumnRole.METRIC
    assert source.roles["model_sha"] is source.roles["file"] is ColumnRole.CIRCUMSTANCE
    assert (source.directions, source.counts, source.spreads) == ({"acc": Direction.MAXIMIZE}, {"acc": [1000] * 12}, {})
    assert not [name for name in source.runs.columns if "stderr" in name]


def test_each_filter_of_a_task_is_a_run_and_no_number_is_no_metric(tmp_path: Path) -> None:
    values = {
        "exact_match,strict": 0.25,
        "exact_match_stderr,strict": "N/A",
        "exact_match,flexible": 0.5,
        "bleu,strict": "?",
    }
    source = reader.read(
        save(tmp_path, content({"gsm8k": values, "wiki": {"perplexity,none": float("nan")}})), Request()
    )
    assert source.runs["filter"].tolist() == ["strict", "flexible", "none"]
    assert source.runs["exact_match"].tolist()[:2] == [0.25, 0.5]
    assert isnan(source.runs["perplexity"][2])
    assert source.directions["perplexity"] is Direction.MINIMIZE
    assert source.counts["exact_match"] == [1000, 1000, None]
    assert [text for text in source.unused if "bleu,strict" in text and "'?' is no number" in text]


def test_shots_and_prompts_that_differ_between_files_are_settings(tmp_path: Path) -> None:
    for number, (shots, prompt) in enumerate([(0, "Q: {{q}}"), (5, "Q: {{q}}"), (0, "{{q}}?"), (5, "{{q}}?")]):
        configs = {"boolq": {"task": "boolq", "doc_to_text": prompt, "metric_list": [{"metric": "acc"}]}}
        save(tmp_path, content({"boolq": {"acc,none": 0.5}}, shots=shots, configs=configs), number)
    runs = reader.read(tmp_path, Request()).runs
    assert runs["num_fewshot"].tolist() == [0, 5, 0, 5]
    assert runs["doc_to_text"].tolist() == ["Q: {{q}}", "Q: {{q}}", "{{q}}?", "{{q}}?"]
    assert "metric_list.0.metric" not in runs


def test_a_group_is_read_only_if_it_is_named(tmp_path: Path) -> None:
    results = {"mmlu": {"acc,none": 0.5}, "mmlu_law": {"acc,none": 0.25}, "mmlu_art": {"acc,none": 0.75}}
    path = save(tmp_path, content(results, groups={"mmlu": ["mmlu_law", "mmlu_art"], "mmlu_law": [], "mmlu_art": []}))
    source = reader.read(path, Request())
    assert source.runs["task"].tolist() == ["mmlu_law", "mmlu_art"]
    assert "--where task=mmlu" in source.unused[0]
    assert "mmlu" in reader.read(path, Request(where={"task": "mmlu"})).runs["task"].tolist()


def test_tasks_with_other_metrics_are_left_out_if_a_task_or_a_metric_is_named(tmp_path: Path) -> None:
    results = {"boolq": {"acc,none": 0.5}, "arc": {"acc,none": "N/A", "acc_norm,none": 0.5}, "wiki": {"ppl,none": 9.0}}
    path = save(tmp_path, content(results))
    source = reader.read(path, Request(metrics=("acc",)))
    assert source.runs["task"].tolist() == ["boolq"]
    assert "arc and wiki: without the metric acc" in source.unused
    assert reader.read(path, Request(where={"task": "wiki"})).runs["ppl"].tolist() == [9.0]
    with pytest.raises(SourceError, match="--where chooses no task; there are task=boolq filter=none, task=arc"):
        reader.read(path, Request(where={"task": "squad"}))


def test_a_file_of_version_0_3_has_no_filters(tmp_path: Path) -> None:
    path = tmp_path / "gpt2.json"
    path.write_text(json.dumps(OLD))
    assert "lm-evaluation-harness" in reader.recognise(path)
    row = reader.read(path, Request()).runs.iloc[0]
    assert (row["acc"], row["ppl"], row["num_fewshot"], row["task"], row["filter"]) == (0.5, 9.25, 5, "lambada", "none")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"results": {}}', '{"results": {"a": 1}, "versions": {}}', '{"results": {"', "\0"]
)
def test_other_json_is_not_recognised_and_gives_a_fault(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results_1.json"
    path.write_text(text)
    assert (reader.recognise(path), reader.recognise(tmp_path)) == ("", "")
    with pytest.raises(SourceError, match=r"results_1\.json|no results_\*\.json"):
        reader.read(path, Request())
