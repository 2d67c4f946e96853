"""Doing it wrong: exit code 2, a message that names the place and the remedy, and a store left as it was."""

from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.paths import SIMULATED, STUDIES


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "missing.yaml"], "missing.yaml: no such file in "),
        (["plan", "missing.yaml"], "missing.yaml: no such file in "),
        (["run", SIMULATED, "--profile", "nosuch"], "unknown profile 'nosuch'"),
        (["run", SIMULATED, "--set", "config.bse=1"], "--set: unknown key 'config.bse'; did you mean 'config.base'?"),
        (
            ["run", SIMULATED, "--seeds", "-1"],
            "--seeds: found -1; accepted: a number of seeds like 5 (1 to 10,000), a range like 0..4",
        ),
        (["run", SIMULATED, "--seeds", "x"], "--seeds: found 'x'; accepted: a number of seeds like 5"),
        (["run", SIMULATED, "--set", "seeds=0"], "--set: seeds: found 0"),
        (["run", SIMULATED, "--set", "queries"], "--set: found 'queries' without '='; accepted: key=value"),
        (["run", STUDIES], "is a folder; give a study file, like studies/bnneck.yaml"),
        (["run", SIMULATED, "--executor", "inlin"], "did you mean 'inline'"),
        (["run", SIMULATED, "--executor", "inline", "--workers", "2"], "one trial at a time"),
        (["run", SIMULATED, "--workers", "0"], "ablate run: --workers: found '0'; accepted: a whole number from 1"),
        (["run", SIMULATED, "--store", "nosuch://x"], "--store: found nosuch://x; accepted: a path"),
        (["import", STUDIES, "--from", "log"], "is a folder; give a log file"),
        (["report"], "no store there yet"),
        (["status"], "no store there yet"),
        (["report", "--format", "pdf"], "unknown format 'pdf'"),
        (["import", "missing.md", "--from", "log"], "missing.md: no such file in "),
        (
            ["import", STUDIES / "simulated.yaml", "--from", "log"],
            "simulated.yaml:1: this is not a log: it has no `# setting` heading",
        ),
        (["import", "missing.md", "--study", "Not A Name"], "small letters"),
        (["nosuch"], "ablate: unknown command 'nosuch'; known: init, check, plan, run, status"),
    ],
)
def test_wrong_requests(ablate: Ablate, tmp_path: Path, words: list[object], told: str) -> None:
    result = ablate(*words)
    assert result.code == 2
    assert told in result.err
    assert result.out == ""
    assert "Traceback" not in result.err
    assert not (tmp_path / "results").exists()


def content(folder: Path) -> dict[str, bytes]:
    """The store's files but the one that says who reads, which every reader writes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.suffix != ".db-shm"}


def test_a_wrong_study_leaves_the_store_as_it_was(ablate: Ablate, tmp_path: Path) -> None:
    ablate("run", SIMULATED, "--executor", "inline")
    before = content(tmp_path / "results")
    assert ablate("run", SIMULATED, "--set", "alpha=2").code == 2
    assert ablate("report", "nosuch").code == 2
    assert "did you mean 'simulated'" in ablate("report", "simulatd").err
    assert content(tmp_path / "results") == before


def test_a_log_with_a_wrong_value_leaves_the_store_as_it_was(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "log.md").write_text("# setting\nlr: 1\n\n# a\n\naccuracy:\n\n    - top-1\n      1.5\n")
    result = ablate("import", "log.md", "--study", "log")
    assert (result.code, result.err) == (
        2,
        "log.md:9: found '1.5' for top-1; accepted: a rate from 0 to 1; did you mean 0.015?\n",
    )
    assert not (tmp_path / "results").exists()


def test_a_name_that_was_run_is_not_imported_over(ablate: Ablate) -> None:
    ablate("run", SIMULATED, "--executor", "inline")
    log = STUDIES.parents[1] / "studies" / "reference" / "baseline-log.md"
    result = ablate("import", log, "--study", "simulated")
    assert result.code == 2
    assert "another name" in result.err


def test_missing_data_say_what_to_get_and_where_to_put_it(ablate: Ablate, tmp_path: Path) -> None:
    bnneck = STUDIES.parents[1] / "studies" / "bnneck.yaml"
    result = ablate("run", bnneck, "--profile", "seed")
    assert result.code == 2
    assert "DeepFashion2" in result.err
    assert "data/deepfashion2" in result.err
    assert not (tmp_path / "results").exists()
