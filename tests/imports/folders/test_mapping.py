"""JSON files that map run names to results."""

import json
from pathlib import Path
from typing import Any

import pytest

from ablate.errors import SourceError
from ablate.imports.folders.mapping import reader
from ablate.imports.source import ColumnRole, Request
from tests.support.imports import mapping

HOUSES = {"refit_2": 3.0, "refit_10": 5.0, "ukdale_1": 1.0}


def write(folder: Path, content: Any) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def households(folder: Path) -> Path:
    runs = {
        f"{arch}_{state}_{house}_seed{seed}": {"mae": value + seed, "seconds": 7.5}
        for arch in ("patchtst", "bilstm")
        for state in ("on", "off")
        for house, value in HOUSES.items()
        for seed in (42, 7)
    }
    return write(folder, {"runs": runs, "config": {"epochs": 3}})


def test_names_are_cut_by_a_form(tmp_path: Path) -> None:
    source = reader.read(households(tmp_path), Request(names="{arch}_{component}_{house}_seed{seed}"))
    assert len(source.runs) == 24
    assert set(source.runs["house"]) == set(HOUSES)
    assert set(source.runs["component"]) == {"on", "off"}
    assert {"arch", "component", "house"} == {key for key, role in source.roles.items() if role is ColumnRole.SETTING}
    assert source.roles["seed"] is ColumnRole.SEED
    row = source.runs[(source.runs.house == "refit_10") & (source.runs.seed == 42)]
    assert set(row["mae"]) == {47.0}


def test_a_number_that_counts_within_a_word_belongs_to_it(tmp_path: Path) -> None:
    source = reader.read(households(tmp_path), Request())
    assert set(source.runs["name 3"]) == set(HOUSES)
    assert sorted(set(source.runs["seed"])) == [7, 42]


def test_other_parts_of_the_file_are_mentioned(tmp_path: Path) -> None:
    source = reader.read(households(tmp_path), Request())
    assert any(sentence.startswith("config: ") for sentence in source.unused)


def test_a_name_that_is_not_of_the_form_is_shown_with_the_parts_that_are(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"arch=patchtst fits; the text '_seed' after \{component\} does not"
    ) as error:
        reader.read(
            write(tmp_path, {"patchtst_on_x7": {"mae": 1.0}, "vit_on_seed1": {"mae": 2.0}}),
            Request(names="{arch}_{component}_seed{seed}"),
        )
    assert "1 of 2 names" in str(error.value)


def test_names_of_different_numbers_of_parts_ask_for_a_form(tmp_path: Path) -> None:
    names = ("base_seed0", "base_seed1", "no_norm_seed0", "no_norm_seed1")
    path = write(tmp_path, {name: {"acc": 0.5} for name in names})
    with pytest.raises(SourceError, match=r"--names '\{variant\}_seed\{seed\}'"):
        reader.read(path, Request())
    source = reader.read(path, Request(names="{variant}_seed{seed}"))
    assert list(source.runs["variant"]) == ["base", "base", "no_norm", "no_norm"]


def test_names_in_several_levels(tmp_path: Path) -> None:
    content = {arch: {norm: {"0": {"acc": 0.5}, "1": {"acc": 0.6}} for norm in ("bn", "ln")} for arch in ("vit", "mlp")}
    source = reader.read(write(tmp_path, content), Request())
    assert sorted(zip(source.runs["name 1"], source.runs["name 2"], source.runs["seed"], strict=True)) == sorted(
        (arch, norm, seed) for arch in ("vit", "mlp") for norm in ("bn", "ln") for seed in (0, 1)
    )


def test_a_list_of_numbers_is_one_of_runs(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path, {"base": [0.5, 0.6], "no_norm": [0.4, 0.3]}), Request(names="{arm}"))
    assert list(source.runs["arm"]) == ["base", "base", "no_norm", "no_norm"]
    assert list(source.runs["value"]) == [0.5, 0.6, 0.4, 0.3]
    assert list(source.places) == ["base", "base (2)", "no_norm", "no_norm (2)"]


def test_settings_beside_the_results_have_no_role(tmp_path: Path) -> None:
    runs = {f"run_{at}": {"lr": lr, "norm": "bn", "seed": 0, "acc": 0.5} for at, lr in enumerate((0.1, 0.01))}
    source = reader.read(write(tmp_path, runs), Request())
    assert not {"lr", "norm", "seed", "acc"} & set(source.roles)
    assert source.roles["run"] is ColumnRole.CIRCUMSTANCE


@pytest.mark.parametrize(
    "content", [{"lr": 0.1, "seed": 3}, [1, 2], "text", {"config": {"lr": 1}, "metrics": {"a": 1}}]
)
def test_other_json_is_no_mapping(tmp_path: Path, content: Any) -> None:
    assert reader.recognise(write(tmp_path, content)) == ""


def test_a_file_that_is_cut_off_is_reported_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_text('{"a": {"acc": 1},\n "b": {"acc"', encoding="utf-8")
    with pytest.raises(SourceError, match="cut off at line 2"):
        reader.read(path, Request())


def test_the_canonical_study(tmp_path: Path) -> None:
    source = reader.read(mapping.write(tmp_path), Request())
    assert sorted(set(source.runs["lr"])) == [0.01, 0.1]
    assert len(source.runs) == 12
