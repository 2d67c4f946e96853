"""Staleness, as somebody meets it who edits the program under a store: a copy of the package, in its own process."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ablate.run.preparation import prepare
from ablate.store import open_store
from ablate.store.queue import claims
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import trials
from ablate.trainers.rank_results import rank_result
from tests.support.package_copy import Package, new_base
from tests.support.paths import SIMULATED, TINY

QUERIES, PATIENCE = "    queries: AtLeastOne", "    patience: float = 0.5\n"


@pytest.mark.slow
def test_a_changed_default_is_a_reason_told_once_and_run_anew(package: Package) -> None:
    package.run()
    assert "12 done" in package("status").out
    new_base(package)
    told = package("plan", SIMULATED).out
    assert told.count("base: 0.27 -> 0.3") == 1
    assert "  a  12 trials, because since then\n       base: 0.27 -> 0.3\n" in told
    assert sum(line.startswith("  stale a    ") for line in told.splitlines()) == 4
    assert "12 trainings, of which 12 to run" in told
    assert max(len(line) for line in told.splitlines()) < 80
    before = package.query("SELECT * FROM ablate_measurements")
    again = package.run()
    assert "12 of 12 trainings run" in again.err
    after = package.query("SELECT * FROM ablate_measurements")
    assert len(after) == 2 * len(before)
    assert set(before) <= set(after), "old results are history"
    assert "stale" not in package("plan", SIMULATED).out
    assert "nothing to run" in package.run().err


@pytest.mark.slow
def test_an_edit_of_the_file_is_another_trial_and_not_stale(package: Package) -> None:
    package.run()
    told = package("plan", SIMULATED, "--set", "config.base=0.3").out
    assert "stale" not in told.lower()
    assert sum(line.startswith("  pending") for line in told.splitlines()) == 4


@pytest.mark.slow
def test_a_value_that_the_file_says_outlives_a_changed_default(package: Package) -> None:
    package.run("--set", "config.base=0.27")
    new_base(package)
    told = package("plan", SIMULATED, "--set", "config.base=0.27").out
    assert sum(line.startswith("  done") for line in told.splitlines()) == 4


@pytest.mark.slow
def test_fields_that_are_new_or_gone(package: Package) -> None:
    package.run("--only", "plain")
    package.edit("trainers/simulated/config.py", QUERIES, PATIENCE + QUERIES)
    told = package("plan", SIMULATED).out
    assert "patience: is new, 0.5" in told
    assert "3 trials, because since then" in told, "rows that never ran are not stale"
    package.run("--only", "plain")
    package.edit("trainers/simulated/config.py", PATIENCE, "")
    told = package("plan", SIMULATED).out
    assert "stale" not in told.lower(), "what it was before is done already"


@pytest.mark.slow
def test_a_field_that_is_gone(package: Package) -> None:
    package.edit("trainers/simulated/config.py", QUERIES, PATIENCE + QUERIES)
    package.run("--only", "plain")
    package.edit("trainers/simulated/config.py", PATIENCE, "")
    assert "patience: is gone, was 0.5" in package("plan", SIMULATED).out


@pytest.mark.slow
def test_code_counts_and_comments_do_not(package: Package) -> None:
    package.run("--only", "plain")
    package.edit("trainers/simulated/trainer.py", "SLICE = 0.1\n", "SLICE = 0.1  # a tenth\n")
    assert "  done       plain" in package("plan", SIMULATED).out
    package.edit("trainers/simulated/trainer.py", "SLICE = 0.1  #", "SLICE = 0.2  #")
    (package.folder / "copy" / "ablate" / "trainers" / "simulated" / "tricks.py").write_text("LUCK = 1\n")
    package.edit(
        "trainers/simulated/trainer.py",
        "import time\n",
        "import time\nfrom ablate.trainers.simulated import tricks as tricks\n",
    )
    told = package("plan", SIMULATED).out
    assert "code: trainers/simulated/trainer.py changed\n" in told
    assert "code: trainers/simulated/tricks.py is new\n" in told
    assert "code: trainers/random_streams.py" not in told
    package.run("--only", "plain")
    package.edit("trainers/simulated/trainer.py", "from ablate.trainers.simulated import tricks as tricks\n", "")
    assert "code: trainers/simulated/tricks.py is gone\n" in package("plan", SIMULATED).out


@pytest.mark.slow
def test_the_latest_of_several_results_is_the_one_compared_with(package: Package) -> None:
    package.run("--only", "plain")
    new_base(package)
    package.run("--only", "plain")
    package.edit("trainers/simulated/config.py", 'Field(0.3, description="Expected', 'Field(0.4, description="Expected')
    assert "base: 0.3 -> 0.4" in package("plan", SIMULATED).out


@pytest.mark.slow
def test_what_is_accepted_stays_so_until_something_else_changes(package: Package) -> None:
    package.run()
    hits = package.query("SELECT * FROM ablate_measurements")
    new_base(package)
    kept = package.run("--accept-stale", "--only", "plain")
    assert "3 stale results kept" in kept.err
    assert "nothing to run" in kept.err
    assert package("status").out == "simulated (base), 12 trials: 3 done, 9 stale\n"
    told = package("plan", SIMULATED).out
    assert "  accepted a plain\n" in told
    assert "  stale a    normalized\n" in told
    assert package.query("SELECT * FROM ablate_measurements") == hits
    assert "9 of 9 trainings run" in package.run().err, "a run without the option honours what was accepted"
    package.edit("trainers/simulated/config.py", 'Field(0.3, description="Expected', 'Field(0.4, description="Expected')
    told = package("plan", SIMULATED).out
    assert "  stale a    plain\n" in told
    assert "base: 0.27 -> 0.4" in told
    assert "base: 0.3 -> 0.4" in told


@pytest.mark.slow
def test_what_fails_since_something_changed_can_be_accepted_as_it_was(package: Package) -> None:
    package.run("--only", "plain")
    new_base(package)
    package.edit("trainers/simulated/config.py", '0.0, description="Probability', '1.0, description="Probability')
    assert package.run("--only", "plain").code == 1
    assert "  failed     plain\n" in package("plan", SIMULATED).out
    assert package.run("--only", "plain", "--accept-stale").code == 0
    assert "  accepted a plain\n" in package("plan", SIMULATED).out
    assert "3 done" in package("status").out


@pytest.mark.slow
def test_what_was_accepted_is_withdrawn_by_a_reset(package: Package) -> None:
    package.run("--only", "plain")
    new_base(package)
    package.run("--only", "plain", "--accept-stale")
    assert package("reset", "simulated", "plain", "--seed", 1).code == 0
    states = package.query("SELECT seed, state FROM results WHERE label = 'plain' ORDER BY seed")
    assert states == [(0, "done"), (1, "stale"), (2, "done")]
    assert "2 accepted a, 1 stale" in package("plan", SIMULATED).out
    row = json.loads(package("report", "--format", "json").out)["rows"][0]
    assert (row["seeds"], row["missing"]) == ([0, 2], [1])
    assert "1 of 1 trainings run" in package.run("--only", "plain").err
    assert package.query("SELECT count(*) FROM ablate_acceptances") == [(2,)]


@pytest.mark.slow
def test_reports_say_what_was_accepted_and_contrasts_count_it(package: Package) -> None:
    package.run()
    new_base(package)
    package.run("--accept-stale", "--only", "plain", "--only", "normalized")
    package.run()
    for form in ("terminal", "markdown"):
        text = " ".join(package("report", "--format", form).out.split())
        assert "row plain, seeds 0–2; row normalized, seeds 0–2: results kept although stale: base: 0.27 -> 0.3" in text
    report = json.loads(package("report", "--format", "json").out)
    assert any("although stale: base: 0.27 -> 0.3" in finding for finding in report["findings"])
    found = {(one["from"], one["to"]): one for one in report["contrasts"]}
    assert found["plain", "normalized"]["undeclared"] == []
    assert found["plain", "erasing=on"]["undeclared"] == ["config.base"]
    assert found["plain", "erasing=on"]["identified"] == "confounded"
    assert found["plain", "normalized"]["identified"] == "direct"


@pytest.fixture
def trained(package: Package) -> Callable[..., None]:
    """Gives every trial of a study a result, as a training would."""

    def train(path: Path, *settings: str) -> None:
        study = read_study(path, settings=settings)
        store = open_store(str(package.folder / "results" / "ablate.db"))
        todo = prepare(store, study, wanted := trials(study), wanted)
        for key in todo.before:
            result = rank_result({"test": np.array([1, 2, 9], dtype=np.uint32)}, {"test": 10})
            of_training = {trial.key: result for trial in todo.trials if trial.training_key == key}
            with store.write() as connection:
                held = claims.claim(connection, key)
                assert held is not None
                assert claims.record(connection, held, of_training, 60.0)
        store.engine.dispose()

    return train


@pytest.mark.slow
def test_data_that_changed(package: Package, trained: Callable[..., None]) -> None:
    trained(TINY)
    assert "stale" not in package("plan", TINY).out.lower()
    index = package.folder / "copy" / "ablate" / "retrieval" / "data" / "emoji" / "index.json"
    changed = json.loads(index.read_text())
    changed["categories"].append("one that no item has")
    index.write_text(json.dumps(changed))
    told = package("plan", TINY).out
    assert "data: its content changed (fingerprint " in told
    assert "code:" not in told


@pytest.mark.slow
def test_weights_that_were_replaced(package: Package, trained: Callable[..., None], tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"one")
    setting = f"config.model.pretrained={weights}"
    trained(TINY, setting)
    weights.write_bytes(b"other")
    told = package("plan", TINY, "--set", setting).out
    assert "model.pretrained_sha256: 7692c3ad -> d9298a10" in told


@pytest.mark.slow
def test_a_preset_that_changed(package: Package, trained: Callable[..., None]) -> None:
    settings = ["config.preset=clean", "config.amp=bf16", "config.model.pretrained=none"]
    trained(TINY, *settings)
    package.edit("retrieval/config/presets.py", '"augment": {"flip": 0.5,', '"augment": {"flip": 0.4,')
    options = [word for setting in settings for word in ("--set", setting)]
    told = package("plan", TINY, *options).out
    assert "augment.flip: 0.5 -> 0.4" in told
    assert "pending" not in told


@pytest.mark.slow
def test_a_changed_default_of_the_evaluation_costs_an_evaluation(
    package: Package, trained: Callable[..., None]
) -> None:
    trained(TINY)
    package.edit(
        "retrieval/config/evaluate.py", '"all"] = Field(\n        "category"', '"all"] = Field(\n        "all"'
    )
    told = package("plan", TINY).out
    assert "evaluate.scope: category -> all" in told
    assert "of which 0 to run and" in " ".join(told.split())


@pytest.mark.slow
def test_a_failure_that_was_accepted_away_runs_again_after_a_reset(package: Package) -> None:
    """What is reset is what is wanted now, not the old training; with the old default back, its result is there."""
    package.run("--only", "plain")
    new_base(package)
    assert package.run("--only", "plain", "--set", "config.fail=1").code == 1
    assert package.run("--only", "plain", "--accept-stale").code == 0
    assert package("reset", "simulated", "plain").code == 0
    assert "3 of 3 trainings run" in package.run("--only", "plain").err
    assert package.query("SELECT DISTINCT state FROM ablate_trainings WHERE attempts > 0") == [("done",)]
    package.edit(
        "trainers/simulated/config.py", 'Field(0.3, description="Expected', 'Field(0.27, description="Expected'
    )
    assert "  done       plain\n" in package("plan", SIMULATED).out
