"""Real networks on the real data through the command line: tiny, but nothing is pretended."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from ablate.packed_arrays import unpack
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.training.trainer import train
from ablate.store import require_store
from ablate.store.examples import read_artifact, read_examples
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import trials
from ablate.trainers.rank_results import ranks_of
from tests.conftest import Ablate
from tests.support.command_line import stored_ranks
from tests.support.paths import BNNECK, ROOT, TINY


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of one finished run with a single worker."""
    from typer.testing import CliRunner

    from ablate.cli.app import app

    path = tmp_path_factory.mktemp("finished") / "ablate.db"
    result = CliRunner().invoke(app, ["run", str(TINY), "--workers", "1", "--store", str(path)])
    assert result.exit_code == 0, result.stderr
    assert "3 of 3 trainings run" in result.stderr, "the row that differs at evaluation only shares a training"
    return path


@pytest.mark.network
def test_one_worker_or_two_and_one_run_or_two_give_identical_ranks(ablate: Ablate, finished: Path) -> None:
    assert ablate("run", TINY, "--workers", 2, "--store", "again.db").code == 0
    assert stored_ranks(Path("again.db")) == stored_ranks(finished)


@pytest.mark.network
def test_ranks_of_both_splits_are_kept_and_make_the_rates(ablate: Ablate, finished: Path) -> None:
    report = json.loads(ablate("report", "--format", "json", "--store", finished).out)
    store = require_store(str(finished))
    with store.read() as connection:
        found = connection.exec_driver_sql("SELECT label, trial, top1, top10 FROM results").all()
        ranks = {label: read_artifact(connection, trial, "ranks/test") for label, trial, _, _ in found}
        validation = {label: read_artifact(connection, trial, "ranks/validation") for label, trial, _, _ in found}
    for label, _, top1, top10 in found:
        content = ranks[label]
        assert content is not None
        kept = unpack(content)
        assert len(kept) == report["data"]["queries"]
        assert (np.mean((kept > 0) & (kept <= 1)), np.mean((kept > 0) & (kept <= 10))) == pytest.approx((top1, top10))
        assert validation[label] is not None
    assert ranks["plain"] != ranks["plain, after the neck"]


@pytest.mark.network
def test_precisions_of_every_trial_are_those_that_its_evaluation_gave(finished: Path) -> None:
    """A second training, in this process, gives what the store has: each query's to the bit, and the means of all."""
    wanted = [trial for trial in trials(read_study(TINY)) if trial.label.startswith("plain")]
    configs = [RetrievalConfig.model_validate(trial.config, strict=False) for trial in wanted]
    outcome = train(configs, wanted[0].seed, 1, lambda _: None)
    store = require_store(str(finished))
    with store.read() as connection:
        found = connection.exec_driver_sql("SELECT label, map, map_at_r FROM results").all()
        means = {label: of_row for label, *of_row in found}
        kept = {
            (trial.label, split, metric): dict(read_examples(connection, [trial.key], metric, split))[trial.key]
            for trial in wanted
            for split in ("test", "validation")
            for metric in ("map", "map_at_r")
        }
    for trial, result in zip(wanted, outcome, strict=True):
        direct = []
        for (label, split, metric), of_queries in kept.items():
            if label == trial.label:
                values = result.measurement(metric, split).examples
                assert values is not None
                assert of_queries.tobytes() == values.tobytes()
                if split == "test":
                    direct.append(sum(values.astype(np.float64)) / len(values))
        assert means[trial.label] == pytest.approx(direct, rel=1e-12)
        without = kept[trial.label, "test", "map"] == 0
        assert np.array_equal(without, ranks_of(result, "test") == 0), "0 of a query without a right entry"
    assert len(wanted) == 2
    assert all(0 < at_r < average < 1 for average, at_r in means.values())


@pytest.mark.network
def test_the_untrained_network_is_printed_and_compared_with_nothing(ablate: Ablate, finished: Path) -> None:
    report = json.loads(ablate("report", "--format", "json", "--store", finished).out)
    assert [row["label"] for row in report["references"]] == ["untrained"]
    assert report["references"][0]["metrics"]["top1"]["n"] == report["data"]["queries"]
    assert not any("untrained" in (c["from"], c["to"]) for c in report["contrasts"])
    assert "untrained (reference)" in ablate("report", "--store", finished).out


@pytest.mark.network
def test_a_selected_row_brings_along_those_of_its_training(ablate: Ablate) -> None:
    """Evaluated together, so that neither a second call nor the other row trains again."""
    for _ in range(2):
        assert (
            ablate("run", TINY, "--executor", "inline", "--only", "plain", "--set", "config.schedule.steps=1").code == 0
        )
    with sqlite3.connect("results/ablate.db") as connection:
        assert connection.execute("SELECT number, state FROM ablate_attempts").fetchall() == [(1, "done")]
        states = connection.execute("SELECT label, state FROM results ORDER BY label").fetchall()
    assert states == [("normalized", "queued"), ("plain", "done"), ("plain, after the neck", "done")]


@pytest.mark.network
@pytest.mark.slow
def test_nine_rows_do_not_depend_on_the_number_of_workers_and_read_back_from_their_log(ablate: Ablate) -> None:
    """All nine rows of the shipped study, real networks, a few steps each."""
    few = [
        word
        for setting in ("schedule.steps=3", "data.size=[16, 16]", "amp=none")
        for word in ("--set", f"config.{setting}")
    ]
    for workers in (1, 2):
        assert ablate("run", BNNECK, *few, "--workers", workers, "--store", f"{workers}.db").code == 0
    assert stored_ranks(Path("1.db")) == stored_ranks(Path("2.db"))
    own = json.loads(ablate("report", "--format", "json", "--store", "2.db").out)
    assert len(own["rows"]) == 9
    assert len({tuple(row["metrics"]["top1"]["hits"]) for row in own["rows"]}) > 1
    ablate("report", "--format", "log", "--output", "own.md", "--store", "2.db")
    told = ablate("import", "own.md", "--study", "again").out
    again = json.loads(ablate("report", "again", "--format", "json").out)
    assert [row["levels"] for row in again["rows"]] == [row["levels"] for row in own["rows"]]
    assert "same bytes" not in told
    assert "row 5 contradicts its title: the title builds on 'baseline 1' with margin 0.2" in told


@pytest.mark.network
def test_what_a_result_was_measured_with_is_on_record(finished: Path) -> None:
    with sqlite3.connect(finished) as connection:
        (recorded,) = connection.execute("SELECT environment FROM ablate_attempts LIMIT 1").fetchone()
    assert {"torch", "device", "threads"} <= set(json.loads(recorded))


def test_a_trial_that_cannot_run_here_is_refused_before_it_is_queued(ablate: Ablate) -> None:
    result = ablate("run", TINY, "--executor", "inline", "--only", "plain", "--set", "amp=fp16")
    assert result.code == 2, "amp is a config key, not one of the file's"
    result = ablate("run", TINY, "--executor", "inline", "--only", "plain", "--set", "config.amp=fp16")
    assert result.code == 2
    assert "row 'plain': amp: fp16 needs a CUDA device" in result.err
    assert not Path("results").exists()


@pytest.mark.network
def test_the_nine_rows_of_the_log(ablate: Ablate) -> None:
    """Both profiles have the log's rows: the same levels as those read from the log, in its order."""
    from ablate.study.factors import level_text
    from ablate.study.logfile.parser import read_log
    from ablate.study.logfile.rows import named_rows

    log = named_rows(read_log(ROOT / "studies" / "reference" / "baseline-log.md"))
    seed, quick = read_study(BNNECK, "seed"), read_study(BNNECK)
    assert quick.profile == "quick"
    assert [row.label for row in seed.rows] == [named.label for named in log]
    assert [row.title or row.label for row in seed.rows] == [named.row.title for named in log]
    for named, row, small in zip(log, seed.rows, quick.rows, strict=True):
        ours = {name: level_text(level.name) for name, level in row.levels.items()}
        assert ours == {name: level_text(level) for name, level in named.levels.items()}
        quickly = {name: level_text(level.name) for name, level in small.levels.items()}
        assert quickly == ours | {"backbone": ours["backbone"].replace("50", "18")}
        assert "resnet18" in small.label, "a label never claims what was not trained"


def test_the_seed_profile_is_the_logs_setting() -> None:

    study = read_study(BNNECK, "seed")
    config = RetrievalConfig.model_validate(study.row_config(study.rows[1]))
    assert (config.data.name, config.data.size) == ("deepfashion2", (256, 128))
    assert (config.model.backbone, config.model.last_stride, config.model.pretrained) == ("resnet50", 1, "imagenet")
    assert (config.schedule.steps, config.schedule.milestones, config.schedule.lr) == (25000, (12000, 20000), 1e-4)
    assert (config.batch.quadruplets, config.augment.pad, config.amp) == (64, 10, "fp16")
    assert not config.model.stem_relu
    warm = RetrievalConfig.model_validate(study.row_config(study.rows[8]))
    assert (warm.schedule.warmup_steps, warm.model.backbone, warm.model.stem_relu) == (500, "se_resnet50", True)
    assert warm.augment.random_erasing is not None
