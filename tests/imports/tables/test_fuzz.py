"""Tables written in every layout and form are read back as the same runs."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ablate.errors import SourceError
from ablate.imports.source import Source
from ablate.imports.tables.formats import plain_csv
from ablate.imports.tables.formats.dialect import dialect
from ablate.imports.tables.formats.files import head_text
from ablate.imports.tables.table import reader
from tests.support.examples import by_profile
from tests.support.imports.written_tables import WrittenTable, tables


def runs_of(source: Source, names: list[str]) -> Counter[tuple[object, ...]]:
    """Return each run's values in the order of the names."""
    columns = [source.runs[name].tolist() for name in names]
    return Counter(zip(*columns, strict=True))


@settings(max_examples=by_profile(30, 5_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
def test_a_table_is_read_back_as_the_runs_that_were_written(table: WrittenTable) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = table.write(Path(folder))
        assert reader.recognise(path)
        source = reader.read(path, table.request)
    names = [*table.factors, "seed", "acc"]
    assert set(source.runs) - {"run"} == set(names)
    assert runs_of(source, names) == Counter(tuple(run[name] for name in names) for run in table.runs)
    assert source.percent == (frozenset({"acc"}) if table.percent else frozenset())
    assert len(source.places) == len(source.runs)
    assert not source.spreads
    assert np.isfinite(source.runs["acc"]).all()


@settings(max_examples=by_profile(20, 1_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(tables().filter(lambda table: table.form == "csv"))
def test_the_quick_reader_of_csv_gives_the_same_values(table: WrittenTable) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = table.write(Path(folder))
        careful = reader.read(path, table.request)
        found = dialect(head_text(path))
        assert found is not None
        columns = plain_csv.read(path, found, least_bytes=0)
        patch.setattr(plain_csv, "read", lambda *_: columns)
        quick = reader.read(path, table.request)
    pd.testing.assert_frame_equal(quick.runs, careful.runs)
    assert list(quick.places) == list(careful.places)


PIECES = [
    ",",
    "|",
    "\n",
    '"',
    ";",
    "%",
    "\\\\",
    "&",
    "{",
    "}",
    "[",
    "±",
    "nan",
    "-",
    "\\multirow{3}{*}{x}",
    "\0",
    "9" * 400,
]
PIECES += ["#", "Mean", "seed 1", "0", "\t", "--- |", "\\multicolumn{2}{c}{", "1e999", "\ufeff", "$"]


@settings(max_examples=by_profile(40, 5_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(tables(), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 9), st.sampled_from(PIECES)), max_size=6))
def test_a_damaged_table_is_read_or_a_fault(table: WrittenTable, damage: list[tuple[int, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = table.write(Path(folder))
        content = path.read_bytes()
        for at, gone, piece in damage:
            at %= len(content) + 1
            content = content[:at] + piece.encode() + content[at + gone :]
        path.write_bytes(content)
        reader.recognise(path)
        try:
            source = reader.read(path, table.request)
        except SourceError:
            return
    assert len(source.places) == len(source.runs) > 0
    assert len(set(source.runs)) == source.runs.shape[1]
