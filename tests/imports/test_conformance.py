"""Each kind of source that holds the canonical study is recognised, read, and understood as that study."""

import random
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.errors import SourceError
from ablate.imports.kinds import READERS, recognise
from ablate.imports.source import DONE, Request
from ablate.imports.understanding.study import understand
from tests.support.examples import examples
from tests.support.imports.canonical import METRIC, NORMS, RATES, SEEDS, value
from tests.support.imports.damage import damaged
from tests.support.paths import ROOT

CANONICAL = Request(metrics=(METRIC,))


def written(kind: str, folder: Path) -> Path:
    """Write the canonical study as a source of a kind, and return its path."""
    module = "_".join(READERS[kind].split(".")[3:])  # ablate.imports.trackers.mlflow.folder: mlflow_folder
    (helper,) = (ROOT / "tests" / "support" / "imports").rglob(f"{module}.py")
    path: Path = import_module(".".join(helper.relative_to(ROOT).with_suffix("").parts)).write(folder)
    return path


@pytest.mark.parametrize("kind", READERS)
def test_a_source_is_recognised_and_read_as_the_study_that_was_written(kind: str, tmp_path: Path) -> None:
    path = written(kind, tmp_path)
    found = recognise(path)
    assert (found.reader.kind, bool(found.why)) == (kind, True)
    source = found.reader.read(path, CANONICAL)
    assert (source.kind, source.why) == (kind, found.why)
    assert len(source.places) == len(set(source.places)) == len(source.runs) == 12
    assert all(isinstance(name, str) for name in source.runs.columns)
    study = understand(source, CANONICAL)
    factors = {factor.name.rpartition(".")[2]: factor for factor in study.factors}
    assert {name: set(factor.levels) for name, factor in factors.items()} == {"lr": set(RATES), "norm": set(NORMS)}
    assert (study.unpaired, len(study.rows)) == ("", 4)
    for row in study.rows:
        levels = {name.rpartition(".")[2]: level for name, level in row.levels.items()}
        values = {seed: run.values[METRIC] for seed, run in row.runs.items()}
        assert values == pytest.approx({s: value(float(levels["lr"]), str(levels["norm"]), s) for s in SEEDS}, abs=1e-6)
        assert {run.state for run in row.runs.values()} == {DONE}


@pytest.mark.parametrize("kind", READERS)
def test_metrics_are_numbers_and_settings_are_plain_values(kind: str, tmp_path: Path) -> None:
    path = written(kind, tmp_path)
    source = recognise(path).reader.read(path, CANONICAL)
    assert pd.api.types.is_numeric_dtype(source.runs[METRIC])
    cells = [cell for column in source.runs.columns for cell in source.runs[column]]
    assert all(cell is None or isinstance(cell, bool | int | float | str | np.generic) for cell in cells)


@pytest.mark.parametrize("kind", READERS)
def test_nothing_is_taken_for_it_that_is_none(kind: str, tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "notes.txt").write_text("A note without any number or table.\n")
    (tmp_path / "binary.bin").write_bytes(bytes(range(256)) * 10)
    reader = import_module(READERS[kind]).reader
    for path in (tmp_path / "folder", tmp_path / "folder" / "notes.txt", tmp_path / "binary.bin"):
        assert reader.recognise(path) == ""


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_source_is_read_or_gives_a_fault(kind: str, tmp_path: Path) -> None:
    path = written(kind, tmp_path)
    reader = import_module(READERS[kind]).reader
    files = sorted(file for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())[:6]
    whole = {file: file.read_bytes() for file in files}
    draw = random.Random(kind)
    for _ in range(examples(50)):
        file = draw.choice(files)
        file.write_bytes(damaged(whole[file], draw))
        with suppress(SourceError):
            reader.recognise(path)
            reader.read(path, CANONICAL)
        file.write_bytes(whole[file])
