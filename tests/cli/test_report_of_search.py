"""A study with rows and a search has two reports; each names the command for the other."""

from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.command_line import INLINE

STUDY = """\
study: both
trainer: simulated
config: {queries: 100}
factors: {k: {sets: settings.k, levels: [1, 2]}}
design: [{add_one: {from: {}}}]
seeds: 2
search: {space: {k: {low: 1, high: 3}}, trials: 4, finalists: {top: 1, seeds: 2}}
"""


@pytest.mark.slow
def test_each_report_names_the_other(ablate: Ablate, tmp_path: Path) -> None:
    path, store = tmp_path / "both.yaml", ("--store", str(tmp_path / "x.db"))
    path.write_text(STUDY)
    assert ablate("search", path, *store, *INLINE).code == 0
    alone = ablate("report", *store)
    assert "a report too" not in alone.err
    assert ablate("run", path, *store, *INLINE).code == 0
    of_rows = ablate("report", *store)
    command = f"ablate report both --profile base+search --store {store[1]}"
    assert " ".join(of_rows.err.split()).endswith(f"the search of this study has a report too: `{command}`")
    of_search = ablate("report", "both", "--profile", "base+search", *store)
    assert "Finalists" in of_search.out
    assert f"`ablate report both --profile base --store {store[1]}`" in " ".join(of_search.err.split())


def test_only_the_baseline_has_a_result(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "both.yaml"
    path.write_text(
        STUDY.replace("{low: 1, high: 3}", "{choices: [1, 2]}").replace("trials: 4", "sampler: grid, trials: 1")
    )
    result = ablate("search", path, *INLINE)
    assert result.code == 0
    assert "only the baseline has a result, so there is nothing to compare it with" in " ".join(result.err.split())


def test_a_search_of_what_no_training_measures_ends_without_a_retry(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "both.yaml"
    path.write_text(STUDY.replace("trials: 4", "metric: parameters, trials: 2"))
    result = ablate("search", path, *INLINE)
    assert result.code == 1
    words = " ".join(result.err.split())
    assert "no candidate has a score, so there is nothing to compare; name another `search.metric`" in words
    assert "--retry-failed" not in words
    report = " ".join(ablate("report", "both").out.split())
    assert "No candidate has a score, so that there are no finalists." in report
    assert "ablate status" not in report
