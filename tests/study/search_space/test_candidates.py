"""Points of a search space are the trials that rows of the same config are."""

import time
from pathlib import Path
from typing import Any

import pytest

from ablate.errors import StudyError
from ablate.study.model import Study
from ablate.study.reading.study_reader import read_study
from ablate.study.search_space.candidates import Candidates
from ablate.study.trials.identity import Trial, trials
from tests.support.study_text import filled

FACTORS = """\
study: demo
config: {data: {name: emoji}, schedule: {steps: 10}}
factors:
  margin: {sets: loss.margin, levels: [0.3, 0.2]}
  omega: {sets: loss.omega, levels: [0.9, 0.7]}
  erasing: {sets: augment.random_erasing, levels: {off: null, on: {p: 0.5}}}
  normalized: {sets: loss.normalize_features, levels: [off, on]}
  neck: {sets: evaluate.neck, levels: [before, after]}
  length: {sets: [schedule.steps, schedule.milestones], levels: {full: [10, [5]], half: [5, [2]]}}
"""
DESIGN = """\
design:
  - rows: {plain: {}, last: {neck: after}}
  - grid: {margin: [0.3, 0.2], omega: [0.9, 0.7], erasing: [off, on], normalized: [off, on], length: [full, half]}
"""
SPACE = """\
search:
  space:
    margin: {low: 0.05, high: 1}
    omega: {low: 0.3, high: 0.9, step: 0.1}
    erasing: {choices: [off, on]}
    normalized: {choices: [on, off]}
    length: {choices: [full, half]}
"""


def study(tmp_path: Path, text: str) -> Study:
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return read_study(path)


def keys(trial: Trial) -> tuple[str, str, str]:
    return trial.key, trial.training_key, trial.declared


def same(one: Trial, other: Trial) -> bool:
    """In all but the label."""
    return keys(one) == keys(other) and (one.config, one.training, one.shape) == (
        other.config,
        other.training,
        other.shape,
    )


def test_a_point_is_the_trial_of_the_row_of_its_levels(tmp_path: Path) -> None:
    asked = study(tmp_path, FACTORS + DESIGN + SPACE)
    candidates = Candidates(asked)
    by_label = {trial.label: trial for trial in trials(asked)}
    points = 0
    for row in asked.rows:
        point = {name: level.name for name, level in row.levels.items() if name != "neck"}
        found = candidates.point_of(row)
        if row.label == "last":
            assert found is None, "a factor that is not searched stands elsewhere"
            continue
        assert found == point
        assert {name: type(value) for name, value in found.items()} == {
            "margin": float, "omega": float, "erasing": bool, "normalized": bool, "length": str,
        }  # fmt: skip
        assert same(candidates.trial(point, 0, "x"), by_label[row.label]), row.label
        points += 1
    assert points == 32


@pytest.mark.parametrize(
    ("written", "sampled"),
    [
        ({"margin": 0.2, "omega": 0.7}, {"margin": 0.2, "omega": 0.3 + 4 * 0.1}),  # 0.7000000000000001
        ({"erasing": True, "normalized": True}, {"margin": 0.3, "omega": 0.9, "erasing": True, "normalized": True}),
    ],
)
def test_what_a_sampler_gives_is_what_a_person_writes(
    tmp_path: Path, written: dict[str, Any], sampled: dict[str, Any]
) -> None:
    asked = study(tmp_path, FACTORS + DESIGN + SPACE)
    rest = {"margin": 0.3, "omega": 0.9, "erasing": False, "normalized": False, "length": "full"}
    row = next(r for r in asked.rows if {name: r.levels[name].name for name in rest} == rest | written)
    (expected,) = [trial for trial in trials(asked) if trial.label == row.label]
    assert same(Candidates(asked).trial(rest | sampled, 0, "x"), expected)


@pytest.mark.parametrize(
    ("trainer", "key", "levels", "dimension", "value"),
    [
        ("retrieval", "loss.label_smoothing", "[0.0, 0.1]", "{low: 0, high: 0.5}", 0.1),
        ("retrieval", "schedule.warmup_steps", "[0, 5]", "{low: 0, high: 10}", 5.0),
        ("retrieval", "schedule.lr", "[1e-3, 1]", "{low: 1e-5, high: 1, log: true}", 1.0),
        ("retrieval", "model.stem_relu", "[on, off]", "{choices: [on, off]}", False),
        ("retrieval", "loss.distance", "[squared, euclidean]", "{choices: [squared, euclidean]}", "euclidean"),
        ("retrieval", "evaluate.scope", "[category, all]", "{choices: [category, all]}", "all"),
        ("retrieval", "augment.random_erasing.p", "[0.5, 0.25]", "{low: 0, high: 1, step: 0.05}", 0.05 * 5),
        ("retrieval", "runtime.threads", "[1, 2]", "{choices: [1, 2]}", 2),
        ("simulated", "settings.size", "[4, 5]", "{low: 0, high: 8, step: 1}", 5.0),
        ("simulated", "settings.size", "[on, 1]", "{choices: [on, 1]}", 1),
        ("simulated", "settings.size", "[on, 1]", "{choices: [on, 1]}", True),
        ("simulated", "queries", "[100, 500]", "{low: 100, high: 1000}", 500.0),
    ],
)
def test_a_searched_config_key_is_what_a_factor_that_sets_it_is(
    tmp_path: Path, trainer: str, key: str, levels: str, dimension: str, value: Any
) -> None:
    head = f"study: demo\ntrainer: {trainer}\n"
    by_factor = study(
        tmp_path,
        filled(
            "<head>factors: {f: {sets: <key>, levels: <levels>}}\ndesign: [{grid: {f: <levels>}}]\n",
            head=head,
            key=key,
            levels=levels,
        ),
    )
    (expected,) = [
        trial
        for row, trial in zip(by_factor.rows, trials(by_factor), strict=True)
        if row.levels["f"].name == value and isinstance(row.levels["f"].name, bool) == isinstance(value, bool)
    ]
    candidates = Candidates(
        study(
            tmp_path, filled("<head>search: {space: {<key>: <dimension>}}\n", head=head, key=key, dimension=dimension)
        )
    )
    found = candidates.trial({key: value}, 0, "x")
    assert (found.key, found.training_key, found.config) == (expected.key, expected.training_key, expected.config)


def test_numbers_of_a_free_form_key_are_as_the_file_writes_them(tmp_path: Path) -> None:
    """There 5 and 5.0 are two trials, and a sampler knows no difference."""
    text = """\
study: demo
trainer: simulated
config: {settings: {b: 1.0}}
factors: {a: {sets: settings.a, levels: [5, 2.0]}}
design: [{add_one: {from: {}}}]
search: {space: {a: {low: 0, high: 10}, settings.b: {low: 0, high: 2, step: 1}}}
"""
    asked = study(tmp_path, text)
    candidates = Candidates(asked)
    for row, trial in zip(asked.rows, trials(asked), strict=True):
        point = candidates.point_of(row)
        assert point is not None
        assert same(candidates.trial(point, 0, "x"), trial)
        assert same(candidates.trial({name: float(value) for name, value in point.items()}, 0, "x"), trial)


def test_values_that_are_gone_leave_nothing_behind(tmp_path: Path) -> None:
    """A new value can have the memory address of an old one, and must not be mistaken for it."""
    candidates = Candidates(study(tmp_path, FACTORS + SPACE))
    point = {"margin": 0.3, "omega": 0.9, "erasing": False, "normalized": False, "length": "full"}
    for number in range(300):
        value = 0.1 + number / 1000
        assert candidates.trial(point | {"margin": value}, 0, "x").config["loss"]["margin"] == value


def test_several_seeds_and_the_baseline(tmp_path: Path) -> None:
    asked = study(tmp_path, FACTORS + DESIGN + SPACE + "  from: {neck: after}\nseeds: [3, 4]\n")
    candidates = Candidates(asked)
    plain = [trial for trial in trials(asked) if trial.label == "plain"]
    baseline = candidates.baseline([3, 4], "baseline")
    assert [trial.seed for trial in baseline] == [3, 4]
    assert all(same(one, other) for one, other in zip(baseline, plain, strict=True))
    point = {"margin": 0.3, "omega": 0.9, "erasing": False, "normalized": False, "length": "full"}
    found = candidates.trials(point, [3, 4], "best")
    assert [(trial.label, trial.seed) for trial in found] == [("best", 3), ("best", 4)]
    assert found[0].config["evaluate"]["neck"] == "after", "candidates stand where `from` says"
    assert found[0].training_key == plain[0].training_key
    assert found[0].key != plain[0].key


def test_the_baseline_has_config_keys_as_the_file_has_them(tmp_path: Path) -> None:
    text = FACTORS.replace("steps: 10}", "steps: 10, lr: 0.002}") + DESIGN
    asked = study(tmp_path, text + "search: {space: {schedule.lr: {low: 1e-4, high: 1e-2, log: on}}}\n")
    candidates = Candidates(asked)
    assert candidates.baseline([0])[0].config["schedule"]["lr"] == 0.002
    assert candidates.point_of(asked.rows[0]) == {"schedule.lr": 0.002}
    assert same(candidates.trial({"schedule.lr": 0.002}, 0, "x"), trials(asked)[0])


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ("margin: {low: 0.05, high: 1}", {"margin": 0.2}),
        ("margin: {low: 0.25, high: 1}", None),
        ("margin: {low: 0.05, high: 0.2}", {"margin": 0.2}),
        ("margin: {low: 0.1, high: 1, step: 0.1}", {"margin": 0.2}),
        ("margin: {low: 0.05, high: 1, step: 0.1}", None),
        ("margin: {choices: [0.3, 0.2]}, schedule.warmup_steps: {low: 0, high: 3}",
         {"margin": 0.2, "schedule.warmup_steps": 0}),
        ("margin: {choices: [0.3, 0.2]}, schedule.warmup_steps: {low: 1, high: 3}", None),
        ("omega: {low: 0, high: 1}", None),
    ],
)  # fmt: skip
def test_a_row_outside_the_space_is_no_point(tmp_path: Path, space: str, expected: dict[str, Any] | None) -> None:
    asked = study(
        tmp_path, FACTORS + filled("design: [{rows: {one: {margin: 0.2}}}]\nsearch: {space: {<space>}}\n", space=space)
    )
    assert Candidates(asked).point_of(asked.rows[0]) == expected


def test_a_point_in_words(tmp_path: Path) -> None:
    candidates = Candidates(study(tmp_path, FACTORS + SPACE))
    point = {"margin": 0.21312345, "omega": 0.7000000000000001, "erasing": True, "normalized": False, "length": "half"}
    assert candidates.words(point) == "margin=0.2131, omega=0.7, erasing=on, normalized=off, length=half"
    whole = Candidates(study(tmp_path, FACTORS + "search: {space: {loss.unused_classes: {low: 0, high: 200000}}}\n"))
    assert whole.words({"loss.unused_classes": 123456.0}) == "loss.unused_classes=123456"


def test_values_that_do_not_go_together_name_the_candidate(tmp_path: Path) -> None:
    text = """\
study: demo
trainer: simulated
factors: {base: {sets: base, levels: [0.27, 0.5]}}
search: {space: {base: {low: 0.2, high: 0.5}, discordance: {low: 0.1, high: 0.35}}}
"""
    candidates = Candidates(study(tmp_path, text))
    assert candidates.trial({"base": 0.5, "discordance": 0.35}, 0, "x").config["discordance"] == 0.35
    with pytest.raises(StudyError, match=r"^row 'base=0.2, discordance=0.35': .*a discordance of at most .* = 0.32"):
        candidates.trial({"base": 0.2, "discordance": 0.35}, 0, "base=0.2, discordance=0.35")


def test_the_context_is_what_candidates_share(tmp_path: Path) -> None:
    text = FACTORS + SPACE
    first = Candidates(study(tmp_path, text)).context()
    for old, new in [
        ("steps: 10}", "steps: 10, lr: 0.5}"),
        ("data: {name: emoji}", "data: {name: emoji, size: [32, 32]}"),
        ("[before, after]", "[after, before]"),
        ("search:\n", "search:\n  from: {neck: after}\n"),
    ]:
        assert old in text
        assert Candidates(study(tmp_path, text.replace(old, new, 1))).context() != first, new
    for old, new in [
        ("high: 1\n", "high: 2\n"),
        ("[0.3, 0.2]", "[0.2, 0.3]"),
        ("{p: 0.5}", "{p: 0.4}"),
        ("study: demo", "study: other\nquestion: why\nseeds: 3"),
        ("steps: 10}", "steps: 10}, runtime: {threads: 2}"),
    ]:
        assert Candidates(study(tmp_path, text.replace(old, new, 1))).context() == first, new
    parts = Candidates(study(tmp_path, text)).context_parts()
    assert parts["trainer"] == "retrieval"
    assert "retrieval/training/loop.py" in parts["code"]
    assert parts["data"]
    assert not {"margin", "omega", "normalize_features"} & set(parts["config"]["loss"])
    assert not {"steps", "milestones"} & set(parts["config"]["schedule"])
    assert "random_erasing" not in parts["config"]["augment"]
    assert "flip" in parts["config"]["augment"]


def test_a_suggestion_becomes_a_trial_in_a_small_part_of_a_millisecond(tmp_path: Path) -> None:
    """Some 0.06 ms on two slow cores; the bound is for a machine that does much else."""
    candidates = Candidates(study(tmp_path, FACTORS + SPACE))
    point = {"margin": 0.3, "omega": 0.9, "erasing": False, "normalized": False, "length": "full"}
    candidates.trial(point, 0, "x")
    begin = time.process_time()
    for number in range(1_000):
        candidates.trial(point | {"margin": 0.1 + number / 2000}, 0, "x")
    assert time.process_time() - begin < 0.5
