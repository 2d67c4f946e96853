"""Study files: the studies that they describe, and every fault at once with its place."""

from pathlib import Path

import pytest

from ablate.errors import StudyError
from ablate.retrieval.config.presets import SEED
from ablate.study.trials.identity import trials
from tests.support.study_text import faults, filled, levels, read

HEAD = """\
study: demo
trainer: simulated
factors:
  normalization: {sets: settings.normalization, levels: [off, on]}
  margin: {sets: settings.margin, levels: [0.3, 0.2]}
  omega: {sets: settings.omega, levels: [0.9, 0.7]}
  warmup: {sets: [settings.steps, settings.shape], levels: {off: [0, null], on: [500, [1, 2]]}}
  single: {sets: settings.single, levels: [only]}
"""


def test_rows_and_ladder(tmp_path: Path) -> None:
    text = (
        HEAD
        + """\
design:
  - rows:
      baseline 2: {}
      baseline 1: {normalization: on, margin: 0.2}
      both: {extends: baseline 1, warmup: on, title: the same title}
  - ladder: {from: baseline 1, add: [warmup, {omega: 0.7, margin: 0.3}]}
"""
    )
    study = read(tmp_path, text)
    assert levels(study) == {
        "baseline 2": {},
        "baseline 1": {"normalization": True, "margin": 0.2},
        "both": {"normalization": True, "margin": 0.2, "warmup": True},
        "normalization=on, omega=0.7, warmup=on": {"normalization": True, "omega": 0.7, "warmup": True},
    }
    assert study.rows[2].title == "the same title"
    assert study.row_config(study.rows[2])["settings"] == {
        "normalization": True, "margin": 0.2, "omega": 0.9, "steps": 500, "shape": [1, 2], "single": "only",
    }  # fmt: skip


def test_a_row_may_extend_a_later_one(tmp_path: Path) -> None:
    text = HEAD + "design: [{rows: {a: {extends: b}, b: {margin: 0.2}}}]"
    assert levels(read(tmp_path, text)) == {"a": {"margin": 0.2}, "b": {"margin": 0.2}}


def test_a_ladder_from_the_baseline_labels_by_what_differs(tmp_path: Path) -> None:
    study = read(tmp_path, HEAD + "design: [{ladder: {from: {}, add: [normalization, margin]}}]")
    assert list(levels(study)) == ["baseline", "normalization=on", "normalization=on, margin=0.2"]


def test_the_named_baseline_is_the_baseline(tmp_path: Path) -> None:
    text = HEAD.replace("levels: [0.3, 0.2]}", "levels: [0.3, 0.2], baseline: 0.2}")
    study = read(tmp_path, text + "design: [{ladder: {from: {}, add: [margin]}}]")
    assert [row.levels["margin"].name for row in study.rows] == [0.2, 0.3]


def test_levels_may_be_quoted_and_numbers_written_otherwise(tmp_path: Path) -> None:
    study = read(tmp_path, HEAD + "design: [{rows: {a: {normalization: 'on', margin: 2.0e-1}}}]")
    assert levels(study)["a"] == {"normalization": True, "margin": 0.2}


def test_profile_and_options_win_in_this_order(tmp_path: Path) -> None:
    text = (
        HEAD
        + """\
design: [{rows: {a: {}}}]
config: {queries: 100, base: 0.3, settings: {x: 1, y: 1}}
seeds: 2
profiles:
  small: {config: {queries: 50, settings: {y: 2}}, factors: {margin: {levels: [1, 2, 3]}}, seeds: [7]}
default_profile: small
"""
    )
    study = read(tmp_path, text, settings=["config.settings.y=3", "config.seconds=1e-3"])
    assert study.profile == "small"
    assert study.config == {"queries": 50, "base": 0.3, "settings": {"x": 1, "y": 3}, "seconds": 1e-3}
    assert [level.name for level in study.factors[1].levels] == [1, 2, 3]
    assert study.seeds == (7,)
    base = read(tmp_path, text, profile="base")
    assert (base.seeds, base.config["queries"]) == ((0, 1), 100)


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [("3", (0, 1, 2)), ("0..2", (0, 1, 2)), ("[4, 1]", (4, 1)), ("{looks: [2, 3, 5]}", (0, 1))],
)
def test_seeds(tmp_path: Path, seeds: str, expected: tuple[int, ...]) -> None:
    assert read(tmp_path, HEAD + filled("design: [{rows: {a: {}}}]\nseeds: <seeds>", seeds=seeds)).seeds == expected


@pytest.mark.parametrize(
    "seeds",
    ["0", "-1", "[]", "[0, 0]", "[-1]", "on", "1.5", "2..1", "many", "{looks: [3, 2]}", "[99999999999]", "100000000"],
)
def test_seeds_that_are_none(tmp_path: Path, seeds: str) -> None:
    found = faults(tmp_path, HEAD + filled("design: [{rows: {a: {}}}]\nseeds: <seeds>\n", seeds=seeds))
    assert any("study.yaml:10: seeds" in fault for fault in found)


def test_looks(tmp_path: Path) -> None:
    study = read(tmp_path, HEAD + "design: [{rows: {a: {}}}]\nseeds: {looks: [3, 5, 9]}")
    assert (study.looks, study.seeds) == ((3, 5, 9), (0, 1, 2))
    assert read(tmp_path, HEAD + "design: [{rows: {a: {}}}]\nseeds: 3").looks == ()


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ("[3, 2]", ["seeds.looks[1]: found 2; accepted: more than the 3 of the look before"]),
        ("[2, 3, 3]", ["seeds.looks[2]: found 3; accepted: more than the 3 of the look before"]),
        ("[1, 3]", ["seeds.looks[0]: found 1; accepted: 2 to 10,000 seeds; one has no spread"]),
        ("[5]", ["seeds.looks: one look is a plain number; write `seeds: 5`"]),
        ("[]", ["seeds.looks: found []"]),
        ("3", ["seeds.looks: found 3; accepted: numbers of seeds that increase"]),
        ("[2, 2.5]", ["seeds.looks[1]: found 2.5; accepted: a whole number"]),
        ("[on, x, 20000]", ["seeds.looks[0]: found on", "seeds.looks[1]: found 'x'", "seeds.looks[2]: found 20000"]),
        (str(list(range(2, 30))), ["seeds.looks: 28 looks; at most 20"]),
    ],
)
def test_looks_that_are_none(tmp_path: Path, looks: str, told: list[str]) -> None:
    found = faults(tmp_path, HEAD + filled("design: [{rows: {a: {}}}]\nseeds: {looks: <looks>}\n", looks=looks))
    assert len(found) == len(told)
    assert all(f"study.yaml:10: {text}" in fault for fault, text in zip(found, told, strict=True))


def test_all_faults_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = (
        HEAD
        + """\
quesiton: typo
config: {bse: 0.3, queries: many, effects: [{wen: {}}]}
design:
  - rows:
      a: {margn: 0.3}
      b: {margin: 0.4}
  - ladder: {from: c, add: [single, warmpu]}
seeds: -1
alpha: 2
"""
    )
    found = faults(tmp_path, text)
    lines = [int(fault.split(":")[1]) for fault in found]
    assert lines == sorted(lines)
    told = "\n".join(found)
    for words in (
        "study.yaml:9: quesiton: unknown key 'quesiton'", "did you mean 'question'",
        "study.yaml:10: config.bse: unknown key 'bse'", "did you mean 'base'",
        "config.queries: found 'many'; accepted: a whole number",
        "config.effects[0].wen: unknown key 'wen'", "did you mean 'when'",
        "study.yaml:13: design[0].rows.a.margn: unknown factor 'margn'", "did you mean 'margin'",
        "study.yaml:14: design[0].rows.b.margin: unknown level of margin 0.4; known: 0.3, 0.2",
        "study.yaml:15: design[1].ladder.from: unknown row 'c'",
        "factor 'single' has only one level",
        "unknown factor 'warmpu'", "did you mean 'warmup'",
        "study.yaml:16: seeds: found -1",
        "study.yaml:17: alpha: found 2; accepted: an error rate, more than 0 and at most 0.5",
    ):  # fmt: skip
        assert words in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("just text", "mapping"),
        ("[1, 2]", "mapping"),
        ("", "mapping"),
        ("study: demo", "'design' is missing"),
        (HEAD + "design: []", "at least one entry"),
        (HEAD + "design: [{rows: {}}]", "no row"),
        (HEAD + "design: [{}]", "is one of: rows, ladder"),
        (HEAD + "design: [{rows: {a: {}}, ladder: {from: {}, add: [margin]}}]", "is one of: rows, ladder"),
        (HEAD + "design: [{gird: {margin: [0.2, 0.3]}}]", "unknown key 'gird'; did you mean 'grid'? known: rows"),
        (HEAD + "design: [{ladder: {from: {}, add: []}}]", "no rung"),
        (HEAD + "design: [{ladder: {from: {}, add: [{}]}}]", "empty rung"),
        (HEAD + "design: [{ladder: {from: {margin: 0.2}, add: [margin]}}]", "changes nothing"),
        (HEAD + "design: [{rows: {a: {}}}, {rows: {a: {margin: 0.2}}}]", "stands twice"),
        (HEAD + "design: [{rows: {a: {extends: b}, b: {extends: a}}}]", "circle"),
        (HEAD + "design: [{rows: {margin=0.2: {omega: 0.7}}}, {ladder: {from: {}, add: [margin]}}]", "also the label"),
        (HEAD.replace("levels: [0.3, 0.2]", "levels: []") + "design: [{rows: {a: {}}}]", "no level"),
        (HEAD.replace("levels: [0.3, 0.2]", "levels: [0.3, 0.30]") + "design: [{rows: {a: {}}}]", "twice"),
        (HEAD.replace("settings.omega", "settings.margin") + "design: [{rows: {a: {}}}]", "one factor sets a key"),
        (HEAD.replace("settings.omega", "setings.omega") + "design: [{rows: {a: {}}}]", "unknown config key"),
        (HEAD.replace("[0.9, 0.7]", "{a: 1}, baseline: b") + "design: [{rows: {a: {}}}]", "unknown level"),
        (HEAD.replace("off: [0, null]", "off: [0]") + "design: [{rows: {a: {}}}]", "a list of 2 values"),
        (HEAD.replace("simulated", "stimulated") + "design: [{rows: {a: {}}}]", "did you mean 'simulated'"),
        (HEAD + "design: [{rows: {a: {}}}]\nprofiles: {x: {sedes: 3}}", "unknown key 'sedes'"),
        (HEAD + "design: [{rows: {a: {}}}]\ndefault_profile: x", "unknown profile 'x'"),
        (HEAD.replace("study: demo", "study: A B") + "design: [{rows: {a: {}}}]", "small letters, digits and dashes"),
        (HEAD + "design: [{rows: {a: {}}}]\nreferences: {r: {config.base: 0.1}}", "unknown config key"),
        (HEAD + "design: [{rows: {a: {}}}]\nreferences: {a: {base: 0.1}}", "also the label"),
        (HEAD + "design: [{rows: {a: {}}}]\nfactors: {}", "twice"),
        (HEAD + "design: [{rows: {a: {}}}]\nconfig: {discordance: 0.9}", "discordance of at most"),
        (HEAD.replace("simulated", "[x]") + "design: [{rows: {a: {}}}]", "trainer: found ['x']; accepted: text"),
        (HEAD + "design: [{rows: {'': {}}}]", "one line of text"),
        (HEAD + 'design: [{rows: {"a\\nb": {}}}]', "one line of text"),
        (HEAD + "design: [{rows: {a: {title: ' '}}}]", "one line of text"),
    ],
)  # fmt: skip
def test_each_fault_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    assert words in "\n".join(faults(tmp_path, text))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("config.queries", "key=value"),
        ("config.queries=[", ""),
        ("config..queries=1", "key=value"),
        ("config.querys=1", "did you mean 'config.queries'"),
        ("config.queries=on", "accepted: a whole number"),
        ("design.0=1", "is a list"),
        ("profiles.x.seeds=1", "use --profile"),
    ],
)
def test_options_are_checked_like_the_file(tmp_path: Path, setting: str, words: str) -> None:
    found = faults(tmp_path, HEAD + "design: [{rows: {a: {}}}]", settings=[setting])
    assert words in "\n".join(found)
    assert all(fault.startswith("--set") for fault in found)


def test_a_boolean_is_no_number_and_a_number_no_boolean(tmp_path: Path) -> None:
    text = "study: demo\nconfig: {loss: {margin: on, normalize_features: 1}}\ndesign: [{rows: {a: {}}}]"
    told = "\n".join(faults(tmp_path, text))
    assert "config.loss.margin: found on; accepted: a number" in told
    assert "config.loss.normalize_features: found 1; accepted: on or off" in told


PRESET = """\
study: demo
config: {preset: seed, data: {name: emoji, size: [32, 32]}, model: {pretrained: none}}
factors:
  omega: {sets: loss.omega, levels: [0.9, 0.7]}
design: [{rows: {one: {}}}]
profiles: {clean: {config: {preset: clean}}}
"""


def test_a_preset_lies_beneath_what_the_file_says(tmp_path: Path) -> None:
    study = read(tmp_path, PRESET)
    assert study.config["model"] == SEED["model"] | {"pretrained": "none"}
    assert study.config["data"] == {"name": "emoji", "size": [32, 32]}
    assert study.config["schedule"] == SEED["schedule"]
    assert "preset" not in study.config
    assert read(tmp_path, PRESET, profile="clean").config["model"]["stem_relu"] is True
    assert read(tmp_path, PRESET, settings=["config.preset=clean"]).config["model"]["bn_grouping"] == "fused"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("preset: seed", "preset: sed", "config.preset: unknown preset 'sed'"),
        ("preset: seed", "preset: [seed]", "config.preset"),
        ("study: demo", "study: demo\ntrainer: simulated", "config.preset: unknown preset 'seed'"),
        ("sets: loss.omega, levels: [0.9, 0.7]", "sets: preset, levels: [seed, clean]", "unknown config key 'preset'"),
    ],
)
def test_presets_that_are_none(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert any(words in fault for fault in faults(tmp_path, PRESET.replace(old, new)))


CLASHES = """\
study: demo
config: {model: {neck: none}, evaluate: {neck: after}, batch: {sampling: pk}, loss: {mining: batch-hard, omga: 1}}
factors:
  margin: {sets: loss.margin, levels: [0.3, 0.2]}
design: [{rows: {one: {}}}]
"""


def test_values_that_do_not_go_together_are_told_beside_other_faults_at_their_keys(tmp_path: Path) -> None:
    found = faults(tmp_path, CLASHES)
    assert [fault.split(": ")[1] for fault in found] == [
        "config.loss.omga",
        "config.batch.sampling",
        "config.evaluate.neck",
    ]
    assert all(fault.startswith("study.yaml:2: ") for fault in found)


def test_keys_that_vary_are_held_together_row_by_row(tmp_path: Path) -> None:
    text = """\
study: demo
factors:
  sampling: {sets: [batch.sampling, loss.mining], levels: {quad: [quadruplets, given], pk: [pk, batch-hard]}}
  grouping: {sets: model.bn_grouping, levels: [per_role, fused]}
design: [{rows: {fine: {}, pk: {sampling: pk, grouping: fused}}}]
"""
    assert len(trials(read(tmp_path, text))) == 2
    with pytest.raises(StudyError, match="row 'pk': pk sampling has no roles"):
        trials(read(tmp_path, text.replace(", grouping: fused", "")))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{loss: {metric: pml/CircleLoss, metric_options: {m: .nan}}}", "config.loss.metric_options: found {m: nan}"),
        ("{loss: {metric: pml/CircleLoss, metric_options: {m: [1, {a: .inf}]}}}", "accepted: finite numbers"),
        ("{amp: fp16, runtime: {device: cpu}}", "config.amp: fp16 needs a CUDA device"),
        ("{runtime: {device: gpu0}}", "accepted: auto, cpu, cuda, or cuda:N"),
        ("{loss: {metric: pml/SmoothAPLoss}}", "config.loss.metric: it wants as many images of each item"),
    ],
)
def test_what_a_trial_could_not_do_is_told_when_it_is_planned(tmp_path: Path, config: str, words: str) -> None:
    found = faults(tmp_path, filled("study: demo\nconfig: <config>\ndesign: [{rows: {one: {}}}]\n", config=config))
    assert any(words in fault for fault in found), found
