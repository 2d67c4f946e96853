"""Tables written in every layout and form are read back as the same runs."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings

from ablate.imports.source import Source
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
