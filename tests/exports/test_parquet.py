"""Results as a Parquet file, read back by pyarrow; and the message without pyarrow."""

from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Ablate
from tests.support.exports.studies import run_study
from tests.support.installed.hidden_libraries import commands_without_libraries


def test_a_file_has_the_types_and_values_of_the_csv(ablate: Ablate, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    store = run_study(tmp_path)
    result = ablate("export", "--store", store, "--format", "parquet", "--output", "results.parquet")
    assert (result.code, result.out) == (0, "")
    table = parquet.read_table("results.parquet")
    types = {name: str(of) for name, of in zip(table.column_names, table.schema.types, strict=True)}
    assert (types["augment"], types["rate"], types["seed"], types["score"]) == ("string", "double", "int64", "double")
    Path("results.csv").write_text(ablate("export", "--store", store).out)
    written = pd.read_csv("results.csv")
    read = table.to_pandas()
    assert list(read.columns) == list(written.columns)
    pd.testing.assert_frame_equal(read, written, check_dtype=False, check_exact=True)
    assert table["score"].null_count == 0, "nan is a value"


def test_a_file_needs_a_path(ablate: Ablate, tmp_path: Path) -> None:
    refused = ablate("export", "--store", run_study(tmp_path), "--format", "parquet")
    assert refused.err == "--output: parquet is no text; give the path to write to, like --output results.parquet\n"


@pytest.mark.slow
def test_without_pyarrow_the_message_has_the_command_that_brings_it(tmp_path: Path) -> None:
    store = run_study(tmp_path)
    words = ["export", "--store", store, "--format", "parquet", "--output", "results.parquet"]
    (result,) = commands_without_libraries(tmp_path, words)
    assert (result.code, result.out) == (2, "")
    assert "--format parquet: needs pyarrow, which is not installed; install it with" in result.err
    assert "pip install 'ablate-study[parquet]'" in result.err
    assert not (tmp_path / "results.parquet").exists()


def test_texts_among_numbers_make_a_column_of_texts() -> None:
    from ablate.exports.parquet import _of_one_type

    assert _of_one_type([1, 2, None]) == [1, 2, None]
    assert _of_one_type([1, 0.5]) == [1.0, 0.5]
    assert _of_one_type(["off", 0.5]) == ["off", "0.5"]
    assert _of_one_type([2**63]) == [float(2**63)]
