"""Identity: the values that make two trials the same or different."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.errors import DataError, StudyError
from ablate.retrieval.config.loss import Loss
from ablate.retrieval.config.model import Model
from ablate.run.dispatch.training_queue import TrainingQueue
from ablate.study.plan.staleness_reasons import UNKNOWN, changes
from ablate.study.reading.study_reader import read_study
from ablate.study.trials import code_hash
from ablate.study.trials.identity import Trial, trials

STUDY = """\
study: demo
config:
  data: {name: emoji}
  schedule: {steps: 10}
factors:
  margin: {sets: loss.margin, levels: [0.3, 0.2]}
  neck: {sets: evaluate.neck, levels: [before, after]}
  steps: {sets: schedule.steps, levels: [10, 20]}
design:
  - rows:
      plain: {}
      margin: {margin: 0.2}
      neck: {neck: after}
      written out: {margin: 0.3}
"""


def by_label(tmp_path: Path, text: str = STUDY, *settings: str) -> dict[str, Trial]:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return {trial.label: trial for trial in trials(read_study(path, settings=settings))}


def test_what_can_change_a_result_changes_the_key(tmp_path: Path) -> None:
    found = by_label(tmp_path)
    assert found["margin"].training_key != found["plain"].training_key
    other = by_label(tmp_path, STUDY, "seeds=[1]")
    assert other["plain"].training_key != found["plain"].training_key


def test_what_cannot_change_a_result_does_not(tmp_path: Path) -> None:
    found = by_label(tmp_path)
    assert found["written out"].key == found["plain"].key
    other = by_label(tmp_path, STUDY, "config.runtime.threads=2", "config.runtime.device=cpu")
    assert other["plain"].key == found["plain"].key


def test_what_a_factor_varies_is_in_the_identity_whatever_it_is(tmp_path: Path) -> None:
    """A row never shows the result of another level, even of a key that should not matter."""
    text = STUDY.replace("factors:", "factors:\n  threads: {sets: runtime.threads, levels: [1, 2]}")
    found = by_label(tmp_path, text.replace("plain: {}", "plain: {}\n      threads: {threads: 2}"))
    assert found["threads"].key != found["plain"].key


def test_an_evaluation_setting_shares_the_training(tmp_path: Path) -> None:
    found = by_label(tmp_path)
    assert found["neck"].training_key == found["plain"].training_key
    assert found["neck"].key != found["plain"].key


def test_the_identity_holds_defaults_as_well(tmp_path: Path) -> None:
    """A default that is written out makes the same trial, and the hashed config has every value."""
    found = by_label(tmp_path)
    written = by_label(tmp_path, STUDY, "config.loss.omega=0.9", "config.amp=bf16")
    assert written["plain"].key == found["plain"].key
    config = found["plain"].training.config
    assert {name: set(config[name]) for name in ("loss", "model")} == {
        "loss": set(Loss.model_fields),
        "model": set(Model.model_fields),
    }
    assert config["loss"]["omega"] == Loss().omega
    assert "evaluate" not in config
    assert "root" not in config["data"]
    assert config["runtime"] == {}
    json.dumps(config)


def test_a_config_that_is_wrong_only_as_a_whole_names_its_row(tmp_path: Path) -> None:
    text = """\
study: demo
trainer: simulated
config: {discordance: 0.3}
factors:
  base: {sets: base, levels: [0.3, 0.4]}
  discordance: {sets: discordance, levels: [0.3, 0.45]}
design: [{rows: {fine: {}, together: {base: 0.3, discordance: 0.45}}}]
"""
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(StudyError, match="discordance of at most"):
        trials(read_study(path))


def test_comments_and_docstrings_are_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hashed(source: str) -> dict[str, str]:
        (tmp_path / "trainers" / "simulated").mkdir(parents=True, exist_ok=True)
        (tmp_path / "trainers" / "simulated" / "trainer.py").write_text(source)
        code_hash.code_hashes.cache_clear()
        return code_hash.code_hashes("simulated")

    monkeypatch.setattr(code_hash, "PACKAGE", tmp_path)
    plain = hashed("def f(x: int) -> int:\n    return x + 1\n")
    assert hashed('"""Words."""\n\n\ndef f(x: int) -> int:  # more\n    """More."""\n    return (x + 1)\n') == plain
    assert hashed("def f(x: int) -> int:\n    return x + 2\n") != plain
    code_hash.code_hashes.cache_clear()


def test_the_hash_follows_imports_and_leaves_the_config_out() -> None:
    files = code_hash.code_hashes("retrieval")
    assert {
        "retrieval/training/trainer.py",
        "retrieval/training/loop.py",
        "retrieval/loss/objective.py",
        "retrieval/data/dataset.py",
    } <= set(files)
    assert not {"trainers/simulated/trainer.py", "errors.py", "__init__.py"} & set(files)
    assert not any(file.startswith("retrieval/config") for file in files)
    assert "trainers/simulated/trainer.py" in code_hash.code_hashes("simulated")


def test_weights_from_a_file_count_by_their_content(tmp_path: Path) -> None:
    found = []
    for weights in (b"one", b"other", b"one"):
        (tmp_path / "weights.pt").write_bytes(weights)
        found.append(by_label(tmp_path, STUDY, "config.model.pretrained=weights.pt")["plain"].training_key)
    assert found[0] == found[2] != found[1]
    (tmp_path / "weights.pt").rename(tmp_path / "elsewhere.pt")
    assert by_label(tmp_path, STUDY, "config.model.pretrained=elsewhere.pt")["plain"].training_key == found[0]


def test_weights_that_are_not_there_are_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"model\.pretrained: nowhere\.pt cannot be read"):
        by_label(tmp_path, STUDY, "config.model.pretrained=nowhere.pt")


def test_a_hash_that_is_asked_for_must_be_that_of_a_file(tmp_path: Path) -> None:
    """Or weights of different sources would be one training."""
    (tmp_path / "weights.pt").write_bytes(b"one")
    path, other = f"config.model.pretrained={tmp_path / 'weights.pt'}", f"config.model.pretrained_sha256={'ab' * 32}"
    with pytest.raises(DataError, match=r"has the SHA-256 7692c3ad\S+, and model\.pretrained_sha256 is abab"):
        by_label(tmp_path, STUDY, path, other)
    with pytest.raises(StudyError, match=r"config\.model\.pretrained_sha256: there is no file to have that hash"):
        by_label(tmp_path, STUDY, other)


def test_detections_count_by_their_content_and_for_the_evaluation_only(tmp_path: Path) -> None:
    found = {}
    for name, boxes in (("one", b"[]"), ("other", b"[ ]"), ("same", b"[]")):
        (tmp_path / f"{name}.json").write_bytes(boxes)
        found[name] = by_label(tmp_path, STUDY, f"config.evaluate.detections={name}.json")["plain"]
    without = by_label(tmp_path)["plain"]
    assert found["one"].key == found["same"].key
    assert len({trial.key for trial in (*found.values(), without)}) == 3
    assert len({trial.training_key for trial in (*found.values(), without)}) == 1
    assert found["one"].config["evaluate"]["detections"] == "one.json", "which is where the trainer looks"
    assert found["one"].config["evaluate"]["detections_sha256"] == hashlib.sha256(b"[]").hexdigest()


def test_rows_on_detected_boxes_beside_rows_on_annotated_ones(tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_bytes(b"[]")
    boxes = f"  boxes: {{sets: evaluate.detections, levels: {{annotated: null, found: '{tmp_path / 'boxes.json'}'}}}}\n"
    text = STUDY.replace("factors:\n", f"factors:\n{boxes}").replace(
        "plain: {}\n", "plain: {}\n      found: {boxes: found}\n      found, after: {boxes: found, neck: after}\n"
    )
    found = by_label(tmp_path, text)
    assert found["plain"].evaluate["detections"] is None
    assert found["plain"].evaluate["detections_sha256"] is None
    assert found["found"].evaluate["detections_sha256"] == found["found, after"].evaluate["detections_sha256"]
    assert len({trial.key for trial in found.values()}) == 5, "written out is plain"
    assert len({found[label].training_key for label in ("plain", "found", "found, after")}) == 1


def test_detections_that_are_not_there_or_not_those_that_were_meant(tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_bytes(b"[]")
    with pytest.raises(
        DataError, match=r"evaluate\.detections: nowhere\.json cannot be read \(.*give the path of a JSON"
    ):
        by_label(tmp_path, STUDY, "config.evaluate.detections=nowhere.json")
    path, other = f"evaluate.detections={tmp_path / 'boxes.json'}", f"evaluate.detections_sha256={'ab' * 32}"
    with pytest.raises(DataError, match=r"has the SHA-256 \S+, and evaluate\.detections_sha256 is abab"):
        by_label(tmp_path, STUDY, f"config.{path}", f"config.{other}")


def test_what_nothing_reads_is_no_part_of_the_key(tmp_path: Path) -> None:
    plain = by_label(tmp_path)["plain"]
    for setting in ("schedule.momentum=0.1", "batch.items=8", "schedule.warmup_start=0.5", "schedule.gamma=0.5"):
        other = by_label(tmp_path, STUDY, f"config.{setting}")["plain"]
        assert other.key == plain.key
        assert other.declared != plain.declared, "so that an older result of this file is found"
        assert other.config != plain.config
    sgd = "config.schedule.optimizer=sgd"
    keys = {by_label(tmp_path, STUDY, sgd, f"config.schedule.momentum={n}")["plain"].key for n in (0.9, 0.1)}
    assert len(keys) == 2, "SGD reads it"


def test_without_steps_a_training_is_its_untrained_network(tmp_path: Path) -> None:
    text = "study: demo\nconfig: {schedule: {steps: 0}}\ndesign: [{rows: {baseline: {}}}]\n"
    settings = ("loss.margin=0.3", "loss.margin=0.2", "batch.quadruplets=8", "amp=none")
    untrained = [by_label(tmp_path, text, f"config.{setting}")["baseline"].training_key for setting in settings]
    assert untrained[0] == untrained[1] == untrained[2] != untrained[3], "a test reads the precision"


def test_an_older_result_that_kept_what_nothing_reads_names_no_value_that_the_file_still_has(tmp_path: Path) -> None:
    """Older versions hashed it. That is no change of the file."""
    trial = by_label(tmp_path, STUDY, "config.schedule.momentum=0.1")["plain"]
    config = trial.training.config
    older = replace(trial.training, config={**config, "schedule": {**config["schedule"], "momentum": 0.1}})
    assert changes(older, trial.evaluate, trial) == (UNKNOWN,)
    read = replace(trial.training, config={**config, "schedule": {**config["schedule"], "lr": 0.5}})
    assert [change.key for change in changes(read, trial.evaluate, trial)] == ["schedule.lr"]


def test_a_training_is_run_once_with_the_values_of_one_of_its_rows(tmp_path: Path) -> None:
    """Its configs must be equal except for `evaluate`, though the rows differ in what nothing reads."""
    momentum = "  momentum: {sets: schedule.momentum, levels: [0.9, 0.1]}\n"
    text = STUDY.replace("factors:\n", f"factors:\n{momentum}").replace(
        "plain: {}\n", "plain: {}\n      both: {momentum: 0.1, neck: after}\n"
    )
    found = by_label(tmp_path, text)
    assert found["both"].training_key == found["plain"].training_key
    queue = TrainingQueue()
    queue.add([found["plain"], found["both"]])
    one, other = queue.configs(found["plain"].training_key)
    assert {**other, "evaluate": one["evaluate"]} == one
    assert other["evaluate"]["neck"] == "after"
